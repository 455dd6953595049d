package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	_ "github.com/lib/pq"
	_ "modernc.org/sqlite"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/builtin"
	"github.com/tieout/tieout/connectors/connectortest/servers"
	"github.com/tieout/tieout/runner/cli"
	"github.com/tieout/tieout/schemas/record"
)

// These tests kill the program with kill -9 and run it again, and want what
// an undisturbed program leaves: the same records in the sink, the same sums
// in its ledger, the same records held. The steps of the walk are hit one by
// one by a process that is this test binary with connectors that kill it; in
// between the real binary is killed at random moments.

const (
	killAt   = "TIEOUT_KILL_AT"   // step:n, in the child process
	killArgs = "TIEOUT_KILL_ARGS" // the command line, in the child process
)

func TestMain(m *testing.M) {
	if at := os.Getenv(killAt); at != "" {
		os.Exit(cli.Main(context.Background(), cli.World{
			Args: strings.Split(os.Getenv(killArgs), " "), Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
			Getenv: os.LookupEnv, Now: time.Now, NewID: func() string { return uuid.Must(uuid.NewV7()).String() }, Version: "test", Registry: deadly(at),
		}))
	}
	os.Exit(m.Run())
}

// deadly is the registry of connectors whose step number n kills the process.
func deadly(at string) *connectors.Registry {
	step, count, _ := strings.Cut(at, ":")
	n, err := strconv.Atoi(count)
	if err != nil {
		panic(err)
	}
	k := &killer{step: step, left: n}
	var defs []connectors.Definition
	for _, def := range builtin.Registry().Definitions() {
		source, sink := def.NewSource, def.NewSink
		def.NewSource = func(env connectors.Env, c, o any) (connectors.Source, error) {
			s, err := source(env, c, o)
			return deadlySource{s, k}, err
		}
		def.NewSink = func(env connectors.Env, c, o any) (connectors.Sink, error) {
			s, err := sink(env, c, o)
			return deadlySink{s, k}, err
		}
		defs = append(defs, planted(def))
	}
	return connectors.NewRegistry(defs...)
}

// killer ends the process with SIGKILL at the n-th pass of a step.
type killer struct {
	step string
	left int
}

