package schedule

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/tieout/tieout/pipelines/timetable"
	"github.com/tieout/tieout/runner"
)

// A reading of the process's clock also says how long the process has run, and
// comparing two of them would overlook a clock that was set.
func TestTheClockOnTheWallCounts(t *testing.T) {
	r := newRig(t, at("2026-03-10T00:30:00Z"), hourly(t))
	r.engine.Clock = clockwork.NewRealClock()
	r.engine.watermark = r.engine.now()
	r.engine.step(t.Context())
	e := r.engine
	for name, got := range map[string]time.Time{"watermark": e.watermark, "saved": e.saved, "looked": e.looked, "seen": e.seen} {
		if got != got.Round(0) { //nolint:staticcheck // whether there is a reading besides the time
			t.Errorf("%s is compared by how long the process has run", name)
		}
	}
}

// A run that fails while the clock says 2100 is not tried again in 2100.
func TestWaitLeftByAWrongClock(t *testing.T) {
	r := newRig(t, at("2026-03-10T00:59:00Z"), hourly(t))
	r.outcome = failing(0)
	r.clock.Advance(time.Minute)
	r.engine.step(t.Context())
	got := <-r.engine.done
	r.outcome = nil
	ahead := at("2100-01-01T00:00:00Z").Sub(r.clock.Now())
	r.clock.Advance(ahead)
	r.engine.finish(t.Context(), got)
	r.step()
	r.clock.Advance(-ahead)
	r.to(at("2026-03-10T01:05:00Z"))
	r.check(map[Status]int{Done: 1})
}

func TestRestartUnderAWrongClock(t *testing.T) {
	r := newRig(t, at("2026-03-10T00:59:00Z"), hourly(t))
	r.clock.Advance(time.Minute)
	r.engine.step(t.Context())
	<-r.engine.done // killed
	ahead := at("2100-01-01T00:00:00Z").Sub(r.clock.Now())
	r.clock.Advance(ahead)
	r.outcome = func(s Slot) Outcome { return Outcome{Run: runner.Run{RunID: s.RunID, Status: runner.NothingNew}} }
	r.restart()
	r.clock.Advance(-ahead)
	r.to(at("2026-03-10T01:00:30Z"))
	r.check(map[Status]int{Done: 1})
}

// A slot that a clock a day ahead left waiting is not in the way of the slots
// that come before it.
func TestSlotOfTomorrowIsInNobodysWay(t *testing.T) {
	p := hourly(t)
	p.Attempts, p.Backoff, p.MaxBackoff = 100, 10*time.Minute, 10*time.Minute
	r := newRig(t, at("2026-03-10T00:30:00Z"), p)
	r.outcome = failing(0)
	r.to(at("2026-03-11T02:00:00Z"))
	r.to(at("2026-03-10T00:31:00Z"))
	r.outcome = nil
	r.to(at("2026-03-10T01:00:00Z"))
	r.check(map[Status]int{Due: 1, Done: 1})
	for now := r.clock.Now(); now.Before(at("2026-03-11T02:30:00Z")); now = now.Add(time.Hour) {
		r.to(now)
	}
	r.to(at("2026-03-11T02:30:00Z"))
	r.check(map[Status]int{Done: 26})
}

// Whether a claim was written is not known when its answer is lost.
func TestClaimWhoseAnswerIsLost(t *testing.T) {
	r := newRig(t, at("2026-03-10T00:59:59Z"), hourly(t))
	r.clock.Advance(time.Second)
	now := r.engine.now()
	if err := errors.Join(r.engine.look(t.Context(), now), r.engine.sweep(t.Context(), now)); err != nil {
		t.Fatal(err)
	}
	r.mem.lost = 1
	r.engine.dispatch(t.Context(), now)
	r.to(at("2026-03-10T01:00:01Z"))
	r.to(at("2026-03-10T01:00:02Z"))
	r.check(map[Status]int{Done: 1})
	if len(r.events) != 1 {
		t.Errorf("%d ends were told of", len(r.events))
	}
}

// counter counts proposals.
type counter struct {
	*memory
	n int
}

func (c *counter) Propose(ctx context.Context, slots []Slot, watermark time.Time) ([]Slot, error) {
	c.n += len(slots)
	return c.memory.Propose(ctx, slots, watermark)
}

// A slot that was written though the answer was lost is not proposed again at
// every look.
func TestFollowedThoughTheAnswerIsLost(t *testing.T) {
	a := &Plan{Pipeline: "a"}
	r := newRig(t, at("2026-03-10T00:00:00Z"), a, &Plan{Pipeline: "p", After: []string{"a"}})
	c := &counter{memory: r.mem}
	r.engine.Slots = c
	r.mem.succeed(Success{Pipeline: "a", RunID: "r", EndedAt: at("2026-03-10T00:00:05Z")})
	r.mem.lost = 1
	r.to(at("2026-03-10T00:00:06Z"))
	for i := range 9 {
		r.to(at("2026-03-10T00:00:10Z").Add(time.Duration(i) * time.Second))
	}
	r.check(map[Status]int{Done: 1})
	if c.n > 3 {
		t.Errorf("one slot was proposed %d times", c.n)
	}
}

