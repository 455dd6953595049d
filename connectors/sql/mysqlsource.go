package sql

import (
	"context"
	stdsql "database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/record"
)

// mysqlFlavor reads from MySQL and MariaDB.
type mysqlFlavor struct{ db *mysqlDB }

func (f *mysqlFlavor) snapshot(ctx context.Context) (*session, error) {
	s, err := f.db.open(ctx, mysqlReadModes, "REPEATABLE READ")
	if err != nil {
		return nil, err
	}
	if err := s.exec(ctx, "begin to read", "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (f *mysqlFlavor) table(stream string) (string, error) {
	name, err := parseTable(stream)
	if err != nil {
		return "", err
	}
	return name.quoted(&f.db.words)
}

// skip knows what MySQL has beside the standard: names between backticks,
// comments behind #, and backslashes in strings.
func (f *mysqlFlavor) skip(text string) int {
	switch text[0] {
	case '\'', '"':
		for i := 1; i < len(text); i++ {
			switch text[i] {
			case '\\':
				i++
			case text[0]:
				return i + 1
			}
		}
		return len(text)
	case '`':
		return until(text, 1, "`")
	case '#':
		return until(text, 1, "\n")
	case '$':
		return 0
	}
	return skipQuoted(text)
}

// mostScale is the most digits MySQL keeps after a point. Decimals without a
// scale of their own are kept with as many, so the zeros there say nothing.
const mostScale = 30

// kind reads a column of a result. Bytes that are no text come as `\x` and
// hexadecimal digits, as PostgreSQL writes them.
func (f *mysqlFlavor) kind(ct *stdsql.ColumnType) sourceColumn {
	c := sourceColumn{name: ct.Name(), base: ct.DatabaseTypeName(), selected: "{c}"}
	c.field = record.NewField(c.name, record.Text)
	switch strings.TrimPrefix(c.base, "UNSIGNED ") {
	case "TINYINT", "SMALLINT", "MEDIUMINT", "INT", "BIGINT", "YEAR":
		c.field.Kind = record.Integer
	case "BIT":
		c.field.Kind, c.selected = record.Integer, "CAST({c} AS UNSIGNED)"
	case "DECIMAL":
		c.field.Kind = record.Decimal
		if _, scale, ok := ct.DecimalSize(); ok && scale >= 0 && scale < mostScale {
			c.field.Scale = int32(scale)
		} else {
			c.padded = true
		}
	case "FLOAT": // as text it is cut to six digits
		c.field.Kind, c.field.Inexact, c.single, c.selected = record.Decimal, true, true, "CAST({c} AS DOUBLE)"
	case "DOUBLE":
		c.field.Kind, c.field.Inexact = record.Decimal, true
	case "DATE":
		c.field.Kind = record.Date
	case "TIMESTAMP":
		c.field.Kind, c.zoned = record.Timestamp, true
	case "DATETIME":
		c.field.Kind, c.local = record.Timestamp, true
	}
	if slices.Contains(mysqlBinary(), c.base) {
		c.selected = `CONCAT('\\x', LOWER(HEX({c})))`
	}
	return c
}

// mysqlBinary are the types of bytes that are no text.
func mysqlBinary() []string {
	return []string{"BINARY", "VARBINARY", "TINYBLOB", "BLOB", "MEDIUMBLOB", "LONGBLOB", "GEOMETRY", "VECTOR"}
}

func (f *mysqlFlavor) bound(ctx context.Context, s *session, q *query, cursor *connectors.Cursor) (*bounds, error) {
	return boundBy(ctx, mysqlBounds{}, s, q, cursor)
}

func (f *mysqlFlavor) streams(ctx context.Context, s *session) (names []string, err error) {
	err = s.conn.SelectContext(ctx, &names, `SELECT CASE WHEN table_schema = DATABASE() THEN table_name ELSE CONCAT(table_schema, '.', table_name) END
		FROM information_schema.tables WHERE table_schema NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys') ORDER BY 1`)
	return names, s.wrap(err, "list the tables")
}

// mysqlBounds writes the bounds of a cursor for MySQL. Its types are the ones
// that CAST and literals know.
type mysqlBounds struct{}

func (mysqlBounds) compare(c *sourceColumn, key record.Kind) (expr, typ string) {
	switch {
	case key == record.Integer && c.field.Kind == record.Integer && c.base != "BIT":
		typ = "SIGNED"
	case key == record.Integer && c.base == "DECIMAL":
		typ = "DECIMAL"
	case key == record.Date && c.base == "DATE":
		typ = "DATE"
	case key == record.Timestamp && (c.local || c.zoned):
		typ = "TIMESTAMP"
	case key == record.Text && c.field.Kind == record.Text && !slices.Contains(mysqlBinary(), c.base):
		return "CAST(CONVERT(" + c.quoted + " USING utf8mb4) AS BINARY)", "BINARY"
	}
	return c.quoted, typ
}

func (mysqlBounds) literal(text, typ string) string {
	switch typ {
	case "DATE", "TIMESTAMP":
		return typ + mysqlLiteral(text)
	case "BINARY":
		return mysqlBytes(mysqlLiteral(text))
	}
	return text // a whole number: it has been read as one
}

func (mysqlBounds) text(expr, typ string) string {
	if typ == "BINARY" {
		return expr
	}
	return "CAST(" + expr + " AS CHAR)"
}

func (mysqlBounds) move(expr, typ string, by time.Duration) string {
	if typ == "DATE" {
		days := by / (24 * time.Hour)
		if by > 0 {
			days = max(1, days)
		} else if by%(24*time.Hour) != 0 {
			days--
		}
		return fmt.Sprintf("DATE_ADD(%s, INTERVAL %d DAY)", expr, days)
	}
	return fmt.Sprintf("DATE_ADD(%s, INTERVAL %d MICROSECOND)", expr, by.Microseconds())
}

func (mysqlBounds) ends(typ string) (lowest, highest string) {
	switch typ {
	case "DATE":
		return "0000-01-01", "9999-12-31"
	case "TIMESTAMP":
		return "0000-01-01 00:00:00", "9999-12-31 23:59:59.999999"
	case "BINARY":
		return "", ""
	}
	return "-9223372036854775808", "9223372036854775807"
}
