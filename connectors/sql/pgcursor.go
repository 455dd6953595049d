package sql

import (
	"context"
	stdsql "database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
	"github.com/tieout/tieout/transforms/calendar"
)

// pgCursor is the cursor of one read, as SQL.
type pgCursor struct {
	s       *session
	q       *query
	expr    string // what is compared and ordered by
	typ     string // the type of bounds
	cursor  *connectors.Cursor
	from    string // bounds as the column writes them, "" for none
	to      string
	upper   string // the fixed upper end, "" when there are no rows
	started bool   // the first window has been read
}

// bound fixes the upper end inside the snapshot.
func (f *postgresFlavor) bound(ctx context.Context, s *session, q *query, cursor *connectors.Cursor) (*bounds, error) {
	c := &pgCursor{s: s, q: q, cursor: cursor}
	if err := c.compare(); err != nil {
		return nil, err
	}
	var err error
	if c.from, err = c.normal(cursor.From, false); err != nil {
		return nil, err
	}
	if c.to, err = c.normal(cursor.To, true); err != nil {
		return nil, err
	}
	b := &bounds{lowerParam: c.lowest(), next: c.whole}
	if c.from != "" {
		b.lowerParam = c.literal(c.from)
	}
	if b.upperParam, err = c.highest(); err != nil {
		return nil, err
	}
	if c.upper = c.to; c.to == "" {
		if err := c.freeze(ctx, b); err != nil {
			return nil, err
		}
	}
	if c.upper != "" {
		b.upperParam = c.literal(c.upper)
	}
	if cursor.Window > 0 && q.key != record.Integer && q.key != record.Text && c.upper != "" {
		b.next = func(ctx context.Context) (string, bool, error) { return c.window(ctx, b) }
	}
	b.upper = c.shown()
	return b, nil
}

// shown is the upper end as the field's values are written; what is no value,
// such as infinity, stays as the column has it.
func (c *pgCursor) shown() string {
	text := c.upper
	if c.q.cursor.stamp {
		text = strings.Replace(text, "+00", "Z", 1)
	}
	if v, err := calendar.ParseTimestamp([]byte(text), c.q.read.Zone); err == nil && c.q.key == record.Timestamp {
		return string(record.AppendTimestamp(nil, v))
	}
	return c.upper
}

// compare chooses how the column is compared: as the runner compares the
// field's values, which for texts is byte by byte.
func (c *pgCursor) compare() error {
	column, key := c.q.cursor, c.q.key
	c.expr = column.quoted
	switch {
	case key == record.Integer && column.field.Kind == record.Integer:
		c.typ = "bigint"
	case key == record.Integer && column.base == "NUMERIC":
		c.typ = "numeric"
	case key == record.Date && column.base == "DATE":
		c.typ = "date"
	case key == record.Timestamp && column.local:
		c.typ = "timestamp"
	case key == record.Timestamp && column.stamp:
		c.typ = "timestamptz"
	case key == record.Text && column.field.Kind == record.Text:
		c.typ, c.expr = "text", "("+column.quoted+`::text COLLATE "C")`
	default:
		return configError("%s: cursor field %q is declared %s and its column is %s, which do not order alike; leave the declaration out, or convert the column in a query",
			document.CodeSourceCursor, c.cursor.Field, key, strings.ToLower(column.base))
	}
	return nil
}

// normal checks a bound and writes it the way the column does. A date bounds
// timestamps as the whole of its day.
func (c *pgCursor) normal(text string, upper bool) (string, error) {
	if text == "" {
		return "", nil
	}
	zone := c.q.read.Zone
	if zone == nil {
		zone = time.UTC
	}
	caster, err := connectors.NewCaster(connectors.FieldSpec{Name: c.cursor.Field, Kind: c.q.key, Scale: record.NoScale}, '.', zone)
	if err != nil {
		return "", configError("%w", err)
	}
	var one record.Column
	one.Reset(c.q.key, 1)
	if day, ok := connectors.DayBound(text, zone, upper); ok && c.q.key == record.Timestamp {
		one.SetInt(0, day)
	} else if _, err := caster.Cast(&one, 0, []byte(text)); err != nil || strings.IndexByte(text, 0) >= 0 {
		return "", configError("%s: %q is no value of the cursor field %q, which is %s", document.CodeSourceCursor, text, c.cursor.Field, c.q.key)
	}
	if c.q.cursor.local && c.q.key == record.Timestamp {
		return time.UnixMicro(one.Ints[0]).In(zone).Format("2006-01-02 15:04:05.999999"), nil
	}
	return string(record.AppendValue(nil, &record.Field{Kind: c.q.key, Scale: record.NoScale}, &one, 0)), nil
}

