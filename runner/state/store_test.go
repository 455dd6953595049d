package state_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tieout/tieout/connectors/connectortest/servers"
	"github.com/tieout/tieout/runner"
	"github.com/tieout/tieout/runner/state"
)

var at = time.Date(2026, 11, 21, 6, 15, 0, 0, time.UTC)

func now() time.Time { return at }

// stores runs a test over a fresh store of each kind.
func stores(t *testing.T, test func(t *testing.T, place string)) {
	t.Run("sqlite", func(t *testing.T) { test(t, filepath.Join(t.TempDir(), "state dir", "state #1?.db")) })
	t.Run("postgres", func(t *testing.T) { test(t, servers.Postgres(t)) })
}

func open(t *testing.T, place string) *state.Store {
	t.Helper()
	s, err := state.Open(context.Background(), place, now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func run(id string) runner.Run {
	return runner.Run{RunID: id, LoadID: "load-" + id, Project: "p", Pipeline: "rent", Status: runner.Running, StartedAt: at}
}

func held(key, record string) runner.Held {
	return runner.Held{Key: key, Stage: "rule", Record: record, Reasons: []runner.Reason{{Code: "rule.failed", Rule: "r", Message: "no"}}}
}

func begin(t *testing.T, s *state.Store, r runner.Run, h ...runner.Held) {
	t.Helper()
	ctx := context.Background()
	if err := s.Begin(ctx, r); err != nil {
		t.Fatal(err)
	}
	if err := s.Stage(ctx, r, h, nil); err != nil {
		t.Fatal(err)
	}
}

func finish(t *testing.T, s *state.Store, r runner.Run, committed bool) {
	t.Helper()
	r.Status, r.FinishedAt = runner.Failed, at
	if committed {
		r.Status = runner.Loaded
	}
	if err := s.Finish(context.Background(), r, committed); err != nil {
		t.Fatal(err)
	}
}

// waiting lists the records of the held entries that wait for a person.
func waiting(t *testing.T, s *state.Store) []string {
	t.Helper()
	entries, err := s.Held(context.Background(), state.HeldFilter{Project: "p", Pipeline: "rent", Status: state.Waiting})
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Key+" "+e.Record)
	}
	return out
}

func wantWaiting(t *testing.T, s *state.Store, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, waiting(t, s)); diff != "" {
		t.Errorf("waiting (-want +got):\n%s", diff)
	}
}

func TestHeldRecordsFollowTheirRun(t *testing.T) {
	stores(t, func(t *testing.T, place string) {
		s, ctx := open(t, place), context.Background()
		begin(t, s, run("1"), held("a", `{"n":1}`), held("b", `{"n":2}`))
		wantWaiting(t, s) // pending until the run commits
		finish(t, s, run("1"), true)
		wantWaiting(t, s, `a {"n":1}`, `b {"n":2}`)

		begin(t, s, run("2"), held("a", `{"n":9}`))
		finish(t, s, run("2"), false) // a run that loads nothing changes nothing
		wantWaiting(t, s, `a {"n":1}`, `b {"n":2}`)

		begin(t, s, run("3"), held("a", `{"n":3}`))
		if err := s.Stage(ctx, run("3"), nil, []string{"b"}); err != nil {
			t.Fatal(err)
		}
		finish(t, s, run("3"), true) // read again: one replaced, one resolved
		wantWaiting(t, s, `a {"n":3}`)
		finish(t, s, run("3"), false) // finishing twice changes nothing
		wantWaiting(t, s, `a {"n":3}`)
		keys := map[string]string{}
		err := s.EachHeld(ctx, "p", "", "rent", func(h *runner.Held) { keys[h.Key] = h.Record })
		if diff := cmp.Diff(map[string]string{"a": `{"n":3}`}, keys); err != nil || diff != "" {
			t.Errorf("%v\n%s", err, diff)
		}
	})
}

