package timetable

import "time"

// Asked gives the local time, written as if it were UTC, that an instant of
// the timetable stands for. It is earlier than what the clock shows then when
// the clock was put forward past it. It is false for a rule of which every
// matching instant counts: that one stands for itself.
func (t *Timetable) Asked(at time.Time) (time.Time, bool) {
	if t.every > 0 || t.passes {
		return time.Time{}, false
	}
	s := t.at(at.Unix())
	shown := t.reached(at.Unix(), s)
	local, ok := t.previousLocal(shown, shown-searchedDays*secondsOfDay)
	return time.Unix(local, 0).UTC(), ok
}
