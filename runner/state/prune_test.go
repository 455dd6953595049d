package state_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tieout/tieout/runner"
	"github.com/tieout/tieout/runner/alert"
	"github.com/tieout/tieout/runner/schedule"
	"github.com/tieout/tieout/runner/state"
)

// aged makes a run that began and ended some minutes before at.
func aged(t *testing.T, s *state.Store, id, pipeline string, minutes int, status runner.Status, edit func(*runner.Run), records ...runner.Held) {
	t.Helper()
	r := run(id)
	r.Pipeline, r.StartedAt = pipeline, at.Add(-time.Duration(minutes)*time.Minute)
	if edit != nil {
		edit(&r)
	}
	begin(t, s, r, records...)
	if status == runner.Running {
		return
	}
	r.Status, r.FinishedAt = status, r.StartedAt
	if err := s.Finish(context.Background(), r, status == runner.Loaded); err != nil {
		t.Fatal(err)
	}
}

func runIDs(t *testing.T, s *state.Store, pipeline string) map[string]bool {
	t.Helper()
	runs, err := s.Runs(context.Background(), state.RunFilter{Project: "p", Pipeline: pipeline})
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for _, r := range runs {
		ids[r.RunID] = true
	}
	return ids
}

func prune(t *testing.T, s *state.Store, before time.Time) state.Pruned {
	t.Helper()
	n, err := s.Prune(context.Background(), "p", "", before)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestPruneKeepsWhatIsNeeded(t *testing.T) {
	stores(t, func(t *testing.T, place string) {
		clock := at.Add(-1000 * time.Hour) // held records are old
		s := openAt(t, place, func() time.Time { return clock })
		retry := func(r *runner.Run) { r.Trigger = runner.TriggerRetry }
		aged(t, s, "waiting", "rent", 900, runner.Loaded, nil, held("a", "{}"), held("b", "{}"))
		aged(t, s, "replaces", "rent", 890, runner.Loaded, nil, held("b", "{}"))
		aged(t, s, "resolves", "rent", 880, runner.Loaded, nil, held("c", "{}"))
		aged(t, s, "evidence", "rent", 870, runner.Failed, nil, held("a", "{}"))
		aged(t, s, "open", "rent", 860, runner.Running, nil, held("z", "{}"))
		if err := s.Stage(context.Background(), run("open"), nil, []string{"a"}); err != nil {
			t.Fatal(err)
		}
		for i := range 5 {
			aged(t, s, fmt.Sprint("fail", i), "rent", 800-i, runner.Failed, nil)
		}
		for i := range 40 {
			aged(t, s, fmt.Sprint("load", i), "rent", 700-i, runner.Loaded, nil)
		}
		aged(t, s, "retry", "rent", 600, runner.Loaded, retry)
		aged(t, s, "nothing", "rent", 590, runner.NothingNew, nil)
		aged(t, s, "last", "rent", 580, runner.Failed, nil)
		aged(t, s, "only", "bills", 900, runner.Failed, nil)
		aged(t, s, "young", "rent", 1, runner.Failed, nil)
		aged(t, s, "foreign", "rent", 900, runner.Failed, func(r *runner.Run) { r.Environment = "sandbox" })
		entries, err := s.Held(context.Background(), state.HeldFilter{RunID: "resolves"})
		if err != nil || s.CloseHeld(context.Background(), entries[0].ID, state.Discarded, "ana") != nil {
			t.Fatal(err)
		}

		before := at.Add(-10 * time.Minute)
		got := prune(t, s, before)
		want := map[string]bool{"waiting": true, "replaces": true, "open": true, "nothing": true, "young": true}
		for i := 10; i < 40; i++ {
			want[fmt.Sprint("load", i)] = true
		}
		if diff := cmp.Diff(want, runIDs(t, s, "rent")); diff != "" {
			t.Errorf("runs (-want +got):\n%s", diff)
		}
		if ids := runIDs(t, s, "bills"); !ids["only"] {
			t.Error("the last run of a pipeline is gone")
		}
		wantWaiting(t, s, "a {}", "b {}")
		// waiting: b was replaced; resolves; evidence; and 1+1+5+10+retry+last runs.
		if diff := cmp.Diff(state.Pruned{Runs: 19, Held: 3}, got); diff != "" {
			t.Errorf("pruned (-want +got):\n%s", diff)
		}
		if again := prune(t, s, before); again != (state.Pruned{}) {
			t.Errorf("pruned again: %+v", again)
		}
		if _, err := s.RunByID(context.Background(), "foreign"); err != nil {
			t.Errorf("another environment was pruned: %v", err)
		}
		// What the unfinished run resolves is still known.
		r := run("open")
		r.Status, r.FinishedAt = runner.Loaded, at
		if err := s.Finish(context.Background(), r, true); err != nil {
			t.Fatal(err)
		}
		wantWaiting(t, s, "b {}", "z {}")
	})
}

func TestPruneSlotsAndLetters(t *testing.T) {
	stores(t, func(t *testing.T, place string) {
		clock := at
		s, ctx := openAt(t, place, func() time.Time { return clock }), context.Background()
		k := s.Schedule("p", "")
		slot := func(minute int, status schedule.Status, origin schedule.Origin) schedule.Slot {
			x := due("rent", at.Add(time.Duration(minute)*time.Minute))
			x.Status, x.Origin, x.RecordedAt = status, origin, x.Nominal
			return x
		}
		late := slot(1, schedule.Done, schedule.ByTime)
		late.EndedAt = at.Add(time.Hour)
		long := slot(2, schedule.Missed, schedule.ByTime)
		long.Through = at.Add(time.Hour)
		files := slot(3, schedule.Failed, schedule.ByFiles)
		files.Cause = map[string]string{"a.csv": "1"}
		old := []schedule.Slot{slot(0, schedule.Done, schedule.ByTime), late, long, files, slot(4, schedule.Due, schedule.ByTime), slot(5, schedule.Running, schedule.ByTime),
			slot(6, schedule.Done, schedule.ByAfter), slot(7, schedule.Done, schedule.ByAfter), slot(31, schedule.Done, schedule.ByTime)}
		for i := range 1500 {
			old = append(old, slot(-1-i, schedule.Skipped, schedule.ByTrigger))
		}
		propose(t, k, old...)
		for range 4 {
			if err := k.Record(ctx, alert.Incident{}, true, &alert.Letter{CreatedAt: at}); err != nil {
				t.Fatal(err)
			}
		}
		letters, _ := k.Waiting(ctx)
		if err := k.Deliver(ctx, []int64{letters[0].ID}, at); err != nil {
			t.Fatal(err)
		}
		if err := k.Defer(ctx, []int64{letters[1].ID}, at, "no", true); err != nil {
			t.Fatal(err)
		}
		if err := k.Deliver(ctx, []int64{letters[2].ID}, at.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		got := prune(t, s, at.Add(30*time.Minute))
		if diff := cmp.Diff(state.Pruned{Slots: 1503, Letters: 2}, got); diff != "" {
			t.Errorf("pruned (-want +got):\n%s", diff)
		}
		var left []int
		for _, x := range listed(t, k, state.SlotFilter{}) {
			left = append(left, int(x.Nominal.Sub(at)/time.Minute))
		}
		if diff := cmp.Diff([]int{31, 7, 5, 4, 2, 1}, left); diff != "" {
			t.Errorf("slots left (-want +got):\n%s", diff)
		}
		if files, err := k.Arrivals(ctx, "rent"); err != nil || files["a.csv"] != "1" {
			t.Errorf("arrivals: %v, %v", files, err)
		}
		if left, _ := k.Waiting(ctx); len(left) != 1 {
			t.Errorf("letters left: %v", left)
		}
	})
}
