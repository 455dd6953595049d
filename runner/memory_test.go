package runner_test

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/fstest"
	"time"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/memory"
	"github.com/tieout/tieout/pipelines"
	"github.com/tieout/tieout/runner"
	"github.com/tieout/tieout/runner/state"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
	"github.com/tieout/tieout/transforms"
)

// memoryOnly offers pipelines the in-memory connector.
type memoryOnly struct{}

func (memoryOnly) Names() []string { return []string{"memory"} }

func (memoryOnly) Lookup(name string) (pipelines.Connector, bool) {
	none := func() any { return new(struct{}) }
	return pipelines.Connector{Name: "memory", Connection: none, Source: none, Sink: none, Modes: []string{"append", "upsert", "replace"}, Cursor: true}, name == "memory"
}

type fixture struct {
	t        *testing.T
	db       *memory.Database
	store    *state.Store
	pipeline *pipelines.Pipeline
	runs     int
}

const chargesYAML = `pipeline: charges
source:
  connection: here
  stream: charges
  key: [id]
  fields: { id: integer, rent: decimal, day: integer }
  cursor: { field: day }
transforms:
  - set:
      due: round(rent / 2, 2)
rules:
  - { name: rent is not negative, expect: rent >= 0 }
gate:
  - quarantined: { max: 50%% }
sink: { connection: here, stream: out, key: [id], mode: %s }
`

