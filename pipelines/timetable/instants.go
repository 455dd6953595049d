package timetable

import (
	"slices"
	"time"
)

// Next gives the first instant strictly after one, in UTC. It is false when
// none comes within forty years.
func (t *Timetable) Next(after time.Time) (time.Time, bool) {
	at := max(after.Unix(), firstInstant)
	if at > latestInstant {
		return time.Time{}, false
	}
	var next int64
	ok := true
	switch {
	case t.every > 0:
		next = (floorDiv(at, t.every) + 1) * t.every
	case t.passes:
		next, ok = t.nextPass(at)
	default:
		next, ok = t.nextOnce(at)
	}
	return instant(next, ok)
}

// Previous gives the last instant strictly before one, in UTC. It is false when
// none was within forty years.
func (t *Timetable) Previous(before time.Time) (time.Time, bool) {
	at := before.Unix()
	if before.Nanosecond() == 0 {
		at--
	}
	if at = min(at, latestInstant); at < firstInstant {
		return time.Time{}, false
	}
	var last int64
	ok := true
	switch {
	case t.every > 0:
		last = floorDiv(at, t.every) * t.every
	case t.passes:
		last, ok = t.previousPass(at)
	default:
		last, ok = t.previousOnce(at)
	}
	return instant(last, ok)
}

// instant keeps to the years that can be written with four digits.
func instant(seconds int64, ok bool) (time.Time, bool) {
	if !ok || seconds < firstInstant || seconds > latestInstant {
		return time.Time{}, false
	}
	return time.Unix(seconds, 0).UTC(), true
}

// Between gives the instants after one and up to another, included, in UTC and
// in order: all of them, or the newest when there are more than most.
func (t *Timetable) Between(after, upto time.Time, most int) []time.Time {
	var found []time.Time
	for before := upto.Add(1); len(found) < most; {
		at, ok := t.Previous(before)
		if !ok || !at.After(after) {
			break
		}
		found = append(found, at)
		before = at
	}
	slices.Reverse(found)
	return found
}
