package schedule

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/tieout/tieout/pipelines/timetable"
)

// ringing is an alarm under a clock that the test sets.
type ringing struct {
	t     *testing.T
	clock *clockwork.FakeClock
	alarm *Alarm
	rang  chan struct{}
}

func newRinging(t *testing.T, start time.Time) *ringing {
	r := &ringing{t: t, clock: clockwork.NewFakeClockAt(start), rang: make(chan struct{}, 10_000)}
	var err error
	if r.alarm, err = NewAlarm(r.clock, func() { r.rang <- struct{}{} }); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		began := time.Now()
		if err := r.alarm.Close(); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("closing the alarm took %s", took)
		}
	})
	return r
}

func (r *ringing) set(all bool, plans ...*Plan) {
	r.t.Helper()
	byName, timers := map[string]*Plan{}, 0
	for _, p := range plans {
		byName[p.Pipeline] = p
		if p.Table != nil {
			timers++
		}
	}
	if err := r.alarm.Set(byName, all); err != nil {
		r.t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(r.t.Context(), 10*time.Second)
	defer stop()
	if err := r.clock.BlockUntilContext(ctx, timers); err != nil {
		r.t.Fatal("the alarm waits for nothing")
	}
}

// to lets time pass until an instant and says whether the alarm rang.
func (r *ringing) to(at time.Time) bool {
	r.clock.Advance(at.Sub(r.clock.Now()))
	select {
	case <-r.rang:
		return true
	case <-time.After(100 * time.Millisecond):
		return false
	}
}

func (r *ringing) check(text string, want bool) {
	r.t.Helper()
	if got := r.to(at(text)); got != want {
		r.t.Fatalf("at %s the alarm rang: %t, want %t", text, got, want)
	}
	ctx, stop := context.WithTimeout(r.t.Context(), 10*time.Second)
	defer stop()
	if err := r.clock.BlockUntilContext(ctx, 1); err != nil {
		r.t.Fatal("the alarm waits for nothing more")
	}
}

func TestAlarmRingsAtTheInstants(t *testing.T) {
	r := newRinging(t, at("2026-03-10T00:30:00Z"))
	r.set(false, hourly(t), &Plan{Pipeline: "without a timetable"})
	r.check("2026-03-10T00:59:59Z", false)
	r.check("2026-03-10T01:00:00Z", true)
	r.check("2026-03-10T01:30:00Z", false)
	r.check("2026-03-10T02:00:00Z", true)
}

func TestAlarmAfterTheClockWasSet(t *testing.T) {
	r := newRinging(t, at("2026-03-10T00:30:00Z"))
	p := hourly(t)
	r.set(false, p)
	r.check("2026-03-12T00:30:00Z", true) // one ring for two days
	if len(r.rang) > 1 {
		t.Errorf("it rang %d times more for what had passed", len(r.rang))
	}
	for len(r.rang) > 0 {
		<-r.rang
	}
	r.set(true, p)
	r.check("2026-03-12T01:00:00Z", true)
	r.clock.Advance(-24 * time.Hour)
	r.set(true, p)
	r.check("2026-03-11T01:59:59Z", false)
	r.check("2026-03-11T02:00:00Z", true)
}

func TestAlarmFollowsThePlans(t *testing.T) {
	r := newRinging(t, at("2026-03-10T00:30:00Z"))
	r.set(false, hourly(t))
	half := plan(t, "p", timetable.Rule{Cron: "45 * * * *"})
	r.set(false, half)
	r.check("2026-03-10T00:45:00Z", true)
	r.check("2026-03-10T01:00:00Z", false)
	other := hourly(t)
	other.Pipeline = "q"
	r.set(false, other)
	r.check("2026-03-10T01:45:00Z", false)
	r.check("2026-03-10T02:00:00Z", true)
	r.alarm.gocron.RemoveByTags("nobody")
	r.check("2026-03-10T03:00:00Z", true)
}

// An engine that is woken by the alarm alone.
func TestAlarmWakesTheEngine(t *testing.T) {
	clock := clockwork.NewFakeClockAt(at("2026-03-10T00:30:00Z"))
	r := &rig{t: t, mem: newMemory(), clock: clock, runs: map[id]int{}, late: map[string]bool{}}
	var e *Engine
	alarm, err := NewAlarm(clock, func() { e.Wake() })
	if err != nil {
		t.Fatal(err)
	}
	defer alarm.Close() //nolint:errcheck // told by the other tests
	e = New(Config{NewID: r.mem.newID, Slots: r.mem, Register: r.mem, Past: r.mem, Runner: r, Observer: r, Clock: clock, Alarm: alarm,
		Log: slog.New(slog.DiscardHandler), Look: 1000 * time.Hour, Concurrency: 4})
	e.SetPlans([]*Plan{hourly(t)})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- e.Run(ctx, t.Context()) }()
	for hour := 1; hour <= 3; hour++ {
		if err := clock.BlockUntilContext(ctx, 2); err != nil { // the engine's and the alarm's
			t.Fatal(err)
		}
		clock.Advance(at(fmt.Sprintf("2026-03-10T%02d:00:00Z", hour)).Sub(clock.Now()))
		for range 500 {
			if r.counts("p")[Done] == hour {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	r.check(map[Status]int{Done: 3})
}

func TestAlarmOfThousands(t *testing.T) {
	r := newRinging(t, at("2026-03-10T00:30:00Z"))
	var plans []*Plan
	for i := range 2000 {
		p := hourly(t)
		p.Pipeline = fmt.Sprintf("p%d", i)
		plans = append(plans, p)
	}
	began := time.Now()
	r.set(false, plans...)
	first := time.Since(began)
	r.set(true, plans...)
	t.Logf("2,000 alarms set in %s, and anew in %s", first, time.Since(began)-first)
	if !r.to(at("2026-03-10T01:00:00Z")) {
		t.Error("none of 2,000 rang")
	}
}
