package runner

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
	"github.com/tieout/tieout/transforms/calendar"
)

// tracker follows the cursor of one read: it drops records seen before at the
// boundary, and finds the position the run may advance to.
type tracker struct {
	field  string
	column int
	keys   *Keyer
	// seen are the ties of the position before; only appending loads need
	// them, the others match on their key.
	before *connectors.Position
	seen   map[string]bool
	from   bound // of this read; a source that reads everything sends more
	to     bound

	any   bool
	value int64  // typed maximum
	text  []byte // maximum of a text cursor
	ties  map[string]bool
	kind  record.Kind
	track bool   // keep ties
	parts *parts // nil when there is one position for all
	part  string // whose tracker it is, "" without parts

	versions *versions // nil when no record can come twice
	wait     bound     // where the next run is to read again
}

// bound is one end of a read.
type bound struct {
	set   bool
	value int64
	text  string
}

// newTracker follows a cursor over records of a shape, within the bounds of
// the read c; read has the source's key and zone.
func newTracker(c *connectors.Cursor, shape *record.Shape, read *connectors.Read, before *connectors.Position, ties bool) (*tracker, error) {
	field := c.Field
	t := &tracker{field: field, column: shape.Index(field), before: before, track: ties}
	if t.column < 0 {
		return nil, fmt.Errorf("cursor field %q is not among the fields read: %w", field, connectors.ErrConfig)
	}
	t.kind = shape.Fields[t.column].Kind
	switch t.kind {
	case record.Integer, record.Date, record.Month, record.Timestamp, record.Text:
	default:
		return nil, fmt.Errorf("cursor field %q is a %s; a cursor is an integer, date, month, timestamp or text: %w", field, t.kind, connectors.ErrConfig)
	}
	if before != nil && before.Kind != t.kind.String() {
		return nil, fmt.Errorf("cursor field %q was a %s and is now a %s; run `tieout state reset` to read everything again: %w",
			field, before.Kind, t.kind, connectors.ErrConfig)
	}
	var err error
	if t.from, err = t.bound(c.From, read.Zone, false); err == nil {
		t.to, err = t.bound(c.To, read.Zone, true)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: cursor %q: %w", connectors.ErrConfig, field, err)
	}
	if c.To != "" {
		if err := CheckRange(t.kind, read.Zone, Span{c.From, c.To}); err != nil {
			return nil, err
		}
	}
	t.keys = NewKeyer(shape, read.Key)
	t.ties = make(map[string]bool)
	if ties && before != nil {
		t.seen = make(map[string]bool, len(before.Seen))
		for _, h := range before.Seen {
			t.seen[h] = true
		}
	}
	return t, nil
}

// bound reads one end of the read. A date bounds timestamps as the whole of its
// day in the zone of the source.
func (t *tracker) bound(text string, zone *time.Location, upper bool) (bound, error) {
	if text == "" {
		return bound{}, nil
	}
	if t.kind == record.Text {
		return bound{set: true, text: text}, nil
	}
	if day, ok := connectors.DayBound(text, zone, upper); ok && t.kind == record.Timestamp {
		return bound{set: true, value: day}, nil
	}
	if t.kind == record.Timestamp && zone != nil {
		v, err := calendar.ParseTimestamp([]byte(text), zone)
		return bound{set: true, value: v}, err
	}
	v, err := parseCursor(t.kind, text)
	return bound{set: true, value: v}, err
}

// outside reports whether a row lies outside the read.
func (t *tracker) outside(c *record.Column, row int32) bool {
	if t.kind == record.Text {
		text := string(c.Text(int(row)))
		return t.from.set && text < t.from.text || t.to.set && text > t.to.text
	}
	v := c.Ints[row]
	return t.from.set && v < t.from.value || t.to.set && v > t.to.value
}

// screen takes out of Live the records outside the read and those loaded
// before at exactly the last position, and holds those without a cursor. It
// returns how many it took out.
func (t *tracker) screen(b *record.Batch) int64 {
	c := &b.Columns[t.column]
	var repeated int64
	live := b.Live[:0]
	whole := t
	for _, row := range b.Live {
		t := whole.of(row)
		if c.Presence[row] != record.Value {
			b.Hold(record.Hold{Row: row, Step: record.StepSource, Code: string(document.CodeSourceCursor), Field: t.field,
				Message: fmt.Sprintf("the cursor field %q has no value, so no later run would find this record", t.field)})
			live = append(live, row) // until it is dropped as held
			continue
		}
		if t.outside(c, row) || len(t.seen) > 0 && t.atBoundary(c, row) && t.seen[tie(t.keys.Key(b, int(row)))] {
			repeated++
			continue
		}
		if whole.versions.again(t, b, row) {
			repeated++
			continue
		}
		live = append(live, row)
	}
	b.Live = live
	return repeated + t.screenHeld(b)
}

// screenHeld forgets the holds of records outside the read: an earlier run
// has held them already.
func (t *tracker) screenHeld(b *record.Batch) int64 {
	c := &b.Columns[t.column]
	out := func(row int32) bool { return c.Presence[row] == record.Value && t.of(row).outside(c, row) }
	before := len(b.Stopped)
	b.Stopped = slices.DeleteFunc(b.Stopped, out)
	b.Held = slices.DeleteFunc(b.Held, func(h record.Hold) bool { return out(h.Row) })
	return int64(before - len(b.Stopped))
}

