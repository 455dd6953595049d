package state_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"
	"pgregory.net/rapid"

	"github.com/tieout/tieout/runner/schedule"
	"github.com/tieout/tieout/runner/state"
)

func due(pipeline string, nominal time.Time) schedule.Slot {
	return schedule.Slot{Pipeline: pipeline, Nominal: nominal, Local: nominal.Format(time.RFC3339), Zone: "UTC", Origin: schedule.ByTime,
		Status: schedule.Due, NotBefore: nominal.Add(time.Second), RecordedAt: at}
}

func propose(t *testing.T, k *state.Timekeeper, slots ...schedule.Slot) []schedule.Slot {
	t.Helper()
	added, err := k.Propose(context.Background(), slots, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	return added
}

func listed(t *testing.T, k *state.Timekeeper, f state.SlotFilter) []schedule.Slot {
	t.Helper()
	slots, err := k.Slots(context.Background(), f)
	if err != nil {
		t.Fatal(err)
	}
	return slots
}

func TestSlotsAreWrittenDownOnce(t *testing.T) {
	stores(t, func(t *testing.T, place string) {
		s, ctx := open(t, place), context.Background()
		k := s.Schedule("p", "")
		full := schedule.Slot{Pipeline: "bills", Nominal: at.Add(3 * time.Microsecond), Through: at.Add(time.Hour), Local: "2026-11-21T00:15:00-06:00",
			Zone: "America/Chicago", Origin: schedule.ByTrigger, Status: schedule.Missed, Reason: "nothing ran\x00", Attempts: 2, RunID: "r", NotBefore: at,
			RecordedAt: at, StartedAt: at.Add(time.Second), EndedAt: at.Add(time.Minute), Cause: map[string]string{"by": "ana", "note": `a "word"`}}
		added, err := k.Propose(ctx, []schedule.Slot{full, due("rent", at), due("rent", at)}, at)
		if err != nil || len(added) != 2 {
			t.Fatalf("added %v, %v", added, err)
		}
		changed := due("rent", at)
		changed.Reason = "other"
		if added := propose(t, k, changed, due("rent", at.Add(time.Second))); len(added) != 1 || !added[0].Nominal.Equal(at.Add(time.Second)) {
			t.Errorf("added %v", added)
		}
		full.Reason = "nothing ran\ufffd"
		if diff := cmp.Diff([]schedule.Slot{due("rent", at.Add(time.Second)), full, due("rent", at)}, listed(t, k, state.SlotFilter{})); diff != "" {
			t.Errorf("slots (-want +got):\n%s", diff)
		}
		if got := listed(t, k, state.SlotFilter{Pipeline: "rent", Status: schedule.Due, Limit: 1}); len(got) != 1 || got[0].Pipeline != "rent" {
			t.Errorf("filtered: %v", got)
		}
		if got := listed(t, s.Schedule("p", "sandbox"), state.SlotFilter{}); len(got) != 0 {
			t.Errorf("another environment sees %v", got)
		}
		if mark, err := k.Watermark(ctx); err != nil || !mark.Equal(at) {
			t.Errorf("watermark %v, %v", mark, err)
		}
	})
}

func TestOpenSlotsAreInOrder(t *testing.T) {
	stores(t, func(t *testing.T, place string) {
		k := open(t, place).Schedule("p", "")
		ended := due("a", at.Add(-time.Hour))
		ended.Status = schedule.Skipped
		propose(t, k, due("b", at), due("a", at), due("z", at.Add(-time.Minute)), ended)
		got, err := k.Open(context.Background())
		if err != nil || len(got) != 3 || got[0].Pipeline != "z" || got[1].Pipeline != "a" || got[2].Pipeline != "b" {
			t.Errorf("open: %v, %v", got, err)
		}
	})
}

func TestClaimAndUpdate(t *testing.T) {
	stores(t, func(t *testing.T, place string) {
		k, ctx := open(t, place).Schedule("p", ""), context.Background()
		slot := due("rent", at)
		propose(t, k, slot)
		slot.RunID, slot.Attempts, slot.StartedAt = "run-1", 1, at.Add(time.Second)
		if won, err := k.Claim(ctx, slot); !won || err != nil {
			t.Fatalf("claim: %v, %v", won, err)
		}
		if won, err := k.Claim(ctx, slot); won || err != nil {
			t.Errorf("claim of a running slot: %v, %v", won, err)
		}
		slot.Status, slot.Reason, slot.NotBefore = schedule.Due, "waits for attempt 2", at.Add(time.Minute)
		if err := k.Update(ctx, slot, slot.RunID); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]schedule.Slot{slot}, listed(t, k, state.SlotFilter{})); diff != "" {
			t.Errorf("after a failed attempt (-want +got):\n%s", diff)
		}
		zombie := slot // of a process that another one took over from
		zombie.Status, zombie.RunID = schedule.Failed, "run-0"
		if err := k.Update(ctx, zombie, "run-0"); err != nil {
			t.Errorf("update of a slot that another run claimed: %v", err)
		}
		if diff := cmp.Diff([]schedule.Slot{slot}, listed(t, k, state.SlotFilter{})); diff != "" {
			t.Errorf("it was disturbed (-want +got):\n%s", diff)
		}
		slot.Status, slot.Reason, slot.EndedAt = schedule.Done, "", at.Add(time.Hour)
		if err := k.Update(ctx, slot, slot.RunID); err != nil {
			t.Fatal(err)
		}
		for _, status := range []schedule.Status{schedule.Due, schedule.Running, schedule.Failed} {
			late := slot
			late.Status = status
			if err := k.Update(ctx, late, late.RunID); err != nil {
				t.Errorf("a late update: %v", err)
			}
			if won, _ := k.Claim(ctx, late); won {
				t.Error("an ended slot was claimed")
			}
		}
		if diff := cmp.Diff([]schedule.Slot{slot}, listed(t, k, state.SlotFilter{})); diff != "" {
			t.Errorf("an ended slot came back (-want +got):\n%s", diff)
		}
		if err := k.Update(ctx, due("rent", at.Add(time.Minute)), ""); !errors.Is(err, state.ErrMissing) {
			t.Errorf("update of no slot: %v", err)
		}
	})
}

