package gate

import (
	"fmt"
	"strconv"

	"github.com/tieout/tieout/pipelines"
	"github.com/tieout/tieout/schemas/decimal"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
)

// counter counts the records that reach the sink.
type counter struct{ n int64 }

func (c *counter) Add(b *record.Batch) error {
	c.n += int64(len(b.Live))
	return nil
}

// records bounds how many records are loaded.
type records struct {
	verdict
	counter
	spec *pipelines.RecordsCondition
}

func (m *records) Judge(f Facts) (Finding, error) {
	n := m.n - f.Refused
	actual, limit := strconv.FormatInt(n, 10), ""
	if m.spec.Min != nil {
		limit = fmt.Sprintf("at least %d", *m.spec.Min)
	}
	if m.spec.Max != nil {
		if limit != "" {
			limit += " and "
		}
		limit += fmt.Sprintf("at most %d", *m.spec.Max)
	}
	switch {
	case f.nothingNew() && m.n == 0:
		return m.passed(limit, actual, "nothing new was read"), nil
	case m.spec.Min != nil && n < *m.spec.Min:
		return m.failed(limit, actual, fmt.Sprintf("%s would be loaded, fewer than %d; see whether the source is complete", count(n, "record"), *m.spec.Min)), nil
	case m.spec.Max != nil && n > *m.spec.Max:
		return m.failed(limit, actual, fmt.Sprintf("%s would be loaded, more than %d; see whether the source repeats itself before raising max", count(n, "record"), *m.spec.Max)), nil
	}
	return m.passed(limit, actual, count(n, "record")), nil
}

// The bound on held records when none is written: more than 5 and more than
// 1 percent of those read, or more than 1,000 in any case.
const (
	unwrittenPercent = 1
	unwrittenAllow   = 5
	unwrittenMost    = 1000
)

// mostKept bounds how many held records a run keeps where a share is allowed.
const mostKept = 1_000_000

// quarantined bounds how many records are held or refused.
type quarantined struct {
	verdict
	percent decimal.Decimal
	allow   int64
	most    int64 // blocks above it whatever the share; 0 for none
	limit   string
}

func allowed(spec *pipelines.QuarantinedCondition) int64 {
	if spec.Allow == nil {
		return 0
	}
	return *spec.Allow
}

func newQuarantined(v verdict, spec *pipelines.QuarantinedCondition) *quarantined {
	m := &quarantined{verdict: v, allow: allowed(spec)}
	if spec.Max != nil {
		m.percent = spec.Max.Decimal
	}
	switch {
	case m.percent.IsZero():
		m.limit = "at most " + count(m.allow, "record")
	case m.allow == 0:
		m.limit = fmt.Sprintf("at most %s%% of the records read", m.percent)
	default:
		m.limit = fmt.Sprintf("at most %s%% of the records read, or %s if that is more", m.percent, count(m.allow, "record"))
	}
	return m
}

func unwrittenQuarantined() *quarantined {
	return &quarantined{
		verdict: verdict{name: "quarantined", code: document.CodeGateQuarantined},
		percent: decimal.FromInt(unwrittenPercent), allow: unwrittenAllow, most: unwrittenMost,
		limit: fmt.Sprintf("at most %d%% of the records read, or %d if that is more, and never above %d", unwrittenPercent, unwrittenAllow, unwrittenMost),
	}
}

func (m *quarantined) Add(*record.Batch) error { return nil }

// Judge blocks above both the share and the number: held * 100 is compared
// with percent * read, so that nothing is rounded.
func (m *quarantined) Judge(f Facts) (Finding, error) {
	n := f.Held + f.Refused
	actual := fmt.Sprintf("%d of %d", n, f.Read)
	share := m.percent.Mul(decimal.FromInt(f.Read))
	above := n > m.allow && share.Less(decimal.FromInt(n*100))
	if m.most > 0 && n > m.most {
		above = true
	}
	if !above {
		return m.passed(m.limit, actual, fmt.Sprintf("%s of %d held or refused", count(n, "record"), f.Read)), nil
	}
	found := m.failed(m.limit, actual, fmt.Sprintf("%s of %d were held or refused (%d held, %d refused); the limit is %s; see why with `tieout quarantine list`",
		count(n, "record"), f.Read, f.Held, f.Refused, m.limit))
	found.Count = n
	return found, nil
}

// empty is the guard against a source that is empty by accident.
type empty struct {
	verdict
	counter
}

func newEmpty() *empty {
	return &empty{verdict: verdict{name: "empty", code: document.CodeGateEmpty}}
}

func (m *empty) Judge(f Facts) (Finding, error) {
	n := m.n - f.Refused
	const limit = "at least 1 record, unless allow_empty"
	actual := fmt.Sprintf("%d read, %d to load", f.Read, n)
	switch {
	case f.AllowEmpty:
		return m.passed("any number", actual, "an empty load is allowed"), nil
	case f.FullRead && f.Read == 0:
		return m.failed(limit, actual, "the source was read whole and holds no records; check it, or write allow_empty: true under source if that is normal"), nil
	case f.Replace && n == 0:
		return m.failed(limit, actual, "no record is left to load, and the load would empty its target; check the source and the steps, or write allow_empty: true under sink"), nil
	}
	if n == 0 {
		return m.passed(limit, actual, "nothing to load, and nothing is taken away"), nil
	}
	return m.passed(limit, actual, "not empty"), nil
}
