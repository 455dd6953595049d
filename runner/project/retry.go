package project

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/file"
	"github.com/tieout/tieout/pipelines"
	"github.com/tieout/tieout/runner"
	"github.com/tieout/tieout/runner/state"
	"github.com/tieout/tieout/schemas/record"
	"github.com/tieout/tieout/transforms"
)

// ErrNoRetry says that held records cannot be run by themselves.
var ErrNoRetry = errors.New("cannot be retried by itself")

// RetryGroups divides held records by the step they begin with, since each
// group is a run of its own, and refuses those that cannot be retried: one
// that a later step must see together with others would make a document that
// is not whole.
func (p *Project) RetryGroups(ctx context.Context, pipeline *pipelines.Pipeline, entries []state.HeldEntry) ([][]state.HeldEntry, error) {
	groups := make(map[int][]state.HeldEntry)
	var enters []int
	for i := range entries {
		e := &entries[i]
		if err := Retryable(pipeline, e); err != nil {
			return nil, err
		}
		if groups[e.Enter] == nil {
			enters = append(enters, e.Enter)
		}
		groups[e.Enter] = append(groups[e.Enter], *e)
	}
	slices.Sort(enters)
	if err := p.complete(ctx, pipeline, entries); err != nil {
		return nil, err
	}
	var out [][]state.HeldEntry
	for _, enter := range enters {
		out = append(out, groups[enter])
	}
	return out, nil
}

// Retryable refuses a held record that cannot be run by itself, and so need not
// be edited either: what was edited is only ever read by a retry.
func Retryable(pipeline *pipelines.Pipeline, e *state.HeldEntry) error {
	if pipeline.Mode() == string(connectors.Replace) {
		return fmt.Errorf("%w: the pipeline %q replaces its target, which would then hold these records alone; correct the source and run it again", ErrNoRetry, pipeline.Name())
	}
	if e.Enter > len(pipeline.Transforms) {
		return fmt.Errorf("%w: held record %d was held before step %d, which the pipeline no longer has; run it again", ErrNoRetry, e.ID, e.Enter+1)
	}
	for i := e.Enter; i < len(pipeline.Transforms); i++ {
		if name := pipeline.Transforms[i].Name; gathers(&pipeline.Transforms[i]) {
			return fmt.Errorf("%w: held record %d comes before the step %q, which must see all records of its group; correct the source or the mapping, and read it again with `tieout run %s --full-refresh`",
				ErrNoRetry, e.ID, name, pipeline.Name())
		}
	}
	for _, r := range e.Reasons {
		if r.Step >= 0 && r.Step < e.Enter {
			return fmt.Errorf("%w: held record %d was stopped by the step %q, which sees whole groups (%s); correct what it waits for and run the pipeline again",
				ErrNoRetry, e.ID, pipeline.Transforms[r.Step].Name, r.Message)
		}
	}
	return nil
}

// gathers reports whether a step needs to see other records.
func gathers(s *transforms.Step) bool {
	if allocate, is := s.Spec.(*transforms.Allocate); is {
		return len(allocate.Within) > 0
	}
	return slices.Contains([]string{"group", "summarize", "dedupe"}, s.Name)
}

// fresh reads the records again under the pipeline's lock: another command
// may have changed or closed them.
func fresh(ctx context.Context, store *state.Store, entries []state.HeldEntry) ([]state.HeldEntry, error) {
	out := make([]state.HeldEntry, len(entries))
	for i := range entries {
		e, err := store.HeldByID(ctx, entries[i].ID)
		if err != nil {
			return nil, err
		}
		if e.Status != state.Waiting {
			return nil, fmt.Errorf("%w: held record %d is %s by now", ErrNoRetry, e.ID, e.Status)
		}
		out[i] = e
	}
	return out, nil
}

// complete refuses to retry one of several held records of one key: success
// would close the others too.
func (p *Project) complete(ctx context.Context, pipeline *pipelines.Pipeline, entries []state.HeldEntry) error {
	store, err := p.State(ctx)
	if err != nil {
		return err
	}
	defer store.Close()
	all, err := store.Held(ctx, state.HeldFilter{Project: p.Workspace.Project.Project.Value, Environment: p.options.Environment,
		Pipeline: pipeline.Name(), Status: state.Waiting})
	if err != nil {
		return err
	}
	chosen, keys := make(map[int64]bool), make(map[string]int64)
	for i := range entries {
		chosen[entries[i].ID], keys[entries[i].Key] = true, entries[i].ID
	}
	for i := range all {
		if id, same := keys[all[i].Key]; same && !chosen[all[i].ID] {
			return fmt.Errorf("%w: held records %d and %d have the same key %q; retry both, or discard one", ErrNoRetry, id, all[i].ID, all[i].Key)
		}
	}
	return nil
}

// retry makes a job run held records instead of its source. They pass the
// steps from the one they were held before, the rules and the gate; the
// position stays where it is.
func (p *Project) retry(ctx context.Context, job *runner.Job, store *state.Store, entries []state.HeldEntry) error {
	enter := entries[0].Enter
	shape, err := p.heldShape(ctx, job, store, entries)
	if err != nil {
		return err
	}
	source := &heldSource{entries: entries, shape: shape}
	if source.typed, err = newLevel(shape, nil, '.', job.Read.Zone); err != nil {
		return err
	}
	if source.raw, err = rawLevel(job, shape); err != nil {
		return err
	}
	job.Source, job.Typed, job.Read.Cursor = source, true, nil
	job.Context.Env.Assume, job.Context.Incremental = record.Unknown, false
	job.Pipeline.Source.Cursor = nil
	job.Pipeline.Transforms = job.Pipeline.Transforms[enter:]
	if enter > 0 {
		job.Read.Key = job.Load.Key
	}
	return nil
}