func (k *killer) pass(step string) {
	if step != k.step {
		return
	}
	if k.left--; k.left == 0 {
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
}

type deadlySource struct {
	connectors.Source
	k *killer
}

func (s deadlySource) Open(ctx context.Context, read connectors.Read) (connectors.Reader, error) {
	s.k.pass("open")
	r, err := s.Source.Open(ctx, read)
	if err != nil {
		return nil, err
	}
	return deadlyReader{r, s.k}, nil
}

type deadlyReader struct {
	connectors.Reader
	k *killer
}

func (r deadlyReader) Next(ctx context.Context, b *record.Batch) error {
	r.k.pass("next")
	return r.Reader.Next(ctx, b)
}

type deadlySink struct {
	connectors.Sink
	k *killer
}

func (s deadlySink) Position(ctx context.Context, l connectors.Load) (connectors.Position, bool, error) {
	s.k.pass("position")
	return s.Sink.Position(ctx, l)
}

func (s deadlySink) Begin(ctx context.Context, l connectors.Load) (connectors.Writer, error) {
	s.k.pass("before begin")
	w, err := s.Sink.Begin(ctx, l)
	s.k.pass("after begin")
	if err != nil {
		return nil, err
	}
	return deadlyWriter{w, s.k}, nil
}

type deadlyWriter struct {
	connectors.Writer
	k *killer
}

func (w deadlyWriter) Write(ctx context.Context, b *record.Batch) error {
	w.k.pass("write")
	return w.Writer.Write(ctx, b)
}

func (w deadlyWriter) Keep(ctx context.Context, b *record.Batch) error {
	return w.Writer.(connectors.Keeper).Keep(ctx, b)
}

func (w deadlyWriter) KeepAll() { w.Writer.(connectors.Keeper).KeepAll() }

func (w deadlyWriter) Commit(ctx context.Context, l connectors.Ledger, approve func(connectors.Receipt) error) (connectors.Receipt, error) {
	w.k.pass("before commit")
	r, err := w.Writer.Commit(ctx, l, func(r connectors.Receipt) error {
		err := approve(r)
		w.k.pass("inside commit")
		return err
	})
	w.k.pass("after commit")
	return r, err
}

// killSteps are the steps of the walk, with how often each is passed in one
// run of the scene at least.
var killSteps = map[string]int{"position": 1, "open": 1, "before begin": 1, "after begin": 1, "next": 6, "write": 2, "before commit": 1, "inside commit": 1, "after commit": 1}

// scene is one project: a first load, then changed input whose load is the
// one that gets killed.
type scene struct {
	name string
	sink string // connection line
	mode string
	// missing makes it a pipeline that reads everything each time.
	missing string
	// compared makes it one whose source is compared with its last read.
	compared bool
	dump     func(t *testing.T, dir string, history bool) string
	env      []string
	// stream is the name of what is written, for a sink of files; a table of
	// the project's own when empty.
	stream string
	// origin is the connection line of the source, nil for a local folder,
	// and feed puts there what it holds. rows is how many records it begins
	// with, 0 for killRows.
	origin func(dir string) string
	feed   func(t *testing.T, dir, text string)
	from   string // the stream of the source, charges.csv when empty
	rows   int
}

func scenes(t *testing.T) []scene {
	postgres, maria := servers.Postgres(t), servers.MariaDB(t)
	return append([]scene{
		{name: "sqlite upsert", sink: "connector: sqlite, path: out/books.db", mode: "upsert", dump: dumpSQLite},
		{name: "file append", sink: "connector: file, path: out", mode: "append", dump: dumpFile, stream: "charges.csv"},
		{name: "file upsert", sink: "connector: file, path: out", mode: "upsert", dump: dumpFile, stream: "charges.csv"},
		{name: "postgres append", sink: "connector: postgres, url: \"${env:KILL_URL}\"", mode: "append", dump: func(t *testing.T, dir string, h bool) string { return dumpPostgres(t, postgres, dir, h) }, env: []string{"KILL_URL=" + postgres}},
		{name: "mysql append", sink: "connector: mysql, url: \"${env:KILL_MYSQL}\"", mode: "append", dump: func(t *testing.T, dir string, h bool) string { return dumpMySQL(t, maria, dir, h) }, env: []string{"KILL_MYSQL=" + maria}},
		{name: "mysql upsert", sink: "connector: mysql, url: \"${env:KILL_MYSQL}\"", mode: "upsert", dump: func(t *testing.T, dir string, h bool) string { return dumpMySQL(t, maria, dir, h) }, env: []string{"KILL_MYSQL=" + maria}},
		{name: "sqlite compare", sink: "connector: sqlite, path: out/books.db", mode: "upsert", compared: true, dump: dumpCompared},
		{name: "sqlite history", sink: "connector: sqlite, path: out/books.db", mode: "history", missing: "close", dump: dumpSQLite},
		{name: "postgres history", sink: "connector: postgres, url: \"${env:KILL_URL}\"", mode: "history", missing: "close", dump: func(t *testing.T, dir string, h bool) string { return dumpPostgres(t, postgres, dir, h) }, env: []string{"KILL_URL=" + postgres}},
		{name: "mysql delete", sink: "connector: mysql, url: \"${env:KILL_MYSQL}\"", mode: "upsert", missing: "delete", dump: func(t *testing.T, dir string, h bool) string { return dumpMySQL(t, maria, dir, h) }, env: []string{"KILL_MYSQL=" + maria}},
		{name: "postgres upsert", sink: "connector: postgres, url: \"${env:KILL_URL}\"", mode: "upsert", dump: func(t *testing.T, dir string, h bool) string { return dumpPostgres(t, postgres, dir, h) }, env: []string{"KILL_URL=" + postgres}},
	}, farScenes(t)...)
}

const killRows = 4000

// build writes the project into dir; every project has a table of its own.
func (s *scene) build(t *testing.T, dir string) {
	stream := "charges_" + filepath.Base(dir)
	if s.stream != "" {
		stream = strings.ReplaceAll(s.stream, "DIR", filepath.Base(dir))
	}
	source, from := "connector: file, path: data", "charges.csv"
	if s.origin != nil {
		source = s.origin(dir)
	}
	if s.from != "" {
		from = strings.ReplaceAll(s.from, "DIR", filepath.Base(dir))
	}
	sink := strings.ReplaceAll(s.sink, "DIR", filepath.Base(dir))
	write(t, dir, "tieout.yaml", "tieout: 1\nproject: kill_"+filepath.Base(dir)+"\nconnections:\n  files: {"+source+"}\n  target: {"+sink+"}\n")
	cursor, missing := "\n  cursor: { field: updated }", ""
	if s.missing != "" {
		cursor, missing = "", "\n  missing: { "+s.missing+": { max: 50% } }"
	}
	if s.compared {
		cursor = "\n  changes: compare"
	}
	write(t, dir, "charges.yaml", `pipeline: charges
money: { amounts: [rent, due], currency: USD }
source:
  connection: files
  stream: `+from+`
  key: id
  fields: { id: integer, rent: decimal, updated: integer }`+cursor+`
transforms:
  - set:
      due: round(rent * 17 / 31, 2)
rules:
  - { name: rent is not negative, expect: rent >= 0 }
gate:
  - quarantined: { max: 50% }
sink:
  connection: target
  stream: `+stream+`
  key: [id]
  mode: `+s.mode+missing+"\n")
	if err := os.MkdirAll(filepath.Join(dir, "out"), 0o755); err != nil {
		t.Fatal(err)
	}
	s.put(t, dir, 0)
}

// put makes the source hold what it holds in a round.
func (s *scene) put(t *testing.T, dir string, round int) {
	t.Helper()
	if s.feed != nil {
		s.feed(t, dir, s.input(round))
		return
	}
	write(t, dir, "data/charges.csv", s.input(round))
}

func (s *scene) size() int {
	if s.rows > 0 {
		return s.rows
	}
	return killRows
}

// input is what the source holds in a round.
func (s *scene) input(round int) string {
	if s.missing != "" || s.compared {
		return whole(s.size(), round)
	}
	return charges(s.size(), round)
}

// whole writes a source that is read whole; a round of changes takes some
// records away, changes and breaks others and adds more.
func whole(n, round int) string {
	var b strings.Builder
	b.WriteString("id,rent,updated\n")
	for i := range n + round*n/2 {
		rent := fmt.Sprintf("%d.%02d", i%3000, i%100)
		switch {
		case round > 0 && i%7 == 0:
			continue
		case round > 0 && i%11 == 0:
			rent = fmt.Sprintf("%d.%02d", i%3000+1, i%100)
		case round > 0 && i%89 == 0:
			rent = "-2.00"
		case i%97 == 0:
			rent = "-1.00"
		}
		fmt.Fprintf(&b, "%d,%s,%d\n", i, rent, i/5)
	}
	return b.String()
}

// charges writes n records; a round of changes adds records at later cursor
// values, ties among them, and mends or breaks some.
func charges(n, round int) string {
	var b strings.Builder
	b.WriteString("id,rent,updated\n")
	for i := range n {
		rent := fmt.Sprintf("%d.%02d", i%3000, i%100)
		if i%97 == 0 {
			rent = "-1.00"
		}
		fmt.Fprintf(&b, "%d,%s,%d\n", i, rent, i/5)
	}
	for i := range round * n / 2 {
		id := n + i
		if i%3 == 0 {
			id = i // an old record with a later stamp
		}
		rent := fmt.Sprintf("%d.%02d", i%700, i%100)
		if i%89 == 0 {
			rent = "-2.00"
		}
		fmt.Fprintf(&b, "%d,%s,%d\n", id, rent, n/5-1+i/4)
	}
	return b.String()
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// run runs the program; extra is the environment that makes it deadly.
func (s *scene) run(t *testing.T, binary, dir string, extra ...string) (killed bool) {
	t.Helper()
	cmd := exec.Command(binary, "-C", dir, "run", "charges")
	cmd.Env = append(append(os.Environ(), s.env...), extra...)
	if len(extra) > 0 {
		cmd.Env = append(cmd.Env, killArgs+"=-C "+dir+" run charges")
	}
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL {
		return true
	}
	if err != nil {
		t.Fatalf("%s: %v\n%s", s.name, err, out)
	}
	return false
}
