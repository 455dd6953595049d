package project

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/pipelines"
	"github.com/tieout/tieout/runner"
	"github.com/tieout/tieout/runner/delivery"
	"github.com/tieout/tieout/runner/state"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
)

// RunOptions say how one run differs from the usual one.
type RunOptions struct {
	DryRun      bool   // no target, no state
	Given       string // a file whose records stand in for the source; dry runs only
	FullRefresh bool
	From, To    string
	AsOf        time.Time // zero: now
	Trigger     string    // what started it; "manual" when empty
	Progress    func(read, written int64)
	Workers     int
	// Retry runs held records again: they stand in for the source.
	Retry []state.HeldEntry
	// Slot makes it a run for a slot of the schedule.
	Slot *SlotRun
	// Store is an open state store to use; nil opens one for the run.
	Store *state.Store
}

// SlotRun is one attempt at a slot.
type SlotRun struct {
	Nominal time.Time // as_of of the run
	Attempt int       // from 1
	RunID   string    // of the run, should one be needed
}

// Run executes a pipeline once. The error is what kept the run from
// starting; how a run that started ended is in its report, Cause included.
// For a slot that an earlier attempt committed, nothing is run and the report
// is that attempt's.
func (p *Project) Run(ctx context.Context, pipeline *pipelines.Pipeline, o RunOptions) (runner.Run, error) {
	if err := p.Problems(pipeline); err != nil {
		return runner.Run{}, err
	}
	job, err := p.job(ctx, pipeline, o)
	if err != nil {
		return runner.Run{}, err
	}
	if err := checkRange(&job, o.Given != ""); err != nil {
		return runner.Run{}, err
	}
	if most := pipeline.Timeout.Std(); most > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeoutCause(ctx, most, fmt.Errorf("%w of %s", runner.ErrTimeout, pipeline.Timeout))
		defer stop()
	}
	deps := runner.Deps{Now: p.options.Now, Spill: newSpill(p.StateDir()), Log: p.options.Log, Progress: o.Progress, Workers: o.Workers}
	if o.DryRun {
		return runner.Execute(ctx, job, deps), nil
	}
	store := o.Store
	if store == nil {
		if store, err = p.State(ctx); err != nil {
			return runner.Run{}, err
		}
		defer store.Close()
	}
	release, err := store.Lock(ctx, job.Project, job.Environment, pipeline.Name())
	if err != nil {
		return runner.Run{}, err
	}
	defer release()
	deps.Journal, deps.Memory = store, store
	withStore(job.Sink, store, &job.Load)
	if c, compares := job.Source.(*compareSource); compares {
		c.store = store
	}
	switch {
	case len(o.Retry) > 0:
		entries, err := fresh(ctx, store, o.Retry)
		if err == nil {
			err = p.retry(ctx, &job, store, entries)
		}
		if err != nil {
			return runner.Run{}, err
		}
		deps.Journal = newRetryJournal(store, entries)
	case o.Slot != nil:
		if run, done, err := committed(ctx, &job, deps, store, o.Slot); done || err != nil {
			return run, err
		}
	}
	return runner.Execute(ctx, job, deps), nil
}

// committed finds out whether an earlier attempt at the slot committed. When
// that cannot be found out, the run has failed before it began.
func committed(ctx context.Context, job *runner.Job, deps runner.Deps, store *state.Store, slot *SlotRun) (runner.Run, bool, error) {
	if err := runner.Settle(ctx, *job, deps); err != nil {
		return runner.Fail(ctx, *job, deps, err), true, nil
	}
	return store.Committed(ctx, job.Project, job.Environment, job.Load.Pipeline, slot.Nominal)
}

