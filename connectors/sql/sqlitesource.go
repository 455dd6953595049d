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

// sqliteFlavor reads from SQLite.
type sqliteFlavor struct{ db *sqliteDB }

func (f *sqliteFlavor) snapshot(ctx context.Context) (*session, error) {
	s, err := f.db.read(ctx)
	if err != nil {
		return nil, err
	}
	// The snapshot begins with the first statement that reads the file.
	if err := s.exec(ctx, "begin to read", "BEGIN DEFERRED"); err != nil {
		s.close()
		return nil, err
	}
	var tables int
	if err := s.get(ctx, "SELECT count(*) FROM sqlite_schema", nil, &tables); err != nil {
		s.close()
		return nil, s.wrap(err, "read the list of tables")
	}
	return s, nil
}

func (f *sqliteFlavor) table(stream string) (string, error) { return f.db.words.quote(stream) }

func (f *sqliteFlavor) skip(text string) int { return skipQuoted(text) }

// kind reads the declared type. SQLite stores what it is given under any
// type, so every value is read as text where it is not what was declared.
func (f *sqliteFlavor) kind(ct *stdsql.ColumnType) sourceColumn {
	c := sourceColumn{name: ct.Name(), base: strings.ToUpper(ct.DatabaseTypeName()), selected: "{c}"}
	c.field = record.NewField(c.name, record.Text)
	declared := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(c.base, w) {
				return true
			}
		}
		return false
	}
	switch {
	case declared("BOOL"):
		c.field.Kind = record.Boolean
	case declared("DATETIME", "TIMESTAMP"): // the driver would make times of texts
		c.field.Kind, c.selected = record.Timestamp, "CAST({c} AS TEXT)"
	case declared("DATE"):
		c.field.Kind, c.selected = record.Date, "CAST({c} AS TEXT)"
	case declared("INT"):
		c.field.Kind = record.Integer
	case declared("REAL", "FLOA", "DOUB"):
		c.field.Kind, c.field.Inexact = record.Decimal, true
	case declared("DEC", "NUMERIC"):
		c.field.Kind, c.narrow = record.Decimal, true
	}
	return c
}

func (f *sqliteFlavor) streams(ctx context.Context, s *session) (names []string, err error) {
	err = s.conn.SelectContext(ctx, &names, `SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\_%' ESCAPE '\' ORDER BY name`)
	return names, s.wrap(err, "list the tables")
}

// liteCursor is the cursor of one read. SQLite keeps dates and times as
// texts: those of one form compare like the values they stand for, the others
// are compared here, once they are read.
type liteCursor struct {
	q       *query
	cursor  *connectors.Cursor
	expr    string
	caster  *connectors.Caster
	texts   bool // the texts of the column compare like its values
	min     int64
	max     int64
	bounded bool // min and max hold
}

// bound fixes the upper end. A snapshot never grows, so a window would only
// cost: it is read in one.
func (f *sqliteFlavor) bound(ctx context.Context, s *session, q *query, cursor *connectors.Cursor) (*bounds, error) {
	c := &liteCursor{q: q, cursor: cursor, expr: q.cursor.quoted, min: -1 << 63, max: 1<<63 - 1}
	if err := c.prepare(); err != nil {
		return nil, err
	}
	b := &bounds{lowerParam: c.lowest(), upperParam: c.highest()}
	upper := cursor.To
	if upper == "" && c.texts {
		var largest stdsql.NullString
		if err := s.get(ctx, "SELECT CAST(max("+c.expr+") AS TEXT) FROM "+q.from(c.lowest(), c.highest()), nil, &largest); err != nil {
			return nil, s.wrap(err, "read the largest %q of %s", cursor.Field, q.input)
		}
		upper = c.lagged(largest.String)
	}
	b.upper = upper
	conditions, err := c.conditions(b, upper)
	if err != nil {
		return nil, err
	}
	if c.bounded {
		b.exact = func(v int64) bool { return v >= c.min && v <= c.max }
	}
	b.next = func(context.Context) (string, bool, error) {
		if len(conditions) == 0 {
			return "", false, nil
		}
		clause := "(" + strings.Join(conditions, " AND ") + ")"
		if cursor.To == "" {
			clause += " OR " + q.cursor.quoted + " IS NULL"
		}
		return " WHERE " + clause + " ORDER BY " + c.expr, false, nil
	}
	return b, nil
}

