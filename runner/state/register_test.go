package state_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tieout/tieout/runner"
	"github.com/tieout/tieout/runner/alert"
	"github.com/tieout/tieout/runner/schedule"
	"github.com/tieout/tieout/runner/state"
)

func TestEnroll(t *testing.T) {
	stores(t, func(t *testing.T, place string) {
		s, ctx := open(t, place), context.Background()
		k := s.Schedule("p", "")
		later := at.Add(time.Hour)
		for i, step := range []struct {
			names []string
			now   time.Time
			want  map[string]time.Time
		}{
			{nil, at, map[string]time.Time{}},
			{[]string{"a", "b"}, at, map[string]time.Time{"a": at, "b": at}},
			{[]string{"b", "c"}, later, map[string]time.Time{"b": at, "c": later}},
			{[]string{"a", "b"}, later, map[string]time.Time{"a": later, "b": at}},
		} {
			got, err := k.Enroll(ctx, step.names, step.now)
			if diff := cmp.Diff(step.want, got); err != nil || diff != "" {
				t.Errorf("step %d: %v\n%s", i, err, diff)
			}
			if got, err = k.Enrolled(ctx); err != nil || !cmp.Equal(step.want, got) {
				t.Errorf("step %d: enrolled %v, %v", i, got, err)
			}
		}
		if got, _ := s.Schedule("p", "sandbox").Enrolled(ctx); len(got) != 0 {
			t.Errorf("another environment sees %v", got)
		}
	})
}

func TestPauses(t *testing.T) {
	stores(t, func(t *testing.T, place string) {
		k, ctx := open(t, place).Schedule("p", ""), context.Background()
		first := schedule.Pause{By: "ana", At: at, Note: "year end"}
		for _, p := range []schedule.Pause{first, {By: "bo", At: at.Add(time.Hour), Note: "audit"}, {By: "cy", At: at.Add(2 * time.Hour)}} {
			if err := k.Pause(ctx, "rent", p); err != nil {
				t.Fatal(err)
			}
		}
		first.Note = "audit"                              // a new note replaces the old one, none leaves it
		if _, err := k.Enroll(ctx, nil, at); err != nil { // forgotten, but for its pause
			t.Fatal(err)
		}
		got, err := k.Pauses(ctx)
		if diff := cmp.Diff(map[string]schedule.Pause{"rent": first}, got); err != nil || diff != "" {
			t.Errorf("%v\n%s", err, diff)
		}
		if was, there, err := k.Resume(ctx, "rent"); was != first || !there || err != nil {
			t.Errorf("resume: %v %v %v", was, there, err)
		}
		if _, there, err := k.Resume(ctx, "rent"); there || err != nil {
			t.Errorf("resume again: %v %v", there, err)
		}
	})
}

func TestArrivalsAndFollowed(t *testing.T) {
	stores(t, func(t *testing.T, place string) {
		k, ctx := open(t, place).Schedule("p", ""), context.Background()
		slot := func(minute int, origin schedule.Origin, cause map[string]string) schedule.Slot {
			s := due("rent", at.Add(time.Duration(minute)*time.Minute))
			s.Origin, s.Cause = origin, cause
			return s
		}
		propose(t, k, slot(0, schedule.ByFiles, map[string]string{"a.csv": "1", "b\xff\x00.csv": "2", `"c".csv`: "3"}),
			slot(2, schedule.ByTrigger, map[string]string{"by": "ana"}))
		propose(t, k, slot(1, schedule.ByFiles, map[string]string{"a.csv": "4"}),
			slot(2, schedule.ByFiles, map[string]string{"lost.csv": "5"}), // its instant is taken: comes again
			slot(3, schedule.ByAfter, map[string]string{"bills": "run-1"}), slot(4, schedule.ByAfter, map[string]string{"bills": "run-2"}))
		got, err := k.Arrivals(ctx, "rent")
		if diff := cmp.Diff(map[string]string{"a.csv": "4", "b\xff\x00.csv": "2", `"c".csv`: "3"}, got); err != nil || diff != "" {
			t.Errorf("arrivals: %v\n%s", err, diff)
		}
		if got, err := k.Arrivals(ctx, "bills"); len(got) != 0 || err != nil {
			t.Errorf("arrivals of another: %v, %v", got, err)
		}
		followed, err := k.Followed(ctx)
		if diff := cmp.Diff(map[string]map[string]string{"rent": {"bills": "run-2"}}, followed); err != nil || diff != "" {
			t.Errorf("followed: %v\n%s", err, diff)
		}
	})
}

