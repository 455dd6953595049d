package sql

import (
	"context"
	stdsql "database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/record"
)

// mssqlFlavor reads from Microsoft SQL Server.
type mssqlFlavor struct{ db *mssqlDB }

// snapshot begins a transaction of one moment. Where the database allows no
// snapshots, versioned rows at least make one moment of each statement; where
// it has neither, a read could see a row twice or not at all.
func (f *mssqlFlavor) snapshot(ctx context.Context) (*session, error) {
	s, err := f.db.connect(ctx)
	if err != nil {
		return nil, err
	}
	if err := f.begin(ctx, s); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (f *mssqlFlavor) begin(ctx context.Context, s *session) error {
	var snapshots, versions bool
	err := s.get(ctx, "SELECT CAST(snapshot_isolation_state AS bit), is_read_committed_snapshot_on FROM sys.databases WHERE database_id = DB_ID()",
		nil, &snapshots, &versions)
	if err != nil {
		return s.wrap(err, "ask how the database isolates reads")
	}
	level := "SNAPSHOT"
	switch {
	case !snapshots && !versions:
		return configError("database %q lets no read see one moment; ALTER DATABASE %[1]q SET ALLOW_SNAPSHOT_ISOLATION ON", f.db.config.Database)
	case !snapshots:
		level = "READ COMMITTED"
	}
	return s.exec(ctx, "begin to read", "SET TRANSACTION ISOLATION LEVEL "+level+"; BEGIN TRANSACTION")
}

func (f *mssqlFlavor) table(stream string) (string, error) {
	name, err := parseTable(stream)
	if err != nil {
		return "", err
	}
	return name.quoted(&f.db.words)
}

// skip knows names between brackets beside the standard.
func (f *mssqlFlavor) skip(text string) int {
	switch text[0] {
	case '[':
		return until(text, 1, "]")
	case '$':
		return 0
	}
	return skipQuoted(text)
}

// kind reads a column of a result. Numbers and times are asked for as texts,
// which hold all their digits; a binary float is read as it is.
func (f *mssqlFlavor) kind(ct *stdsql.ColumnType) sourceColumn {
	_, scale, ok := ct.DecimalSize()
	if !ok {
		scale = -1
	}
	return mssqlKind(ct.Name(), strings.ToUpper(ct.DatabaseTypeName()), scale)
}

func mssqlKind(name, base string, scale int64) sourceColumn {
	c := sourceColumn{name: name, base: base, selected: "{c}"}
	c.field = record.NewField(c.name, record.Text)
	switch c.base {
	case "TINYINT", "SMALLINT", "INT", "BIGINT":
		c.field.Kind = record.Integer
	case "DECIMAL":
		c.field.Kind, c.selected = record.Decimal, "CONVERT(varchar(60), {c})"
		if scale >= 0 && scale <= 38 {
			c.field.Scale = int32(scale)
		}
	case "MONEY", "SMALLMONEY":
		c.field.Kind, c.field.Scale, c.selected = record.Decimal, 4, "CONVERT(varchar(60), {c}, 2)"
	case "REAL", "FLOAT":
		c.field.Kind, c.field.Inexact, c.single = record.Decimal, true, c.base == "REAL"
	case "BIT":
		c.field.Kind = record.Boolean
	case "DATE":
		c.field.Kind, c.selected = record.Date, "CONVERT(varchar(10), {c}, 23)"
	case "DATETIME", "DATETIME2", "SMALLDATETIME":
		c.field.Kind, c.local, c.selected = record.Timestamp, true, "CONVERT(varchar(33), {c}, 126)"
	case "DATETIMEOFFSET":
		c.field.Kind, c.selected = record.Timestamp, "CONVERT(varchar(40), {c}, 126)"
	case "TIME":
		c.selected = "CONVERT(varchar(16), {c})"
	case "UNIQUEIDENTIFIER":
		c.selected = "CONVERT(varchar(36), {c})"
	case "BINARY", "VARBINARY":
		c.selected = `'\x' + LOWER(CONVERT(varchar(max), {c}, 2))`
	case "IMAGE":
		c.selected = `'\x' + LOWER(CONVERT(varchar(max), CONVERT(varbinary(max), {c}), 2))`
	case "SQL_VARIANT", "XML":
		c.selected = "CONVERT(nvarchar(max), {c})"
	}
	return c
}

func (f *mssqlFlavor) bound(ctx context.Context, s *session, q *query, cursor *connectors.Cursor) (*bounds, error) {
	return boundBy(ctx, mssqlBounds{}, s, q, cursor)
}

func (f *mssqlFlavor) streams(ctx context.Context, s *session) (names []string, err error) {
	err = s.conn.SelectContext(ctx, &names, `SELECT CASE WHEN table_schema = SCHEMA_NAME() THEN table_name ELSE table_schema + '.' + table_name END
		FROM information_schema.tables ORDER BY 1`)
	return names, s.wrap(err, "list the tables")
}

// mssqlBounds writes the bounds of a cursor for SQL Server. Texts order there
// by their collation, so they are no cursor.
type mssqlBounds struct{}

func (mssqlBounds) compare(c *sourceColumn, key record.Kind) (expr, typ string) {
	switch {
	case key == record.Integer && c.field.Kind == record.Integer:
		typ = "bigint"
	case key == record.Integer && c.base == "DECIMAL":
		typ = "decimal(38,0)"
	case key == record.Date && c.base == "DATE":
		typ = "date"
	case key == record.Timestamp && c.base == "DATETIME":
		typ = "datetime"
	case key == record.Timestamp && c.local:
		typ = "datetime2(7)"
	case key == record.Timestamp && c.base == "DATETIMEOFFSET":
		typ = "datetimeoffset(7)"
	}
	return c.quoted, typ
}

// literal of a datetime goes through a type that reads any fraction; its own
// steps are thirds of a hundredth.
func (mssqlBounds) literal(text, typ string) string {
	if typ == "datetime" {
		return "CAST(CAST(" + literal(text) + " AS datetime2(7)) AS datetime)"
	}
	return "CAST(" + literal(text) + " AS " + typ + ")"
}

func (mssqlBounds) text(expr, typ string) string {
	switch typ {
	case "date":
		return "CONVERT(varchar(10), " + expr + ", 23)"
	case "datetime", "datetime2(7)", "datetimeoffset(7)":
		return "CONVERT(varchar(40), CAST(" + expr + " AS " + typ + "), 126)"
	}
	return "CONVERT(varchar(60), " + expr + ")"
}

// move adds in two steps, as one number may be no larger than 2147483647.
func (mssqlBounds) move(expr, typ string, by time.Duration) string {
	if typ == "date" {
		days := by / (24 * time.Hour)
		if by > 0 {
			days = max(1, days)
		} else if by%(24*time.Hour) != 0 {
			days--
		}
		return fmt.Sprintf("DATEADD(day, %d, %s)", days, expr)
	}
	rest := by % time.Second
	if typ == "datetime" {
		return fmt.Sprintf("DATEADD(millisecond, %d, DATEADD(second, %d, %s))", rest.Milliseconds(), by/time.Second, expr)
	}
	return fmt.Sprintf("DATEADD(microsecond, %d, DATEADD(second, %d, CAST(%s AS %s)))", rest.Microseconds(), by/time.Second, expr, typ)
}

func (mssqlBounds) ends(typ string) (lowest, highest string) {
	switch typ {
	case "date":
		return "0001-01-01", "9999-12-31"
	case "datetime":
		return "1753-01-01 00:00:00", "9999-12-31 23:59:59.997"
	case "datetime2(7)", "datetimeoffset(7)":
		return "0001-01-01 00:00:00", "9999-12-31 23:59:59.9999999"
	}
	return "-9223372036854775808", "9223372036854775807"
}