// A trigger that comes after its pipeline was removed does not stay open.
func TestTriggerOfAStranger(t *testing.T) {
	r := newRig(t, at("2026-03-10T00:00:00Z"), &Plan{Pipeline: "a"})
	s := hourly(t).slot(at("2026-03-10T00:00:01Z"), ByTrigger, at("2026-03-10T00:00:01Z"))
	if _, err := r.mem.Propose(t.Context(), []Slot{s}, time.Time{}); err != nil {
		t.Fatal(err)
	}
	r.to(at("2026-03-10T00:00:30Z"))
	r.check(map[Status]int{Due: 1}) // its file may be about to be read
	r.to(at("2026-03-10T00:01:30Z"))
	r.check(map[Status]int{Skipped: 1})
}

// A run keeps its place on a connection when its plan changes meanwhile.
func TestConnectionOfARunWhosePlanIsGone(t *testing.T) {
	plans := map[string]*Plan{}
	for _, name := range []string{"a", "b"} {
		p := plan(t, name, timetable.Rule{Cron: map[string]string{"a": "0 * * * *", "b": "1 * * * *"}[name]})
		p.Uses = map[string]int{"warehouse": 1}
		plans[name] = p
	}
	c := hourly(t)
	c.Pipeline, c.Overlap = "c", OverlapSkip
	r := newRig(t, at("2026-03-10T00:59:00Z"), plans["a"], plans["b"], c)
	r.clock.Advance(time.Minute)
	r.engine.step(t.Context())
	first := <-r.engine.done // one of a and c ends; the other goes on
	for first.slot.Pipeline != "c" {
		other := <-r.engine.done
		go func(got ended) { r.engine.done <- got }(first)
		first = other
	}
	r.engine.SetPlans([]*Plan{plans["b"], c})
	r.engine.step(t.Context())
	r.engine.finish(t.Context(), first)
	r.clock.Advance(time.Minute)
	r.engine.step(t.Context())
	if _, runs := r.engine.running["b"]; runs {
		t.Error("two runs use a connection that takes one")
	}
	r.engine.finish(t.Context(), <-r.engine.done)
	r.step()
	if len(r.runs) != 3 {
		t.Errorf("%d slots ran", len(r.runs))
	}
}

func TestAcceptedClockThatIsBehind(t *testing.T) {
	r := newRig(t, at("2028-03-10T00:30:00Z"), hourly(t))
	r.to(at("2028-03-10T01:00:00Z"))
	r.clock.Advance(-2 * 366 * 24 * time.Hour)
	r.engine = New(Config{NewID: r.mem.newID, Slots: r.mem, Register: r.mem, Past: r.mem, Runner: r, Observer: r, Clock: r.clock, Log: slog.New(slog.DiscardHandler),
		Look: time.Second, AcceptClock: true})
	r.engine.SetPlans(r.plans)
	if err := r.engine.begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.step()
	r.to(r.clock.Now().Add(time.Hour))
	if r.wrong != nil {
		t.Fatal(r.wrong)
	}
	r.check(map[Status]int{Done: 2})
}

// bells counts how often the alarm is set anew for all.
type bells struct{ all int }

func (b *bells) Set(_ map[string]*Plan, all bool) error {
	if all {
		b.all++
	}
	return nil
}

// A store that cannot be reached for long is no jump of the clock.
func TestAlarmIsNotSetAgainWhileTheStoreIsAway(t *testing.T) {
	r := newRig(t, at("2026-03-10T00:00:00Z"), hourly(t))
	b := &bells{}
	r.engine.Alarm = b
	r.mem.fail = errors.New("no route to host")
	for i := range 600 {
		r.to(at("2026-03-10T00:00:00Z").Add(time.Duration(i) * time.Second))
	}
	if b.all != 0 {
		t.Errorf("the alarm was set anew %d times", b.all)
	}
	r.mem.fail = nil
	r.to(at("2026-03-10T03:00:00Z"))
	r.to(at("2026-03-10T02:00:00Z"))
	if b.all != 2 {
		t.Errorf("after two jumps of the clock the alarm was set anew %d times", b.all)
	}
}

// An end that cannot be written is tried again before the process stops.
func TestEndIsWrittenWhenDraining(t *testing.T) {
	r := newRig(t, at("2026-03-10T00:59:00Z"), hourly(t))
	r.outcome = func(s Slot) Outcome {
		return Outcome{Run: runner.Run{RunID: "r", Status: runner.Blocked, Error: "blocked"}, Err: runner.ErrBlocked}
	}
	r.clock.Advance(time.Minute)
	r.engine.step(t.Context())
	got := <-r.engine.done
	r.mem.fail = errors.New("disk full")
	r.engine.finish(t.Context(), got)
	r.mem.fail = nil
	if err := r.engine.drain(t.Context(), t.Context()); err != nil {
		t.Fatal(err)
	}
	r.check(map[Status]int{Blocked: 1})
}