func (c *pgCursor) literal(text string) string { return literal(text) + "::" + c.typ }

// lowest stands for :cursor when there is no lower bound.
func (c *pgCursor) lowest() string {
	switch c.typ {
	case "bigint", "numeric":
		return c.literal("-9223372036854775808")
	case "text":
		return c.literal("")
	}
	return c.literal("-infinity")
}

// highest stands for :upper while the upper bound is looked for.
func (c *pgCursor) highest() (string, error) {
	switch c.typ {
	case "bigint", "numeric":
		return c.literal("9223372036854775807"), nil
	case "text":
		if strings.Contains(c.q.from("", ":tieout:"), ":tieout:") {
			return "", configError("%s: a query with :upper needs a cursor that is a number, date or timestamp; %q is text", document.CodeSourceCursor, c.cursor.Field)
		}
		return "NULL", nil
	}
	return c.literal("infinity"), nil
}

// freeze reads the largest value there is, less the lag.
func (c *pgCursor) freeze(ctx context.Context, b *bounds) error {
	largest := "max(" + c.expr + ")"
	if lag := c.cursor.Lag.Microseconds(); lag > 0 {
		switch c.q.key {
		case record.Timestamp, record.Date:
			largest = fmt.Sprintf("(%s - interval '%d microseconds')::%s", largest, lag, c.typ)
		}
	}
	var upper stdsql.NullString
	err := c.s.get(ctx, "SELECT "+largest+"::text FROM "+c.q.from(b.lowerParam, b.upperParam), nil, &upper)
	c.upper = upper.String
	return c.s.wrap(err, "read the largest %q of %s", c.cursor.Field, c.q.input)
}

// whole is the one select of a read without windows. Its rows are in the order
// of the cursor when it goes on from somewhere. A first read is not sorted:
// all its rows are one load in one snapshot, and sorting a whole table costs
// more than reading it. The key is never part of the order, as no run stops
// inside a read.
func (c *pgCursor) whole(context.Context) (string, bool, error) {
	parts := c.within("<=", c.from, c.upper)
	clause := " WHERE " + c.orNull(strings.Join(parts, " AND "))
	if c.from != "" {
		clause += " ORDER BY " + c.expr
	}
	return clause, false, nil
}

// within writes lower <= cursor and cursor <= (or <) upper; without an upper
// end there is no row.
func (c *pgCursor) within(below, lower, upper string) (parts []string) {
	if lower != "" {
		parts = append(parts, c.expr+" >= "+c.literal(lower))
	}
	if upper == "" && c.typ != "text" {
		return append(parts, "FALSE")
	}
	return append(parts, c.expr+" "+below+" "+c.literal(upper))
}

// orNull adds the rows without a cursor, so that the runner can hold them. A
// range asked for by hand has no place for them.
func (c *pgCursor) orNull(condition string) string {
	if c.cursor.To != "" {
		return condition
	}
	return "(" + condition + ") OR " + c.q.cursor.quoted + " IS NULL"
}

// window is the next slice, which begins at the next value there is, so that
// gaps cost nothing.
func (c *pgCursor) window(ctx context.Context, b *bounds) (string, bool, error) {
	width := fmt.Sprintf("interval '%d microseconds'", c.cursor.Window.Microseconds())
	if c.typ == "date" {
		width = fmt.Sprintf("%d", max(1, int64(c.cursor.Window/(24*time.Hour))))
	}
	var start, end stdsql.NullString
	err := c.s.get(ctx, "SELECT min("+c.expr+")::text, (min("+c.expr+") + "+width+")::text FROM "+c.q.from(b.lowerParam, b.upperParam)+
		" WHERE "+strings.Join(c.within("<=", c.from, c.upper), " AND "), nil, &start, &end)
	if err != nil {
		return "", false, err
	}
	first := !c.started
	c.started = true
	parts := []string{"FALSE"}
	if start.Valid && start.String != end.String {
		parts = append(c.within("<", start.String, end.String), c.within("<=", "", c.upper)...)
		c.from = end.String
	} else if start.Valid { // infinity: no width moves on from there
		parts = c.within("<=", start.String, c.upper)
	}
	clause := strings.Join(parts, " AND ")
	if first {
		clause = c.orNull(clause)
	}
	return " WHERE " + clause + " ORDER BY " + c.expr, start.Valid && start.String != end.String, nil
}
