package service

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/record"
	"github.com/tieout/tieout/transforms/calendar"
)

// edge is one end of a stretch.
type edge struct {
	set  bool
	kind record.Kind
	num  int64
	text string
}

// open makes the last value of a stretch the first behind it, as services are
// asked for what lies before their upper bound; times to the whole second,
// which some cut them to. What is sent too much is left out by the runner.
func (e *edge) open() {
	const second = 1_000_000
	switch {
	case !e.set || e.kind == record.Text:
	case e.kind == record.Timestamp:
		e.num = (floor(e.num, second) + 1) * second
	default:
		e.num++
	}
}

// put gives a branch the value of the edge.
func (e edge) put(b *branch) {
	switch {
	case !e.set:
		if b.none(); e.kind != record.Unknown {
			b.kind = e.kind
		}
	case e.kind == record.Text:
		b.setText(e.text)
	default:
		b.setNum(e.kind, e.num)
	}
}

// asking is how a read goes by its cursor.
type asking struct {
	cursor *connectors.Cursor // of the read, nil for none
	spec   connectors.FieldSpec
	sent   bool // the service is asked by it; else it sends everything
	upper  bool // the service is asked with an upper bound
}

// ask finds out how the service can be asked for a part of the stream. What
// it sends outside the bounds the runner leaves out.
func (f *fetcher) ask(read *connectors.Read) error {
	f.asking = asking{cursor: read.Cursor}
	if read.Cursor == nil {
		return nil
	}
	a, c := &f.asking, f.stream.Cursor
	a.spec = connectors.FieldSpec{Name: read.Cursor.Field, Kind: record.Text, Scale: record.NoScale}
	for i := range read.Fields {
		if read.Fields[i].Name == read.Cursor.Field {
			a.spec = read.Fields[i]
		}
	}
	if c == nil {
		return f.askable()
	}
	a.sent = read.Cursor.Field == c.Field.Value || a.spec.Name == c.Field.Value || slices.Contains(a.spec.Columns, c.Field.Value)
	a.upper = a.sent && c.Send.To.Value != ""
	f.stream.formulas(f.conn, func(x *formula) {
		a.upper = a.upper || a.sent && asksUpper.MatchString(x.Value)
	})
	return f.askable()
}

// descending is the order of services that show the newest first.
const descending = "descending"

var asksUpper = regexp.MustCompile(`\bcursor\.to\b`)

// askable refuses what a pipeline wants of the cursor and the service cannot
// give.
func (f *fetcher) askable() error {
	a, dated := &f.asking, f.asking.spec.Kind == record.Timestamp || f.asking.spec.Kind == record.Date
	switch {
	case a.cursor.Lag > 0 && !(a.upper && dated):
		return fmt.Errorf("%w: a lag needs a service that is asked with an upper bound; write cursor: {send: {to: ...}} in the stream, or use a lookback, which reads late records again", connectors.ErrConfig)
	case a.cursor.Window > 0 && !(a.upper && dated):
		return fmt.Errorf("%w: a window needs a service that is asked with an upper bound; write cursor: {send: {to: ...}} in the stream, or leave the window out", connectors.ErrConfig)
	}
	return nil
}

// edges are the bounds of one part of the stream.
func (f *fetcher) edges(part string) (from, to edge, err error) {
	a := &f.asking
	if a.cursor == nil {
		return from, to, nil
	}
	if from, err = f.edge(a.cursor.Lower(part), false); err == nil {
		to, err = f.edge(a.cursor.To, true)
		to.open()
	}
	if err != nil {
		return from, to, fmt.Errorf("%w: cursor %q: %w", connectors.ErrConfig, a.cursor.Field, err)
	}
	if !to.set && a.upper {
		to = f.today(f.lag(), a.spec.Kind)
	}
	if c := f.stream.Cursor; c != nil && c.MaxAge > 0 && from.set {
		if oldest := f.today(c.MaxAge.Std(), a.spec.Kind); oldest.set && from.num < oldest.num {
			from = edge{}
		}
	}
	return from, to, nil
}

// lag is how far the upper bound stays behind the clock.
func (f *fetcher) lag() time.Duration {
	if c := f.stream.Cursor; c != nil {
		return max(f.asking.cursor.Lag, c.Lag.Std())
	}
	return f.asking.cursor.Lag
}

// today is the clock, less a time, as an edge; unset for other kinds.
func (f *fetcher) today(less time.Duration, kind record.Kind) edge {
	return f.edgeAt(f.caller.tools.now().Add(-less), kind)
}

