package serve

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/google/uuid"
	"github.com/jonboulle/clockwork"
	"go.uber.org/goleak"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/builtin"
	"github.com/tieout/tieout/connectors/sandbox/chat"
	"github.com/tieout/tieout/runner/project"
	"github.com/tieout/tieout/runner/schedule"
	"github.com/tieout/tieout/runner/state"
	"github.com/tieout/tieout/schemas/record"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("database/sql.(*DB).connectionOpener"))
}

const tieoutYAML = `tieout: 1
project: p
timezone: America/Chicago
connections:
  files: { connector: file, path: data }
  books: { connector: sqlite, path: books.db }
alerts:
  finance: { slack: "${env:SLACK_URL}" }
serve: { listen: "127.0.0.1:0", drain: 2s }
`

const rentYAML = `pipeline: rent
notify: finance
schedule: { every: 1s }
retry: { attempts: 1 }
source: { connection: files, stream: rent.csv, fields: { rent: decimal } }
sink: { connection: books, stream: rent, key: [id] }
`

// lines collects a log.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// served is a project that is served for the length of a test.
type served struct {
	t       *testing.T
	dir     string
	env     map[string]string
	log     lines
	slow    time.Duration // of each read
	address string
	stop    context.CancelFunc
	ended   chan error
}

func newServed(t *testing.T) *served {
	s := &served{t: t, dir: t.TempDir(), env: map[string]string{}}
	s.write("tieout.yaml", tieoutYAML)
	s.write("rent.yaml", rentYAML)
	s.write("data/rent.csv", "id,rent\n1,1200.50\n2,980.00\n")
	return s
}

func (s *served) write(name, text string) {
	s.t.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

func (s *served) options(announce func(string)) Options {
	logger := slog.New(slog.NewTextHandler(&s.log, nil))
	return Options{Dir: s.dir, Clock: clockwork.NewRealClock(), Log: logger, Version: "test", NewID: func() string { return uuid.Must(uuid.NewV7()).String() }, Group: time.Second, Announce: announce,
		Open: func() *project.Project {
			return project.Open(project.Options{Dir: s.dir, Registry: slowRegistry(s.slow), Now: time.Now, Log: logger,
				NewID:  func() string { return uuid.Must(uuid.NewV7()).String() },
				Getenv: func(name string) (string, bool) { v, ok := s.env[name]; return v, ok }})
		}}
}

func (s *served) start() {
	s.t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	s.stop, s.ended = stop, make(chan error, 1)
	address := make(chan string, 1)
	go func() { s.ended <- Run(ctx, s.options(func(a string) { address <- a })) }()
	select {
	case s.address = <-address:
	case err := <-s.ended:
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		stop()
		if s.ended != nil {
			<-s.ended
			s.ended = nil
		}
	})
}

func (s *served) end() error {
	s.stop()
	err := <-s.ended
	s.ended = nil
	return err
}

// until waits for something to become true.
func (s *served) until(what string, is func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(15 * time.Second); !is(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("not within 15 s: %s\n%s", what, s.log.String())
		}
	}
}

func (s *served) logs(text string) {
	s.t.Helper()
	s.until("the log says "+text, func() bool { return strings.Contains(s.log.String(), text) })
}

// slots reads the slots as another process would.
func (s *served) slots(f state.SlotFilter) []schedule.Slot {
	s.t.Helper()
	store, err := state.Open(context.Background(), filepath.Join(s.dir, ".tieout/state.db"), time.Now)
	if err != nil {
		s.t.Fatal(err)
	}
	defer store.Close()
	f.Limit = 1000
	slots, err := store.Schedule("p", "").Slots(context.Background(), f)
	if err != nil {
		s.t.Fatal(err)
	}
	return slots
}

func (s *served) done(n int) func() bool {
	return func() bool { return len(s.slots(state.SlotFilter{Status: schedule.Done})) >= n }
}

func (s *served) get(path string) (int, string) {
	s.t.Helper()
	client := http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	r, err := client.Get("http://" + s.address + path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return r.StatusCode, string(body)
}

// slowRegistry reads files slowly.
func slowRegistry(wait time.Duration) *connectors.Registry {
	var defs []connectors.Definition
	for _, def := range builtin.Registry().Definitions() {
		if source := def.NewSource; def.Name == "file" && wait > 0 {
			def.NewSource = func(env connectors.Env, c, o any) (connectors.Source, error) {
				src, err := source(env, c, o)
				return slowSource{src, wait}, err
			}
		}
		defs = append(defs, def)
	}
	return connectors.NewRegistry(defs...)
}

type slowSource struct {
	connectors.Source
	wait time.Duration
}

func (s slowSource) Open(ctx context.Context, read connectors.Read) (connectors.Reader, error) {
	r, err := s.Source.Open(ctx, read)
	return slowReader{r, s.wait}, err
}

type slowReader struct {
	connectors.Reader
	wait time.Duration
}

func (r slowReader) Next(ctx context.Context, b *record.Batch) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(r.wait):
	}
	return r.Reader.Next(ctx, b)
}

