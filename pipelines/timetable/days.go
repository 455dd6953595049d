package timetable

import (
	"math/bits"

	"github.com/tieout/tieout/transforms/calendar"
)

// days are the dates of a rule.
type days interface {
	// next gives the first date from..last, both included.
	next(from, last calendar.Date) (calendar.Date, bool)
	// previous gives the last date first..to, both included.
	previous(to, first calendar.Date) (calendar.Date, bool)
}

// cronDays are the dates of three fields of a cron, without holidays.
type cronDays struct {
	*fields
	holidays calendar.Holidays
}

// ofMonth gives the matching days of a month as bits 1 to 31.
func (c *cronDays) ofMonth(m calendar.Month, start calendar.Date) uint32 {
	_, month := m.YM()
	if c.months>>month&1 == 0 {
		return 0
	}
	// Five weeks of the wanted weekdays, so turned that the first bit is that
	// of the first day.
	weeks := uint64(c.weekdays) * (1 | 1<<7 | 1<<14 | 1<<21 | 1<<28 | 1<<35)
	set := uint32(weeks>>start.Weekday()) << 1
	if c.either {
		set |= c.days
	} else {
		set &= c.days
	}
	return set & (1<<(m.Days()+1) - 2)
}

func (c *cronDays) next(from, last calendar.Date) (calendar.Date, bool) {
	for m := calendar.MonthOf(from); ; m++ {
		start := m.Start()
		if start > last {
			return 0, false
		}
		set := c.ofMonth(m, start)
		if from > start {
			set &^= 1<<(from-start+1) - 1
		}
		for ; set != 0; set &= set - 1 {
			d := start + calendar.Date(bits.TrailingZeros32(set)-1)
			if d > last {
				return 0, false
			}
			if !c.holidays.Contains(d) {
				return d, true
			}
		}
	}
}

func (c *cronDays) previous(to, first calendar.Date) (calendar.Date, bool) {
	for m := calendar.MonthOf(to); ; m-- {
		start := m.Start()
		if m.End() < first {
			return 0, false
		}
		set := c.ofMonth(m, start)
		if to-start < 30 {
			set &= 1<<(to-start+2) - 1
		}
		for set != 0 {
			n := bits.Len32(set) - 1
			d := start + calendar.Date(n-1)
			if d < first {
				return 0, false
			}
			if !c.holidays.Contains(d) {
				return d, true
			}
			set &^= 1 << n
		}
	}
}

// dayOfMonth is one day of each month, moved when it is no business day. It may
// move into another month, but never past the day of the month before or after.
type dayOfMonth struct {
	day      int // 1 to 28, or Last
	roll     *calendar.Roll
	holidays calendar.Holidays
}

func (o dayOfMonth) of(m calendar.Month) (calendar.Date, bool) {
	d := m.End()
	if o.day != Last {
		d = m.Start() + calendar.Date(o.day-1)
	}
	if o.roll != nil {
		d = calendar.BusinessDay(d, *o.roll, o.holidays)
	}
	return d, true
}

func (o dayOfMonth) next(from, last calendar.Date) (calendar.Date, bool) {
	return nextOf(o, from, last)
}
func (o dayOfMonth) previous(to, first calendar.Date) (calendar.Date, bool) {
	return previousOf(o, to, first)
}

// businessDay is the nth business day of each month. A month with too many
// holidays has none.
type businessDay struct {
	nth      int // counted from the end when negative
	holidays calendar.Holidays
}

func (b businessDay) of(m calendar.Month) (calendar.Date, bool) {
	from := m.Start() - 1
	if b.nth < 0 {
		from = m.End() + 1
	}
	d := calendar.AddBusinessDays(from, int64(b.nth), b.holidays)
	return d, calendar.MonthOf(d) == m
}

func (b businessDay) next(from, last calendar.Date) (calendar.Date, bool) {
	return nextOf(b, from, last)
}
func (b businessDay) previous(to, first calendar.Date) (calendar.Date, bool) {
	return previousOf(b, to, first)
}

// monthly gives at most one date for a month, and for a later month none that
// is earlier.
type monthly interface {
	of(calendar.Month) (calendar.Date, bool)
}

// nextOf begins a month early and goes back while dates have moved later.
func nextOf[M monthly](o M, from, last calendar.Date) (calendar.Date, bool) {
	m := calendar.MonthOf(from) - 1
	for d, ok := o.of(m); ok && d >= from && m.Valid(); d, ok = o.of(m) {
		m--
	}
	for ; m.Start() <= last+maxMove; m++ {
		if d, ok := o.of(m); ok && d >= from {
			return d, d <= last
		}
	}
	return 0, false
}

func previousOf[M monthly](o M, to, first calendar.Date) (calendar.Date, bool) {
	m := calendar.MonthOf(to) + 1
	for d, ok := o.of(m); ok && d <= to && m.Valid(); d, ok = o.of(m) {
		m++
	}
	for ; m.End() >= first-maxMove; m-- {
		if d, ok := o.of(m); ok && d <= to {
			return d, d >= first
		}
	}
	return 0, false
}

// maxMove is how many days a date is looked for beside the months searched.
const maxMove = 31
