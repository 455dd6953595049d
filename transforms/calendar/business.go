package calendar

import (
	"fmt"
	"slices"
	"time"
)

// Holidays is a set of days off beside Saturdays and Sundays. The zero value
// has none. It is safe for concurrent use.
type Holidays struct {
	days     []Date // sorted, distinct, no weekends
	weekends []Date // those that fall on one, sorted
}

// NewHolidays returns the set of the given days, in any order.
func NewHolidays(days []Date) Holidays {
	h := Holidays{days: make([]Date, 0, len(days))}
	for _, d := range days {
		if weekend(d) {
			h.weekends = append(h.weekends, d)
		} else {
			h.days = append(h.days, d)
		}
	}
	slices.Sort(h.days)
	slices.Sort(h.weekends)
	h.days = slices.Compact(h.days)
	return h
}

// Contains reports whether d was given as a holiday, be it on a weekend or not.
func (h Holidays) Contains(d Date) bool {
	in := h.days
	if weekend(d) {
		in = h.weekends
	}
	_, found := slices.BinarySearch(in, d)
	return found
}

// between counts the holidays in first..last, both included.
func (h Holidays) between(first, last Date) int64 {
	from, _ := slices.BinarySearch(h.days, first)
	to, _ := slices.BinarySearch(h.days, last+1)
	return int64(to - from)
}

func weekend(d Date) bool {
	w := d.Weekday()
	return w == time.Saturday || w == time.Sunday
}

// IsBusinessDay reports whether d is neither a weekend nor a holiday.
func IsBusinessDay(d Date, h Holidays) bool {
	return !weekend(d) && h.between(d, d) == 0
}

// Roll says where a day off moves.
type Roll uint8

// The rolls.
const (
	Following Roll = iota // to the next business day
	Preceding             // to the one before
	Modified              // to the next, unless that is in another month: then to the one before
)

var rollNames = [...]string{"following", "preceding", "modified"}

// ParseRoll returns the roll of a name such as "following".
func ParseRoll(name string) (Roll, error) {
	for i, n := range rollNames {
		if n == name {
			return Roll(i), nil
		}
	}
	return 0, fmt.Errorf("unknown roll %q: use one of %v", name, rollNames)
}

// BusinessDay returns d when it is a business day and the business day it rolls
// to otherwise.
func BusinessDay(d Date, roll Roll, h Holidays) Date {
	if IsBusinessDay(d, h) {
		return d
	}
	if roll == Preceding {
		return AddBusinessDays(d, -1, h)
	}
	next := AddBusinessDays(d, 1, h)
	if roll == Modified && MonthOf(next) != MonthOf(d) {
		return AddBusinessDays(d, -1, h)
	}
	return next
}

// AddBusinessDays returns the n-th business day after d, or before it when n is
// negative; d itself is not counted, and n = 0 returns d as it is. The time it
// takes depends on the holidays alone, not on n.
func AddBusinessDays(d Date, n int64, h Holidays) Date {
	n = clamp(n, farDays)
	for n != 0 {
		to := addWeekdays(d, n)
		if n > 0 {
			n = h.between(d+1, to) // each one costs a further day
		} else {
			n = -h.between(to, d-1)
		}
		d = to
	}
	return d
}

// addWeekdays moves n days that are not weekends, n != 0.
func addWeekdays(d Date, n int64) Date {
	if w := d.Weekday(); w == time.Saturday || w == time.Sunday {
		// Forward counts from the Friday before, backward from the Monday after.
		back := (int64(w) + 1) % 7 // Saturday 0, Sunday 1
		if n > 0 {
			d -= Date(back + 1)
		} else {
			d += Date(2 - back)
		}
	}
	weekday := int64(d.Weekday()) - 1 // Monday is 0
	weeks := floorDiv(weekday+n, 5)
	return d - Date(weekday) + Date(weeks*7+weekday+n-weeks*5)
}