// job turns a pipeline into what the runner executes. It connects nothing.
func (p *Project) job(ctx context.Context, checked *pipelines.Pipeline, o RunOptions) (runner.Job, error) {
	pipeline, err := p.Workspace.Resolved(checked)
	if err != nil {
		return runner.Job{}, err
	}
	vars, err := p.Workspace.Vars()
	if err != nil {
		return runner.Job{}, fmt.Errorf("%w: %w", connectors.ErrConfig, err)
	}
	asOf := o.AsOf
	switch {
	case o.Slot != nil:
		asOf = o.Slot.Nominal
	case asOf.IsZero():
		asOf = p.options.Now()
	}
	tables := p.tables(ctx, o.Given == "", pipeline.Each)
	job := runner.Job{RunID: p.options.NewID(), LoadID: p.options.NewID(), Project: p.Workspace.Project.Project.Value,
		Environment: p.options.Environment, Trigger: o.Trigger, Pipeline: pipeline, Typed: pipeline.Assume() == record.Unknown,
		AsOf: asOf, FullRefresh: o.FullRefresh, From: o.From, To: o.To}
	switch {
	case o.Slot != nil:
		job.RunID, job.Slot, job.Attempt = o.Slot.RunID, o.Slot.Nominal, o.Slot.Attempt
	case job.Trigger == "":
		job.Trigger = "manual"
	}
	job.Read = read(pipeline)
	job.Load = connectors.Load{ID: job.LoadID, Project: job.Project, Environment: job.Environment, Pipeline: pipeline.Name(),
		Stream: pipeline.Sink.Stream.Value, Key: pipeline.SinkKey(), Mode: connectors.Mode(pipeline.Mode()), Missing: connectors.Missing(pipeline.Missing()), AsOf: asOf, Zone: pipeline.SinkZone()}
	job.Context = *pipeline.Context(pipelines.Values{AsOf: asOf, Vars: vars}, tables, new(document.Report))
	job.Context.Reading = true
	if err := p.connect(&job, pipeline, o); err != nil {
		return runner.Job{}, err
	}
	job.Config = func() (string, map[string]string) {
		return p.Workspace.ConfigHash(checked, tables.hashes), tables.hashes
	}
	return job, nil
}

// connect gives the job its source and sink.
func (p *Project) connect(job *runner.Job, pipeline *pipelines.Pipeline, o RunOptions) error {
	var err error
	switch {
	case len(o.Retry) > 0: // the held records, once the pipeline's lock is taken
	case o.Given != "":
		job.Source, err = p.given(job, pipeline, o.Given)
	default:
		var c *pipelines.Connection
		spool := "" // a dry run holds no transaction open, and may end early
		if !o.DryRun {
			spool = filepath.Join(p.StateDir(), "spool", job.RunID)
		}
		if job.Source, c, err = p.source(pipeline.Source.Connection.Value, pipeline.Each, pipeline.SourceOptions(), spool); err == nil && c.Zone != nil {
			job.Read.Zone = c.Zone
		}
		if err == nil && pipeline.Source.Compares() {
			job.Source = &compareSource{inner: job.Source, allowEmpty: pipeline.Source.AllowEmpty || pipeline.Sink.AllowEmpty,
				name: state.Snapshot{Project: job.Project, Environment: job.Environment, Pipeline: pipeline.Name(), LoadID: job.LoadID}}
		}
	}
	if err != nil || o.DryRun {
		return err
	}
	job.Sink, err = p.sink(pipeline, job.RunID)
	_, job.Once = job.Sink.(*delivery.Sink)
	return err
}

// given reads records from a file instead of the pipeline's source, so that
// a run needs neither network nor secret.
func (p *Project) given(job *runner.Job, pipeline *pipelines.Pipeline, name string) (connectors.Source, error) {
	abs, err := filepath.Abs(name)
	if err != nil {
		return nil, err
	}
	if err := isGiven(name, abs); err != nil {
		return nil, err
	}
	job.Read.Stream, job.Read.Cursor, job.Typed = filepath.Base(abs), nil, false
	job.Pipeline.Source.Cursor = nil
	job.Context.Env.Assume = record.Text
	options := any(nil)
	if pipeline.Source.At != nil && pipeline.Source.At.Kind.Name == fileConnector {
		options = pipeline.SourceOptions()
	}
	return p.fileSource(filepath.Dir(abs), options)
}

// isGiven refuses a name that no records can be read from.
func isGiven(name, abs string) error {
	info, err := os.Stat(abs)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !filepath.IsAbs(name):
		here, _ := os.Getwd()
		return fmt.Errorf("%w: the given records: there is no file %q; a relative path begins where you are (%s), not in the folder of -C", connectors.ErrConfig, name, here)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: the given records: there is no file %q", connectors.ErrConfig, name)
	case err != nil: // its text names the file
		return fmt.Errorf("%w: the given records: %w", connectors.ErrConfig, err)
	case info.IsDir():
		return fmt.Errorf("%w: the given records: %q is a folder; name one file in it", connectors.ErrConfig, name)
	}
	return nil
}

