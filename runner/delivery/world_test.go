package delivery_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
	"time"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/connectortest/servers"
	"github.com/tieout/tieout/connectors/memory"
	"github.com/tieout/tieout/pipelines"
	"github.com/tieout/tieout/runner"
	"github.com/tieout/tieout/runner/delivery"
	"github.com/tieout/tieout/runner/state"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
	"github.com/tieout/tieout/transforms"
)

func TestMain(m *testing.M) { os.Exit(servers.Main(m)) }

// memoryOnly offers pipelines the in-memory connector.
type memoryOnly struct{}

func (memoryOnly) Names() []string { return []string{"memory"} }

func (memoryOnly) Lookup(name string) (pipelines.Connector, bool) {
	none := func() any { return new(struct{}) }
	return pipelines.Connector{Name: "memory", Connection: none, Source: none, Sink: none, Modes: []string{"append", "upsert"}, Cursor: true}, name == "memory"
}

const pipelineYAML = `pipeline: bills
source: { connection: here, stream: bills, key: [id], fields: { id: integer, amount: decimal } }
gate: [ { quarantined: { max: 100%% } } ]
sink: { connection: here, stream: bills, key: [id], mode: %s }
`

func pipeline(t testing.TB, mode string) *pipelines.Pipeline {
	t.Helper()
	w := pipelines.Load(fs.FS(fstest.MapFS{
		"tieout.yaml": {Data: []byte("tieout: 1\nproject: p\nconnections:\n  here: { connector: memory }\n")},
		"bills.yaml":  {Data: fmt.Appendf(nil, pipelineYAML, mode)},
	}), pipelines.Options{Connectors: memoryOnly{}})
	if err := w.Report.Err(); err != nil {
		t.Fatal(w.Report.Diagnostics())
	}
	return w.Pipelines[0]
}

