package runner

import (
	"slices"
	"strings"
	"time"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/record"
)

// A source that asks for each of many things has a position for each of them.
// They are kept in one: its text is the greatest of all, and its list of keys
// holds partMark and an entry for each part: its name, its text, and the
// hashes of the keys seen at exactly that text.
const (
	partMark  = "parts:1"
	partBreak = "\x1f"
)

// parts are the trackers of the parts of one read.
type parts struct {
	reader connectors.Parted
	names  []string // of the rows of the batch
	all    map[string]*tracker
	before map[string]*connectors.Position
	make   func(part string) *tracker
}

// partsOf takes the positions of the parts out of one, nil when it holds none.
func partsOf(p *connectors.Position) map[string]*connectors.Position {
	if p == nil || !slices.Contains(p.Seen, partMark) {
		return nil
	}
	out := make(map[string]*connectors.Position)
	for _, entry := range p.Seen {
		if fields := strings.Split(entry, partBreak); len(fields) > 1 {
			out[fields[0]] = &connectors.Position{Field: p.Field, Kind: p.Kind, Text: fields[1], Seen: fields[2:], LoadID: p.LoadID}
		}
	}
	return out
}

// PartCount is how many parts a position is made of, 0 when it is one for all.
func PartCount(p *connectors.Position) int { return len(partsOf(p)) }

// lowerBounds are where the read of each part begins; nil when there are none.
func lowerBounds(p *connectors.Position, lookback time.Duration) (map[string]string, error) {
	of := partsOf(p)
	if of == nil {
		return nil, nil
	}
	out := make(map[string]string, len(of))
	for name, part := range of {
		from, err := lowerBound(part, lookback)
		if err != nil {
			return nil, err
		}
		out[name] = from
	}
	return out, nil
}

// split gives every part a tracker of its own, when the reader has parts.
func (t *tracker) split(reader connectors.Reader, c *connectors.Cursor, shape *record.Shape, read *connectors.Read) error {
	parted, can := reader.(connectors.Parted)
	if !can || !parted.Parted() {
		return nil
	}
	p := &parts{reader: parted, all: make(map[string]*tracker), before: partsOf(t.before)}
	begin := func(part string) (*tracker, error) {
		own := *c
		own.From, own.Parts = c.Lower(part), nil
		before := p.before[part]
		if before == nil && p.before == nil {
			before = t.before
		}
		one, err := newTracker(&own, shape, read, before, t.track)
		if err == nil {
			one.part = part
		}
		return one, err
	}
	if _, err := begin(""); err != nil { // a part that is new
		return err
	}
	for name := range p.before {
		one, err := begin(name)
		if err != nil {
			return err
		}
		p.all[name] = one
	}
	p.make = func(part string) *tracker {
		one, _ := begin(part) // as it was tried above
		return one
	}
	t.parts = p
	return nil
}

// meet is told that another batch was read.
func (t *tracker) meet() {
	if t.parts != nil {
		t.parts.names = t.parts.reader.Parts()
	}
}

// of is the tracker a row belongs to.
func (t *tracker) of(row int32) *tracker {
	if t.parts == nil {
		return t
	}
	name := t.parts.names[row]
	one := t.parts.all[name]
	if one == nil {
		one = t.parts.make(name)
		t.parts.all[name] = one
	}
	return one
}

// position puts the positions of all parts into one. A part of which nothing
// was read, or that is gone for now, keeps the one it had.
func (p *parts) position(t *tracker, loadID string) *connectors.Position {
	out := &connectors.Position{Field: t.field, Kind: t.kind.String(), LoadID: loadID, Seen: []string{partMark}}
	put := func(name string, part *connectors.Position) {
		out.Seen = append(out.Seen, strings.Join(append([]string{name, part.Text}, part.Seen...), partBreak))
		if out.Text == "" || t.above(part.Text, out.Text) {
			out.Text = part.Text
		}
	}
	for name, one := range p.all {
		if at := one.position(loadID); at != nil {
			put(name, at)
		}
	}
	if out.Text == "" {
		return t.before
	}
	slices.Sort(out.Seen[1:])
	return out
}

// above reports whether one cursor text is greater than another.
func (t *tracker) above(a, b string) bool {
	if t.kind == record.Text {
		return a > b
	}
	x, err := parseCursor(t.kind, a)
	if err != nil {
		return false
	}
	y, err := parseCursor(t.kind, b)
	return err != nil || x > y
}