// edgeAt is an instant as an edge; unset for kinds that are no time.
func (f *fetcher) edgeAt(at time.Time, kind record.Kind) edge {
	switch kind {
	case record.Timestamp:
		return edge{set: true, kind: kind, num: at.UnixMicro()}
	case record.Date:
		zone := f.zone
		if zone == nil {
			zone = time.UTC
		}
		return edge{set: true, kind: kind, num: int64(dayOf(at.In(zone)))}
	}
	return edge{}
}

// edge reads one end, widened to the granularity.
func (f *fetcher) edge(text string, upper bool) (edge, error) {
	kind := f.asking.spec.Kind
	e := edge{set: text != "", kind: kind}
	if !e.set {
		return e, nil
	}
	switch kind {
	case record.Timestamp:
		v, err := instant(text, f.zone, upper)
		e.num = v
		return e, err
	case record.Date:
		day, ok := calendar.ParseISO([]byte(text))
		if !ok {
			return e, fmt.Errorf("%q is no date", text)
		}
		e.num = int64(day)
	case record.Integer:
		v, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return e, fmt.Errorf("%q is no whole number", text)
		}
		e.num = v
	default:
		e.kind, e.text = record.Text, text
	}
	return e, nil
}

// bound tells the world the stretch that is asked for.
func (f *fetcher) bound(w window) {
	clear(f.bounds)
	if f.asking.sent {
		for end, e := range map[string]edge{"from": w.from, "to": w.to} {
			if e.kind == record.Timestamp {
				e.num = widen(e.num, f.stream.Cursor, end == "to")
			}
			b := f.world.change("cursor", end)
			if e.put(b); e.set {
				f.bounds[end] = b.plain()
			}
		}
	}
	if w.each {
		w.eachFrom.put(f.world.change("each", "from"))
		w.eachTo.put(f.world.change("each", "to"))
	}
}

// instant reads a bound of timestamps; a date is the whole of its day.
func instant(text string, zone *time.Location, upper bool) (int64, error) {
	if day, ok := connectors.DayBound(text, zone, upper); ok {
		return day, nil
	}
	if zone == nil {
		zone = time.UTC
	}
	return calendar.ParseTimestamp([]byte(text), zone)
}

// widen moves a bound outwards, so that rounding on the other side loses
// nothing.
func widen(micros int64, c *Cursor, upper bool) int64 {
	step := c.Granularity.Std().Microseconds()
	if step <= 1 {
		return micros
	}
	rest := micros % step
	if rest < 0 {
		rest += step
	}
	if rest != 0 && upper {
		return micros + step - rest
	}
	return micros - rest
}

// plain is the value of a branch as text.
func (b *branch) plain() string {
	field := record.NewField(b.name, b.kind)
	c := record.Column{}
	c.Reset(b.kind, 1)
	if b.kind == record.Text {
		return b.text
	}
	c.SetInt(0, b.num)
	return string(record.AppendValue(nil, &field, &c, 0))
}

// words is the value of a branch as text, "" for none.
func (b *branch) words() string {
	switch {
	case !b.has:
		return ""
	case b.kind == record.Decimal:
		return b.dec.String()
	case b.deep:
		return "{}"
	}
	return b.plain()
}

func dayOf(at time.Time) calendar.Date {
	day, _ := calendar.FromYMD(at.Year(), int(at.Month()), at.Day())
	return day
}

// past reports whether the last record of a page lies before what is asked
// for, where the service goes back in time.
func (f *fetcher) past() (bool, error) {
	c := f.stream.Cursor
	if c == nil || c.Order != descending || !f.asking.sent || f.count == 0 {
		return false, nil
	}
	from := f.walk.windows[f.walk.window].from
	raw := textIn(below(f.last, splitPath(c.Field.Value)))
	if !from.set || raw == nil {
		return false, nil
	}
	var b branch
	if err := b.setJSON(raw); err != nil || !b.has {
		return false, err
	}
	if from.kind == record.Text {
		return b.words() < from.text, nil
	}
	caster, err := connectors.NewCaster(f.asking.spec, '.', f.zone)
	if err != nil {
		return false, err
	}
	var col record.Column
	col.Reset(f.asking.spec.Kind, 1)
	if _, err := caster.Cast(&col, 0, []byte(b.words())); err != nil {
		return false, nil //nolint:nilerr // the record is held when it is read
	}
	return col.Ints[0] < from.num, nil
}
