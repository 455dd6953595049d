package gate

import (
	"time"

	"github.com/tieout/tieout/schemas/decimal"
	"github.com/tieout/tieout/schemas/record"
)

// Facts are what the runner knows of a run beside its records.
type Facts struct {
	Read, Held, Refused int64
	// FullRead says that the source was read from the beginning; Replace that
	// the load replaces the target. Either makes zero records suspicious,
	// unless AllowEmpty.
	FullRead, Replace, AllowEmpty bool
	AsOf                          time.Time
	// History are earlier runs that loaded, newest first.
	History []Totals
}

// Totals are the figures of an earlier run.
type Totals struct {
	Written int64
	Sums    map[string]decimal.Decimal
}

// Finding is the verdict on one condition.
type Finding struct {
	Condition string `json:"condition"`
	Code      string `json:"code"`
	Passed    bool   `json:"passed"`
	Warn      bool   `json:"warn,omitempty"` // not passed, but only worth a warning
	Limit     string `json:"limit"`
	Actual    string `json:"actual"`
	Message   string `json:"message"`
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
