package schedule

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/tieout/tieout/runner"
)

// A run of another process, and a stop, use up no attempt.
func TestWhatUsesUpNoAttempt(t *testing.T) {
	p := hourly(t)
	p.Attempts, p.Overlap = 1, OverlapQueue
	r := newRig(t, at("2026-03-10T00:59:00Z"), p)
	r.outcome = func(Slot) Outcome { return Outcome{Err: ErrBusy} }
	for i := range 3 {
		r.to(at("2026-03-10T01:00:00Z").Add(time.Duration(i) * busyWait))
		if s := r.mem.all("p")[0]; s.Status != Due || s.Attempts != 0 {
			t.Fatalf("while another process runs the slot is %s after %d attempts", s.Status, s.Attempts)
		}
	}
	r.outcome = func(Slot) Outcome {
		return Outcome{Run: runner.Run{RunID: "r", Status: runner.Interrupted}, Err: context.Canceled}
	}
	r.clock.Advance(busyWait)
	r.engine.step(t.Context())
	over, stop := context.WithCancel(t.Context())
	stop()
	if err := r.engine.drain(t.Context(), over); err != nil {
		t.Fatal(err)
	}
	if s := r.mem.all("p")[0]; s.Status != Due || s.Attempts != 0 {
		t.Fatalf("after a stop the slot is %s after %d attempts", s.Status, s.Attempts)
	}
	r.outcome = failing(0)
	r.restart()
	r.check(map[Status]int{Failed: 1})
}

// A slot that is being caught up waits for a run of another process, though
// overlap is skip.
func TestBusyWhileCatchingUp(t *testing.T) {
	r := newRig(t, at("2026-03-10T00:30:00Z"), hourly(t))
	r.outcome = func(Slot) Outcome { return Outcome{Err: errors.Join(ErrBusy)} }
	r.to(at("2026-03-10T03:30:00Z"))
	r.check(map[Status]int{Coalesced: 2, Due: 1})
}

// The engine looks again when a wait is over, and not only now and then.
func TestLooksWhenAWaitIsOver(t *testing.T) {
	p := hourly(t)
	p.Backoff = 300 * time.Millisecond
	r := newRig(t, at("2026-03-10T00:59:00Z"), p)
	r.outcome = failing(0)
	r.to(at("2026-03-10T01:00:00Z"))
	if wait := r.engine.step(t.Context()); wait != 300*time.Millisecond {
		t.Errorf("the next look is in %s", wait)
	}
}

// A slot that is late is missed when nothing is caught up; a minute is not
// late.
func TestLateWithoutCatchUp(t *testing.T) {
	for text, want := range map[string]Status{"2026-03-10T01:01:00Z": Done, "2026-03-10T01:01:01Z": Missed} {
		p := hourly(t)
		p.CatchUp = CatchUpNone
		r := newRig(t, at("2026-03-10T00:59:00Z"), p)
		r.to(at(text))
		r.check(map[Status]int{want: 1})
	}
}

// A process that stops in order leaves no time that is looked at again.
func TestStopSavesTheWatermark(t *testing.T) {
	r := newRig(t, at("2026-03-10T00:59:00Z"), hourly(t))
	r.to(at("2026-03-10T01:00:00Z"))
	r.to(at("2026-03-10T01:00:03Z"))
	if err := r.engine.drain(t.Context(), t.Context()); err != nil {
		t.Fatal(err)
	}
	if !r.mem.watermark.Equal(r.clock.Now()) {
		t.Errorf("the watermark is %s", r.mem.watermark)
	}
}

func TestBackoffDoubles(t *testing.T) {
	p := &Plan{Backoff: 30 * time.Second, MaxBackoff: 3 * time.Minute}
	for attempts, want := range map[int]time.Duration{1: 30 * time.Second, 2: time.Minute, 3: 2 * time.Minute, 4: 3 * time.Minute, 90: 3 * time.Minute} {
		if got := p.backoff(attempts); got != want {
			t.Errorf("after %d attempts the wait is %s, want %s", attempts, got, want)
		}
	}
}

// Nor does it go ahead of a store that has gone back, though the answer was
// lost.
func TestStopAfterALostReopening(t *testing.T) {
	r := newRig(t, at("2026-03-10T00:59:00Z"), hourly(t))
	r.to(at("2026-03-10T06:00:00Z"))
	r.to(at("2026-03-10T06:00:03Z"))
	r.clock.Advance(-4 * time.Hour)
	r.mem.lost = 1
	r.engine.step(t.Context())
	if err := r.engine.drain(t.Context(), t.Context()); err != nil {
		t.Fatal(err)
	}
	if !r.mem.watermark.Equal(r.clock.Now()) {
		t.Errorf("the watermark is %s", r.mem.watermark)
	}
}