func TestSuccesses(t *testing.T) {
	stores(t, func(t *testing.T, place string) {
		s, ctx := open(t, place), context.Background()
		add := func(id, pipeline string, status runner.Status, minute int, edit func(*runner.Run)) {
			r := run(id)
			r.Pipeline = pipeline
			if edit != nil {
				edit(&r)
			}
			begin(t, s, r)
			r.Status, r.FinishedAt = status, at.Add(time.Duration(minute)*time.Minute)
			if err := s.Finish(ctx, r, true); err != nil {
				t.Fatal(err)
			}
		}
		begin(t, s, run("0"))
		add("1", "rent", runner.Loaded, 1, nil)
		add("2", "rent", runner.NothingNew, 2, nil)
		add("3", "rent", runner.Failed, 3, nil)
		add("4", "rent", runner.Loaded, 4, func(r *runner.Run) { r.Trigger = runner.TriggerRetry })
		add("5", "rent", runner.Loaded, 5, func(r *runner.Run) { r.Backfill = true })
		add("6", "bills", runner.Loaded, 2, func(r *runner.Run) { r.Trigger = runner.TriggerSchedule })
		add("7", "other", runner.Loaded, 9, func(r *runner.Run) { r.Environment = "sandbox" })
		success := func(id, pipeline string, minute int) schedule.Success {
			return schedule.Success{Pipeline: pipeline, RunID: id, EndedAt: at.Add(time.Duration(minute) * time.Minute)}
		}
		k := s.Schedule("p", "")
		got, err := k.Successes(ctx, at.Add(2*time.Minute))
		if diff := cmp.Diff([]schedule.Success{success("6", "bills", 2), success("2", "rent", 2)}, got); err != nil || diff != "" {
			t.Errorf("%v\n%s", err, diff)
		}
		if got, _ := k.Successes(ctx, at); len(got) != 3 {
			t.Errorf("all: %v", got)
		}
		last, err := k.LastSuccesses(ctx)
		if diff := cmp.Diff(map[string]schedule.Success{"rent": success("2", "rent", 2), "bills": success("6", "bills", 2)}, last); err != nil || diff != "" {
			t.Errorf("last: %v\n%s", err, diff)
		}
		if last, err := s.Schedule("none", "").LastSuccesses(ctx); len(last) != 0 || err != nil {
			t.Errorf("of no project: %v, %v", last, err)
		}
	})
}

