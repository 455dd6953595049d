package schedule

import (
	"context"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/tieout/tieout/pipelines/timetable"
	"github.com/tieout/tieout/runner"
)

func TestAfter(t *testing.T) {
	a, b := hourly(t), hourly(t)
	a.Pipeline, b.Pipeline = "a", "b"
	follower := &Plan{Pipeline: "p", After: []string{"a", "b"}, Attempts: 1, Overlap: OverlapSkip}
	r := newRig(t, at("2026-03-10T00:59:00Z"), a, b, follower)
	fails := true
	r.outcome = func(s Slot) Outcome {
		if s.Pipeline == "b" && fails {
			return failing(0)(s)
		}
		return Outcome{Run: runner.Run{RunID: s.Pipeline + s.Nominal.String(), Status: runner.Loaded, FinishedAt: r.clock.Now()}}
	}
	r.to(at("2026-03-10T01:00:00Z"))
	r.check(map[Status]int{})
	fails = false
	r.to(at("2026-03-10T01:01:00Z")) // the next attempt of b
	r.check(map[Status]int{Done: 1})
	r.restart() // does not follow the same successes again
	r.to(at("2026-03-10T01:30:00Z"))
	r.check(map[Status]int{Done: 1})
	r.to(at("2026-03-10T02:00:00Z"))
	r.check(map[Status]int{Done: 2})
	if cause := r.mem.all("p")[1].Cause; len(cause) != 2 {
		t.Errorf("the slot follows %v", cause)
	}
}

func TestTimeAndAfter(t *testing.T) {
	p := plan(t, "p", timetable.Rule{Cron: "0 6 * * *"})
	p.After = []string{"a"}
	a := &Plan{Pipeline: "a"}
	r := newRig(t, at("2026-03-10T00:00:00Z"), a, p)
	r.to(at("2026-03-10T06:00:00Z"))
	r.to(at("2026-03-10T06:00:10Z"))
	if s := r.mem.all("p")[0]; s.Status != Due || !strings.Contains(s.Reason, "waits for a") {
		t.Fatalf("the slot is %s: %s", s.Status, s.Reason)
	}
	r.to(at("2026-03-11T06:00:00Z")) // nobody succeeded all day
	r.check(map[Status]int{Coalesced: 1, Due: 1})
	r.mem.successes = append(r.mem.successes, Success{Pipeline: "a", RunID: "manual", EndedAt: at("2026-03-11T06:10:00Z")})
	r.to(at("2026-03-11T06:10:01Z"))
	r.check(map[Status]int{Coalesced: 1, Done: 1})
}

// folder is a folder of files that the test fills.
type folder map[string]string

func (f folder) List(context.Context, time.Time) (map[string]string, error) {
	return maps.Clone(f), nil
}

func TestFiles(t *testing.T) {
	files := folder{"in/a.csv": "1"}
	p := &Plan{Pipeline: "p", Files: files, Poll: 5 * time.Second, Attempts: 1}
	r := newRig(t, at("2026-03-10T00:00:00Z"), p)
	r.check(map[Status]int{Done: 1})
	r.to(at("2026-03-10T00:00:10Z"))
	r.restart()
	r.to(at("2026-03-10T00:00:20Z"))
	r.check(map[Status]int{Done: 1})
	files["in/a.csv"], files["in/b.csv"] = "2", "1"
	r.to(at("2026-03-10T00:00:30Z"))
	r.check(map[Status]int{Done: 2})
	if cause := r.mem.all("p")[1].Cause; !maps.Equal(cause, map[string]string{"in/a.csv": "2", "in/b.csv": "1"}) {
		t.Errorf("the slot is for %v", cause)
	}
}

func TestFreshness(t *testing.T) {
	p := hourly(t)
	p.FreshWithin = 90 * time.Minute
	p.Attempts = 1
	r := newRig(t, at("2026-03-10T00:59:00Z"), p)
	r.to(at("2026-03-10T01:00:00Z"))
	r.outcome = failing(0)
	r.to(at("2026-03-10T02:00:00Z"))
	if r.late["p"] {
		t.Error("late after an hour")
	}
	r.to(at("2026-03-10T02:30:01Z"))
	if !r.late["p"] {
		t.Error("not late after 90 minutes")
	}
	r.outcome = nil
	r.to(at("2026-03-10T03:00:00Z"))
	r.to(at("2026-03-10T03:00:02Z"))
	if r.late["p"] {
		t.Error("late after a success")
	}
}

func TestConcurrency(t *testing.T) {
	var plans []*Plan
	for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
		p := hourly(t)
		p.Pipeline = name
		if name < "d" {
			p.Uses = map[string]int{"warehouse": 1}
		}
		plans = append(plans, p)
	}
	r := newRig(t, at("2026-03-10T00:59:00Z"), plans...)
	r.clock.Advance(time.Minute)
	r.engine.step(t.Context())
	if n := len(r.engine.running); n != 4 || r.engine.using("warehouse") != 1 {
		t.Fatalf("%d runs are under way, %d on the connection", n, r.engine.using("warehouse"))
	}
	r.step()
	for len(r.engine.running) > 0 {
		r.engine.finish(t.Context(), <-r.engine.done)
		r.step()
	}
	if len(r.runs) != 6 {
		t.Errorf("%d pipelines ran", len(r.runs))
	}
}

func TestJitterIsSpreadAndSteady(t *testing.T) {
	p := hourly(t)
	p.Jitter = 30 * time.Second
	seen := map[time.Duration]bool{}
	for i := range 100 {
		q := *p
		q.Pipeline = strings.Repeat("x", i)
		j := q.jitter(at("2026-03-10T01:00:00Z"))
		if j < 0 || j >= p.Jitter || j != q.jitter(at("2026-03-10T01:00:00Z")) {
			t.Fatalf("jitter %s", j)
		}
		seen[j.Round(3*time.Second)] = true
	}
	if len(seen) < 9 {
		t.Errorf("100 pipelines start at %d of 11 moments", len(seen))
	}
	r := newRig(t, at("2026-03-10T00:59:00Z"), p)
	r.to(at("2026-03-10T01:00:00Z"))
	r.to(at("2026-03-10T01:00:30Z"))
	r.check(map[Status]int{Done: 1})
}
