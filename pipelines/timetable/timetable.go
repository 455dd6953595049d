package timetable

import (
	"errors"
	"fmt"
	"slices"
	"strings"
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
	// Roll moves a Monthly date that is no business day; nil leaves it.
	Roll *calendar.Roll
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

// Timetable is a rule that was checked. It does not change, and is safe for
// concurrent use.
type Timetable struct {
	rule Rule
	zone *time.Location

	every int64 // seconds; the rest is for rules of local time
	// passes makes every matching instant count, also both passes of an hour
	// that is repeated; otherwise each local time counts once.
	passes bool
	times  []int16 // minutes of the day, ascending
	days   days
	cron   *fields // nil unless the rule is a cron
}

// New checks a rule. Its error is a phrase that tells what is wrong, without
// the name of the key.
func New(r Rule) (*Timetable, error) {
	if err := r.oneKind(); err != nil {
		return nil, err
	}
	t := &Timetable{rule: r, zone: r.Zone}
	if t.zone == nil {
		t.zone = time.UTC
	}
	var err error
	switch {
	case r.Every != 0:
		t.every, err = int64(r.Every/time.Second), checkEvery(r.Every)
	case r.Cron != "":
		err = t.setCron()
	default:
		err = t.setDays()
	}
	if err != nil {
		return nil, err
	}
	return t, nil
}

func (r *Rule) oneKind() error {
	kinds := 0
	for _, set := range []bool{r.Cron != "", r.Every != 0, r.Monthly != 0, r.BusinessDay != 0} {
		if set {
			kinds++
		}
	}
	switch {
	case kinds != 1:
		return errors.New("a timetable has one of cron, every, monthly and business_day")
	case len(r.At) > 0 && (r.Cron != "" || r.Every != 0):
		return errors.New("times of day belong to monthly and business_day")
	case len(r.At) == 0 && (r.Monthly != 0 || r.BusinessDay != 0):
		return errors.New("a time of day is needed")
	case r.Roll != nil && r.Monthly == 0:
		return errors.New("a roll belongs to monthly")
	}
	return nil
}

func checkEvery(d time.Duration) error {
	if d < time.Second || d%time.Second != 0 {
		return fmt.Errorf("%s is no interval of one or more whole seconds", d)
	}
	return nil
}

func (t *Timetable) setCron() (err error) {
	if t.cron, err = parseCron(t.rule.Cron); err != nil {
		return err
	}
	t.passes = t.cron.interval
	t.times = t.cron.times()
	t.days = &cronDays{fields: t.cron, holidays: t.rule.Holidays}
	return nil
}

func (t *Timetable) setDays() error {
	r := &t.rule
	for _, m := range r.At {
		if m < 0 || m >= minutesOfDay {
			return fmt.Errorf("minute %d of the day is not from 0 to %d", m, minutesOfDay-1)
		}
		t.times = append(t.times, int16(m))
	}
	slices.Sort(t.times)
	t.times = slices.Compact(t.times)
	switch {
	case r.Monthly > 28:
		return fmt.Errorf("not every month has a day %d; the end of the month is last", r.Monthly)
	case r.Monthly < Last:
		return fmt.Errorf("%d is no day of the month from 1 to 28", r.Monthly)
	case r.Monthly != 0:
		t.days = dayOfMonth{day: r.Monthly, roll: r.Roll, holidays: r.Holidays}
	case r.BusinessDay == EachBusinessDay:
		t.days = &cronDays{fields: weekdays(), holidays: r.Holidays}
	case r.BusinessDay < -MaxBusinessDay || r.BusinessDay > MaxBusinessDay:
		return fmt.Errorf("%d is no business day from 1 to %d or -1 to -%d", r.BusinessDay, MaxBusinessDay, MaxBusinessDay)
	default:
		t.days = businessDay{nth: r.BusinessDay, holidays: r.Holidays}
	}
	return nil
}

// MaxBusinessDay is the furthest business day a rule can count to: every month
// without holidays has more.
const MaxBusinessDay = 15

// Zone is the zone of the local times, never nil.
func (t *Timetable) Zone() *time.Location { return t.zone }

// ParseTime reads a time of day such as 18:00 as minutes since midnight.
func ParseTime(text string) (minutes int, err error) {
	hour, minute, ok := strings.Cut(text, ":")
	h, okHour := twoDigits(hour)
	m, okMinute := twoDigits(minute)
	if !ok || !okHour || !okMinute || h > 23 || m > 59 {
		return 0, fmt.Errorf("%q is no time of day from 00:00 to 23:59", text)
	}
	return h*60 + m, nil
}

func twoDigits(s string) (int, bool) {
	if len(s) != 2 || s[0]-'0' > 9 || s[1]-'0' > 9 {
		return 0, false
	}
	return int(s[0]-'0')*10 + int(s[1]-'0'), true
}
