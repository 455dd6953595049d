package runner

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/pipelines"
	"github.com/tieout/tieout/runner/gate"
	"github.com/tieout/tieout/schemas/decimal"
	"github.com/tieout/tieout/schemas/record"
)

// Execute runs a job once, from the position to the committed load, and
// reports what happened. The report is complete whatever happens; its Cause
// is nil when the run loaded, found nothing new, or was a dry run that
// passed.
//
// The order of durability: the run row, then held records as pending, then
// the sink's data with ledger and position in one commit, then the run row
// marked as loaded. A crash between any two of them is settled by the next
// run.
func Execute(ctx context.Context, job Job, deps Deps) Run {
	e := &execution{job: &job, deps: &deps, run: startRun(&job, &deps)}
	err := e.walk(ctx)
	return e.end(ctx, err)
}

func startRun(job *Job, deps *Deps) Run {
	missing := job.Load.Missing
	if missing == connectors.Keep {
		missing = "" // nothing to report
	}
	return Run{RunID: job.RunID, LoadID: job.LoadID, Project: job.Project, Environment: job.Environment,
		Pipeline: job.Pipeline.Name(), Trigger: job.Trigger, Slot: job.Slot, Attempt: job.Attempt, Status: Running,
		AsOf: job.AsOf, StartedAt: deps.Now(), Backfill: job.Backfill(), Mode: job.Load.Mode, Missing: missing, Stream: job.Load.Stream}
}

// execution is one run under way.
type execution struct {
	job    *Job
	deps   *Deps
	run    Run
	began  bool // the run row is durable
	out    *outcome
	writer connectors.Writer
	cursor *connectors.Cursor // of this read, nil for a full one
	past   []gate.Totals      // of earlier runs, nil before they were read
	notes  []string           // that stand beside the warnings of the steps
}

// walk is the whole run. An error ends it with nothing visible.
func (e *execution) walk(ctx context.Context) error {
	if err := e.whole(); err != nil {
		return err
	}
	if e.job.Sink != nil {
		if err := e.begin(ctx); err != nil {
			return err
		}
	}
	reader, err := e.open(ctx)
	if err != nil {
		return err
	}
	defer reader.Close()
	f, err := e.plan(ctx, reader)
	if err == nil {
		err = e.beginLoad(ctx, f)
	}
	if err != nil {
		return e.vacant(reader, err)
	}
	if err := f.run(ctx); err != nil {
		if !errors.Is(err, errTooManyHeld) {
			return err
		}
	}
	return e.conclude(ctx, f)
}

// begin settles what a crash left, makes the run durable, and reads the
// position it starts from.
func (e *execution) begin(ctx context.Context) error {
	told, err := settle(ctx, e.job, e.deps)
	if e.notes = told; err != nil {
		return err
	}
	pos, found, err := e.job.Sink.Position(ctx, e.job.Load)
	if err != nil {
		return fmt.Errorf("read the position: %w", err)
	}
	if found && pos.Field != "" {
		e.run.Before = &pos
	}
	if err := e.deps.Journal.Begin(ctx, e.run); err != nil {
		return fmt.Errorf("record the run: %w", err)
	}
	e.began = true
	return nil
}

// open starts the read at the position.
func (e *execution) open(ctx context.Context) (connectors.Reader, error) {
	read := e.job.Read
	read.Before, read.Afresh, read.AsOf = e.run.Before, e.job.FullRefresh, e.run.AsOf
	if spec := e.job.Pipeline.Source.Cursor; spec != nil {
		cursor, err := e.bounds()
		if err != nil {
			return nil, err
		}
		read.Cursor, e.cursor = cursor, cursor
	}
	reader, err := e.job.Source.Open(ctx, read)
	if err != nil {
		return nil, fmt.Errorf("open source: %w", err)
	}
	return reader, nil
}

// bounds turns the pipeline's cursor, the stored position and an explicit
// range into the bounds of this read.
func (e *execution) bounds() (*connectors.Cursor, error) {
	spec := e.job.Pipeline.Source.Cursor
	c := &connectors.Cursor{Field: spec.Field.Value, From: spec.Start.Value, Lag: spec.Lag.Std(), Window: spec.Window.Std()}
	switch {
	case e.job.Backfill():
		c.From, c.To = e.job.From, e.job.To
	case e.job.FullRefresh:
	case e.run.Before != nil:
		if e.run.Before.Field != c.Field {
			return nil, fmt.Errorf("the cursor field was %q and is now %q; run `tieout state reset %s` to read everything again: %w",
				e.run.Before.Field, c.Field, e.run.Pipeline, connectors.ErrConfig)
		}
		lookback := e.lookback(spec)
		from, err := lowerBound(e.run.Before, lookback)
		if err != nil {
			return nil, err
		}
		c.From, c.Start = from, spec.Start.Value
		if c.Parts, err = lowerBounds(e.run.Before, lookback); err != nil {
			return nil, err
		}
		return c, e.forget(c)
	}
	return c, nil
}

