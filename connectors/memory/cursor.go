package memory

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/record"
)

// value is a cursor value: a number, or a text.
type value struct {
	number int64
	text   []byte
	is     bool
}

func (v value) compare(o value) int {
	return cmp.Or(cmp.Compare(v.number, o.number), bytes.Compare(v.text, o.text))
}

// bound keeps the rows between the ends of the cursor, and those without a
// cursor unless a range was asked for by hand.
func (r *reader) bound(read connectors.Read) error {
	at := r.shape.Index(read.Cursor.Field)
	if at < 0 || r.cells[at].column == "" {
		return fmt.Errorf("%w: stream %q has no cursor field %q", connectors.ErrConfig, read.Stream, read.Cursor.Field)
	}
	c := r.cells[at]
	from, to := c.end(read, false), c.end(read, true)
	if read.Cursor.From != "" && !from.is || read.Cursor.To != "" && !to.is {
		return fmt.Errorf("%w: cursor %q to %q is no range of %q", connectors.ErrConfig, read.Cursor.From, read.Cursor.To, read.Cursor.Field)
	}
	values := make([]value, len(r.rows))
	for i, row := range r.rows {
		if text, there := row[c.column]; there {
			values[i] = c.read(text)
			if v := values[i]; read.Cursor.To == "" && v.is && (!to.is || v.compare(to) > 0) {
				to = v
			}
		}
	}
	if read.Cursor.To == "" && to.is {
		to = c.lag(to, read.Cursor.Lag)
	}
	r.upper = c.write(to)
	var order []int
	for i, v := range values {
		inside := (!from.is || v.compare(from) >= 0) && (!to.is || v.compare(to) <= 0)
		if _, there := r.rows[i][c.column]; v.is && inside || !v.is && (there || read.Cursor.To == "") {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return values[a].compare(values[b]) })
	rows := make([]Row, len(order))
	for k, i := range order {
		rows[k] = r.rows[i]
	}
	r.rows, r.lines = rows, order
	return nil
}

// end reads one end of the range; a date bounds timestamps as its whole day.
func (c *cell) end(read connectors.Read, upper bool) value {
	text := read.Cursor.From
	if upper {
		text = read.Cursor.To
	}
	if day, ok := connectors.DayBound(text, read.Zone, upper); ok && c.caster.Field().Kind == record.Timestamp {
		return value{number: day, is: true}
	}
	return c.read(text)
}

// read casts a text; what cannot be cast is no value.
func (c *cell) read(text string) value {
	if text == "" {
		return value{}
	}
	f := c.caster.Field()
	var one record.Column
	one.Reset(f.Kind, 1)
	if _, err := c.caster.Cast(&one, 0, []byte(text)); err != nil {
		return value{}
	}
	if f.Kind == record.Text {
		return value{text: []byte(text), is: true}
	}
	return value{number: one.Ints[0], is: true}
}

// lag takes a time off a timestamp or date.
func (c *cell) lag(v value, lag time.Duration) value {
	switch c.caster.Field().Kind {
	case record.Timestamp:
		v.number -= lag.Microseconds()
	case record.Date:
		v.number -= int64((lag + 24*time.Hour - 1) / (24 * time.Hour))
	}
	return v
}

// write is the canonical text of a value, "" for none.
func (c *cell) write(v value) string {
	f := c.caster.Field()
	switch {
	case !v.is:
		return ""
	case f.Kind == record.Text:
		return string(v.text)
	}
	one := record.Column{Kind: f.Kind, Presence: []record.Presence{record.Value}, Ints: []int64{v.number}}
	return string(record.AppendValue(nil, &f, &one, 0))
}