// rawLevel reads records as the pipeline's source would.
func rawLevel(job *runner.Job, shape *record.Shape) (*level, error) {
	mark := byte('.')
	options, isFile := job.Pipeline.SourceOptions().(*file.SourceOptions)
	if isFile && options.CSV.DecimalMark == "comma" {
		mark = ','
	}
	l, err := newLevel(shape, job.Read.Fields, mark, job.Read.Zone)
	if err != nil || !isFile {
		return l, err
	}
	for _, text := range options.CSV.Nulls {
		l.nulls = append(l.nulls, text.Value)
	}
	l.empty = job.Pipeline.Assume() == record.Text
	return l, nil
}

// heldShape is the shape the records had when they were held, with what the
// pipeline declares now laid over it.
func (p *Project) heldShape(ctx context.Context, job *runner.Job, store *state.Store, entries []state.HeldEntry) (*record.Shape, error) {
	enter, runs := entries[0].Enter, make(map[string]bool)
	var fields []record.Field
	for i := range entries {
		id := entries[i].RunID
		if runs[id] {
			continue
		}
		runs[id] = true
		run, err := store.RunByID(ctx, id)
		if err != nil {
			return nil, err
		}
		at := slices.IndexFunc(run.Entries, func(e runner.Entry) bool { return e.Enter == enter })
		if at < 0 {
			return nil, fmt.Errorf("%w: the shape of held record %d is not known; read it again with `tieout run %s --full-refresh`", ErrNoRetry, entries[i].ID, job.Pipeline.Name())
		}
		shape, err := run.Entries[at].Shape()
		if err != nil {
			return nil, err
		}
		if fields, err = joinFields(fields, shape.Fields, &entries[i]); err != nil {
			return nil, err
		}
	}
	if enter == 0 {
		fields = declared(fields, job.Pipeline.SourceShape())
	}
	return record.NewShape(fields...)
}

// joinFields adds the fields of another run's records.
func joinFields(fields, more []record.Field, e *state.HeldEntry) ([]record.Field, error) {
	for _, f := range more {
		at := slices.IndexFunc(fields, func(have record.Field) bool { return have.Name == f.Name })
		switch {
		case at < 0:
			fields = append(fields, f)
		case fields[at].Kind != f.Kind:
			return nil, fmt.Errorf("%w: field %q of held record %d was %s and of others %s; retry them apart", ErrNoRetry, f.Name, e.ID, f.Kind, fields[at].Kind)
		}
	}
	return fields, nil
}

// declared gives fields the kinds the pipeline declares now: a missing
// declaration may be why they were held.
func declared(fields []record.Field, now *record.Shape) []record.Field {
	for i := range now.Fields {
		f := now.Fields[i]
		at := slices.IndexFunc(fields, func(have record.Field) bool { return have.Name == f.Name })
		if at < 0 {
			fields = append(fields, f)
			continue
		}
		child := fields[at].Child
		fields[at] = f
		if f.Child == nil {
			fields[at].Child = child
		}
	}
	return fields
}

// retryJournal writes a retry down: the records it was given are closed when
// it commits, whatever their keys have become, and those held again are kept
// under the pipeline's own count of steps.
type retryJournal struct {
	runner.Journal
	enter int
	keys  []string
}

func newRetryJournal(j runner.Journal, entries []state.HeldEntry) *retryJournal {
	r := &retryJournal{Journal: j, enter: entries[0].Enter}
	for i := range entries {
		r.keys = append(r.keys, entries[i].Key)
	}
	slices.Sort(r.keys)
	r.keys = slices.Compact(r.keys)
	return r
}

// Begin records the run and what it resolves.
func (r *retryJournal) Begin(ctx context.Context, run runner.Run) error {
	if err := r.Journal.Begin(ctx, run); err != nil {
		return err
	}
	return r.Journal.Stage(ctx, run, nil, r.keys)
}

// Stage counts steps from the pipeline's first.
func (r *retryJournal) Stage(ctx context.Context, run runner.Run, held []runner.Held, resolved []string) error {
	moved := slices.Clone(held)
	for i := range moved {
		moved[i].Enter += r.enter
		moved[i].Reasons = slices.Clone(moved[i].Reasons)
		for k := range moved[i].Reasons {
			if moved[i].Reasons[k].Step >= 0 {
				moved[i].Reasons[k].Step += r.enter
			}
		}
	}
	return r.Journal.Stage(ctx, shiftEntries(run, r.enter), moved, resolved)
}

// Finish does too.
func (r *retryJournal) Finish(ctx context.Context, run runner.Run, committed bool) error {
	return r.Journal.Finish(ctx, shiftEntries(run, r.enter), committed)
}

func shiftEntries(run runner.Run, by int) runner.Run {
	run.Entries = slices.Clone(run.Entries)
	for i := range run.Entries {
		run.Entries[i].Enter += by
	}
	return run
}