// lookback is how far before its position a read begins: as the pipeline says,
// or as the source needs, when what is read again does not come twice.
func (e *execution) lookback(spec *pipelines.Cursor) time.Duration {
	own := spec.Lookback.Std()
	late, can := e.job.Source.(connectors.Late)
	dated := e.run.Before.Kind == record.Timestamp.String() || e.run.Before.Kind == record.Date.String()
	if !can || !dated || e.job.Load.Mode == connectors.Append {
		return own
	}
	return max(own, late.Late(e.job.Read.Stream))
}

// plan compiles the pipeline against the fields the source really has.
func (e *execution) plan(ctx context.Context, reader connectors.Reader) (*flow, error) {
	c := e.job.Context
	watched, err := newContract(e.job.Pipeline, reader.Shape())
	if err != nil {
		return nil, err
	}
	in := watched.passed(reader.Shape())
	ch := planChain(e.job.Pipeline, in, &c)
	if ch == nil {
		return nil, c.Report.Err()
	}
	meters := gate.Plan(e.job.Pipeline.Gate, ch.out, &c)
	scope, err := e.planScope(ch.out, &c)
	if wrong := c.Report.Err(); wrong != nil || err != nil {
		return nil, cmp.Or(wrong, err)
	}
	e.run.Entries = ch.entries()
	if e.job.Config != nil {
		e.run.ConfigHash, e.run.Tables = e.job.Config()
	}
	e.out = newOutcome(e.run, ch, gate.HeldLimit(e.job.Pipeline.Gate))
	f := &flow{job: e.job, deps: e.deps, ch: ch, reader: reader, meters: meters, out: e.out, scope: scope, contract: watched}
	f.comparer, _ = reader.(Comparer)
	if f.contract != nil {
		e.run.Warnings = append(e.run.Warnings, f.contract.notes...)
	}
	if err := e.track(f, reader); err != nil {
		return nil, err
	}
	if e.job.Sink != nil {
		f.held = newHeldIndex(in, len(NewKeyer(in, e.job.Read.Key).fields) > 0)
		if err := e.deps.Memory.EachHeld(ctx, e.run.Project, e.run.Environment, e.run.Pipeline, f.held.add); err != nil {
			return nil, fmt.Errorf("read held records: %w", err)
		}
		e.out.prior = f.held.keys
	}
	return f, nil
}

func (e *execution) track(f *flow, reader connectors.Reader) error {
	if e.cursor == nil {
		return nil
	}
	before := e.run.Before
	if e.job.FullRefresh || e.job.Backfill() {
		before = nil
	}
	shape := reader.Shape()
	t, err := newTracker(e.cursor, shape, &e.job.Read, before, e.job.Load.Mode == connectors.Append)
	if err != nil {
		return err
	}
	if _, fixed := reader.(connectors.Bounded); !fixed && !e.job.Backfill() {
		t.versions = newVersions(t, f.ch, &e.job.Load, e.job.Read.Key)
	}
	f.tracker = t
	return t.split(reader, e.cursor, shape, &e.job.Read)
}

// beginLoad opens the load in the sink: rights and columns are checked before
// a record is read.
func (e *execution) beginLoad(ctx context.Context, f *flow) error {
	if e.job.Sink == nil {
		return nil
	}
	load := e.job.Load
	load.Shape, load.Where = f.ch.out, f.scope.conditions
	load.MaxRefused = int(e.out.heldLimit)
	load.Extra, load.ExtraAnywhere = undeclared(e.job.Pipeline, f.ch.in, &load), e.job.Pipeline.Widens()
	w, err := e.job.Sink.Begin(ctx, load)
	if err != nil {
		return fmt.Errorf("begin load: %w", err)
	}
	e.writer, f.writer = w, w
	return e.keeps(f, w)
}

