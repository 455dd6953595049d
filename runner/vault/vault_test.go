package vault_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/jmoiron/sqlx"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/connectortest/servers"
	"github.com/tieout/tieout/runner/vault"
)

const canary = `c4n"4 ry%+`

// with makes a vault of a folder with a key of the environment, "" for the
// file.
func with(dir, key string) *vault.Vault {
	return vault.New(vault.Options{Project: "books", KeyFile: filepath.Join(dir, "key"), Getenv: func(name string) (string, bool) { return key, name == vault.Variable && key != "" },
		Open: func(context.Context) (vault.Backend, error) {
			return vault.Files{Dir: filepath.Join(dir, "vault")}, nil
		}})
}

// put keeps a text and gives what was there before.
func put(v connectors.Vault, name, text string) (old string, err error) {
	err = v.Update(context.Background(), name, func(_ context.Context, was []byte) ([]byte, error) {
		if old = string(was); text == "" {
			return nil, nil
		}
		return []byte(text), nil
	})
	return old, err
}

func wants(t *testing.T, err, kind error, words string) {
	t.Helper()
	if !errors.Is(err, kind) || !errors.Is(err, connectors.ErrEnvironment) || !strings.Contains(fmt.Sprint(err), words) {
		t.Errorf("got %v, want %v with %q", err, kind, words)
	}
	if strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), "c4n") {
		t.Errorf("a secret is shown: %v", err)
	}
}

func TestUpdate(t *testing.T) {
	postgres := servers.Postgres(t)
	for name, v := range map[string]*vault.Vault{"files": with(t.TempDir(), ""), "words": with(t.TempDir(), "a key made of words"), "postgres": open(postgres)} {
		for i, want := range []string{"", "one", "two", "two"} {
			if old, err := put(v, "a", []string{"one", "two", "", "three"}[i]); err != nil || old != want {
				t.Errorf("%s, %d: %q, %v", name, i, old, err)
			}
		}
		if old, err := put(v, "b", ""); err != nil || old != "" {
			t.Errorf("%s: another name has %q, %v", name, old, err)
		}
		broken := errors.New("broken")
		if err := v.Update(t.Context(), "a", func(context.Context, []byte) ([]byte, error) { return []byte("four"), broken }); !errors.Is(err, broken) || err.Error() != "broken" {
			t.Errorf("%s: %v", name, err)
		}
		if raw, err := v.Look(t.Context(), "a"); err != nil || string(raw) != "three" {
			t.Errorf("%s: %q, %v", name, raw, err)
		}
	}
	db, err := sqlx.Open("postgres", postgres)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var rows []string
	if err := db.Select(&rows, `SELECT project || id || sealed || version FROM tieout_vault`); err != nil || len(rows) != 1 || strings.Contains(rows[0], "three") || !strings.HasSuffix(rows[0], "3") {
		t.Errorf("%v %v", rows, err)
	}
}

// One at a time, and who waits gives up with its context.
func TestTurns(t *testing.T) {
	for name, v := range map[string]*vault.Vault{"files": with(t.TempDir(), ""), "postgres": open(servers.Postgres(t))} {
		inside, most, sum := 0, 0, 0
		var mu sync.Mutex
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				err := v.Update(t.Context(), "a", func(_ context.Context, old []byte) ([]byte, error) {
					mu.Lock()
					inside++
					most = max(most, inside)
					mu.Unlock()
					time.Sleep(time.Millisecond)
					mu.Lock()
					inside--
					mu.Unlock()
					return append(old, '.'), nil
				})
				if err != nil {
					t.Errorf("%s: %v", name, err)
				}
			})
		}
		all.Wait()
		if old, err := put(v, "a", ""); err != nil || most != 1 || len(old) != 20 {
			t.Errorf("%s: %d at once, %q, %d, %v", name, most, old, sum, err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		err := v.Update(t.Context(), "a", func(context.Context, []byte) ([]byte, error) {
			return nil, v.Update(ctx, "a", func(context.Context, []byte) ([]byte, error) { return nil, errors.New("it has two turns") })
		})
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v", name, err)
		}
		// The end of the context after the turn has begun stops nothing.
		ctx, cancel = context.WithCancel(t.Context())
		err = v.Update(ctx, "a", func(context.Context, []byte) ([]byte, error) { cancel(); return []byte("kept"), nil })
		if old, again := put(v, "a", ""); err != nil || again != nil || old != "kept" {
			t.Errorf("%s: %q %v %v", name, old, err, again)
		}
	}
}

