package gate

import (
	"fmt"

	"github.com/tieout/tieout/pipelines"
	"github.com/tieout/tieout/schemas/decimal"
	"github.com/tieout/tieout/schemas/document"
)

// Missing bounds how many records of the target a load may take away because
// the source no longer has them.
type Missing struct {
	verdict
	percent *decimal.Decimal // nil when a number is the bound
	most    int64
	allow   int64
	verb    string
	limit   string
}

// The bound when none is written: more than 5 percent of what the target
// holds, and more than 5.
const (
	missingPercent = 5
	missingAllow   = 5
)

// NewMissing makes the bound as written, nil for none; closes says that
// records are closed, not deleted.
func NewMissing(spec *pipelines.MissingBound, closes bool) *Missing {
	m := &Missing{verdict: verdict{name: "missing", code: document.CodeGateMissing}, verb: "deleted"}
	if closes {
		m.verb = "closed"
	}
	if spec == nil || spec.Max == nil && spec.Allow == nil {
		percent := decimal.FromInt(missingPercent)
		m.percent, m.allow = &percent, missingAllow
	} else {
		m.written(spec)
	}
	switch {
	case m.percent == nil:
		m.limit = "at most " + count(max(m.most, m.allow), "record")
	case m.allow == 0:
		m.limit = fmt.Sprintf("at most %s%% of the target's records", m.percent)
	default:
		m.limit = fmt.Sprintf("at most %s%% of the target's records, or %s if that is more", m.percent, count(m.allow, "record"))
	}
	return m
}

func (m *Missing) written(spec *pipelines.MissingBound) {
	if spec.Allow != nil {
		m.allow = *spec.Allow
	}
	switch {
	case spec.Max == nil:
	case spec.Max.Percent != nil:
		m.percent = &spec.Max.Percent.Decimal
	default:
		m.most = spec.Max.Count
	}
}

// Judge gives the verdict on gone records of the present ones: gone * 100 is
// compared with percent * present, so that nothing is rounded.
func (m *Missing) Judge(gone, present int64) Finding {
	actual := fmt.Sprintf("%d of %d", gone, present)
	above := gone > m.allow && gone > m.most
	if m.percent != nil {
		above = gone > m.allow && m.percent.Mul(decimal.FromInt(present)).Less(decimal.FromInt(gone*100))
	}
	if !above {
		return m.passed(m.limit, actual, fmt.Sprintf("%d of the target's %d records are %s", gone, present, m.verb))
	}
	found := m.failed(m.limit, actual, fmt.Sprintf("%d of the target's %d records are not in the source any more and would be %s; the limit is %s; see whether the source is complete, or write `missing: { %s: { max: … } }` with more",
		gone, present, m.verb, m.limit, map[string]string{"deleted": "delete", "closed": "close"}[m.verb]))
	found.Count = gone
	return found
}