func TestBadEditKeepsTheLastGoodVersion(t *testing.T) {
	t.Parallel()
	s := newServed(t)
	s.start()
	s.until("a slot is done", s.done(1))
	s.write("rent.yaml", strings.Replace(rentYAML, "rent: decimal", "rent: decimel", 1))
	s.logs("rent.yaml:5:")
	before := len(s.slots(state.SlotFilter{Status: schedule.Done}))
	s.until("the last good version goes on", s.done(before+2))
	s.write("rent.yaml", "pipeline: [rent") // not even YAML
	s.logs("rent.yaml:1:")
	before = len(s.slots(state.SlotFilter{Status: schedule.Done}))
	s.until("it still goes on", s.done(before+2))
	s.write("tieout.yaml", "tieout: 2\n")
	s.logs("tieout.yaml has mistakes")
	s.write("tieout.yaml", tieoutYAML)
	s.write("rent.yaml", strings.Replace(rentYAML, "pipeline: rent", "pipeline: rents", 1))
	s.until("the renamed pipeline runs", func() bool {
		return len(s.slots(state.SlotFilter{Pipeline: "rents", Status: schedule.Done})) > 0
	})
	if err := s.end(); err != nil {
		t.Fatal(err)
	}
}

func TestEndpoints(t *testing.T) {
	t.Parallel()
	s := newServed(t)
	s.start()
	s.until("a slot is done", s.done(1))
	if code, body := s.get("/healthz"); code != 200 || body != "{\"ok\":true}\n" {
		t.Errorf("healthz: %d %s", code, body)
	}
	s.until("it is ready", func() bool { code, _ := s.get("/readyz"); return code == 200 })
	s.until("the success is seen", func() bool {
		_, body := s.get("/metrics")
		return strings.Contains(body, "tieout_last_success")
	})
	_, body := s.get("/metrics")
	for _, name := range []string{`tieout_slots_total{outcome="done",pipeline="rent"}`, `tieout_runs_total{outcome=`, `tieout_records_total{outcome="read",pipeline="rent"}`,
		"tieout_runs_running", "tieout_run_duration_seconds_count", "tieout_start_lag_seconds_bucket", `tieout_last_success_timestamp_seconds{pipeline="rent"}`,
		`tieout_late_pipelines{pipeline="rent"} 0`, "tieout_config_errors 0", "tieout_alerts_waiting 0", "process_resident_memory_bytes"} {
		if !strings.Contains(body, name) {
			t.Errorf("/metrics has no %s", name)
		}
	}
}

func TestSecondServeIsRefused(t *testing.T) {
	t.Parallel()
	s := newServed(t)
	s.start()
	err := Run(context.Background(), s.options(func(string) {}))
	if !errors.Is(err, state.ErrServing) || !strings.Contains(err.Error(), fmt.Sprintf("process %d on ", os.Getpid())) || !strings.Contains(err.Error(), s.address) {
		t.Errorf("a second serve: %v", err)
	}
}

func TestRunsThatTakeTooLong(t *testing.T) {
	t.Parallel()
	s := newServed(t)
	s.slow = time.Minute
	s.write("rent.yaml", rentYAML+"timeout: 1s\n")
	s.start()
	s.until("a slot has failed", func() bool { return len(s.slots(state.SlotFilter{Status: schedule.Failed})) > 0 })
	if r := s.slots(state.SlotFilter{Status: schedule.Failed})[0].Reason; !strings.Contains(r, "took longer than its timeout of 1s") {
		t.Errorf("failed because %q", r)
	}
	if !strings.Contains(s.log.String(), "code=run.timeout") {
		t.Error("the log has no code run.timeout")
	}
}