func TestUnsettledAndHistory(t *testing.T) {
	stores(t, func(t *testing.T, place string) {
		s, ctx := open(t, place), context.Background()
		begin(t, s, run("1"))
		begin(t, s, run("2"))
		finish(t, s, run("1"), true)
		open, err := s.Unsettled(ctx, "p", "", "rent")
		if err != nil || len(open) != 1 || open[0].RunID != "2" || open[0].LoadID != "load-2" {
			t.Errorf("unsettled: %+v, %v", open, err)
		}
		if open, _ := s.Unsettled(ctx, "p", "sandbox", "rent"); len(open) != 0 {
			t.Error("an environment sees the runs of another")
		}
		past, err := s.History(ctx, "p", "", "rent", 5)
		if err != nil || len(past) != 1 || past[0].RunID != "1" {
			t.Errorf("history: %+v, %v", past, err)
		}
		if _, err := s.RunByID(ctx, "3"); !errors.Is(err, state.ErrMissing) {
			t.Errorf("a run that is not there: %v", err)
		}
	})
}

func TestEditAndDiscard(t *testing.T) {
	stores(t, func(t *testing.T, place string) {
		s, ctx := open(t, place), context.Background()
		begin(t, s, run("1"), held("a", `{"n":1}`))
		finish(t, s, run("1"), true)
		entries, _ := s.Held(ctx, state.HeldFilter{RunID: "1"})
		id := entries[0].ID
		for _, record := range []string{`{"n":2}`, `{"n":3}`} {
			if err := s.EditHeld(ctx, id, record, "ana"); err != nil {
				t.Fatal(err)
			}
		}
		got, err := s.HeldByID(ctx, id)
		if err != nil || got.Record != `{"n":3}` || got.Original != `{"n":1}` || got.ChangedBy != "ana" || got.Reasons[0].Code != "rule.failed" {
			t.Errorf("after two edits: %+v, %v", got, err)
		}
		if err := s.EditHeld(ctx, id, `{"n":`, "ana"); err == nil {
			t.Error("an edit that is no JSON was kept")
		}
		if err := s.CloseHeld(ctx, id, state.Discarded, "ana"); err != nil {
			t.Fatal(err)
		}
		if err := s.CloseHeld(ctx, id, state.Discarded, "ana"); !errors.Is(err, state.ErrMissing) {
			t.Errorf("discarding twice: %v", err)
		}
		wantWaiting(t, s)
	})
}

func TestOddText(t *testing.T) {
	stores(t, func(t *testing.T, place string) {
		s := open(t, place)
		begin(t, s, run("1"), held("k\x00\xff", "{\"n\":\"\xff\x00\"}"))
		finish(t, s, run("1"), true)
		wantWaiting(t, s, "k\ufffd\ufffd {\"n\":\"\ufffd\ufffd\"}")
	})
}

func TestLock(t *testing.T) {
	stores(t, func(t *testing.T, place string) {
		a, b, ctx := open(t, place), open(t, place), context.Background()
		release, err := a.Lock(ctx, "p", "", "rent")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.Lock(ctx, "p", "", "rent"); !errors.Is(err, state.ErrLocked) {
			t.Errorf("a second lock: %v", err)
		}
		other, err := b.Lock(ctx, "p", "", "bills")
		if err != nil {
			t.Errorf("another pipeline is locked too: %v", err)
		} else {
			other()
		}
		release()
		again, err := b.Lock(ctx, "p", "", "rent")
		if err != nil {
			t.Fatalf("a free lock: %v", err)
		}
		again()
	})
}

// A holder that shows no sign of life loses the lock, and gives nothing back
// when it lets go of what it had.
func TestStaleLockIsTakenOver(t *testing.T) {
	stores(t, func(t *testing.T, place string) {
		ctx, clock := context.Background(), time.Now()
		hung, b := open(t, place), openAt(t, place, func() time.Time { return clock })
		releaseHung, err := hung.Lock(ctx, "p", "", "rent")
		if err != nil {
			t.Fatal(err)
		}
		clock = at.Add(80 * time.Second)
		if _, err := b.Lock(ctx, "p", "", "rent"); !errors.Is(err, state.ErrLocked) {
			t.Errorf("80 s after the last beat: %v", err)
		}
		clock = at.Add(100 * time.Second)
		release, err := b.Lock(ctx, "p", "", "rent")
		if err != nil {
			t.Fatalf("100 s after the last beat: %v", err)
		}
		releaseHung()
		c := openAt(t, place, func() time.Time { return clock })
		if _, err := c.Lock(ctx, "p", "", "rent"); !errors.Is(err, state.ErrLocked) {
			t.Errorf("after the old holder let go: %v", err)
		}
		release()
		again, err := c.Lock(ctx, "p", "", "rent")
		if err != nil {
			t.Fatalf("after the new holder let go: %v", err)
		}
		again()
	})
}

