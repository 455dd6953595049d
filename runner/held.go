package runner

import (
	"slices"

	"github.com/tieout/tieout/schemas/record"
)

// assemble makes one Held of each entry record that was stopped, with all its
// reasons, in the order of the rows. entry is the batch run was called with.
func (bn *bench) assemble(dst []Held, entry *record.Batch, keys *Keyer) []Held {
	if len(bn.reasons) == 0 {
		return dst
	}
	slices.SortStableFunc(bn.reasons, func(a, b reasonAt) int { return int(a.entry) - int(b.entry) })
	for from := 0; from < len(bn.reasons); {
		to := from + 1
		for to < len(bn.reasons) && bn.reasons[to].entry == bn.reasons[from].entry {
			to++
		}
		dst = append(dst, bn.heldRecord(bn.reasons[from:to], entry, keys))
		from = to
	}
	return dst
}

func (bn *bench) heldRecord(reasons []reasonAt, entry *record.Batch, keys *Keyer) Held {
	row := int(reasons[0].entry)
	h := Held{Stage: "rule", Input: entry.Origin.Input, Enter: bn.seg.first}
	if row < len(entry.Origin.Line) {
		h.Line = entry.Origin.Line[row]
	}
	for i := range reasons {
		r := &reasons[i]
		if r.record != nil {
			h.Record = string(r.record)
			if !keys.Named(entry, row) {
				h.Key = keys.raw(r.record)
			}
		}
		if r.echo && len(reasons) > 1 && !onlyEchoes(reasons) {
			continue
		}
		if !slices.Contains(h.Reasons, r.reason) {
			h.Reasons = append(h.Reasons, r.reason)
		}
	}
	if h.Record == "" {
		h.Record = string(record.AppendRowJSON(nil, entry, row))
	}
	if h.Key == "" {
		h.Key = string(keys.Key(entry, row))
	}
	return h
}

func onlyEchoes(reasons []reasonAt) bool {
	for i := range reasons {
		if !reasons[i].echo {
			return false
		}
	}
	return true
}

// gatheredHolds takes the holds a gathering step put in its output, and
// returns how many records they stop.
func (bn *bench) gatheredHolds(b *record.Batch, step int) int64 {
	before := len(b.Live)
	for i := range b.Held {
		b.Held[i].Step = step
	}
	bn.pending = append(bn.pending[:0], b.Held...)
	b.DropHeld(0)
	b.Held = append(b.Held[:0], bn.pending...)
	return int64(before - len(b.Live))
}
