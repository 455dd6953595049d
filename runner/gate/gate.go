package gate

import (
	"time"

	"github.com/tieout/tieout/schemas/decimal"
	"github.com/tieout/tieout/schemas/record"
)

// Facts are what the runner knows of a run beside its records.
type Facts struct {
	Read, Held, Refused int64
	// Repeated are the records read that an earlier run loaded; they never
	// reach the meters.
	Repeated int64
	// FullRead says that the source was read from the beginning; Replace that
	// the load replaces the target. Either makes zero records suspicious,
	// unless AllowEmpty.
	FullRead, Replace, AllowEmpty bool
	// AsOf is the run's run.as_of.
	AsOf time.Time
	// History are earlier runs that loaded, newest first.
	History []Totals
}

// Totals are the figures of an earlier run: the records handed to the sink,
// and the sums of the amounts by "field" or "field currency".
type Totals struct {
	Written int64
	Sums    map[string]decimal.Decimal
}

// nothingNew reports an incremental read that found nothing: a success, which
// no condition on the number of records can spoil.
func (f *Facts) nothingNew() bool {
	return !f.FullRead && !f.Replace && f.Read == f.Repeated
}

// Finding is the verdict on one condition.
type Finding struct {
	Condition string `json:"condition"`
	Code      string `json:"code"`
	Passed    bool   `json:"passed"`
	Warn      bool   `json:"warn,omitempty"` // not passed, but only worth a warning
	Limit     string `json:"limit"`
	Actual    string `json:"actual"`
	// Message is one line in words; for a condition that is not met it ends
	// with the next step.
	Message string `json:"message"`
	// Count is how many records or groups do not meet the condition, and
	// Examples are a few of them.
	Count    int64    `json:"count,omitempty"`
	Examples []string `json:"examples,omitempty"`
}

// Decision is the verdict on a run.
type Decision struct {
	Findings []Finding `json:"findings"`
}

// Blocked reports whether a condition that blocks was not met.
func (d Decision) Blocked() bool {
	for i := range d.Findings {
		if !d.Findings[i].Passed && !d.Findings[i].Warn {
			return true
		}
	}
	return false
}

// Meter watches the records that reach the sink for one condition.
type Meter interface {
	// Add sees the live rows of a batch, in order.
	Add(b *record.Batch) error
	// Judge gives the verdict once all batches were seen.
	Judge(f Facts) (Finding, error)
}

// Meters are the meters of one run.
type Meters []Meter

// Add shows a batch to every meter.
func (ms Meters) Add(b *record.Batch) error {
	for _, m := range ms {
		if err := m.Add(b); err != nil {
			return err
		}
	}
	return nil
}

// Decide asks every meter.
func (ms Meters) Decide(f Facts) (Decision, error) {
	var d Decision
	for _, m := range ms {
		finding, err := m.Judge(f)
		if err != nil {
			return d, err
		}
		d.Findings = append(d.Findings, finding)
	}
	return d, nil
}
