package cli

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// rentProject writes a project with one pipeline and n records.
func rentProject(t *testing.T, n int) string {
	t.Helper()
	dir := t.TempDir()
	files := map[string]string{
		"tieout.yaml": "tieout: 1\nproject: p\nconnections:\n  files: { connector: file, path: ./data }\n  books: { connector: sqlite, path: books.db }\n",
		"rent.yaml": "pipeline: rent\nsource:\n  connection: files\n  stream: rent.csv\n  key: [id]\n  fields: { id: integer, rent: decimal, moved: date }\n" +
			"  cursor: { field: moved, start: 2026-01-01 }\nsink: { connection: books, stream: rent, key: [id] }\n",
	}
	if err := os.MkdirAll(filepath.Join(dir, "data"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	f, err := os.Create(filepath.Join(dir, "data", "rent.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := writeRents(f, n); err != nil {
		t.Fatal(err)
	}
	return dir
}

// command is the program in a folder, with a real clock.
func command(t *testing.T, dir string, args ...string) (*exec.Cmd, *bytes.Buffer, *bytes.Buffer) {
	t.Helper()
	cmd := exec.Command("tieout", append([]string{"-C", dir}, args...)...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.Env = append(os.Environ(), "TIEOUT_TEST_IDS="+filepath.Join(dir, ".ids"), "USER=ana")
	return cmd, &stdout, &stderr
}

func exitCode(t *testing.T, err error) int {
	t.Helper()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if exit == nil {
		return 0
	}
	return exit.ExitCode()
}

// A signal ends a run that is under way with its own exit code, and nothing
// is loaded, neither records nor a position; the next run loads all.
func TestSignals(t *testing.T) {
	for _, c := range []struct {
		signal os.Signal
		exit   int
	}{{os.Interrupt, 130}, {syscall.SIGTERM, 143}} {
		t.Run(c.signal.String(), func(t *testing.T) {
			const records = 400_000
			dir := rentProject(t, records)
			cmd, stdout, stderr := command(t, dir, "run", "rent", "-o", "json", "--progress", "none")
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			waitForRun(t, dir)
			if err := cmd.Process.Signal(c.signal); err != nil {
				t.Fatal(err)
			}
			if got := exitCode(t, cmd.Wait()); got != c.exit {
				t.Fatalf("exit %d, not %d\n%s%s", got, c.exit, stdout, stderr)
			}
			if !strings.Contains(stderr.String(), "stopping: the load is undone") {
				t.Errorf("stderr says %q", stderr)
			}
			if !strings.Contains(stdout.String(), `"status": "interrupted"`) {
				t.Errorf("the report says %s", stdout)
			}
			nothingLoaded(t, dir)
			again, stdout, stderr := command(t, dir, "run", "rent")
			if got := exitCode(t, again.Run()); got != 0 {
				t.Fatalf("the next run exits %d\n%s%s", got, stdout, stderr)
			}
			if n, err := query("sqlite", "file:"+filepath.Join(dir, "books.db"), "select count(*) from rent"); err != nil || n != "400000\n" {
				t.Errorf("%s records (%v)", n, err)
			}
		})
	}
}

// waitForRun waits until the run is recorded and has had time to read.
func waitForRun(t *testing.T, dir string) {
	t.Helper()
	for range 400 {
		n, err := query("sqlite", "file:"+filepath.Join(dir, ".tieout/state.db")+"?mode=ro", "select count(*) from tieout_runs")
		if err == nil && n == "1\n" {
			time.Sleep(100 * time.Millisecond)
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatal("the run never began")
}

func nothingLoaded(t *testing.T, dir string) {
	t.Helper()
	place := "file:" + filepath.Join(dir, "books.db") + "?mode=ro"
	if n, err := query("sqlite", place, "select count(*) from rent"); err == nil && n != "0\n" {
		t.Errorf("%s records are loaded", n)
	}
	if n, err := query("sqlite", place, "select count(*) from tieout_positions where cursor_text is not null"); err == nil && n != "0\n" {
		t.Errorf("%s positions are written", n)
	}
	if n, err := query("sqlite", place, "select count(*) from tieout_loads"); err == nil && n != "0\n" {
		t.Errorf("%s loads are in the ledger", n)
	}
}
