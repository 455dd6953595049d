package gate_test

import (
	"strings"
	"testing"

	"github.com/tieout/tieout/pipelines"
	"github.com/tieout/tieout/runner/gate"
	"github.com/tieout/tieout/schemas/decimal"
	"github.com/tieout/tieout/schemas/document"
)

// The bound blocks above both the share and the number; only the unwritten one
// has a number of its own.
func TestMissing(t *testing.T) {
	percent := func(n int64) *pipelines.Share {
		return &pipelines.Share{Percent: &document.Percent{Decimal: decimal.FromInt(n)}}
	}
	five := int64(5)
	for _, c := range []struct {
		name          string
		bound         *pipelines.MissingBound
		gone, present int64
		passes        bool
	}{
		{"none", nil, 0, 100, true},
		{"unwritten, few of few", nil, 5, 10, true},
		{"unwritten, six of ten", nil, 6, 10, false},
		{"unwritten, the share itself", nil, 50, 1000, true},
		{"unwritten, one more", nil, 51, 1000, false},
		{"empty mapping", &pipelines.MissingBound{}, 5, 10, true},
		{"share", &pipelines.MissingBound{Max: percent(5)}, 1, 10, false},
		{"share with a number", &pipelines.MissingBound{Max: percent(5), Allow: &five}, 5, 10, true},
		{"share with a number, above both", &pipelines.MissingBound{Max: percent(5), Allow: &five}, 6, 10, false},
		{"number", &pipelines.MissingBound{Max: &pipelines.Share{Count: 20}}, 20, 20, true},
		{"one more than the number", &pipelines.MissingBound{Max: &pipelines.Share{Count: 20}}, 21, 10000, false},
		{"number alone", &pipelines.MissingBound{Allow: &five}, 6, 10000, false},
		{"none allowed", &pipelines.MissingBound{Max: percent(0)}, 1, 1000000, false},
		{"all allowed", &pipelines.MissingBound{Max: percent(100)}, 10, 10, true},
	} {
		found := gate.NewMissing(c.bound, false).Judge(c.gone, c.present)
		if found.Passed != c.passes || found.Code != "gate.missing" {
			t.Errorf("%s: %+v", c.name, found)
		}
	}
	found := gate.NewMissing(nil, true).Judge(60, 100)
	for _, want := range []string{"60 of the target's 100 records", "closed", "at most 5%", "close: { max"} {
		if !strings.Contains(found.Message, want) {
			t.Errorf("%q lacks %q", found.Message, want)
		}
	}
}