// conclude asks the gate and commits, or does not.
func (e *execution) conclude(ctx context.Context, f *flow) error {
	if err := f.flush(ctx); err != nil {
		return fmt.Errorf("record held records: %w", err)
	}
	e.out.finish()
	e.takeOutcome()
	if noter, can := f.reader.(connectors.Noter); can {
		e.run.Warnings = append(e.run.Warnings, noter.Notes()...)
	}
	if f.contract != nil {
		e.run.Warnings = append(e.run.Warnings, f.contract.lacking()...)
	}
	for _, text := range []string{f.shadows.warning(), f.tracker.warning()} {
		if text != "" {
			e.run.Warnings = append(e.run.Warnings, text)
		}
	}
	stopped := e.out.heldCount > e.out.heldLimit
	if !stopped {
		if err := e.out.balance(); err != nil {
			return err
		}
	}
	e.run.After = e.run.Before // what follows no cursor leaves the position where it is
	if f.tracker != nil && !e.run.Backfill {
		e.run.After = f.tracker.position(e.job.LoadID)
	}
	if f.comparer != nil {
		e.run.After = f.comparer.Position(e.job.LoadID)
	}
	e.spare(f)
	decision, err := e.decide(ctx, f, connectors.Receipt{})
	if err != nil {
		return err
	}
	e.run.Gate = decision
	if stopped || decision.Blocked() {
		return ErrBlocked
	}
	if e.writer == nil {
		return nil
	}
	if e.cursor != nil && e.run.Before != nil && e.run.Counts.Read == e.run.Counts.Repeated {
		return e.writer.Abort(ctx) // nothing new: the target stays untouched
	}
	return e.commit(ctx, f)
}

func (e *execution) takeOutcome() {
	e.run.Counts, e.run.Steps, e.run.Sums = e.out.run.Counts, e.out.run.Steps, e.out.run.Sums
	e.run.Sample = e.out.run.Sample
	e.run.Warnings = append(e.run.Warnings, e.out.run.Warnings...)
}

// ErrTimeout is the cause of a context that ended because the run took longer
// than its pipeline allows. Such a run failed; it was not interrupted.
var ErrTimeout = errors.New("the run took longer than its timeout")

// ErrBlocked says that the gate did not let the run through.
var ErrBlocked = errors.New("blocked by the gate")

// resumed reports whether a reader began where the last load ended by itself.
func resumed(r connectors.Reader) bool {
	resumer, can := r.(connectors.Resumer)
	return can && resumer.Resumed()
}

// decide asks the gate; a receipt tells what the load would do to the target.
func (e *execution) decide(ctx context.Context, f *flow, r connectors.Receipt) (gate.Decision, error) {
	facts := gate.Facts{Read: e.run.Counts.Read, Repeated: e.run.Counts.Repeated, Held: e.out.heldCount, Refused: int64(len(r.Refused)), AsOf: e.job.AsOf,
		FullRead:   e.job.Pipeline.Source.Cursor == nil && !resumed(f.reader) || e.job.FullRefresh || e.run.Before == nil && !e.run.Backfill,
		Replace:    e.job.Load.Mode == connectors.Replace || f.keeper != nil,
		AllowEmpty: e.job.Pipeline.Source.AllowEmpty || e.job.Pipeline.Sink.AllowEmpty}
	if e.job.Sink != nil {
		if e.past == nil { // the gate may be asked after every refusal
			history, err := e.deps.Memory.History(ctx, e.run.Project, e.run.Environment, e.run.Pipeline, gate.HistoryRuns(e.job.Pipeline.Gate))
			if err != nil {
				return gate.Decision{}, fmt.Errorf("read earlier runs: %w", err)
			}
			e.past = pastTotals(history)
		}
		facts.History = e.past
	}
	decision, err := f.meters.Decide(facts)
	if f.keeper != nil && r.Present > 0 {
		bound := gate.NewMissing(e.job.Pipeline.Sink.Missing.Bound, e.job.Load.Missing == connectors.Close)
		decision.Findings = append(decision.Findings, bound.Judge(r.Deleted, r.Present))
	}
	return decision, err
}

func pastTotals(history []Run) []gate.Totals {
	out := make([]gate.Totals, 0, len(history))
	for i := range history {
		t := gate.Totals{Written: history[i].Counts.Written, Sums: make(map[string]decimal.Decimal)}
		for key, text := range history[i].Sums {
			if d, err := decimal.Parse(text); err == nil {
				t.Sums[key] = d
			}
		}
		out = append(out, t)
	}
	return out
}

// commit makes the load visible. The sink's own account of what it did is
// checked, and the gate asked again when records were refused, before it does.
func (e *execution) commit(ctx context.Context, f *flow) error {
	resolved := e.out.resolved()
	if e.wholly(f) {
		resolved = append(resolved, e.out.gone(f.held.waiting, e.takesAway() || e.job.Load.Mode == connectors.Replace)...)
	}
	if len(resolved) > 0 {
		if err := e.deps.Journal.Stage(ctx, e.run, nil, resolved); err != nil {
			return fmt.Errorf("record resolved records: %w", err)
		}
	}
	ledger := e.ledger()
	approved := 0
	receipt, err := e.writer.Commit(ctx, ledger, func(r connectors.Receipt) error {
		if err := balanceSink(e.run.Counts, r); err != nil {
			return err
		}
		if len(r.Refused) == 0 && r.Present == 0 {
			return nil
		}
		before := approved
		approved = len(r.Refused)
		return e.accept(ctx, f, r, before)
	})
	if err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	e.run.Counts.Inserted, e.run.Counts.Changed = receipt.Inserted, receipt.Changed
	e.run.Counts.Unchanged, e.run.Counts.Deleted = receipt.Unchanged, receipt.Deleted
	e.run.Counts.Refused = int64(len(receipt.Refused))
	return nil
}

