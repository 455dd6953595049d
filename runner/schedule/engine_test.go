package schedule

import (
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/tieout/tieout/pipelines/timetable"
	"github.com/tieout/tieout/runner"
)

func at(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return t
}

func plan(t *testing.T, name string, r timetable.Rule) *Plan {
	t.Helper()
	table, err := timetable.New(r)
	if err != nil {
		t.Fatal(err)
	}
	return &Plan{Pipeline: name, Table: table, Rule: r.Cron + r.Every.String(), Zone: table.Zone(), CatchUp: CatchUpLast, CatchUpMax: 100,
		Overlap: OverlapSkip, Attempts: 3, Backoff: 30 * time.Second, MaxBackoff: 10 * time.Minute}
}

func hourly(t *testing.T) *Plan { return plan(t, "p", timetable.Rule{Cron: "0 * * * *"}) }

func failing(int) func(Slot) Outcome {
	return func(Slot) Outcome {
		return Outcome{Run: runner.Run{RunID: "r", Status: runner.Failed, Error: "no route to host"}, Err: errors.New("no route to host")}
	}
}

// check compares how the slots of a pipeline ended.
func (r *rig) check(want map[Status]int) {
	r.t.Helper()
	if got := r.counts("p"); !maps.Equal(got, want) {
		for _, s := range r.mem.all("p") {
			r.t.Logf("%s %s %s", s.Local, s.Status, s.Reason)
		}
		r.t.Fatalf("slots ended %v, want %v", got, want)
	}
	for k, n := range r.runs {
		if n > 1 {
			r.t.Fatalf("slot %v of %s committed %d times", time.UnixMicro(k.nominal).UTC(), k.pipeline, n)
		}
	}
}

func TestThreeDaySleep(t *testing.T) {
	for _, c := range []struct {
		policy CatchUp
		max    int
		want   map[Status]int
	}{
		{CatchUpLast, 100, map[Status]int{Done: 1, Coalesced: 71}},
		{CatchUpNone, 100, map[Status]int{Missed: 72}},
		{CatchUpAll, 100, map[Status]int{Done: 72}},
		{CatchUpAll, 10, map[Status]int{Done: 10, Missed: 62}},
	} {
		p := hourly(t)
		p.CatchUp, p.CatchUpMax = c.policy, c.max
		r := newRig(t, at("2026-03-01T00:30:00Z"), p)
		r.to(at("2026-03-04T00:30:00Z"))
		r.check(c.want)
		for _, s := range r.mem.all("p") {
			if s.Status != Done && s.Reason == "" {
				t.Errorf("%s: slot %s is %s without a reason", c.policy, s.Local, s.Status)
			}
		}
		r.to(at("2026-03-04T01:00:00Z"))
		if last := r.mem.all("p"); last[len(last)-1].Status != Done {
			t.Errorf("%s: the slot after the sleep is %s", c.policy, last[len(last)-1].Status)
		}
	}
}

func TestStretchBecomesOneRow(t *testing.T) {
	p := plan(t, "p", timetable.Rule{Every: time.Second})
	r := newRig(t, at("2026-03-01T00:00:00Z"), p)
	r.to(at("2026-03-02T00:00:00Z"))
	r.check(map[Status]int{Missed: 1, Coalesced: mostRows - 1, Done: 1})
	first := r.mem.all("p")[0]
	if want := at("2026-03-02T00:00:00Z").Add(-mostRows * time.Second); !first.Through.Equal(want) || !first.Nominal.Equal(at("2026-03-01T00:00:01Z").Add(-time.Microsecond)) {
		t.Errorf("the stretch goes from %s to %s", first.Nominal, first.Through)
	}
}

func TestHundredRestartsInOneSlot(t *testing.T) {
	r := newRig(t, at("2026-03-01T00:30:00Z"), hourly(t))
	for i := range 100 {
		r.to(at("2026-03-01T01:00:00Z").Add(time.Duration(i) * time.Second))
		r.restart()
	}
	r.check(map[Status]int{Done: 1})
}

func TestKilledWhileRunning(t *testing.T) {
	r := newRig(t, at("2026-03-01T00:30:00Z"), hourly(t))
	r.clock.Advance(30 * time.Minute)
	r.engine.step(t.Context()) // claims and starts
	<-r.engine.done            // the run ends, but its end is lost with the process
	if got := r.counts("p"); got[Running] != 1 {
		t.Fatalf("slots are %v", got)
	}
	settled := 0
	r.outcome = func(s Slot) Outcome { // what settling finds
		settled++
		return Outcome{Run: runner.Run{RunID: s.RunID, Status: runner.NothingNew}}
	}
	r.restart()
	r.check(map[Status]int{Done: 1})
	if s := r.mem.all("p")[0]; settled != 1 || s.Attempts != 2 || s.RunID == "" {
		t.Errorf("settled %d times, slot %+v", settled, s)
	}
}

