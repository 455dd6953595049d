package gate

import (
	"github.com/tieout/tieout/pipelines"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
	"github.com/tieout/tieout/transforms"
)

// Plan makes the meters of a gate over records of a shape. A bound on held
// records and one against empty loads are among them whether written or not.
// What does not fit is reported to c.Report, and the result is nil then.
func Plan(conditions []pipelines.Condition, shape *record.Shape, c *transforms.Context) Meters {
	before := c.Report.Errors()
	pipelines.CheckGate(conditions, shape, c)
	if c.Report.Errors() > before {
		return nil
	}
	meters := Meters{newEmpty()}
	written := false
	for i := range conditions {
		one := &conditions[i]
		m := plan(one, shape, c)
		if m == nil {
			continue
		}
		meters = append(meters, m)
		_, bound := one.Spec.(*pipelines.QuarantinedCondition)
		written = written || bound
	}
	if !written {
		meters = append(meters, unwrittenQuarantined())
	}
	if c.Report.Errors() > before {
		return nil
	}
	return meters
}

// plan makes one meter, nil for a condition that cannot be read or reports a
// problem.
func plan(one *pipelines.Condition, shape *record.Shape, c *transforms.Context) Meter {
	v := verdict{name: one.Name, code: document.Code("gate." + one.Name), warn: one.Warns()}
	switch spec := one.Spec.(type) {
	case *pipelines.RecordsCondition:
		return &records{verdict: v, spec: spec}
	case *pipelines.QuarantinedCondition:
		return newQuarantined(v, spec)
	case *pipelines.UniqueCondition:
		return newUnique(v, spec, shape)
	case *pipelines.NotNullCondition:
		return newNotNull(v, spec, shape)
	case *pipelines.ReferencesCondition:
		return newReferences(v, spec, shape, c)
	case *pipelines.FreshCondition:
		return newFresh(v, spec, shape, c)
	case *pipelines.TotalsCondition:
		return newTotals(v, spec, shape, c)
	case *pipelines.BalancedCondition:
		return newBalanced(v, spec, shape)
	case *pipelines.ChangeCondition:
		return newChange(v, spec, shape, c)
	case *pipelines.OpenPeriodCondition:
		return newOpenPeriod(v, spec, shape, c)
	}
	return nil
}

// HeldLimit is the most records a run may hold or refuse before it is sure to
// block, so that it need not read on. Where a share of the records read is
// allowed, only their number at the end decides, and the limit is just a
// bound on what is kept.
func HeldLimit(conditions []pipelines.Condition) int64 {
	limit, written := int64(mostKept), false
	for i := range conditions {
		spec, ok := conditions[i].Spec.(*pipelines.QuarantinedCondition)
		if !ok {
			continue
		}
		written = true
		if !conditions[i].Warns() && (spec.Max == nil || spec.Max.IsZero()) {
			limit = min(limit, allowed(spec))
		}
	}
	if !written {
		return unwrittenMost
	}
	return limit
}

// HistoryRuns is how many earlier runs the conditions compare with.
func HistoryRuns(conditions []pipelines.Condition) int {
	n := 0
	for i := range conditions {
		if spec, ok := conditions[i].Spec.(*pipelines.ChangeCondition); ok {
			n = max(n, spec.Against.Runs)
		}
	}
	return n
}