// stores opens a state of each kind.
func stores(t *testing.T) map[string]*state.Store {
	out := make(map[string]*state.Store)
	for name, place := range map[string]string{"sqlite": filepath.Join(t.TempDir(), "state.db"), "postgres": servers.Postgres(t)} {
		s, err := state.Open(context.Background(), place, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		out[name] = s
	}
	return out
}

// world is a project whose runs can be killed at any step.
type world struct {
	project  string
	pipeline *pipelines.Pipeline
	store    *state.Store
	service  *service
	source   *memory.Database
	now      time.Time
	runs     int
	dead     bool                      // the process of the run was killed
	fault    func(where string) string // of the store
}

func newWorld(store *state.Store, p *pipelines.Pipeline, project string, k kind) *world {
	w := &world{project: project, pipeline: p, store: store, source: memory.New(), now: time.Date(2026, 11, 21, 6, 0, 0, 0, time.UTC)}
	w.service = newService(k, w.clock)
	w.fault = func(string) string { return "" }
	return w
}

func (w *world) clock() time.Time { return w.now }

// set gives the source its records: id and amount.
func (w *world) set(bills map[int]string) {
	var rows []memory.Row
	for id := range len(bills) {
		rows = append(rows, memory.Row{"id": fmt.Sprint(id), "amount": bills[id]})
	}
	w.source.Set("bills", []string{"id", "amount"}, rows...)
}

func (w *world) settings(runID string) delivery.Settings {
	return delivery.Settings{Target: planted(w.service), From: "here.bills", To: "there.bills", RunID: runID, Now: w.clock, Log: slog.New(slog.DiscardHandler),
		Sleep: func(ctx context.Context, d time.Duration) error {
			if w.dead {
				return errDead
			}
			w.now = w.now.Add(d)
			return ctx.Err()
		}}
}

// run is one run of the pipeline in a process of its own.
func (w *world) run() runner.Run {
	w.runs++
	w.dead = false
	id := fmt.Sprintf("%s-%04d", w.project, w.runs)
	sink := delivery.New(w.settings(id))
	s := &shaky{w: w, Deliveries: w.store.Deliveries()}
	sink.Keep(s, func(ctx context.Context, runID string, held []runner.Held) error {
		return w.step("hold", func() error {
			return w.store.HoldOnce(ctx, runner.Run{RunID: runID, Project: w.project, Pipeline: "bills"}, held)
		})
	})
	job := runner.Job{RunID: id, LoadID: "load-" + id, Project: w.project, Trigger: "manual", Pipeline: w.pipeline, Source: w.source.Source(), Sink: sink, AsOf: w.now,
		Read: connectors.Read{Stream: "bills", Key: []string{"id"}, Fields: []connectors.FieldSpec{
			{Name: "id", Kind: record.Integer, Scale: record.NoScale}, {Name: "amount", Kind: record.Decimal, Scale: record.NoScale}}},
		Load:    connectors.Load{ID: "load-" + id, Project: w.project, Pipeline: "bills", Stream: "bills", Key: []string{"id"}, Mode: connectors.Mode(w.pipeline.Mode())},
		Context: *w.pipeline.Context(pipelines.Values{AsOf: w.now}, nil, new(document.Report))}
	j := &mortal{w: w, Store: w.store}
	return runner.Execute(context.Background(), job, runner.Deps{Now: w.clock, Journal: j, Memory: w.store, Spill: noSpill{}, Log: slog.New(slog.DiscardHandler), Workers: 1})
}

type noSpill struct{}

func (noSpill) Memory() int64                         { return 1 << 20 }
func (noSpill) Create() (transforms.SpillFile, error) { return nil, errors.New("no spill") }

var errDead = errors.New("the process was killed")

// step carries out one thing a process does to the state, unless it was killed
// or something goes wrong.
func (w *world) step(where string, do func() error) error {
	if w.dead {
		return errDead
	}
	switch w.fault(where) {
	case "kill before":
		w.dead = true
		return errDead
	case "kill after":
		err := do()
		w.dead = true
		return errors.Join(err, errDead)
	case "fail":
		return errors.New("the disk is full")
	case "lose the answer":
		return errors.Join(do(), errors.New("the answer of the state was lost"))
	}
	return do()
}

// shaky is the part of the state that deliveries are kept in.
type shaky struct {
	w *world
	*state.Deliveries
}

func (s *shaky) Raise(ctx context.Context, l connectors.Load) (epoch int64, err error) {
	err = s.w.step("raise", func() error { epoch, err = s.Deliveries.Raise(ctx, l); return err })
	return epoch, err
}

func (s *shaky) Plan(ctx context.Context, list []delivery.Intent) error {
	return s.w.step("plan", func() error { return s.Deliveries.Plan(ctx, list) })
}

func (s *shaky) Commit(ctx context.Context, l connectors.Load, epoch int64, ledger connectors.Ledger) error {
	return s.w.step("commit", func() error { return s.Deliveries.Commit(ctx, l, epoch, ledger) })
}

func (s *shaky) Drop(ctx context.Context, id string) error {
	return s.w.step("drop", func() error { return s.Deliveries.Drop(ctx, id) })
}

func (s *shaky) Mark(ctx context.Context, i *delivery.Intent) error {
	return s.w.step("mark", func() error { return s.Deliveries.Mark(ctx, i) })
}

// mortal is the journal of a process that may be dead.
type mortal struct {
	w *world
	*state.Store
}

func (m *mortal) Begin(ctx context.Context, r runner.Run) error {
	return m.w.step("begin", func() error { return m.Store.Begin(ctx, r) })
}

func (m *mortal) Stage(ctx context.Context, r runner.Run, h []runner.Held, resolved []string) error {
	return m.w.step("stage", func() error { return m.Store.Stage(ctx, r, h, resolved) })
}

func (m *mortal) Finish(ctx context.Context, r runner.Run, committed bool) error {
	return m.w.step("finish", func() error { return m.Store.Finish(ctx, r, committed) })
}
