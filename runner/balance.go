package runner

import (
	"errors"
	"fmt"
	"strings"

	"github.com/tieout/tieout/connectors"
)

// ErrBalance says that the numbers of a run do not add up, which is a fault
// of the program or of a connector. Nothing is committed then.
var ErrBalance = errors.New("the run does not balance")

// balance proves that no record was lost or made up on the way to the sink:
// each stage puts out what it took in, changed by what it says it did, and
// takes in what the stage before put out.
func (o *outcome) balance() error {
	if !o.source.Balanced() {
		return fmt.Errorf("%w: source: %s", ErrBalance, equation(o.source.In, o.source.Out, o.source.Dropped, o.source.Held))
	}
	out := o.source.Out
	for i := range o.steps {
		t := &o.steps[i]
		if t.In != out {
			return fmt.Errorf("%w: %s took in %d records, the stage before put out %d", ErrBalance, o.stageName(i), t.In, out)
		}
		if !t.Balanced() {
			return fmt.Errorf("%w: %s: in %d + created %d is not out %d + merged %d + dropped %d + filtered %d + held %d",
				ErrBalance, o.stageName(i), t.In, t.Created, t.Out, t.Merged, t.Dropped, t.Filtered, t.Held)
		}
		out = t.Out
	}
	if out != o.counts.Written {
		return fmt.Errorf("%w: the rules put out %d records, %d were handed to the sink", ErrBalance, out, o.counts.Written)
	}
	return o.balanceSums()
}

func (o *outcome) stageName(i int) string {
	if i == len(o.ch.steps) {
		return "rules"
	}
	return fmt.Sprintf("step %d (%s)", i+1, o.ch.steps[i])
}

func equation(in, out, dropped, held int64) string {
	return fmt.Sprintf("read %d is not passed on %d + repeated %d + held %d", in, out, dropped, held)
}

// balanceSums checks money: a step that neither drops nor makes records, and
// does not set an amount, leaves its sum as it was, to the last digit.
func (o *outcome) balanceSums() error {
	for i := range o.ch.steps {
		t := &o.steps[i]
		if t.Created+t.Merged+t.Dropped+t.Filtered+t.Held > 0 {
			continue
		}
		for key, before := range o.sums[i].sums {
			after, has := o.sums[i+1].sums[key]
			name, _, _ := strings.Cut(key, " ")
			if !has || o.ch.specs[i].Sets(name) {
				continue
			}
			if !before.Equal(after) {
				return fmt.Errorf("%w: %s changed the sum of %s from %s to %s without setting it",
					ErrBalance, o.stageName(i), key, before, after)
			}
		}
	}
	return nil
}

// balanceSink checks that the sink accounts for every record it was handed,
// and took away no more than there was.
func balanceSink(c connectors.Counts, r connectors.Receipt) error {
	if got := r.Inserted + r.Changed + r.Unchanged + int64(len(r.Refused)); got != c.Written {
		return fmt.Errorf("%w: %d records were handed to the sink, which inserted %d, changed %d, left %d unchanged and refused %d",
			ErrBalance, c.Written, r.Inserted, r.Changed, r.Unchanged, len(r.Refused))
	}
	if r.Present > 0 && r.Deleted > r.Present {
		return fmt.Errorf("%w: the sink had %d records and took %d away", ErrBalance, r.Present, r.Deleted)
	}
	return nil
}