func (t *tracker) atBoundary(c *record.Column, row int32) bool {
	var buf [40]byte
	f := record.Field{Kind: t.kind, Scale: record.NoScale}
	return string(record.AppendValue(buf[:0], &f, c, int(row))) == t.before.Text
}

// observe takes note of all records of a batch as read, held ones included:
// a held record is kept in the state store, so the position may pass it.
func (t *tracker) observe(b *record.Batch) {
	c := &b.Columns[t.column]
	whole := t
	for row := 0; row < b.Rows; row++ {
		t := whole.of(int32(row))
		if c.Presence[row] != record.Value {
			continue
		}
		switch t.compare(c, row) {
		case 1:
			t.any = true
			clear(t.ties)
			if t.kind == record.Text {
				t.text = append(t.text[:0], c.Text(row)...)
			} else {
				t.value = c.Ints[row]
			}
		case -1:
			continue
		}
		if t.track {
			t.ties[tie(t.keys.Key(b, row))] = true
		}
	}
}

// compare tells whether a row's cursor is above (1), at or below the maximum.
func (t *tracker) compare(c *record.Column, row int) int {
	if !t.any {
		return 1
	}
	if t.kind == record.Text {
		return bytes.Compare(c.Text(row), t.text)
	}
	switch v := c.Ints[row]; {
	case v > t.value:
		return 1
	case v < t.value:
		return -1
	}
	return 0
}

// position is where the next run goes on: never before the last one.
func (t *tracker) position(loadID string) *connectors.Position {
	if t.parts != nil {
		return t.parts.position(t, loadID)
	}
	if !t.any {
		return t.before
	}
	p := &connectors.Position{Field: t.field, Kind: t.kind.String(), LoadID: loadID, Text: t.maximum()}
	if t.wait.set { // nothing is left out between here and the maximum
		p.Text = t.textOf(t.wait.value)
	}
	if t.before != nil && t.behind(p.Text) {
		return t.before
	}
	if t.wait.set {
		return p
	}
	for h := range t.ties {
		p.Seen = append(p.Seen, h)
	}
	if t.before != nil && p.Text == t.before.Text {
		for _, h := range t.before.Seen {
			if !t.ties[h] {
				p.Seen = append(p.Seen, h)
			}
		}
	}
	slices.Sort(p.Seen)
	return p
}

func (t *tracker) maximum() string {
	if t.kind == record.Text {
		return string(t.text)
	}
	return t.textOf(t.value)
}

func (t *tracker) textOf(value int64) string {
	c := record.Column{Kind: t.kind, Presence: []record.Presence{record.Value}, Ints: []int64{value}}
	f := record.Field{Kind: t.kind, Scale: record.NoScale}
	return string(record.AppendValue(nil, &f, &c, 0))
}

// behind reports whether a position lies before the last one, as it does when
// a lookback found only old records.
func (t *tracker) behind(text string) bool {
	if t.kind == record.Text {
		return text < t.before.Text
	}
	last, err := parseCursor(t.kind, t.before.Text)
	at, wrong := parseCursor(t.kind, text)
	return err == nil && wrong == nil && at < last
}

// parseCursor reads the text of a position back.
func parseCursor(kind record.Kind, text string) (int64, error) {
	switch kind {
	case record.Integer:
		return strconv.ParseInt(text, 10, 64)
	case record.Date:
		if d, ok := calendar.ParseISO([]byte(text)); ok {
			return int64(d), nil
		}
	case record.Month:
		if d, ok := calendar.ParseISO([]byte(text + "-01")); ok {
			return int64(calendar.MonthOf(d)), nil
		}
	case record.Timestamp:
		return calendar.ParseTimestamp([]byte(text), time.UTC)
	}
	return 0, fmt.Errorf("%q is no %s", text, kind)
}

// lowerBound takes the lookback off a position, for the source.
func lowerBound(p *connectors.Position, lookback time.Duration) (string, error) {
	if p == nil || lookback == 0 {
		if p == nil {
			return "", nil
		}
		return p.Text, nil
	}
	kind, _ := record.ParseKind(p.Kind)
	v, err := parseCursor(kind, p.Text)
	if err != nil {
		return "", fmt.Errorf("read the stored position: %w", err)
	}
	f := record.Field{Kind: kind, Scale: record.NoScale}
	c := record.Column{Kind: kind, Presence: []record.Presence{record.Value}, Ints: []int64{v}}
	switch kind {
	case record.Timestamp:
		c.Ints[0] -= lookback.Microseconds()
	case record.Date:
		c.Ints[0] -= int64((lookback + 24*time.Hour - 1) / (24 * time.Hour))
	default:
		return "", fmt.Errorf("a lookback of %s needs a date or timestamp cursor, and %q is a %s: %w", lookback, p.Field, p.Kind, connectors.ErrConfig)
	}
	return string(record.AppendValue(nil, &f, &c, 0)), nil
}