func TestDrain(t *testing.T) {
	t.Parallel()
	s := newServed(t)
	s.slow = 500 * time.Millisecond // shorter than drain: it finishes
	s.start()
	running := func() bool { return len(s.slots(state.SlotFilter{Status: schedule.Running})) > 0 }
	s.until("a slot is running", running)
	if err := s.end(); err != nil {
		t.Fatal(err)
	}
	if len(s.slots(state.SlotFilter{Status: schedule.Done})) == 0 || running() {
		t.Errorf("after the drain: %+v", s.slots(state.SlotFilter{}))
	}
	s.slow = time.Minute // longer: it is undone, and due again
	s.start()
	s.until("a slot is running", running)
	begun := time.Now()
	if err := s.end(); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begun); took < 2*time.Second || took > time.Minute {
		t.Errorf("stopping took %s with a drain of 2s", took)
	}
	due := s.slots(state.SlotFilter{Status: schedule.Due})
	if len(due) != 1 || due[0].Attempts != 0 || !strings.Contains(due[0].Reason, "interrupted") {
		t.Fatalf("after the drain: %+v", due)
	}
	s.slow = 0
	s.start()
	s.until("the slot runs", func() bool {
		for _, done := range s.slots(state.SlotFilter{Status: schedule.Done}) {
			if done.Nominal.Equal(due[0].Nominal) {
				return true
			}
		}
		return false
	})
}

func TestAlerts(t *testing.T) {
	t.Parallel()
	const canary = "T0CANARY/B1/s3cr3t"
	room := chat.New(time.Now)
	server := httptest.NewServer(room)
	defer server.Close()
	s := newServed(t)
	s.env["SLACK_URL"] = server.URL + "/slack/services/" + canary
	s.write("rent.yaml", strings.Replace(rentYAML, "stream: rent.csv", "stream: gone.csv", 1)+"owner: ana\n")
	room.Script(chat.Slack, chat.Fault{Status: 500}) // the first try is lost
	s.start()
	texts := func() string {
		var all []string
		for _, m := range room.Messages(chat.Slack) {
			all = append(all, string(m.Body))
		}
		return strings.Join(all, "\n")
	}
	s.until("a slot has failed", func() bool { return len(s.slots(state.SlotFilter{Status: schedule.Failed})) > 1 })
	deadline := time.Now().Add(40 * time.Second)
	for !strings.Contains(texts(), "rent") && time.Now().Before(deadline) {
		time.Sleep(100 * time.Millisecond)
	}
	if n := len(room.Messages(chat.Slack)); n != 1 || !strings.Contains(texts(), "gone.csv") {
		t.Fatalf("%d messages:\n%s\n%s", n, texts(), s.log.String())
	}
	if !json.Valid([]byte(texts())) {
		t.Error("the message is no JSON")
	}
	s.write("rent.yaml", rentYAML)
	s.until("the pipeline runs", s.done(1))
	for len(room.Messages(chat.Slack)) < 2 && time.Now().Before(deadline) {
		time.Sleep(100 * time.Millisecond)
	}
	if n := len(room.Messages(chat.Slack)); n != 2 || !strings.Contains(texts(), "rent resolved") {
		t.Fatalf("%d messages after the success:\n%s\n%s", n, texts(), s.log.String())
	}
	if err := s.end(); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(s.log.String()+texts(), "CANARY") {
		t.Error("the secret is in the log or in a message")
	}
	raw, err := os.ReadFile(filepath.Join(s.dir, ".tieout/state.db"))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(raw, []byte("CANARY")) {
		t.Error("the secret is in the state store")
	}
}

func TestFolder(t *testing.T) {
	dir := t.TempDir()
	put := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	put("a.csv", "1")
	put("b.csv.part", "1")
	f := newFolder(filepath.Dir(dir), filepath.Base(dir), 10*time.Second)
	at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	list := func(wait time.Duration) int {
		t.Helper()
		at = at.Add(wait)
		files, err := f.List(t.Context(), at)
		if err != nil {
			t.Fatal(err)
		}
		return len(files)
	}
	if n := list(0) + list(9*time.Second); n != 0 {
		t.Errorf("%d files before they have settled", n)
	}
	if n := list(time.Second); n != 1 {
		t.Errorf("%d files, want the one that is no part", n)
	}
	put("a.csv", "12")
	if n := list(time.Second); n != 0 {
		t.Error("a file that grows has settled")
	}
	if n := list(10 * time.Second); n != 1 {
		t.Error("a file that stopped growing has not settled")
	}
}

func TestHolidayFilesAreWatched(t *testing.T) {
	t.Parallel()
	s := newServed(t)
	s.write("days.txt", "2026-12-25\n")
	s.write("rent.yaml", strings.Replace(rentYAML, "{ every: 1s }", `{ cron: "0 6 * * *", holidays: days.txt }`, 1))
	s.start()
	time.Sleep(2 * reloadEvery)
	if strings.Contains(s.log.String(), "took over") {
		t.Errorf("files were taken over that nobody changed:\n%s", s.log.String())
	}
	s.write("days.txt", "2026-12-25\n2027-01-01\n")
	s.logs("took over changed files")
}