// What a dead process left open does not stand in the way of the slots of the
// time it was dead: by default the newest of them runs.
func TestKilledAndDownOverSlots(t *testing.T) {
	r := newRig(t, at("2026-03-01T00:30:00Z"), hourly(t))
	r.outcome = func(Slot) Outcome { return Outcome{} } // nothing is committed
	r.clock.Advance(30 * time.Minute)
	r.engine.step(t.Context())
	<-r.engine.done
	r.outcome = nil
	r.clock.Advance(3*time.Hour + 5*time.Second)
	r.restart()
	r.check(map[Status]int{Done: 2, Coalesced: 2})
	if slots := r.mem.all("p"); slots[0].Status != Done || slots[3].Status != Done {
		t.Errorf("the killed slot is %s, the newest is %s", slots[0].Status, slots[3].Status)
	}
}

// A pause or its end holds as soon as it is written down.
func TestPauseHoldsAtOnce(t *testing.T) {
	r := newRig(t, at("2026-03-10T00:59:59.9Z"), hourly(t))
	r.mem.pauses["p"] = Pause{By: "ana", At: r.clock.Now()}
	r.to(at("2026-03-10T01:00:00Z"))
	r.to(at("2026-03-10T01:59:59.9Z"))
	delete(r.mem.pauses, "p")
	r.to(at("2026-03-10T02:00:00Z"))
	r.check(map[Status]int{Skipped: 1, Done: 1})
}

