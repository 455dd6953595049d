package connectors

import (
	"time"

	"github.com/tieout/tieout/transforms/calendar"
)

// DayBound reads a date that bounds timestamps: as a lower end the first
// instant of that day in the zone, as an upper end its last microsecond, in
// microseconds since 1970 UTC. A nil zone is UTC. It reports false when the
// text is no date.
func DayBound(text string, zone *time.Location, upper bool) (int64, bool) {
	day, ok := calendar.ParseISO([]byte(text))
	if !ok {
		return 0, false
	}
	if zone == nil {
		zone = time.UTC
	}
	if upper {
		return dayStart(day.AddDays(1), zone) - 1, true
	}
	return dayStart(day, zone), true
}

// dayStart is the first instant of a local day, also where the clocks change
// at midnight.
func dayStart(day calendar.Date, zone *time.Location) int64 {
	y, m, d := day.YMD()
	at := time.Date(y, time.Month(m), d, 0, 0, 0, 0, zone)
	if before := at.Add(-time.Hour); before.Day() == d {
		return before.UnixMicro() // midnight comes twice
	}
	if at.Day() != d {
		_, at = at.ZoneBounds() // midnight is left out
	}
	return at.UnixMicro()
}
