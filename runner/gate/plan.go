package gate

import (
	"github.com/tieout/tieout/pipelines"
	"github.com/tieout/tieout/schemas/record"
	"github.com/tieout/tieout/transforms"
)

// Plan makes the meters of a gate over records of a shape. What does not fit
// is reported to c.Report, and the result is nil then.
func Plan(conditions []pipelines.Condition, shape *record.Shape, c *transforms.Context) Meters {
	return nil
}

// HeldLimit is the most records a run may hold before it is sure to block, so
// that it need not read on.
func HeldLimit(conditions []pipelines.Condition) int64 { return unwrittenMost }

// HistoryRuns is how many earlier runs the conditions compare with.
func HistoryRuns(conditions []pipelines.Condition) int { return 0 }

const unwrittenMost = 1000