// A process that dies in every attempt does not go on for ever.
func TestKilledAgainAndAgain(t *testing.T) {
	r := newRig(t, at("2026-03-01T00:59:00Z"), hourly(t))
	r.clock.Advance(time.Minute)
	r.outcome = func(Slot) Outcome { return Outcome{} }
	for range mostCrashes {
		r.engine.step(t.Context())
		<-r.engine.done
		r.engine = New(r.engine.Config)
		r.engine.SetPlans(r.plans)
		if err := r.engine.begin(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	r.check(map[Status]int{Failed: 1})
}

func TestClockSteps(t *testing.T) {
	start := at("2026-03-10T00:30:00Z")
	r := newRig(t, start, hourly(t))
	r.to(start.Add(24 * time.Hour)) // a day ahead at once
	r.check(map[Status]int{Done: 1, Coalesced: 23})
	r.to(start.Add(time.Minute)) // and back
	r.check(map[Status]int{Done: 1})
	for i := range 25 { // the day as it really passes
		r.to(start.Add(time.Duration(i) * time.Hour).Add(30 * time.Minute))
	}
	r.check(map[Status]int{Done: 25})
	r.to(start.Add(30 * time.Minute)) // a day back
	r.restart()
	for i := range 26 {
		r.to(start.Add(time.Duration(i) * time.Hour).Add(30 * time.Minute))
	}
	r.check(map[Status]int{Done: 26})
}

func TestClockThatCannotBeRight(t *testing.T) {
	start := at("2026-03-10T00:30:00Z")
	for _, wrong := range []string{"2100-01-01T00:00:00Z", "1970-01-02T00:00:00Z"} {
		r := newRig(t, start, hourly(t))
		r.to(start.Add(time.Hour))
		r.to(at(wrong))
		if !errors.Is(r.wrong, ErrClock) || !strings.Contains(r.wrong.Error(), "--accept-clock") {
			t.Errorf("at %s the engine said %v", wrong, r.wrong)
		}
		r.restart()
		r.to(start.Add(2 * time.Hour))
		if r.wrong != nil {
			t.Errorf("back at the right time the engine said %v", r.wrong)
		}
		r.check(map[Status]int{Done: 2})
	}
}

func TestAcceptedClock(t *testing.T) {
	start := at("2024-03-10T00:30:00Z")
	r := newRig(t, start, hourly(t))
	r.to(start.Add(time.Hour))
	r.clock.Advance(2 * 366 * 24 * time.Hour)
	r.engine = New(Config{NewID: r.mem.newID, Slots: r.mem, Register: r.mem, Past: r.mem, Runner: r, Observer: r, Clock: r.clock, Log: r.engine.Log,
		Look: time.Second, AcceptClock: true})
	r.engine.SetPlans(r.plans)
	if err := r.engine.begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.step()
	r.to(r.clock.Now().Add(time.Hour))
	r.check(map[Status]int{Done: 3, Coalesced: 999, Missed: 1})
}

func TestRetries(t *testing.T) {
	start := at("2026-03-10T00:59:00Z")
	r := newRig(t, start, hourly(t))
	r.outcome = failing(0)
	r.to(start.Add(time.Minute))
	s := r.mem.all("p")[0]
	if s.Status != Due || s.Attempts != 1 || !s.NotBefore.Equal(at("2026-03-10T01:00:30Z")) || !strings.Contains(s.Reason, "attempt 1 of 3 failed") {
		t.Fatalf("after the first failure the slot is %+v", s)
	}
	r.to(at("2026-03-10T01:00:29Z"))
	r.restart() // a restart loses neither the count nor the wait
	if s = r.mem.all("p")[0]; s.Attempts != 1 {
		t.Fatalf("attempts %d before the wait is over", s.Attempts)
	}
	r.to(at("2026-03-10T01:00:30Z"))
	r.to(at("2026-03-10T01:01:30Z"))
	r.check(map[Status]int{Failed: 1})
	if s = r.mem.all("p")[0]; s.Attempts != 3 || !strings.Contains(s.Reason, "no route to host") {
		t.Errorf("the slot ended as %+v", s)
	}
}

func TestOutcomes(t *testing.T) {
	for _, c := range []struct {
		outcome Outcome
		want    Status
	}{
		{Outcome{Run: runner.Run{RunID: "r", Status: runner.NothingNew}}, Done},
		{Outcome{Run: runner.Run{RunID: "r", Status: runner.Blocked, Error: "blocked"}, Err: runner.ErrBlocked}, Blocked},
		{Outcome{Err: ErrBroken}, Failed},
		{Outcome{Err: ErrBusy}, Skipped},
		{Outcome{Run: runner.Run{RunID: "r", Status: runner.Unknown}, Err: errors.New("lost")}, Due},
		{Outcome{Run: runner.Run{RunID: "r", Status: runner.Interrupted}, Err: errors.New("too long")}, Due},
	} {
		r := newRig(t, at("2026-03-10T00:59:00Z"), hourly(t))
		r.outcome = func(Slot) Outcome { return c.outcome }
		r.to(at("2026-03-10T01:00:00Z"))
		r.check(map[Status]int{c.want: 1})
	}
}

func TestOverlap(t *testing.T) {
	for _, overlap := range []Overlap{OverlapSkip, OverlapQueue} {
		p := hourly(t)
		p.Overlap = overlap
		r := newRig(t, at("2026-03-10T00:59:00Z"), p)
		r.clock.Advance(time.Minute)
		r.engine.step(t.Context())
		if len(r.engine.running) != 1 {
			t.Fatal("nothing runs")
		}
		first := <-r.engine.done // it goes on for an hour
		r.clock.Advance(time.Hour)
		r.engine.step(t.Context())
		r.engine.finish(t.Context(), first)
		r.step()
		if overlap == OverlapQueue {
			r.check(map[Status]int{Done: 2})
			continue
		}
		r.check(map[Status]int{Done: 1, Skipped: 1})
		if s := r.mem.all("p")[1]; !strings.Contains(s.Reason, "still running") {
			t.Errorf("skipped because %q", s.Reason)
		}
	}
}

func TestPause(t *testing.T) {
	r := newRig(t, at("2026-03-10T00:59:00Z"), hourly(t))
	r.mem.pauses["p"] = Pause{By: "ana", At: at("2026-03-10T00:58:00Z"), Note: "month end"}
	r.to(at("2026-03-10T01:00:00Z"))
	r.check(map[Status]int{Skipped: 1})
	if s := r.mem.all("p")[0]; s.Reason != "paused by ana since 2026-03-10T00:58:00Z: month end" {
		t.Errorf("skipped because %q", s.Reason)
	}
	trigger := r.plans[0].slot(at("2026-03-10T01:10:00Z"), ByTrigger, r.clock.Now())
	r.mem.Propose(t.Context(), []Slot{trigger}, time.Time{})
	r.to(at("2026-03-10T01:10:02Z"))
	delete(r.mem.pauses, "p")
	r.to(at("2026-03-10T02:00:00Z"))
	r.check(map[Status]int{Skipped: 1, Done: 2})
}

func TestBrokenPipelineIsSaid(t *testing.T) {
	p := hourly(t)
	p.Broken = "rent.yaml:3:1 unknown key"
	r := newRig(t, at("2026-03-10T00:59:00Z"), p)
	r.to(at("2026-03-10T01:00:00Z"))
	r.check(map[Status]int{Skipped: 1})
}

func TestStoreThatCannotBeWritten(t *testing.T) {
	r := newRig(t, at("2026-03-10T00:59:00Z"), hourly(t))
	r.clock.Advance(time.Minute)
	r.engine.step(t.Context())
	got := <-r.engine.done
	r.mem.fail = errors.New("disk full")
	r.engine.finish(t.Context(), got)
	r.to(at("2026-03-10T02:00:00Z"))
	if r.wrong == nil {
		t.Error("nobody was told that slots cannot be written down")
	}
	r.mem.fail = nil
	r.to(at("2026-03-10T02:00:05Z"))
	r.check(map[Status]int{Done: 2})
}
