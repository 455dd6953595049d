package sql

import (
	"context"
	stdsql "database/sql"
	"strings"
	"time"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
	"github.com/tieout/tieout/transforms/calendar"
)

// cursorWords are how a database writes the bounds of a cursor.
type cursorWords interface {
	// compare is what is compared and ordered by, in the order in which the
	// runner compares values of the kind, and its type; "" when there is none.
	compare(c *sourceColumn, key record.Kind) (expr, typ string)
	// literal writes a bound, and text an expression as the text of one.
	literal(text, typ string) string
	text(expr, typ string) string
	// move adds to an expression: microseconds, or to a date whole days.
	move(expr, typ string, by time.Duration) string
	// ends are below and above all values; "" for the end there is not.
	ends(typ string) (lowest, highest string)
}

// sqlCursor is the cursor of one read, as SQL.
type sqlCursor struct {
	s       *session
	q       *query
	words   cursorWords
	expr    string // what is compared and ordered by
	typ     string // the type of bounds
	cursor  *connectors.Cursor
	from    string // bounds as the column writes them, "" for none
	to      string
	upper   string // the fixed upper end, "" when there are no rows
	started bool   // the first window has been read
}

// boundBy fixes the upper end inside the snapshot.
func boundBy(ctx context.Context, words cursorWords, s *session, q *query, cursor *connectors.Cursor) (*bounds, error) {
	c := &sqlCursor{s: s, q: q, words: words, cursor: cursor}
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
	b := &bounds{next: c.whole}
	if b.lowerParam, b.upperParam, err = c.open(); err != nil {
		return nil, err
	}
	if c.from != "" {
		b.lowerParam = c.literal(c.from)
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
func (c *sqlCursor) shown() string {
	text, zone := c.upper, time.UTC
	if c.q.cursor.stamp {
		text = strings.Replace(text, "+00", "Z", 1)
	}
	if c.q.cursor.local {
		zone = c.q.read.Zone
	}
	if v, err := calendar.ParseTimestamp([]byte(text), zone); err == nil && c.q.key == record.Timestamp {
		return string(record.AppendTimestamp(nil, v))
	}
	return c.upper
}

// compare chooses how the column is compared: as the runner compares the
// field's values, which for texts is byte by byte.
func (c *sqlCursor) compare() error {
	if c.expr, c.typ = c.words.compare(c.q.cursor, c.q.key); c.typ != "" {
		return nil
	}
	return configError("%s: cursor field %q is declared %s and its column is %s, which do not order alike; leave the declaration out, or convert the column in a query",
		document.CodeSourceCursor, c.cursor.Field, c.q.key, strings.ToLower(c.q.cursor.base))
}

// normal checks a bound and writes it the way the column does. A date bounds
// timestamps as the whole of its day.
func (c *sqlCursor) normal(text string, upper bool) (string, error) {
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
	if c.q.key == record.Timestamp {
		if !c.q.cursor.local {
			zone = time.UTC
		}
		return time.UnixMicro(one.Ints[0]).In(zone).Format("2006-01-02 15:04:05.999999"), nil
	}
	return string(record.AppendValue(nil, &record.Field{Kind: c.q.key, Scale: record.NoScale}, &one, 0)), nil
}

func (c *sqlCursor) literal(text string) string { return c.words.literal(text, c.typ) }

// open gives what stands for :cursor and :upper where there is no bound.
func (c *sqlCursor) open() (lower, upper string, err error) {
	lowest, highest := c.words.ends(c.typ)
	if highest != "" {
		return c.literal(lowest), c.literal(highest), nil
	}
	if strings.Contains(c.q.from("", ":tieout:"), ":tieout:") {
		return "", "", configError("%s: a query with :upper needs a cursor that is a number, date or timestamp; %q is text", document.CodeSourceCursor, c.cursor.Field)
	}
	return c.literal(lowest), "NULL", nil
}

// freeze reads the largest value there is, less the lag.
func (c *sqlCursor) freeze(ctx context.Context, b *bounds) error {
	largest := "max(" + c.expr + ")"
	if c.cursor.Lag > 0 && (c.q.key == record.Timestamp || c.q.key == record.Date) {
		largest = c.words.move(largest, c.typ, -c.cursor.Lag)
	}
	var upper stdsql.NullString
	err := c.s.get(ctx, "SELECT "+c.words.text(largest, c.typ)+" FROM "+c.q.from(b.lowerParam, b.upperParam), nil, &upper)
	c.upper = upper.String
	return c.s.wrap(err, "read the largest %q of %s", c.cursor.Field, c.q.input)
}

// whole is the one select of a read without windows. Its rows are in the order
// of the cursor when it goes on from somewhere. A first read is not sorted:
// all its rows are one load in one snapshot, and sorting a whole table costs
// more than reading it. The key is never part of the order, as no run stops
// inside a read.
func (c *sqlCursor) whole(context.Context) (string, bool, error) {
	parts := c.within("<=", c.from, c.upper)
	clause := " WHERE " + c.orNull(strings.Join(parts, " AND "))
	if c.from != "" {
		clause += " ORDER BY " + c.expr
	}
	return clause, false, nil
}

// within writes lower <= cursor and cursor <= (or <) upper; without an upper
// end there is no row.
func (c *sqlCursor) within(below, lower, upper string) (parts []string) {
	if lower != "" {
		parts = append(parts, c.expr+" >= "+c.literal(lower))
	}
	if upper == "" && c.typ != "text" {
		return append(parts, "1 = 0")
	}
	return append(parts, c.expr+" "+below+" "+c.literal(upper))
}

// orNull adds the rows without a cursor, so that the runner can hold them. A
// range asked for by hand has no place for them.
func (c *sqlCursor) orNull(condition string) string {
	if c.cursor.To != "" {
		return condition
	}
	return "(" + condition + ") OR " + c.q.cursor.quoted + " IS NULL"
}

// window is the next slice, which begins at the next value there is, so that
// gaps cost nothing.
func (c *sqlCursor) window(ctx context.Context, b *bounds) (string, bool, error) {
	least := "min(" + c.expr + ")"
	var start, end stdsql.NullString
	err := c.s.get(ctx, "SELECT "+c.words.text(least, c.typ)+", "+c.words.text(c.words.move(least, c.typ, c.cursor.Window), c.typ)+" FROM "+c.q.from(b.lowerParam, b.upperParam)+
		" WHERE "+strings.Join(c.within("<=", c.from, c.upper), " AND "), nil, &start, &end)
	if err != nil {
		return "", false, err
	}
	first := !c.started
	c.started = true
	parts := []string{"1 = 0"}
	if end.Valid && start.String != end.String {
		parts = append(c.within("<", start.String, end.String), c.within("<=", "", c.upper)...)
		c.from = end.String
	} else if start.Valid { // infinity: no width moves on from there
		parts = c.within("<=", start.String, c.upper)
	}
	clause := strings.Join(parts, " AND ")
	if first {
		clause = c.orNull(clause)
	}
	return " WHERE " + clause + " ORDER BY " + c.expr, end.Valid && start.String != end.String, nil
}
