package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/tieout/tieout/connectors/builtin"
	"github.com/tieout/tieout/connectors/connectortest/servers"
	"github.com/tieout/tieout/connectors/sandbox/books"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"tieout": tieout})
}

// tieout is the program with a clock that stands still and ids that count.
func tieout() {
	os.Exit(Main(context.Background(), World{
		Args: os.Args[1:], Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		Getenv: os.LookupEnv, Now: now, NewID: nextID, Version: "test", Registry: builtin.Registry(),
	}))
}

// now is the instant a script sets in TIEOUT_TEST_NOW.
func now() time.Time {
	t, err := time.Parse(time.RFC3339, os.Getenv("TIEOUT_TEST_NOW"))
	if err != nil {
		return time.Now()
	}
	return t
}

// nextID counts in a file, since each command of a script is a process.
func nextID() string {
	f, err := os.OpenFile(os.Getenv("TIEOUT_TEST_IDS"), os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
	if err != nil {
		panic(err)
	}
	defer f.Close()
	if _, err := f.WriteString("."); err != nil {
		panic(err)
	}
	info, err := f.Stat()
	if err != nil {
		panic(err)
	}
	return fmt.Sprintf("0000%04d-0000-7000-8000-000000000000", info.Size())
}

func TestScripts(t *testing.T) {
	testscript.Run(t, params("testdata/script"))
}

// TestPostgres runs the scripts that need a server, each in a database of its
// own.
func TestPostgres(t *testing.T) {
	p := params("testdata/postgres")
	setup := p.Setup
	p.Setup = func(env *testscript.Env) error {
		env.Setenv("WAREHOUSE_URL", servers.Postgres(env.T().(testing.TB)))
		return setup(env)
	}
	testscript.Run(t, p)
}

func params(dir string) testscript.Params {
	return testscript.Params{
		Dir: dir, UpdateScripts: *update, RequireUniqueNames: true, ContinueOnError: *update,
		Setup: func(env *testscript.Env) error {
			env.Setenv("TIEOUT_TEST_NOW", "2026-11-21T12:00:00Z")
			env.Setenv("TIEOUT_TEST_IDS", filepath.Join(env.WorkDir, ".ids"))
			env.Setenv("USER", "ana")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "rows": rows, "plain": plain, "secretless": secretless, "replace": replaceText,
			"hold": hold, "serving": servingFor, "execute": execute, "badurl": badURL, "until": until, "books": (&shop{open: make(map[string]*books.Server)}).books,
		},
	}
}

// exits runs a command and wants its exit code: exits 2 tieout validate.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND ARGS...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("run %s: %v", args[1], err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("%s exits %d, not %d", strings.Join(args[1:], " "), got, want)
	}
}

// until runs a command again and again until its output matches, for what a
// process in the background brings about: until 'done' tieout runs slots.
func until(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: until REGEXP COMMAND ARGS...")
	}
	want, err := regexp.Compile(args[0])
	ts.Check(err)
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		err = ts.Exec(args[1], args[2:]...)
		if want.MatchString(ts.ReadFile("stdout") + ts.ReadFile("stderr")) {
			return
		}
	}
	ts.Fatalf("%s never said %q (%v)", strings.Join(args[1:], " "), args[0], err)
}

// plain wants no escape byte in the last stdout and stderr.
func plain(ts *testscript.TestScript, neg bool, _ []string) {
	found := strings.ContainsRune(ts.ReadFile("stdout")+ts.ReadFile("stderr"), 0x1b)
	if found != neg {
		ts.Fatalf("escape bytes in the output: %v", found)
	}
}

// secretless wants a text in no stream and in no file below the folders.
func secretless(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 1 {
		ts.Fatalf("usage: secretless SECRET FOLDERS...")
	}
	for _, stream := range []string{"stdout", "stderr"} {
		if strings.Contains(ts.ReadFile(stream), args[0]) {
			ts.Fatalf("%s holds the secret", stream)
		}
	}
	for _, dir := range args[1:] {
		err := filepath.WalkDir(ts.MkAbs(dir), func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			text, err := os.ReadFile(path)
			if err == nil && strings.Contains(string(text), args[0]) {
				return fmt.Errorf("%s holds the secret", path)
			}
			return err
		})
		ts.Check(err)
	}
}

// replaceText changes a text in a file: replace OLD NEW FILE.
func replaceText(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: replace OLD NEW FILE")
	}
	name := ts.MkAbs(args[2])
	text := ts.ReadFile(args[2])
	if !strings.Contains(text, args[0]) {
		ts.Fatalf("%s does not hold %q", args[2], args[0])
	}
	ts.Check(os.WriteFile(name, []byte(strings.ReplaceAll(text, args[0], args[1])), 0o644))
}
