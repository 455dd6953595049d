package connectors_test

import (
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/tieout/tieout/connectors"
)

func TestDayBound(t *testing.T) {
	tests := []struct{ zone, day, first, last string }{
		{"UTC", "2024-02-29", "2024-02-29T00:00:00Z", "2024-02-29T23:59:59.999999Z"},
		{"America/Chicago", "2026-01-31", "2026-01-31T06:00:00Z", "2026-02-01T05:59:59.999999Z"},
		{"America/Chicago", "2026-03-08", "2026-03-08T06:00:00Z", "2026-03-09T04:59:59.999999Z"},
		{"America/Havana", "2025-11-02", "2025-11-02T04:00:00Z", "2025-11-03T04:59:59.999999Z"},    // midnight comes twice
		{"America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00Z", "2018-11-05T01:59:59.999999Z"}, // midnight is left out
	}
	for _, test := range tests {
		zone, err := time.LoadLocation(test.zone)
		if err != nil {
			t.Fatal(err)
		}
		for upper, want := range map[bool]string{false: test.first, true: test.last} {
			got, ok := connectors.DayBound(test.day, zone, upper)
			if text := time.UnixMicro(got).UTC().Format(time.RFC3339Nano); !ok || text != want {
				t.Errorf("%s in %s, upper %v: %s, want %s", test.day, test.zone, upper, text, want)
			}
		}
	}
	for _, text := range []string{"", "2026-02-30", "2026-01-31T00:00:00Z", "7"} {
		if _, ok := connectors.DayBound(text, nil, false); ok {
			t.Errorf("%q is a day", text)
		}
	}
}