func TestIncidentsAndLetters(t *testing.T) {
	stores(t, func(t *testing.T, place string) {
		k, ctx := open(t, place).Schedule("p", ""), context.Background()
		event := alert.Event{Kind: alert.Failed, Pipeline: "rent", Target: "finance", RunID: "r", Slot: at, Local: "l", At: at, Code: "run.failed",
			Message: "It <failed>", Hint: "h", Owner: "o", Next: at.Add(time.Hour)}
		in := alert.Incident{Pipeline: "rent", Kind: alert.Failed, Target: "finance", Since: at, ToldAt: at, Repeats: 2, Last: event}
		letter := alert.Letter{Target: "finance", Event: event, Repeats: 2, Since: at, CreatedAt: at, NotBefore: at.Add(time.Second)}
		record := func(in alert.Incident, closed bool, l *alert.Letter) {
			t.Helper()
			if err := k.Record(ctx, in, closed, l); err != nil {
				t.Fatal(err)
			}
		}
		record(in, false, &letter)
		in.Repeats = 3
		record(in, false, nil)
		late := in
		late.Kind = alert.Late
		record(late, false, &letter)
		open, err := k.OpenIncidents(ctx)
		if diff := cmp.Diff([]alert.Incident{in, late}, open); err != nil || diff != "" {
			t.Errorf("incidents: %v\n%s", err, diff)
		}
		record(in, true, &letter)
		if open, _ := k.OpenIncidents(ctx); len(open) != 1 || open[0].Kind != alert.Late {
			t.Errorf("after one was closed: %v", open)
		}
		waiting := func() []alert.Letter {
			t.Helper()
			letters, err := k.Waiting(ctx)
			if err != nil {
				t.Fatal(err)
			}
			return letters
		}
		all := waiting()
		if len(all) != 3 {
			t.Fatalf("letters: %v", all)
		}
		ids := []int64{all[0].ID, all[1].ID, all[2].ID}
		letter.ID = ids[0]
		if diff := cmp.Diff(letter, all[0]); diff != "" {
			t.Errorf("letter (-want +got):\n%s", diff)
		}
		steps := []error{k.Deliver(ctx, ids[:1], at), k.Defer(ctx, ids, at.Add(time.Minute), "503", false), k.Defer(ctx, ids[1:2], time.Time{}, "404", true), k.Deliver(ctx, nil, at)}
		if err := errors.Join(steps...); err != nil {
			t.Fatal(err)
		}
		left := waiting()
		if len(left) != 1 || left[0].ID != ids[2] || left[0].Attempts != 1 || left[0].Error != "503" || !left[0].NotBefore.Equal(at.Add(time.Minute)) {
			t.Errorf("left: %+v", left)
		}
		want := state.Undelivered{Waiting: 1, GivenUp: 1, LastWaiting: alert.Letter{Target: left[0].Target, Error: "503"}, LastGivenUp: alert.Letter{Target: all[1].Target, Error: "404"}}
		if got, err := k.Undelivered(ctx, at); err != nil || cmp.Diff(want, got) != "" {
			t.Errorf("undelivered: %+v %v", got, err)
		}
		want.GivenUp, want.LastGivenUp = 0, alert.Letter{}
		if got, err := k.Undelivered(ctx, at.Add(time.Second)); err != nil || cmp.Diff(want, got) != "" {
			t.Errorf("undelivered later: %+v %v", got, err)
		}
	})
}

// nobody hears that a lock was lost.
func nobody() {}

func TestServeLock(t *testing.T) {
	stores(t, func(t *testing.T, place string) {
		ctx := context.Background()
		a, b := open(t, place), open(t, place)
		if _, running, err := b.Serving(ctx, "p", ""); running || err != nil {
			t.Errorf("before: %v %v", running, err)
		}
		lock, err := a.LockServe(ctx, "p", "", "process 7 on books", func() {})
		if err != nil {
			t.Fatal(err)
		}
		// Many locks at a time leave the store usable.
		for i := range 8 {
			free, err := a.Lock(ctx, "p", "", fmt.Sprint("pipeline ", i))
			if err != nil {
				t.Fatal(err)
			}
			defer free()
		}
		_, err = b.LockServe(ctx, "p", "", "me", func() {})
		if want := "locked by a tieout serve that is running: process 7 on books"; !errors.Is(err, state.ErrServing) || err.Error() != want {
			t.Errorf("a second: %v", err)
		}
		want := state.Watch{Running: true, Holder: "process 7 on books", Project: "p"}
		if w, err := b.Schedule("p", "").Watching(ctx); w != want || err != nil {
			t.Errorf("watching: %+v %v", w, err)
		}
		// Another environment is not served, whoever holds the lock of the file.
		if want.Running = false; state.IsURL(place) {
			want = state.Watch{}
		}
		for _, k := range []*state.Timekeeper{b.Schedule("p", "test"), b.Schedule("q", "")} {
			if w, err := k.Watching(ctx); w != want || err != nil {
				t.Errorf("watching another: %+v %v", w, err)
			}
		}
		other, err := b.LockServe(ctx, "q", "", "me", func() {})
		if state.IsURL(place) {
			if err != nil {
				t.Fatalf("another project in PostgreSQL: %v", err)
			}
			other.Release()
		} else if !errors.Is(err, state.ErrServing) {
			t.Errorf("another project in one file: %v", err)
		}
		lock.Release()
		lock.Release() // twice does no harm
		again, err := b.LockServe(ctx, "p", "", "me", func() {})
		if err != nil {
			t.Fatalf("after it was given back: %v", err)
		}
		again.Release()
		if _, running, _ := a.Serving(ctx, "p", ""); running {
			t.Error("running after it ended")
		}
	})
}

