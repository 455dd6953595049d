package schedule

import (
	"fmt"
	"time"

	"github.com/go-co-op/gocron/v2"
	"github.com/jonboulle/clockwork"
)

// Alarm wakes the engine at the instants of the timetables. It decides
// nothing: the engine looks at what is due whenever it wakes, and once a
// second besides, so an alarm that comes early, late, twice or not at all
// changes no slot.
type Alarm struct {
	gocron gocron.Scheduler
	clock  clockwork.Clock
	wake   func()
	set    map[string]string // rule by pipeline
}

// NewAlarm makes an alarm that calls wake, which must not block.
func NewAlarm(clock clockwork.Clock, wake func()) (*Alarm, error) {
	s, err := gocron.NewScheduler(gocron.WithClock(clock), gocron.WithLocation(time.UTC), gocron.WithStopTimeout(time.Second))
	if err != nil {
		return nil, fmt.Errorf("make the alarm: %w", err)
	}
	s.Start()
	return &Alarm{gocron: s, clock: clock, wake: wake, set: map[string]string{}}, nil
}

// Set sets the alarm for these plans and no others. With all, it is set anew
// for those it was set for already, since the clock jumped.
func (a *Alarm) Set(plans map[string]*Plan, all bool) error {
	for name, rule := range a.set {
		if p := plans[name]; all || p == nil || p.Table == nil || p.Rule != rule {
			a.gocron.RemoveByTags(name)
			delete(a.set, name)
		}
	}
	for name, p := range plans {
		if _, is := a.set[name]; is || p.Table == nil {
			continue
		}
		_, err := a.gocron.NewJob(gocron.CronJob(p.Rule, false), gocron.NewTask(a.wake), gocron.WithName(name), gocron.WithTags(name),
			gocron.WithCronImplementation(instants{p.Table, a.clock}))
		if err != nil {
			return fmt.Errorf("set the alarm of %s: %w", name, err)
		}
		a.set[name] = p.Rule
	}
	return nil
}

// Close stops the alarm.
func (a *Alarm) Close() error { return a.gocron.Shutdown() }

// instants shows a timetable to gocron as a cron implementation.
type instants struct {
	table Timetable
	clock clockwork.Clock
}

// IsValid accepts: a timetable was checked when it was made.
func (i instants) IsValid(string, *time.Location, time.Time) error { return nil }

// Next gives the first instant after the last and after now, so that a clock
// that jumped ahead costs one step and not one for each instant between.
func (i instants) Next(last time.Time) time.Time {
	next, ok := i.table.Next(later(last, i.clock.Now().Add(-time.Second)))
	if !ok {
		return i.clock.Now().Add(wrongClock)
	}
	return next
}

var _ gocron.Cron = instants{}