func TestProposeIsOneTransaction(t *testing.T) {
	stores(t, func(t *testing.T, place string) {
		k, ctx := open(t, place).Schedule("p", ""), context.Background()
		slots := make([]schedule.Slot, 1000)
		for i := range slots {
			slots[i] = due(fmt.Sprintf("p%03d", i%7), at.Add(time.Duration(i)*time.Minute))
		}
		stopped, stop := context.WithCancel(ctx)
		stop()
		if _, err := k.Propose(stopped, slots, at); err == nil {
			t.Error("a cancelled proposal went through")
		}
		if mark, err := k.Watermark(ctx); err != nil || !mark.IsZero() {
			t.Errorf("it left the watermark %v, %v", mark, err)
		}
		start := time.Now()
		if added := propose(t, k, slots...); len(added) != 1000 {
			t.Errorf("added %d", len(added))
		}
		if took := time.Since(start); took > time.Minute {
			t.Errorf("1,000 slots took %v", took)
		}
		if added := propose(t, k, slots...); len(added) != 0 {
			t.Errorf("added %d again", len(added))
		}
	})
}

func TestReopen(t *testing.T) {
	stores(t, func(t *testing.T, place string) {
		k, ctx := open(t, place).Schedule("p", ""), context.Background()
		with := func(minute int, status schedule.Status, through int) schedule.Slot {
			s := due("rent", at.Add(time.Duration(minute)*time.Minute))
			s.Status = status
			if through > 0 {
				s.Through = at.Add(time.Duration(through) * time.Minute)
			}
			return s
		}
		if _, err := k.Propose(ctx, []schedule.Slot{with(0, schedule.Missed, 0), with(1, schedule.Missed, 30), with(11, schedule.Missed, 0),
			with(12, schedule.Coalesced, 20), with(13, schedule.Done, 0), with(14, schedule.Due, 0), with(15, schedule.Skipped, 0)}, at.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		if n, err := k.Reopen(ctx, at.Add(10*time.Minute)); n != 2 || err != nil {
			t.Errorf("removed %d, %v", n, err)
		}
		want := []schedule.Slot{with(15, schedule.Skipped, 0), with(14, schedule.Due, 0), with(13, schedule.Done, 0), with(1, schedule.Missed, 10), with(0, schedule.Missed, 0)}
		if diff := cmp.Diff(want, listed(t, k, state.SlotFilter{})); diff != "" {
			t.Errorf("left (-want +got):\n%s", diff)
		}
		for _, to := range []time.Duration{10 * time.Minute, 20 * time.Minute} { // never forward
			if _, err := k.Reopen(ctx, at.Add(to)); err != nil {
				t.Fatal(err)
			}
			if mark, _ := k.Watermark(ctx); !mark.Equal(at.Add(10 * time.Minute)) {
				t.Errorf("watermark %v", mark)
			}
		}
	})
}

// The store and a map agree on which slots are new and which are open, in
// whatever order they come.
func TestSlotsAgreeWithAModel(t *testing.T) {
	k := open(t, t.TempDir()+"/state.db")
	round := 0
	rapid.Check(t, func(t *rapid.T) {
		round++
		ctx, k := context.Background(), k.Schedule("p", fmt.Sprint(round))
		model := map[string]schedule.Status{}
		id := func(s schedule.Slot) string { return s.Pipeline + s.Nominal.String() }
		slot := rapid.Custom(func(t *rapid.T) schedule.Slot {
			s := due(rapid.SampledFrom([]string{"a", "b"}).Draw(t, "pipeline"), at.Add(time.Duration(rapid.IntRange(0, 5).Draw(t, "minute"))*time.Minute))
			s.Status = rapid.SampledFrom([]schedule.Status{schedule.Due, schedule.Missed, schedule.Running, schedule.Done}).Draw(t, "status")
			return s
		})
		openOnes := func() (n int) {
			for _, status := range model {
				if status == schedule.Due || status == schedule.Running {
					n++
				}
			}
			return n
		}
		t.Repeat(map[string]func(*rapid.T){
			"propose": func(t *rapid.T) {
				slots, want := rapid.SliceOfN(slot, 0, 6).Draw(t, "slots"), 0
				added, err := k.Propose(ctx, slots, time.Time{})
				for _, s := range slots {
					if _, known := model[id(s)]; !known {
						model[id(s)] = s.Status
						want++
					}
				}
				if err != nil || len(added) != want {
					t.Fatalf("added %d, want %d, %v", len(added), want, err)
				}
			},
			"claim": func(t *rapid.T) {
				s := slot.Draw(t, "slot")
				won, err := k.Claim(ctx, s)
				if err != nil || won != (model[id(s)] == schedule.Due) {
					t.Fatalf("claim of a slot that is %q: %v, %v", model[id(s)], won, err)
				}
				if won {
					model[id(s)] = schedule.Running
				}
			},
			"update": func(t *rapid.T) {
				s := slot.Draw(t, "slot")
				err := k.Update(ctx, s, s.RunID)
				switch model[id(s)] {
				case schedule.Due, schedule.Running:
					model[id(s)] = s.Status
				case "":
					if !errors.Is(err, state.ErrMissing) {
						t.Fatalf("update of no slot: %v", err)
					}
				}
			},
			"": func(t *rapid.T) {
				got, err := k.Open(ctx)
				if err != nil || len(got) != openOnes() {
					t.Fatalf("%d are open, want %d, %v", len(got), openOnes(), err)
				}
			},
		})
	})
}

// Goroutines with stores of their own and a second process work on one store
// at the same time.
func TestContention(t *testing.T) {
	stores(t, func(t *testing.T, place string) {
		ctx := context.Background()
		s := open(t, place)
		other := startChild(t, place, func() {
			var group errgroup.Group
			for i := range 3 {
				own := open(t, place)
				group.Go(func() error { return contend(ctx, own, fmt.Sprint("goroutine ", i)) })
			}
			if err := group.Wait(); err != nil {
				t.Error(err)
			}
		})
		slots := listed(t, s.Schedule("p", ""), state.SlotFilter{Status: schedule.Done})
		if len(slots) != contended {
			t.Errorf("%d slots are done, want %d", len(slots), contended)
		}
		if _, err := s.LockServe(ctx, "p", "", "me", nobody); !errors.Is(err, state.ErrServing) || !errors.Is(err, state.ErrLocked) {
			t.Errorf("a second serve: %v", err)
		}
		if holder, running, err := s.Serving(ctx, "p", ""); holder != "process of the child" || !running || err != nil {
			t.Errorf("serving: %q %v %v", holder, running, err)
		}
		other.Process.Kill()
		other.Wait()
		deadline := time.Now().Add(10 * time.Second) // PostgreSQL notices the lost connection
		for {
			lock, err := s.LockServe(ctx, "p", "", "me", nobody)
			if err == nil {
				lock.Release()
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("after kill -9: %v", err)
			}
		}
	})
}
