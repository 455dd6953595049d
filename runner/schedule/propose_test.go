package schedule

import (
	"strings"
	"testing"
	"time"

	"github.com/tieout/tieout/pipelines/timetable"
)

// A queue does not grow without end.
func TestMostQueued(t *testing.T) {
	p := hourly(t)
	p.Overlap = OverlapQueue
	now := at("2026-03-10T01:00:00Z")
	var open []Slot
	for i := range mostQueued {
		open = append(open, p.slot(now.Add(-time.Duration(mostQueued-i)*time.Hour), ByTime, now))
	}
	for _, c := range []struct {
		open []Slot
		want Status
	}{{open, Skipped}, {open[1:], Due}} {
		got := p.propose(now.Add(-time.Minute), now, standing{open: c.open})
		if len(got) != 1 || got[0].Status != c.want {
			t.Errorf("with %d open slots the next is %+v, want %s", len(c.open), got, c.want)
		}
	}
}

// The limit of catching up is exact, and the slots that run are the newest.
func TestCatchUpMaxIsExact(t *testing.T) {
	p := hourly(t)
	p.CatchUp, p.CatchUpMax = CatchUpAll, 71
	r := newRig(t, at("2026-03-01T00:30:00Z"), p)
	r.to(at("2026-03-04T00:30:00Z"))
	r.check(map[Status]int{Done: 71, Missed: 1})
	if s := r.mem.all("p")[0]; s.Status != Missed || !strings.Contains(s.Reason, "catch_up_max is 71") {
		t.Errorf("the oldest is %s: %s", s.Status, s.Reason)
	}
}

// A slot that does not run stands for no other.
func TestSkippedSlotOvertakesNone(t *testing.T) {
	p := plan(t, "p", timetable.Rule{Cron: "0 6 * * *"})
	p.After = []string{"a"}
	r := newRig(t, at("2026-03-10T00:00:00Z"), &Plan{Pipeline: "a"}, p)
	r.to(at("2026-03-10T06:00:00Z"))
	broken := *p
	broken.Broken = "line 3: unknown key"
	r.engine.SetPlans([]*Plan{{Pipeline: "a"}, &broken})
	r.to(at("2026-03-11T06:00:00Z"))
	r.check(map[Status]int{Due: 1, Skipped: 1})
	if s := r.mem.all("p")[0]; s.Status != Due {
		t.Errorf("the slot of the day before is %s: %s", s.Status, s.Reason)
	}
}

func TestJitterDelaysTheStart(t *testing.T) {
	p := hourly(t)
	p.Jitter = 30 * time.Second
	due := at("2026-03-10T01:00:00Z")
	r := newRig(t, at("2026-03-10T00:59:00Z"), p)
	r.to(due.Add(p.jitter(due) - time.Millisecond))
	r.check(map[Status]int{Due: 1})
	r.to(due.Add(p.jitter(due)))
	r.check(map[Status]int{Done: 1})
}

// A pipeline that was added while no process was there has no slots of that
// time.
func TestNewPipelineStartsWhenItIsKnown(t *testing.T) {
	old := hourly(t)
	old.Pipeline = "old"
	r := newRig(t, at("2026-03-10T00:30:00Z"), old)
	r.plans = append(r.plans, hourly(t))
	r.clock.Advance(5 * time.Hour)
	r.restart()
	r.check(map[Status]int{})
	r.to(at("2026-03-10T06:00:00Z"))
	r.check(map[Status]int{Done: 1})
	if n := len(r.mem.all("old")); n != 6 {
		t.Errorf("the old pipeline has %d slots", n)
	}
}

// Successes are not followed while the slot before is open, nor those of a
// time when the follower was not there.
func TestFollowsOneAtATime(t *testing.T) {
	r := newRig(t, at("2026-03-10T00:00:00Z"), &Plan{Pipeline: "a"})
	r.mem.succeed(Success{Pipeline: "a", RunID: "before", EndedAt: at("2026-03-10T00:00:30Z")})
	r.to(at("2026-03-10T00:01:00Z"))
	r.engine.SetPlans([]*Plan{{Pipeline: "a"}, {Pipeline: "p", After: []string{"a"}, Attempts: 3, Backoff: time.Minute}})
	r.to(at("2026-03-10T00:01:01Z"))
	r.check(map[Status]int{})
	r.outcome = failing(0)
	for i, run := range []string{"first", "second"} {
		r.mem.succeed(Success{Pipeline: "a", RunID: run, EndedAt: at("2026-03-10T00:01:10Z").Add(time.Duration(i) * time.Second)})
		r.to(at("2026-03-10T00:01:20Z").Add(time.Duration(i) * 2 * time.Second))
		r.check(map[Status]int{Due: 1})
	}
	r.outcome = nil
	r.to(at("2026-03-10T00:02:30Z"))
	r.to(at("2026-03-10T00:02:32Z"))
	r.check(map[Status]int{Done: 2})
}

// What other processes did counts at the next look: a slot one of them ended
// is not in the way, and a success one of them wrote late is followed.
func TestWhatOtherProcessesWrote(t *testing.T) {
	p := hourly(t)
	r := newRig(t, at("2026-03-10T00:59:00Z"), p, &Plan{Pipeline: "f", After: []string{"x"}}, &Plan{Pipeline: "x"})
	p.Backoff, p.MaxBackoff = 2*time.Hour, 2*time.Hour
	r.outcome = failing(0)
	r.to(at("2026-03-10T01:00:00Z"))
	s := r.mem.all("p")[0]
	s.Status, s.EndedAt = Done, r.clock.Now()
	if err := r.mem.Update(t.Context(), s, s.RunID); err != nil {
		t.Fatal(err)
	}
	r.outcome = nil
	r.to(at("2026-03-10T01:59:59Z"))
	r.mem.succeed(Success{Pipeline: "x", RunID: "late", EndedAt: at("2026-03-10T01:59:30Z")})
	r.to(at("2026-03-10T02:00:01Z"))
	r.check(map[Status]int{Done: 2})
	if n := len(r.mem.all("f")); n != 1 {
		t.Errorf("the late success was followed %d times", n)
	}
}

func TestRemovedPipelineEndsAtOnce(t *testing.T) {
	r := newRig(t, at("2026-03-10T00:59:59Z"), hourly(t))
	r.outcome = failing(0)
	r.to(at("2026-03-10T01:00:00Z"))
	r.engine.SetPlans(nil)
	r.to(at("2026-03-10T01:00:02Z"))
	r.check(map[Status]int{Skipped: 1})
}
