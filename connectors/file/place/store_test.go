package place_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/file/place"
)

// everywhere runs a test on each kind of place, given how to open the same
// folder again and again.
func everywhere(t *testing.T, test func(t *testing.T, r remote, open func() place.Store)) {
	for kind, at := range remotes {
		t.Run(kind, func(t *testing.T) {
			r := at(t)
			test(t, r, func() place.Store {
				c := r.conn
				return open(t, place.Settings{Path: c.Path.Value, PrivateKey: c.PrivateKey, KnownHosts: c.KnownHosts.Value, Endpoint: c.Endpoint.Value,
					Region: c.Region.Value, AccessKey: c.AccessKey, SecretKey: c.SecretKey, Spool: t.TempDir(), Now: r.env(t).Now})
			})
		})
	}
}

// Several at a time count up in one ledger, and no step is lost or doubled.
func TestSwapRaces(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, _ remote, open func() place.Store) {
		ctx := context.Background()
		if err := open().Prepare(ctx, "a/out.csv"); err != nil {
			t.Fatal(err)
		}
		const several, steps = 3, 6
		var all sync.WaitGroup
		for who := range several {
			store := open()
			all.Go(func() {
				for n := 0; n < steps; {
					text, version, err := store.Ledger(ctx, "a/out.csv")
					if err != nil {
						t.Error(err)
						return
					}
					count, _ := strconv.Atoi(strings.TrimSpace(string(text[:min(8, len(text))])))
					next := fmt.Appendf(nil, "%-8d by %d, its %d", count+1, who, n)
					switch _, err := store.Swap(ctx, "a/out.csv", next, version); {
					case err == nil:
						n++
					case !errors.Is(err, place.ErrStale):
						t.Error(err)
						return
					}
				}
			})
		}
		all.Wait()
		text, _, err := open().Ledger(ctx, "a/out.csv")
		if err != nil || !bytes.HasPrefix(text, fmt.Appendf(nil, "%-8d", several*steps)) {
			t.Errorf("the ledger says %q, %v, want %d", text, err, several*steps)
		}
	})
}

// stage brings a text as the content of a load.
func stage(t *testing.T, s place.Store, name, load, text string) place.Parcel {
	t.Helper()
	ctx := context.Background()
	f, p, err := s.Stage(ctx, name, load)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
	if err := s.Deposit(ctx, name, f, &p); err != nil {
		t.Fatal(err)
	}
	return p
}

// What is deposited is seen by nobody; published late, an older load does not
// come back; discarded, nothing is left of it.
func TestPublish(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, r remote, open func() place.Store) {
		ctx, s := context.Background(), open()
		if err := s.Prepare(ctx, "out.csv"); err != nil {
			t.Fatal(err)
		}
		first, second := stage(t, s, "out.csv", "one", "first"), stage(t, s, "out.csv", "two", strings.Repeat("second ", 3<<20))
		if there := r.get(t, "out.csv"); there != nil {
			t.Fatalf("it is seen before it is published: %q", there)
		}
		third := stage(t, s, "out.csv", "three", "")
		for _, p := range []place.Parcel{first, first, second} {
			if err := s.Publish(ctx, "out.csv", p); err != nil {
				t.Error(err)
			}
		}
		if err := s.Publish(ctx, "out.csv", first); err != nil && !strings.Contains(err.Error(), "its content is gone") {
			t.Error(err)
		}
		if there := r.get(t, "out.csv"); string(there) != strings.Repeat("second ", 3<<20) {
			t.Errorf("an older load came back: %.20q, %d bytes", there, len(there))
		}
		if err := errors.Join(s.Discard(ctx, "out.csv", third), s.Discard(ctx, "out.csv", third)); err != nil {
			t.Error(err)
		}
		if err := s.Publish(ctx, "out.csv", stage(t, s, "out.csv", "empty", "")); err != nil {
			t.Error(err)
		}
		if there := r.get(t, "out.csv"); len(there) > 0 {
			t.Errorf("an empty file has %d bytes", len(there))
		}
		for _, name := range r.list(t) {
			if strings.Contains(name, "upload of") || strings.HasSuffix(name, ".part") {
				t.Errorf("%s is left", name)
			}
		}
	})
}