// A link to a state file has the locks of the file.
func TestServeLockThroughALink(t *testing.T) {
	file, link := filepath.Join(t.TempDir(), "state.db"), filepath.Join(t.TempDir(), "other.db")
	a := open(t, file)
	if err := os.Symlink(file, link); err != nil {
		t.Skip(err)
	}
	lock, err := a.LockServe(context.Background(), "p", "", "first", func() {})
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Release()
	if _, err := open(t, link).LockServe(context.Background(), "p", "", "second", func() {}); !errors.Is(err, state.ErrServing) {
		t.Errorf("through a link: %v", err)
	}
}

// A store that is damaged while it is open says so, with the way out, also in
// the middle of a transaction.
func TestDamageWhileOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	s, ctx := open(t, path), context.Background()
	k := s.Schedule("p", "")
	for i := range 50 {
		propose(t, k, due("rent", at.Add(time.Duration(i)*time.Minute)))
	}
	s.Close() // moves everything into the file
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s = open(t, path)
	for i := 4096; i < len(text); i++ {
		text[i] ^= 0x55
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = s.Schedule("p", "").Propose(ctx, []schedule.Slot{due("rent", at.Add(time.Hour))}, at)
	if !errors.Is(err, state.ErrCorrupt) {
		t.Errorf("propose: %v", err)
	}
}

// The newest slot that was tried counts, however many were passed over since,
// up to a bound.
func TestLastTried(t *testing.T) {
	stores(t, func(t *testing.T, place string) {
		k, ctx := open(t, place).Schedule("p", ""), context.Background()
		if _, found, err := k.LastTried(ctx, "rent"); found || err != nil {
			t.Errorf("before: %v %v", found, err)
		}
		slot := func(pipeline string, minute int, status schedule.Status) schedule.Slot {
			s := due(pipeline, at.Add(time.Duration(minute)*time.Minute))
			s.Status, s.Reason, s.EndedAt = status, fmt.Sprint(status, minute), s.Nominal
			return s
		}
		propose(t, k, slot("rent", 0, schedule.Done), slot("rent", 1, schedule.Failed), slot("rent", 2, schedule.Skipped), slot("rent", 3, schedule.Due),
			slot("other", 4, schedule.Blocked))
		got, found, err := k.LastTried(ctx, "rent")
		if want := slot("rent", 1, schedule.Failed); !found || err != nil || cmp.Diff(want, got) != "" {
			t.Errorf("%v %v\n%s", found, err, cmp.Diff(want, got))
		}
		many := make([]schedule.Slot, 1000)
		for i := range many {
			many[i] = slot("rent", 10+i, schedule.Skipped)
		}
		propose(t, k, many...)
		if _, found, err := k.LastTried(ctx, "rent"); found || err != nil {
			t.Errorf("beyond the bound: %v %v", found, err)
		}
	})
}