// checkRange refuses a backfill that cannot mean anything, as far as it is
// known before the source is opened.
func checkRange(job *runner.Job, given bool) error {
	if !job.Backfill() {
		return nil
	}
	source := &job.Pipeline.Source
	if source.Cursor == nil {
		if given || job.Load.Missing != "" && job.Load.Missing != connectors.Keep { // which has a reason of its own
			return nil
		}
		return &runner.RangeError{Why: "--from and --to are values of the source's cursor, and the pipeline has none: it would read everything", Next: "leave them out, or give the source a cursor"}
	}
	kind := job.Pipeline.Assume()
	if t, declared := source.Types().Get(source.Cursor.Field.Value); declared {
		kind = t.Kind
	}
	if kind != record.Unknown {
		if err := runner.CheckRange(kind, job.Read.Zone, runner.Span{From: job.From, To: job.To}); err != nil {
			return err
		}
	}
	if job.Load.Mode == connectors.Append && job.Sink != nil && !job.Once {
		return &runner.RangeError{Why: "a range moves no position, so that an ordinary run, or the same range again, would append its records once more",
			Next: "give the sink a key and `mode: upsert`, which has nothing twice; the first run of a pipeline reads from cursor.start"}
	}
	return nil
}

// fileConnector is the connector that reads mapping files and given records.
const fileConnector = "file"

func (p *Project) fileSource(dir string, options any) (connectors.Source, error) {
	return openFiles(p.options.Registry, p.env("", nil), dir, options)
}

// read is the pipeline's source as the connector is asked for it.
func read(p *pipelines.Pipeline) connectors.Read {
	return connectors.Read{Stream: p.Source.Stream.Value, Fields: declaredFields(p), Key: keyOf(p), Zone: p.Zone()}
}

// declaredFields are the fields the pipeline and the schema of its stream declare. A
// field that may be missing is asked for as one that need not be there.
func declaredFields(p *pipelines.Pipeline) []connectors.FieldSpec {
	specs := connectors.Specs(p.Source.Declared())
	if p.Policy().Missing != pipelines.Freeze {
		for i := range specs {
			specs[i].Optional = true
		}
	}
	return specs
}

// keyOf is the source's key, else the sink's where it has the same names.
func keyOf(p *pipelines.Pipeline) []string {
	if key := p.SourceKey(); len(key) > 0 {
		return key
	}
	return p.SinkKey()
}

// Position reads a pipeline's position from its sink.
func (p *Project) Position(ctx context.Context, pipeline *pipelines.Pipeline) (connectors.Position, bool, error) {
	sink, load, err := p.target(pipeline)
	if err != nil {
		return connectors.Position{}, false, err
	}
	if d, delivers := sink.(*delivery.Sink); delivers {
		store, err := p.LookState(ctx)
		if err != nil {
			return connectors.Position{}, false, err
		}
		defer store.Close()
		withStore(d, store, &load)
	}
	return sink.Position(ctx, load)
}

// SetPosition writes a pipeline's position into its sink, or removes it when
// pos is nil. It takes the pipeline's lock, so that no run is under way.
func (p *Project) SetPosition(ctx context.Context, pipeline *pipelines.Pipeline, pos *connectors.Position) error {
	sink, load, err := p.target(pipeline)
	if err != nil {
		return err
	}
	positioner, can := sink.(connectors.Positioner)
	if !can {
		return fmt.Errorf("%w: the sink of %q keeps no position that can be set", connectors.ErrConfig, pipeline.Name())
	}
	store, err := p.State(ctx)
	if err != nil {
		return err
	}
	defer store.Close()
	release, err := store.Lock(ctx, load.Project, load.Environment, load.Pipeline)
	if err != nil {
		return err
	}
	defer release()
	withStore(sink, store, &load)
	return positioner.SetPosition(ctx, load, pos)
}

func (p *Project) target(checked *pipelines.Pipeline) (connectors.Sink, connectors.Load, error) {
	pipeline, err := p.Workspace.Resolved(checked)
	if err != nil {
		return nil, connectors.Load{}, err
	}
	sink, err := p.sink(pipeline, "")
	load := connectors.Load{Project: p.Workspace.Project.Project.Value, Environment: p.options.Environment,
		Pipeline: pipeline.Name(), Stream: pipeline.Sink.Stream.Value}
	return sink, load, err
}