func TestListAndGlob(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, r remote, open func() place.Store) {
		for _, name := range []string{"b.csv", "a.csv", ".hidden.csv", "é ü.csv", "in/2026-02.csv", "in/2026-01.csv", "in/x/deep.csv", "in.csv/odd.txt", "plus+and&.csv"} {
			r.put(t, name, []byte(name))
		}
		ctx, s := context.Background(), open()
		for pattern, want := range map[string][]string{
			"*.csv":       {"a.csv", "b.csv", "plus+and&.csv", "é ü.csv"},
			".*.csv":      {".hidden.csv"},
			"in/*.csv":    {"in/2026-01.csv", "in/2026-02.csv"},
			"*/2026-0?*":  {"in/2026-01.csv", "in/2026-02.csv"},
			"*/*/*":       {"in/x/deep.csv"},
			"nothing/*":   nil,
			"[ab].csv":    {"a.csv", "b.csv"},
			"in/x":        nil,
			"**/*.csv":    {"a.csv", "b.csv", "in/2026-01.csv", "in/2026-02.csv", "in/x/deep.csv", "plus+and&.csv", "é ü.csv"},
			"in/**":       {"in/2026-01.csv", "in/2026-02.csv", "in/x/deep.csv"},
			"**/x/**/*":   {"in/x/deep.csv"},
			"in/**/**/d*": {"in/x/deep.csv"},
			"**/in/*.csv": {"in/2026-01.csv", "in/2026-02.csv"},
			"no/**/*":     nil,
		} {
			entries, err := place.Glob(ctx, s, pattern)
			var names []string
			for _, e := range entries {
				names = append(names, e.Name)
				if !e.Regular || e.Size == 0 {
					t.Errorf("%s: %+v", pattern, e)
				}
			}
			if err != nil || !slices.Equal(names, want) {
				t.Errorf("%s: %q, %v, want %q", pattern, names, err, want)
			}
			for _, name := range []string{"a.csv", "b.csv", "in/2026-01.csv", "in/2026-02.csv", "in/x/deep.csv", "in.csv/odd.txt"} {
				if ok, err := place.Fits(pattern, name); err != nil || ok != slices.Contains(want, name) {
					t.Errorf("%s fits %s: %v, %v", name, pattern, ok, err)
				}
			}
		}
		if _, err := place.Glob(ctx, s, "[a"); !errors.Is(err, path.ErrBadPattern) {
			t.Errorf("a pattern that is none: %v", err)
		}
		for name, dir := range map[string]bool{".": true, "in": true, "in.csv": true, "a.csv": false} {
			if e, err := s.Stat(ctx, name); err != nil || e.Dir != dir {
				t.Errorf("%s: %+v, %v", name, e, err)
			}
		}
		e, err := s.Stat(ctx, "é ü.csv")
		if err != nil {
			t.Fatal(err)
		}
		in, err := s.Open(ctx, e)
		if err != nil {
			t.Fatal(err)
		}
		defer in.Close()
		if text, err := io.ReadAll(in); err != nil || string(text) != "é ü.csv" {
			t.Errorf("read %q, %v", text, err)
		}
	})
}

// A file that is another one by now is an error, not half of each.
func TestChangedWhileRead(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, r remote, open func() place.Store) {
		for name, change := range map[string]func(){
			"longer":  func() { r.put(t, "in.csv", bytes.Repeat([]byte("b"), 5<<20)) },
			"shorter": func() { r.put(t, "in.csv", []byte("c")) },
		} {
			r.put(t, "in.csv", bytes.Repeat([]byte("a"), 4<<20))
			ctx, s := context.Background(), open()
			e, err := s.Stat(ctx, "in.csv")
			if err != nil {
				t.Fatal(err)
			}
			change()
			in, err := s.Open(ctx, e)
			if err == nil {
				_, err = io.Copy(io.Discard, in)
				in.Close()
			}
			if !errors.Is(err, place.ErrChanged) || !errors.Is(err, connectors.ErrEnvironment) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}