func TestKeys(t *testing.T) {
	dir := t.TempDir()
	first, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	second, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := put(with(dir, first.String()), "a", canary); err != nil {
		t.Fatal(err)
	}
	for key, words := range map[string]string{
		second.String():                  "TIEOUT_KEY is not the one that the kept tokens were sealed with",
		"other words of a key":           "is not the one",
		"AGE-SECRET-KEY-1c4nary":         "no whole key of age",
		"c4n":                            "shorter than 8 characters",
		"AGE-SECRET-KEY-PQ-1c4n\nc4nary": "no whole key of age",
		"":                               "is gone: bring it back",
	} {
		_, err := put(with(dir, key), "a", "new")
		wants(t, err, vault.ErrKey, words)
	}
	// A new key above the old one opens both and seals with the new.
	if old, err := put(with(dir, second.String()+"\n"+first.String()), "a", "again"); err != nil || old != canary {
		t.Errorf("%q %v", old, err)
	}
	if old, err := put(with(dir, second.String()), "a", ""); err != nil || old != "again" {
		t.Errorf("%q %v", old, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "key")); !errors.Is(err, fs.ErrNotExist) {
		t.Error("a key was made beside that of the environment")
	}
}

func TestKeyFile(t *testing.T) {
	dir := t.TempDir()
	var all sync.WaitGroup
	for i := range 10 { // the first of several that need it makes it
		all.Go(func() {
			if _, err := put(with(dir, ""), fmt.Sprint(i), canary); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for i := range 10 {
		if old, err := put(with(dir, ""), fmt.Sprint(i), ""); err != nil || old != canary {
			t.Errorf("%d: %q %v", i, old, err)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2 {
		t.Errorf("%v %v", entries, err)
	}
	for _, mode := range []fs.FileMode{0o644, 0o640, 0o604, 0o620} {
		if err := os.Chmod(filepath.Join(dir, "key"), mode); err != nil {
			t.Fatal(err)
		}
		_, err := put(with(dir, ""), "0", "new")
		wants(t, err, vault.ErrKey, "chmod 600")
	}
}

// What is not as it was written is named and stays.
func TestDamage(t *testing.T) {
	dir := t.TempDir()
	v := with(dir, "a key made of words")
	for _, name := range []string{"a", "b"} {
		if _, err := put(v, name, canary+name); err != nil {
			t.Fatal(err)
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "vault", "*.age"))
	if err != nil || len(files) != 2 {
		t.Fatal(files, err)
	}
	whole, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	other, err := os.ReadFile(files[1])
	if err != nil {
		t.Fatal(err)
	}
	for at := range whole {
		for _, damaged := range [][]byte{whole[:at], append(append(bytes.Clone(whole[:at]), whole[at]^1), whole[at+1:]...)} {
			damage(t, v, files, damaged)
		}
	}
	damage(t, v, files, other)
	if err := os.Chmod(files[1], 0o644); err != nil {
		t.Fatal(err)
	}
	_, errA := put(v, "a", "new")
	_, errB := put(v, "b", "new")
	wants(t, errors.Join(errA, errB), connectors.ErrEnvironment, "may be read by others")
}

func damage(t *testing.T, v *vault.Vault, files []string, damaged []byte) {
	t.Helper()
	if err := os.WriteFile(files[0], damaged, 0o600); err != nil {
		t.Fatal(err)
	}
	_, errA := put(v, "a", "new")
	_, errB := put(v, "b", "")
	err := errors.Join(errA, errB)
	if !errors.Is(err, vault.ErrDamaged) && !errors.Is(err, vault.ErrKey) || strings.Contains(err.Error(), "c4n") {
		t.Fatalf("damage is not found: %v", err)
	}
	if now, err := os.ReadFile(files[0]); err != nil || !bytes.Equal(now, damaged) {
		t.Fatal("what cannot be opened was overwritten")
	}
}

// A folder that cannot be written is found before fn is called.
func TestUnwritable(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "vault"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	err := with(dir, "a key made of words").Update(t.Context(), "a", func(context.Context, []byte) ([]byte, error) {
		t.Error("it was called")
		return nil, nil
	})
	wants(t, err, vault.ErrUnkept, "cannot be written")
}
