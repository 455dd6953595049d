package runner

import (
	"fmt"

	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
)

// survive takes a lane's batch through its segment. When a record makes a
// step panic, which is a fault of the program, that record alone is held:
// the others go on without it.
func (ch *chain) survive(l *lane, segment int) (*record.Batch, error) {
	result, cause, err := try(l.bench, &l.entry)
	if cause == nil {
		return result, err
	}
	poison := ch.findPoison(l, segment)
	if len(poison) == 0 {
		return nil, fmt.Errorf("a step failed on the batch at %s as a whole: %v", l.entry.Origin.Input, cause)
	}
	for _, p := range poison {
		l.entry.Hold(record.Hold{Row: p.row, Step: record.StepSource, Code: string(document.CodeRunFailed), Rule: "run",
			Message: fmt.Sprintf("a step failed on this record, which is a fault of the program, please report it: %v", p.cause)})
	}
	l.entry.DropHeld(len(l.entry.Held) - len(poison))
	l.bench = ch.bench(segment) // the old one may be half way through a batch
	return l.bench.run(&l.entry)
}

type poisoned struct {
	row   int32
	cause any
}

// findPoison runs each live row alone.
func (ch *chain) findPoison(l *lane, segment int) []poisoned {
	var found []poisoned
	for _, row := range l.entry.Live {
		var alone record.Batch
		l.entry.Derive(&alone)
		alone.Live = []int32{row}
		alone.Held = nil
		if _, cause, _ := try(ch.bench(segment), &alone); cause != nil {
			found = append(found, poisoned{row, cause})
		}
	}
	return found
}

// try runs a batch and returns what it panicked with, if it did.
func try(bn *bench, b *record.Batch) (result *record.Batch, cause any, err error) {
	defer func() { cause = recover() }()
	result, err = bn.run(b)
	return result, nil, err
}
