package timetable

import (
	"time"

	"github.com/tieout/tieout/transforms/calendar"
)

// Rule says when a pipeline is due. Exactly one of Cron, Every, Monthly and
// BusinessDay is set.
type Rule struct {
	// Cron has five fields: minute, hour, day of month, month, day of week.
	Cron string
	// Every is a fixed interval, counted from 1970-01-01T00:00:00Z, so that a
	// restart changes no instant.
	Every time.Duration
	// Monthly is a day of the month, 1 to 28, or Last.
	Monthly int
	// BusinessDay is the nth business day of a month, counted from its end
	// when negative (Last is the last one), or EachBusinessDay.
	BusinessDay int

	// At are the local times of day of Monthly and BusinessDay, as minutes
	// since midnight.
	At []int
	// Roll moves a Monthly date that is no business day.
	Roll calendar.Roll
	// Holidays are no business days. Dates of Cron that are holidays are left
	// out.
	Holidays calendar.Holidays
	// Zone is the zone of all local times, UTC when nil.
	Zone *time.Location
}

// Values of Monthly and BusinessDay that are no number of a day.
const (
	Last            = -1
	EachBusinessDay = 100
)
