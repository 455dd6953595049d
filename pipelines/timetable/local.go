package timetable

import (
	"math"
	"time"

	"github.com/tieout/tieout/transforms/calendar"
)

// Local times are counted here as seconds since 1970-01-01 00:00 of the wall
// clock, instants as seconds since that moment in UTC. Between two changes the
// clock runs at one offset to UTC; such a stretch is a segment.

const (
	minutesOfDay  = 24 * 60
	secondsOfDay  = 24 * 60 * 60
	maxOffset     = 36 * 60 * 60 // more than any zone is from UTC
	searchedDays  = 41 * 366     // a 29 February on a given weekday comes after 40 years at most
	firstInstant  = int64(calendar.MinDate+2) * secondsOfDay
	latestInstant = int64(calendar.MaxDate-2) * secondsOfDay
)

// segment is a stretch of instants from..end-1 at one offset to UTC.
type segment struct{ start, end, offset int64 }

// at gives the segment of an instant.
func (t *Timetable) at(instant int64) segment {
	s := segment{start: math.MinInt64, end: math.MaxInt64}
	if t.zone == time.UTC {
		return s
	}
	local := time.Unix(instant, 0).In(t.zone)
	_, offset := local.Zone()
	s.offset = int64(offset)
	start, end := local.ZoneBounds()
	if !start.IsZero() {
		s.start = min(start.Unix(), instant)
	}
	if !end.IsZero() {
		s.end = end.Unix()
	}
	if s.end <= instant {
		// By the rule that goes on behind the last written change, the standard
		// library ends every year after 365 days. On the day it forgets, the
		// offset is right and holds to the end of the year.
		s.end = (floorDiv(instant, secondsOfDay) + 1) * secondsOfDay
	}
	return s
}

// reached gives the latest local time the clock has shown up to an instant of
// a segment. It is later than what the clock shows when it was put back.
func (t *Timetable) reached(instant int64, s segment) int64 {
	latest := instant + s.offset
	for s.start > instant-2*maxOffset {
		before := s.start - 1
		s = t.at(before)
		latest = max(latest, before+s.offset)
	}
	return latest
}

// first gives the first instant at which the clock shows a local time or, where
// it was put forward past it, a later one. It looks from an instant on that is
// before, and in the segment s.
func (t *Timetable) first(local, from int64, s segment) int64 {
	if far := local - maxOffset; far >= s.end {
		from, s = far, t.at(far)
	}
	for local-s.offset >= s.end {
		from, s = s.end, t.at(s.end)
	}
	return max(local-s.offset, from)
}

// nextOnce gives the first instant after one, when each local time counts
// once. Its instants follow one another strictly, since a later local time is
// first reached no earlier.
func (t *Timetable) nextOnce(after int64) (int64, bool) {
	s := t.at(after)
	shown := t.reached(after, s)
	local, ok := t.nextLocal(shown+1, shown+searchedDays*secondsOfDay)
	if !ok {
		return 0, false
	}
	return t.first(local, after, s), true
}

// previousOnce gives the last instant up to one, when each local time counts
// once.
func (t *Timetable) previousOnce(upto int64) (int64, bool) {
	s := t.at(upto)
	shown := t.reached(upto, s)
	local, ok := t.previousLocal(shown, shown-searchedDays*secondsOfDay)
	if !ok {
		return 0, false
	}
	from := local - maxOffset
	if from < s.start {
		s = t.at(from)
	}
	return t.first(local, from, s), true
}

// nextPass gives the first instant after one at which the clock shows a
// matching time, whether it did before or not.
func (t *Timetable) nextPass(after int64) (int64, bool) {
	at := after + 1
	for last := at + searchedDays*secondsOfDay; at <= last; {
		s := t.at(at)
		if local, ok := t.nextLocal(at+s.offset, min(s.end-1, last)+s.offset); ok {
			return local - s.offset, true
		}
		at = s.end
	}
	return 0, false
}

// previousPass gives the last instant up to one at which the clock shows a
// matching time.
func (t *Timetable) previousPass(upto int64) (int64, bool) {
	for first := upto - searchedDays*secondsOfDay; ; {
		s := t.at(upto)
		start := max(s.start, first)
		if local, ok := t.previousLocal(upto+s.offset, start+s.offset); ok {
			return local - s.offset, true
		}
		if upto = start - 1; upto < first {
			return 0, false
		}
	}
}

// nextLocal gives the first matching local time from..last, both included.
func (t *Timetable) nextLocal(from, last int64) (int64, bool) {
	minute := -floorDiv(-from, 60)
	day := floorDiv(minute, minutesOfDay)
	i := t.timeFrom(minute - day*minutesOfDay)
	if i == len(t.times) {
		day, i = day+1, 0
	}
	d, ok := t.days.next(calendar.Date(day), calendar.Date(floorDiv(last, secondsOfDay)))
	if int64(d) != day {
		i = 0
	}
	local := int64(d)*secondsOfDay + int64(t.times[i])*60
	return local, ok && local <= last
}

// previousLocal gives the last matching local time first..to, both included.
func (t *Timetable) previousLocal(to, first int64) (int64, bool) {
	minute := floorDiv(to, 60)
	day := floorDiv(minute, minutesOfDay)
	i := t.timeFrom(minute-day*minutesOfDay+1) - 1
	if i < 0 {
		day, i = day-1, len(t.times)-1
	}
	d, ok := t.days.previous(calendar.Date(day), calendar.Date(floorDiv(first, secondsOfDay)))
	if int64(d) != day {
		i = len(t.times) - 1
	}
	local := int64(d)*secondsOfDay + int64(t.times[i])*60
	return local, ok && local >= first
}

// timeFrom gives the index of the first time of day at or after a minute.
func (t *Timetable) timeFrom(minute int64) int {
	low, high := 0, len(t.times)
	for low < high {
		if mid := (low + high) / 2; int64(t.times[mid]) < minute {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