func newFixture(t *testing.T, mode string) *fixture {
	t.Helper()
	files := fstest.MapFS{
		"tieout.yaml":  {Data: []byte("tieout: 1\nproject: p\nconnections:\n  here: { connector: memory }\n")},
		"charges.yaml": {Data: fmt.Appendf(nil, chargesYAML, mode)},
	}
	w := pipelines.Load(fs.FS(files), pipelines.Options{Connectors: memoryOnly{}})
	if err := w.Report.Err(); err != nil {
		t.Fatal(w.Report.Diagnostics())
	}
	store, err := state.Open(context.Background(), filepath.Join(t.TempDir(), "state.db"), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	f := &fixture{t: t, db: memory.New(), store: store, pipeline: w.Pipelines[0]}
	f.db.Set("charges", []string{"id", "rent", "day"}, charge(1, "10.01", 1), charge(2, "20.00", 2), charge(3, "-1", 2), charge(4, "40.00", 2))
	return f
}

func charge(id int, rent string, day int) memory.Row {
	return memory.Row{"id": fmt.Sprint(id), "rent": rent, "day": fmt.Sprint(day)}
}

type tempSpill struct{ t *testing.T }

func (tempSpill) Memory() int64 { return 1 << 20 }
func (s tempSpill) Create() (transforms.SpillFile, error) {
	return os.CreateTemp(s.t.TempDir(), "spill")
}

func (f *fixture) run(change func(*runner.Job)) runner.Run {
	f.runs++
	job := runner.Job{RunID: fmt.Sprintf("run-%d", f.runs), LoadID: fmt.Sprintf("load-%d", f.runs), Project: "p", Trigger: "manual",
		Pipeline: f.pipeline, Source: f.db.Source(), Sink: f.db.Sink(), AsOf: time.Now(),
		Read: connectors.Read{Stream: "charges", Key: []string{"id"}, Fields: []connectors.FieldSpec{
			{Name: "id", Kind: record.Integer, Scale: record.NoScale}, {Name: "rent", Kind: record.Decimal, Scale: record.NoScale}, {Name: "day", Kind: record.Integer, Scale: record.NoScale}}},
		Load:    connectors.Load{ID: fmt.Sprintf("load-%d", f.runs), Project: "p", Pipeline: "charges", Stream: "out", Key: []string{"id"}, Mode: connectors.Mode(f.pipeline.Mode())},
		Context: *f.pipeline.Context(pipelines.Values{AsOf: time.Now()}, nil, new(document.Report))}
	if change != nil {
		change(&job)
	}
	return runner.Execute(context.Background(), job, runner.Deps{Now: time.Now, Journal: f.store, Memory: f.store, Spill: tempSpill{f.t}, Log: slog.New(slog.DiscardHandler)})
}

// out lists what the sink holds, sorted.
func (f *fixture) out() []string {
	var rows []string
	for _, r := range f.db.Rows("out") {
		rows = append(rows, r["id"]+"="+r["due"])
	}
	slices.Sort(rows)
	return rows
}

func (f *fixture) want(run runner.Run, status runner.Status, rows ...string) {
	f.t.Helper()
	if run.Status != status {
		f.t.Errorf("the run ended as %s, want %s: %v", run.Status, status, run.Cause)
	}
	if !slices.Equal(f.out(), rows) {
		f.t.Errorf("the sink holds %v, want %v", f.out(), rows)
	}
}

func TestTiesAtTheCursorAreAppendedOnce(t *testing.T) {
	f := newFixture(t, "append")
	f.want(f.run(nil), runner.Loaded, "1=5.01", "2=10.00", "4=20.00")
	f.want(f.run(nil), runner.NothingNew, "1=5.01", "2=10.00", "4=20.00")
	f.db.Add("charges", charge(5, "6", 2), charge(6, "8", 3)) // one at the very position
	again := f.run(nil)
	f.want(again, runner.Loaded, "1=5.01", "2=10.00", "4=20.00", "5=3.00", "6=4.00")
	if c := again.Counts; c.Repeated != 3 || c.Inserted != 2 || c.Held != 0 {
		t.Errorf("the third run counts %+v", c)
	}
}

func TestALostCommitReplyIsSettledByLooking(t *testing.T) {
	f := newFixture(t, "append")
	f.db.SetFaults(memory.Faults{LoseCommit: true})
	f.want(f.run(nil), runner.Unknown, "1=5.01", "2=10.00", "4=20.00")
	held, err := f.store.Held(context.Background(), state.HeldFilter{Project: "p", Pipeline: "charges", Status: state.Waiting})
	if err != nil || len(held) != 0 {
		t.Errorf("held records wait before anybody knows whether their run committed: %v, %v", held, err)
	}
	f.want(f.run(nil), runner.NothingNew, "1=5.01", "2=10.00", "4=20.00")
	first, err := f.store.RunByID(context.Background(), "run-1")
	if err != nil || first.Status != runner.Loaded || first.Counts.Inserted != 3 {
		t.Errorf("the first run is now %s with %+v: %v", first.Status, first.Counts, err)
	}
	held, err = f.store.Held(context.Background(), state.HeldFilter{Project: "p", Pipeline: "charges", Status: state.Waiting})
	if err != nil || len(held) != 1 || held[0].Key != "3" {
		t.Errorf("held after settling: %v, %v", held, err)
	}
}

func TestAWriteThatFailsLoadsNothing(t *testing.T) {
	f := newFixture(t, "upsert")
	f.db.SetFaults(memory.Faults{FailWrite: 1})
	f.want(f.run(nil), runner.Failed)
	f.db.SetFaults(memory.Faults{})
	f.want(f.run(nil), runner.Loaded, "1=5.01", "2=10.00", "4=20.00")
}

func TestARefusedRecordIsKept(t *testing.T) {
	f := newFixture(t, "upsert")
	f.db.SetFaults(memory.Faults{RefuseKey: "2"})
	run := f.run(nil)
	f.want(run, runner.Loaded, "1=5.01", "4=20.00")
	if c := run.Counts; c.Refused != 1 || c.Held != 1 || c.Inserted != 2 {
		t.Errorf("counts %+v", c)
	}
	held, err := f.store.Held(context.Background(), state.HeldFilter{Project: "p", Pipeline: "charges", Status: state.Waiting})
	if err != nil || len(held) != 2 || held[1].Stage != "sink" || held[1].Key != "2" {
		t.Errorf("held: %+v, %v", held, err)
	}
}

func TestABackfillLeavesThePosition(t *testing.T) {
	f := newFixture(t, "upsert")
	f.run(nil)
	f.db.Set("charges", []string{"id", "rent", "day"}, charge(1, "12.00", 1), charge(2, "20.00", 2), charge(7, "2.00", 9))
	back := f.run(func(j *runner.Job) { j.From, j.To = "1", "1" })
	f.want(back, runner.Loaded, "1=6.00", "2=10.00", "4=20.00")
	pos, found, err := f.db.Sink().Position(context.Background(), connectors.Load{Project: "p", Pipeline: "charges"})
	if err != nil || !found || pos.Text != "2" {
		t.Errorf("the position is %+v, %v, %v; want 2", pos, found, err)
	}
	f.want(f.run(nil), runner.Loaded, "1=6.00", "2=10.00", "4=20.00", "7=1.00")
}

func TestTheBlockedRunTouchesNothing(t *testing.T) {
	f := newFixture(t, "upsert")
	f.db.Set("charges", []string{"id", "rent", "day"}, charge(1, "-1", 1), charge(2, "-1", 2), charge(3, "5", 3))
	f.want(f.run(nil), runner.Blocked)
	if _, found, _ := f.db.Sink().Position(context.Background(), connectors.Load{Project: "p", Pipeline: "charges"}); found {
		t.Error("a blocked run moved the position")
	}
}

func TestAHeldRecordIsResolvedWhenItGetsThrough(t *testing.T) {
	f := newFixture(t, "upsert")
	f.run(nil)
	f.db.Set("charges", []string{"id", "rent", "day"}, charge(3, "6", 3))
	f.want(f.run(nil), runner.Loaded, "1=5.01", "2=10.00", "3=3.00", "4=20.00")
	held, err := f.store.Held(context.Background(), state.HeldFilter{Project: "p", Pipeline: "charges", Status: state.Waiting})
	if err != nil || len(held) != 0 {
		t.Errorf("still waiting: %v, %v", held, err)
	}
}