// accept makes the records refused since the last time durable and asks the
// gate whether so many may be, and whether as many may be taken away.
func (e *execution) accept(ctx context.Context, f *flow, r connectors.Receipt, kept int) error {
	if err := e.keepRefused(ctx, f, r.Refused[kept:]); err != nil {
		return err
	}
	e.run.Counts.Refused = int64(len(r.Refused))
	decision, err := e.decide(ctx, f, r)
	if err != nil {
		return err
	}
	e.run.Gate = decision
	if decision.Blocked() {
		return ErrBlocked
	}
	return nil
}

// keepRefused makes refused records durable.
func (e *execution) keepRefused(ctx context.Context, f *flow, list []connectors.Refusal) error {
	held := make([]Held, 0, len(list))
	for i := range list {
		held = append(held, refused(&list[i], len(f.ch.steps)))
	}
	if len(held) > 0 {
		if err := e.deps.Journal.Stage(ctx, e.run, held, nil); err != nil {
			return fmt.Errorf("record refused records: %w", err)
		}
	}
	e.out.hold(held)
	e.run.Sample = e.out.sample
	e.out.heldCount -= int64(len(held)) // the gate counts them as refused
	return nil
}

func (e *execution) ledger() connectors.Ledger {
	return connectors.Ledger{LoadID: e.job.LoadID, RunID: e.job.RunID, Format: connectors.LedgerFormat,
		Counts: e.run.Counts, Sums: maps.Clone(e.out.sums[len(e.out.sums)-1].sums), ConfigHash: e.run.ConfigHash,
		Before: e.run.Before, After: e.run.After, StartedAt: e.run.StartedAt, FinishedAt: e.deps.Now()}
}

// end writes down how the run ended. It works even when ctx was cancelled,
// since that is a way for a run to end.
func (e *execution) end(ctx context.Context, err error) Run {
	interrupted := ctx.Err() != nil
	if cause := context.Cause(ctx); err != nil && errors.Is(cause, ErrTimeout) {
		interrupted = false
		if !errors.Is(err, ErrTimeout) {
			err = fmt.Errorf("%w: %w", cause, err)
		}
	}
	ctx = context.WithoutCancel(ctx)
	if err != nil && e.writer != nil {
		if abort := e.writer.Abort(ctx); abort != nil {
			e.deps.Log.Warn("undo the load", "run_id", e.run.RunID, "error", abort)
		}
	}
	if noter, can := e.writer.(connectors.Noter); can {
		e.run.Warnings = append(e.run.Warnings, noter.Notes()...)
	}
	e.run.Warnings = append(e.run.Warnings, e.notes...)
	e.run.Status = e.status(err, interrupted)
	e.run.FinishedAt = e.deps.Now()
	e.lookAhead()
	e.fail(err)
	if !e.began && e.job.Sink != nil { // a run that could not begin is a run that failed
		if berr := e.deps.Journal.Begin(ctx, e.run); berr == nil {
			e.began = true
		}
	}
	if e.began && e.run.Status == Unknown { // its row stays open: the next run settles it
		_ = e.deps.Journal.Stage(ctx, e.run, nil, nil)
	} else if e.began {
		committed := e.run.Status == Loaded || e.run.Status == NothingNew
		if ferr := e.deps.Journal.Finish(ctx, e.run, committed); ferr != nil && err == nil {
			e.fail(fmt.Errorf("record the end of the run (the load itself is committed): %w", ferr))
		}
	}
	return e.run
}

func (e *execution) fail(err error) {
	if err == nil {
		return
	}
	code := Code(err)
	e.run.Cause, e.run.Error, e.run.ErrorCode = err, strings.Replace(err.Error(), code+": ", "", 1), code // who shows it puts the code in front
}

// nothingNew reports whether an incremental read met only what was loaded
// before.
func (e *execution) nothingNew() bool {
	c := &e.run.Counts
	return e.run.Before != nil && c.Read == c.Repeated+c.Unchanged && c.Deleted == 0
}

func (e *execution) status(err error, interrupted bool) Status {
	switch {
	case err == nil && e.job.Sink == nil:
		return DryRun
	case err == nil && e.nothingNew():
		return NothingNew
	case err == nil:
		return Loaded
	case errors.Is(err, connectors.ErrCommitUnknown):
		return Unknown
	case errors.Is(err, ErrBlocked):
		return Blocked
	case interrupted:
		return Interrupted
	}
	return Failed
}
