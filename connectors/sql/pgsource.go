package sql

import (
	"context"
	stdsql "database/sql"
	"fmt"
	"time"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/record"
)

// postgresFlavor reads from PostgreSQL.
type postgresFlavor struct{ db *postgres }

func (f *postgresFlavor) snapshot(ctx context.Context) (*session, error) {
	s, err := f.db.connect(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.exec(ctx, "begin to read", "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (f *postgresFlavor) table(stream string) (string, error) {
	name, err := parseTable(stream)
	if err != nil {
		return "", err
	}
	return name.quoted(&f.db.words)
}

func (f *postgresFlavor) skip(text string) int { return skipQuoted(text) }

// kind reads a column of a result. Texts are asked for wherever the driver
// would make something else of a value.
func (f *postgresFlavor) kind(ct *stdsql.ColumnType) sourceColumn {
	c := sourceColumn{name: ct.Name(), base: ct.DatabaseTypeName(), selected: "{c}"}
	c.field = record.NewField(c.name, record.Text)
	switch c.base {
	case "INT2", "INT4", "INT8":
		c.field.Kind = record.Integer
	case "NUMERIC":
		c.field.Kind = record.Decimal
		if _, scale, ok := ct.DecimalSize(); ok && scale >= 0 && scale <= 1000 {
			c.field.Scale = int32(scale)
		}
	case "FLOAT4", "FLOAT8":
		c.field.Kind, c.field.Inexact, c.selected = record.Decimal, true, "{c}::text"
	case "MONEY":
		c.field.Kind, c.selected = record.Decimal, "{c}::numeric"
	case "BOOL":
		c.field.Kind = record.Boolean
	case "DATE":
		c.field.Kind, c.selected = record.Date, "{c}::text"
	case "TIMESTAMPTZ":
		c.field.Kind, c.selected, c.stamp = record.Timestamp, "{c}::text", true
	case "TIMESTAMP":
		c.field.Kind, c.selected, c.local = record.Timestamp, "{c}::text", true
	case "TIME", "TIMETZ", "BYTEA", "CHAR":
		c.selected = "{c}::text"
	}
	return c
}

func (f *postgresFlavor) streams(ctx context.Context, s *session) (names []string, err error) {
	err = s.conn.SelectContext(ctx, &names, `SELECT CASE WHEN n.nspname = current_schema() THEN c.relname ELSE n.nspname || '.' || c.relname END
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\_%'
			AND has_table_privilege(c.oid, 'SELECT') ORDER BY 1`)
	return names, s.wrap(err, "list the tables")
}

func (f *postgresFlavor) bound(ctx context.Context, s *session, q *query, cursor *connectors.Cursor) (*bounds, error) {
	return boundBy(ctx, pgBounds{}, s, q, cursor)
}

// pgBounds writes the bounds of a cursor for PostgreSQL.
type pgBounds struct{}

func (pgBounds) compare(c *sourceColumn, key record.Kind) (expr, typ string) {
	switch {
	case key == record.Integer && c.field.Kind == record.Integer:
		typ = "bigint"
	case key == record.Integer && c.base == "NUMERIC":
		typ = "numeric"
	case key == record.Date && c.base == "DATE":
		typ = "date"
	case key == record.Timestamp && c.local:
		typ = "timestamp"
	case key == record.Timestamp && c.stamp:
		typ = "timestamptz"
	case key == record.Text && c.field.Kind == record.Text:
		return "(" + c.quoted + `::text COLLATE "C")`, "text"
	}
	return c.quoted, typ
}

func (pgBounds) literal(text, typ string) string { return literal(text) + "::" + typ }

func (pgBounds) text(expr, _ string) string { return "(" + expr + ")::text" }

func (pgBounds) move(expr, typ string, by time.Duration) string {
	if days := by / (24 * time.Hour); typ == "date" && by > 0 {
		return fmt.Sprintf("%s + %d", expr, max(1, days))
	}
	return fmt.Sprintf("(%s + interval '%d microseconds')::%s", expr, by.Microseconds(), typ)
}

func (pgBounds) ends(typ string) (lowest, highest string) {
	switch typ {
	case "bigint", "numeric":
		return "-9223372036854775808", "9223372036854775807"
	case "text":
		return "", ""
	}
	return "-infinity", "infinity"
}