func openAt(t *testing.T, place string, now func() time.Time) *state.Store {
	t.Helper()
	s, err := state.Open(context.Background(), place, now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestNewerStoreIsRefused(t *testing.T) {
	stores(t, func(t *testing.T, place string) {
		open(t, place)
		driver, dsn := "sqlite", "file:"+(&sqlitePath{place}).escaped()
		if state.IsURL(place) {
			driver, dsn = "postgres", place
		}
		db, err := sql.Open(driver, dsn)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if _, err := db.Exec("UPDATE tieout_state_version SET version = 1000"); err != nil {
			t.Fatal(err)
		}
		if _, err := state.Open(context.Background(), place, now); !errors.Is(err, state.ErrNewer) {
			t.Errorf("opening a newer store: %v", err)
		}
	})
}

func TestDamagedFileIsNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	s, err := state.Open(context.Background(), path, now)
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file has mode %v, %v", info.Mode(), err)
	}
	if err := os.WriteFile(path, []byte("this is no database, whatever its name says, and long enough to be read"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := state.Open(context.Background(), path, now); !errors.Is(err, state.ErrCorrupt) {
		t.Errorf("opening a damaged store: %v", err)
	}
}

func TestLookMakesNothing(t *testing.T) {
	ctx, dir := context.Background(), filepath.Join(t.TempDir(), "none")
	path := filepath.Join(dir, "state.db")
	s, err := state.Look(ctx, path, now)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	runs, err := s.Runs(ctx, state.RunFilter{Project: "p"})
	if _, running, lerr := s.Serving(ctx, "p", ""); len(runs) != 0 || err != nil || running || lerr != nil {
		t.Errorf("an empty store has %v, %v, %v, %v", runs, err, running, lerr)
	}
	if _, err := s.Lock(ctx, "p", "", "rent"); err == nil {
		t.Error("a store in memory gave a lock")
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("looking made the folder")
	}
	begin(t, open(t, path), run("1"))
	there, err := state.Look(ctx, path, now)
	if err != nil {
		t.Fatal(err)
	}
	defer there.Close()
	if _, err := there.RunByID(ctx, "1"); err != nil {
		t.Errorf("a store that is there: %v", err)
	}
}

// A place that cannot be written is named, with the way out.
func TestUnwritablePlace(t *testing.T) {
	taken := filepath.Join(t.TempDir(), "taken")
	if err := os.WriteFile(taken, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	shut := filepath.Join(t.TempDir(), "shut")
	if err := os.Mkdir(shut, 0o500); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		shut = "/proc" // where the superuser cannot write either
	}
	folder := t.TempDir()
	for place, want := range map[string]string{
		filepath.Join(shut, "state.db"):         "the folder " + shut + " is read-only or cannot be written",
		filepath.Join(shut, "deep", "state.db"): "read-only or cannot be written",
		filepath.Join(taken, "state.db"):        "the folder " + taken + " is read-only or cannot be written",
		folder:                                  folder + " is a folder",
	} {
		s, err := state.Open(context.Background(), place, time.Now)
		if err == nil {
			s.Close()
		}
		if !errors.Is(err, state.ErrUnreachable) || !strings.Contains(fmt.Sprint(err), want) || !strings.Contains(fmt.Sprint(err), "state: in tieout.yaml") {
			t.Errorf("%s: %v", place, err)
		}
	}
}

func TestUnreachableServerKeepsItsPassword(t *testing.T) {
	_, err := state.Open(context.Background(), "postgres://u:s3cr%2Bt@127.0.0.1:1/x?sslmode=disable", now)
	if !errors.Is(err, state.ErrUnreachable) {
		t.Fatalf("got %v", err)
	}
	for _, secret := range []string{"s3cr+t", "s3cr%2Bt"} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("the password is in %q", err)
		}
	}
}

// sqlitePath writes a path as an SQLite address.
type sqlitePath struct{ path string }

func (p *sqlitePath) escaped() string { return (&url.URL{Path: p.path}).EscapedPath() }
