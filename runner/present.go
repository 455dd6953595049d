package runner

import (
	"context"
	"fmt"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
	"github.com/tieout/tieout/transforms"
)

// A load that takes away what the source no longer has must not take away
// what the source has and this run or the sink holds back. The key of a held record is known
// when each of its fields came there as it is, or was set before the record
// was held; otherwise nothing is missing in this run.

// keyTrail says under which names the fields of the sink's key stand at each
// place of the walk.
type keyTrail struct {
	shape *record.Shape
	// names has the names before each step, and then those at the rules; nil
	// where a later step still makes one of them.
	names [][]string
}

func newKeyTrail(ch *chain, key []string) *keyTrail {
	t := &keyTrail{names: make([][]string, len(ch.specs)+1)}
	var fields []record.Field
	for _, name := range key {
		if i := ch.out.Index(name); i >= 0 {
			fields = append(fields, ch.out.Fields[i])
		}
	}
	t.shape = record.MustShape(fields...)
	names := key
	for at := len(ch.specs); at >= 0 && names != nil; at-- {
		t.names[at] = names
		if at > 0 {
			names = before(&ch.specs[at-1], names)
		}
	}
	return t
}

// before gives the names that fields had before a step, nil when it makes one.
func before(step *transforms.Step, names []string) []string {
	out := make([]string, len(names))
	for i, name := range names {
		old, kept := step.Keeps(name)
		if !kept {
			return nil
		}
		out[i] = old
	}
	return out
}

// present are the keys of records that were held, as one bench finds them.
type present struct {
	trail *keyTrail // nil when nobody asks
	rows  []byte    // keys as rows of the trail's shape
	lost  int64     // records whose key is not known
	first string    // where the first of them was read
	one   record.Batch
}

// take notes the keys of rows stopped at a place: before step at, or at the
// rules.
func (p *present) take(b *record.Batch, rows []int32, at int) {
	if p.trail == nil || len(rows) == 0 {
		return
	}
	columns := p.columns(b, at)
	for _, row := range rows {
		p.row(b, row, columns)
	}
}

// columns finds the columns of the key, nil when they are not all there.
func (p *present) columns(b *record.Batch, at int) []int {
	var out []int
	for n, name := range p.trail.names[at] {
		i := b.Shape.Index(name)
		if i < 0 || b.Shape.Fields[i].Kind != p.trail.shape.Fields[n].Kind {
			return nil
		}
		out = append(out, i)
	}
	return out
}

func (p *present) row(b *record.Batch, row int32, columns []int) {
	p.one.Columns = p.one.Columns[:0]
	for _, i := range columns {
		if b.Columns[i].Presence[row] != record.Value {
			columns = nil
			break
		}
		p.one.Columns = append(p.one.Columns, b.Columns[i])
	}
	if len(columns) > 0 {
		p.rows = record.AppendRow(p.rows, &p.one, int(row))
		return
	}
	if p.lost++; p.lost == 1 {
		p.first = placeOf(b, row)
	}
}

// takeEntry notes the keys of rows that came held. What a source could not
// cut into fields tells no key.
func (p *present) takeEntry(b *record.Batch, at int) {
	if p.trail == nil || len(b.Stopped) == 0 {
		return
	}
	broken := make(map[int32]bool)
	for i := range b.Held {
		h := &b.Held[i]
		if h.Step == record.StepSource && !cut(h.Code, h.Field) {
			broken[h.Row] = true
		}
	}
	columns := p.columns(b, at)
	for _, row := range b.Stopped {
		if broken[row] {
			p.row(b, row, nil)
		} else {
			p.row(b, row, columns)
		}
	}
}

// unkeyed counts records that reach the sink without a key: it refuses them.
func (f *flow) unkeyed(b *record.Batch) {
	if f.keeper == nil {
		return
	}
	for _, name := range f.job.Load.Key {
		c := b.Column(name)
		if c == nil {
			continue
		}
		for _, row := range b.Live {
			if c.Presence[row] == record.Value {
				continue
			}
			if f.lostKeys++; f.lostKeys == 1 {
				f.lostFirst = placeOf(b, row)
			}
		}
	}
}

// keep hands the keys a bench found to the sink.
func (f *flow) keep(ctx context.Context, p *present) error {
	if p.lost > 0 && f.lostKeys == 0 {
		f.lostFirst = p.first
	}
	f.lostKeys += p.lost
	p.lost = 0
	rest := p.rows
	p.rows = p.rows[:0]
	var b record.Batch
	for len(rest) > 0 && f.keeper != nil {
		b.Reset(p.trail.shape, 0)
		for b.Rows < record.BatchRows && len(rest) > 0 {
			var err error
			if rest, err = record.ReadRow(rest, &b); err != nil {
				return err
			}
		}
		if err := f.keeper.Keep(ctx, &b); err != nil {
			return fmt.Errorf("keep the keys of held records: %w", err)
		}
	}
	return nil
}

// whole refuses a run over a part of the source when the load would take the
// rest of it away.
func (e *execution) whole() error {
	if !e.takesAway() || !e.job.Backfill() {
		return nil
	}
	return &missingError{fmt.Sprintf("--from and --to read a part of the source, and `missing: %s` would take away the rest; run the pipeline without them, or write `missing: keep`", e.job.Load.Missing)}
}

// missingError says why it cannot be known what is missing. It is a
// configuration error.
type missingError struct{ why string }

// Error names the code and the reason.
func (e *missingError) Error() string { return string(document.CodeSinkMissing) + ": " + e.why }

// Unwrap gives the kind of failure.
func (e *missingError) Unwrap() error { return connectors.ErrConfig }

// takesAway reports whether the load has a policy for missing records.
func (e *execution) takesAway() bool {
	m := e.job.Load.Missing
	return m != "" && m != connectors.Keep
}

// keeps prepares the flow for such a load.
func (e *execution) keeps(f *flow, w connectors.Writer) error {
	if !e.takesAway() {
		return nil
	}
	keeper, can := w.(connectors.Keeper)
	if !can {
		return &missingError{fmt.Sprintf("the sink cannot %s records", e.job.Load.Missing)}
	}
	if e.job.Trigger == TriggerRetry { // it holds a few of the records
		keeper.KeepAll()
		return nil
	}
	f.keeper, f.ch.trail = keeper, newKeyTrail(f.ch, e.job.Load.Key)
	return nil
}

// spare takes nothing away when a held record's key is not known.
func (e *execution) spare(f *flow) {
	if f.keeper == nil || f.lostKeys == 0 {
		return
	}
	f.keeper.KeepAll()
	e.run.Warnings = append(e.run.Warnings, fmt.Sprintf("`missing: %s` was not applied: %d records that were held or refused have no key that can be told (first: %s), and they may be in the target; correct them and run again",
		e.job.Load.Missing, f.lostKeys, f.lostFirst))
}

// wholly reports whether the run reads all that its source has, so that what
// it does not meet is not there. What a sink appends is no copy of its source,
// and a file that is there in place of another has not mended it.
func (e *execution) wholly(f *flow) bool {
	if f.held == nil || e.cursor != nil || f.comparer != nil || e.job.Backfill() || e.job.Trigger == TriggerRetry ||
		e.job.Load.Mode == connectors.Append && !e.job.Once || resumed(f.reader) {
		return false
	}
	windows, can := f.reader.(connectors.Windowed)
	return !can || !windows.Windowed()
}