func (c *liteCursor) prepare() error {
	spec := connectors.FieldSpec{Name: c.cursor.Field, Kind: c.q.key, Scale: record.NoScale}
	c.texts = true
	for i := range c.q.read.Fields {
		if f := &c.q.read.Fields[i]; f.Name == c.cursor.Field && f.Pattern != "" {
			c.texts = false
		}
	}
	switch c.q.key {
	case record.Integer:
		if c.q.cursor.field.Kind != record.Integer {
			c.expr = "CAST(" + c.expr + " AS INTEGER)"
		}
	case record.Text, record.Date, record.Month, record.Timestamp:
		c.expr = "CAST(" + c.expr + " AS TEXT) COLLATE BINARY"
	default:
		return configError("%s: cursor field %q is %s; a cursor is an integer, date, month, timestamp or text", document.CodeSourceCursor, c.cursor.Field, c.q.key)
	}
	zone := c.q.read.Zone
	if zone == nil {
		zone = time.UTC
	}
	var err error
	c.caster, err = connectors.NewCaster(spec, '.', zone)
	return err
}

// end reads one end of the read. A date that was asked for bounds timestamps
// as the whole of its day.
func (c *liteCursor) end(text string, lower bool) (int64, bool) {
	if c.q.key == record.Timestamp && (lower || c.cursor.To != "") {
		if day, ok := connectors.DayBound(text, c.q.read.Zone, !lower); ok {
			return day, true
		}
	}
	return c.value(text)
}

// value reads a value of the column.
func (c *liteCursor) value(text string) (int64, bool) {
	var one record.Column
	one.Reset(c.q.key, 1)
	if _, err := c.caster.Cast(&one, 0, []byte(text)); err != nil || strings.IndexByte(text, 0) >= 0 {
		return 0, false
	}
	if c.q.key == record.Text {
		return 0, true
	}
	return one.Ints[0], true
}

// lagged takes the lag off the largest value. One that cannot be read bounds
// nothing: its record will be held.
func (c *liteCursor) lagged(text string) string {
	v, ok := c.value(text)
	if c.cursor.Lag <= 0 || !ok {
		return text
	}
	switch c.q.key {
	case record.Timestamp:
		v -= c.cursor.Lag.Microseconds()
	case record.Date:
		v -= int64((c.cursor.Lag + 24*time.Hour - 1) / (24 * time.Hour))
	default:
		return text
	}
	one := record.Column{Kind: c.q.key, Presence: []record.Presence{record.Value}, Ints: []int64{v}}
	return string(record.AppendValue(nil, &record.Field{Kind: c.q.key, Scale: record.NoScale}, &one, 0))
}

// conditions are what SQL can say about the bounds; what it cannot is left to
// the exact comparison.
func (c *liteCursor) conditions(b *bounds, upper string) (conditions []string, err error) {
	for i, text := range []string{c.cursor.From, upper} {
		if text == "" {
			continue
		}
		lower := i == 0
		v, ok := c.end(text, lower)
		if !ok && text != upper {
			return nil, configError("%s: %q is no value of the cursor field %q, which is %s", document.CodeSourceCursor, text, c.cursor.Field, c.q.key)
		}
		if !ok {
			continue
		}
		said, param := c.say(lower, text, v)
		if lower {
			c.min, b.lowerParam = v, param
		} else {
			c.max, b.upperParam = v, param
		}
		c.bounded = c.bounded || c.q.key == record.Timestamp || !c.texts
		if said {
			conditions = append(conditions, c.expr+map[bool]string{true: " >= ", false: " <= "}[lower]+param)
		}
	}
	return conditions, nil
}

// say writes a bound as SQL. Of a timestamp it says the day before or behind:
// zones and forms differ by less.
func (c *liteCursor) say(lower bool, text string, v int64) (bool, string) {
	switch {
	case c.q.key == record.Integer:
		return true, text
	case c.q.key == record.Timestamp && lower:
		return c.texts, literal(dayOf(v, -1))
	case c.q.key == record.Timestamp:
		return c.texts, literal(dayOf(v, 2))
	}
	return c.texts, literal(text)
}

func dayOf(micros, move int64) string {
	return string(record.AppendDate(nil, int64(calendar.LocalDate(micros, time.UTC))+move))
}

// lowest and highest stand for :cursor and :upper where there is no bound.
func (c *liteCursor) lowest() string {
	if c.q.key == record.Integer {
		return "-9223372036854775808"
	}
	return "''"
}

func (c *liteCursor) highest() string {
	if c.q.key == record.Integer {
		return "9223372036854775807"
	}
	return "x'ff'" // a blob is above every text
}
