package runner

import (
	"fmt"
	"maps"
	"slices"

	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
	"github.com/tieout/tieout/transforms"
)

// shadows takes the records that were held on their way to a gathering step
// along to it, as far as their fields go: what they belong to is not whole
// without them and waits. Nothing of what becomes of them is put out.
type shadows struct {
	ch         *chain
	collectors []transforms.Collector
	works      map[int][]transforms.Work // by segment
	// unknown counts held records of which nobody can say what they belong
	// to; first says where the first of them was read.
	unknown int64
	first   string
}

// take lets the groups of the held records of a batch wait: at the gathering
// step of its segment, and at those behind it.
func (s *shadows) take(i int, entry *record.Batch, reasons []reasonAt) {
	b := s.meet(s.collectors[i], i, entry, reasons)
	for b != nil {
		b = s.behind(i, b)
		if i++; s.ch.last(i) {
			return
		}
		if b = s.walk(i, b); b != nil {
			s.collectors[i].Wait(b, nil)
		}
	}
}

// meet tells the gathering step of a segment of the records that were held
// before it, and gives them as they came there.
func (s *shadows) meet(c transforms.Collector, i int, entry *record.Batch, reasons []reasonAt) *record.Batch {
	if len(reasons) == 0 {
		return nil
	}
	guard := s.ch.segments[i].first + len(s.ch.segments[i].plans)
	live, told := make(map[int32]bool), make(map[int32]bool)
	for _, r := range reasons {
		live[r.entry] = live[r.entry] || r.reason.Step != AtSource || cut(r.reason.Code, r.reason.Field)
		if r.reason.Step != guard {
			told[r.entry] = false // but of those that the guard itself held: they belong to nothing
		}
	}
	b := new(record.Batch)
	entry.Derive(b)
	b.Live, b.Held, b.Stopped = b.Live[:0], nil, nil
	for _, row := range slices.Sorted(maps.Keys(live)) {
		if live[row] {
			b.Live = append(b.Live, row)
		} else {
			s.lose(entry, row)
		}
	}
	rows := b.Live
	if b = s.walk(i, b); b == nil {
		for _, row := range rows {
			s.lose(entry, row)
		}
		return nil
	}
	c.Wait(b, func(row int32) {
		row = b.Entry(row)
		if done, tell := told[row]; tell && !done {
			told[row] = true
			s.lose(entry, row)
		}
	})
	return b
}

// cut reports whether a source that held a record could cut it into fields, so
// that the others are what they seem.
func cut(code, field string) bool {
	return code == string(document.CodeSourceDrift) || code == string(document.CodeSourceBadValue) && field != ""
}

func (s *shadows) lose(entry *record.Batch, row int32) {
	if s.unknown++; s.unknown == 1 {
		s.first = placeOf(entry, row)
	}
}

// walk takes records through the steps of a segment. Where one fails they go
// on without what it would have set. It gives nil when a step gives up.
func (s *shadows) walk(i int, b *record.Batch) *record.Batch {
	for _, w := range s.start(i) {
		var err error
		if b, err = w.Apply(b, new(transforms.Tally)); err != nil {
			return nil // a step that ends the run at such a record never saw it
		}
		b.Held = b.Held[:0]
	}
	return b
}

func (s *shadows) start(i int) []transforms.Work {
	if s.works[i] == nil {
		var works []transforms.Work
		for _, plan := range s.ch.segments[i].plans {
			if p, other := plan.(transforms.Shadowing); other {
				works = append(works, p.Shadow())
			} else {
				works = append(works, plan.Start())
			}
		}
		if s.works == nil {
			s.works = make(map[int][]transforms.Work)
		}
		s.works[i] = works
	}
	return s.works[i]
}

// behind gives records the shape they have behind the gathering step of a
// segment, with the fields that it passes on.
func (s *shadows) behind(i int, b *record.Batch) *record.Batch {
	seg := &s.ch.segments[i]
	out := new(record.Batch)
	out.Reset(s.ch.segments[i+1].in, b.Rows)
	out.Live, out.Origin.Input = append(out.Live[:0], b.Live...), b.Origin.Input
	for k := range out.Shape.Fields {
		f := &out.Shape.Fields[k]
		name, kept := s.ch.specs[seg.first+len(seg.plans)].Keeps(f.Name)
		if at := b.Shape.Index(name); kept && at >= 0 && b.Shape.Fields[at].Kind == f.Kind {
			out.Columns[k] = b.Columns[at]
		}
	}
	return out
}

// warning tells of documents that may lack a held record, "" if none does.
func (s *shadows) warning() string {
	if s == nil || s.unknown == 0 {
		return ""
	}
	return fmt.Sprintf("of %d held records it cannot be told which group they belong to (first: %s), and a document may lack them; correct them and run again", s.unknown, s.first)
}
