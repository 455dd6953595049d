package runner

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/document"
)

// Settle finds out what became of earlier runs of the job's pipeline that
// began and never finished, and writes it down. Execute does so itself; a
// caller that must know before it decides to run calls Settle first.
func Settle(ctx context.Context, job Job, deps Deps) error {
	_, err := settle(ctx, &job, &deps)
	return err
}

// Fail writes down a run that could not begin.
func Fail(ctx context.Context, job Job, deps Deps, err error) Run {
	e := &execution{job: &job, deps: &deps, run: startRun(&job, &deps)}
	return e.end(ctx, err)
}

// settle finds out what became of the runs of this pipeline that began and
// never finished: killed, cut off at their commit, or out of power. The
// sink's ledger decides; a load it does not have never happened. It tells in
// sentences of those that did.
func settle(ctx context.Context, job *Job, deps *Deps) (told []string, err error) {
	open, err := deps.Journal.Unsettled(ctx, job.Project, job.Environment, job.Pipeline.Name())
	if err != nil {
		return nil, fmt.Errorf("look for unfinished runs: %w", err)
	}
	for i := range open {
		one, err := settleOne(ctx, job, deps, open[i])
		if err != nil {
			return told, fmt.Errorf("settle run %s: %w", open[i].RunID, err)
		}
		if one != "" {
			told = append(told, one)
		}
	}
	return told, nil
}

func settleOne(ctx context.Context, job *Job, deps *Deps, run Run) (told string, err error) {
	load := job.Load
	load.ID, load.Stream = run.LoadID, run.Stream
	ledger, found, err := job.Sink.Settle(ctx, load)
	if err != nil {
		return "", err
	}
	run.FinishedAt = deps.Now()
	if !found {
		run.Status, run.Error = Failed, "the run ended without a trace and committed nothing"
		run.ErrorCode = string(document.CodeRunFailed)
		return "", deps.Journal.Finish(ctx, run, false)
	}
	run.Status, run.Counts, run.After = Loaded, ledger.Counts, ledger.After
	run.Error, run.ErrorCode = "", "" // of a commit whose answer was lost
	run.FinishedAt = ledger.FinishedAt
	deps.Log.Info("settled a load that was committed", "run_id", run.RunID, "load_id", run.LoadID, "pipeline", run.Pipeline)
	c := &run.Counts
	told = fmt.Sprintf("run %s, which had not ended, has loaded: %d new, %d changed, %d refused", run.RunID, c.Inserted, c.Changed, c.Refused)
	return told, deps.Journal.Finish(ctx, run, true)
}

// refused turns a record the sink refused into a held one.
func refused(r *connectors.Refusal, steps int) Held {
	field := ""
	if len(r.Columns) > 0 {
		field = r.Columns[0]
	}
	code, message := refusalCode(r.Reason)
	return Held{Key: r.Key, Stage: "sink", Input: r.Input, Line: r.Line, Record: string(r.Record), Enter: steps,
		Reasons: []Reason{{Code: code, Step: AtSink, Field: field, Message: message}}}
}

// RefusedRecord is a record that a sink refused after its load was committed.
func RefusedRecord(r connectors.Refusal, enter int) Held { return refused(&r, enter) }

// refusalCode takes the code a sink put before its reason.
func refusalCode(reason string) (code, message string) {
	if before, after, ok := strings.Cut(reason, ": "); ok {
		if _, known := document.LookupCode(document.Code(before)); known {
			return before, after
		}
	}
	return string(document.CodeSinkRefused), reason
}

// Code names the kind of failure of a run, for messages and exit codes.
func Code(err error) string {
	var column *connectors.MissingColumnError
	switch {
	case errors.As(err, &column):
		return string(document.CodeSourceMissingColumn)
	case errors.Is(err, ErrBlocked):
		return string(document.CodeGateBlocked)
	case errors.Is(err, connectors.ErrFenced):
		return string(document.CodeRunFenced)
	case errors.Is(err, ErrBalance):
		return string(document.CodeRunBalance)
	case errors.Is(err, connectors.ErrTooManyRefused):
		return string(document.CodeGateQuarantined)
	case errors.Is(err, ErrTimeout):
		return string(document.CodeRunTimeout)
	case errors.Is(err, context.Canceled):
		return string(document.CodeRunInterrupted)
	}
	if code := saidCode(err); code != "" {
		return code
	}
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return string(document.CodeRunNoRoom)
	}
	if errors.Is(err, connectors.ErrEnvironment) {
		return string(document.CodeNetUnreachable)
	}
	return string(document.CodeRunFailed)
}

// saidCode finds the code a connector put into its message, such as
// "sink.missing_column: table …".
func saidCode(err error) string {
	for _, part := range strings.Split(err.Error(), ": ") {
		if _, known := document.LookupCode(document.Code(part)); known {
			return part
		}
	}
	return ""
}
