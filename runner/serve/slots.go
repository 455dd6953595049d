package serve

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tieout/tieout/runner"
	"github.com/tieout/tieout/runner/alert"
	"github.com/tieout/tieout/runner/project"
	"github.com/tieout/tieout/runner/schedule"
	"github.com/tieout/tieout/runner/state"
)

// RunSlot runs a slot's pipeline: see schedule.Runner.
func (s *server) RunSlot(ctx context.Context, slot schedule.Slot) (out schedule.Outcome) {
	defer func() {
		if fault := recover(); fault != nil { // one pipeline's fault is not the others'
			s.Log.Error("a run broke down", "pipeline", slot.Pipeline, "fault", fmt.Sprint(fault))
			out.Err = fmt.Errorf("the run broke down: %v", fault)
		}
	}()
	b := s.shelf.find(slot.Pipeline)
	if b == nil || b.broken != "" {
		return schedule.Outcome{Err: fmt.Errorf("%w: its file has mistakes or is gone; see `tieout validate`", schedule.ErrBroken)}
	}
	run, err := b.project.Run(ctx, b.pipeline, project.RunOptions{Store: s.store, Trigger: triggerOf(slot.Origin),
		Slot: &project.SlotRun{Nominal: slot.Nominal, Attempt: slot.Attempts, RunID: slot.RunID}})
	switch {
	case errors.Is(err, state.ErrLocked):
		err = fmt.Errorf("%w: %w", schedule.ErrBusy, err)
	case err != nil && project.IsConfig(err):
		err = fmt.Errorf("%w: %w", schedule.ErrBroken, err)
	case err == nil:
		err = run.Cause
	}
	return schedule.Outcome{Run: run, Err: err}
}

// triggerOf says in the run what made its slot.
func triggerOf(o schedule.Origin) string {
	if o == schedule.ByTime {
		return runner.TriggerSchedule
	}
	return string(o)
}

// Started logs and counts the start of an attempt.
func (s *server) Started(slot schedule.Slot, lag time.Duration) {
	s.meters.started(lag)
	s.Log.Info("started", "pipeline", slot.Pipeline, "run_id", slot.RunID, "slot", slot.Local, "origin", string(slot.Origin), "attempt", slot.Attempts, "lag", lag.Round(time.Millisecond).String())
}

// Ended logs, counts and raises alerts.
func (s *server) Ended(slot schedule.Slot, o schedule.Outcome) {
	s.meters.ended(slot, o)
	s.logEnd(slot, o)
	switch slot.Status {
	case schedule.Failed:
		s.ring(slot, o, alert.Failed)
	case schedule.Blocked:
		s.ring(slot, o, alert.Blocked)
	case schedule.Skipped:
		if b := s.shelf.find(slot.Pipeline); b != nil && b.broken != "" {
			s.ring(slot, o, alert.Failed)
		}
	case schedule.Done:
		s.clear(slot.Pipeline, []alert.Kind{alert.Failed, alert.Blocked, alert.Late}, slot.RunID, s.Clock.Now())
	}
}

func (s *server) logEnd(slot schedule.Slot, o schedule.Outcome) {
	args := []any{"pipeline", slot.Pipeline, "slot", slot.Local, "outcome", string(slot.Status)}
	if slot.RunID != "" {
		args = append(args, "run_id", slot.RunID, "attempt", slot.Attempts)
	}
	if run := &o.Run; run.RunID != "" {
		args = append(args, "load_id", run.LoadID, "status", string(run.Status), "read", run.Counts.Read, "inserted", run.Counts.Inserted,
			"changed", run.Counts.Changed, "unchanged", run.Counts.Unchanged, "held", run.Counts.Held,
			"seconds", run.FinishedAt.Sub(run.StartedAt).Round(time.Millisecond).Seconds())
	}
	if slot.Reason != "" {
		args = append(args, "reason", s.shelf.redact(slot.Reason))
	}
	switch slot.Status {
	case schedule.Done:
		s.Log.Info("ended", args...)
	case schedule.Failed, schedule.Blocked:
		if code := codeOf(o); code != "" {
			args = append(args, "code", code)
		}
		s.Log.Error("ended", args...)
	case schedule.Due:
		s.Log.Warn("another attempt follows", args...)
	default:
		s.Log.Warn("ended", args...)
	}
}

func codeOf(o schedule.Outcome) string {
	if o.Run.ErrorCode != "" {
		return o.Run.ErrorCode
	}
	if o.Err != nil {
		return runner.Code(o.Err)
	}
	return ""
}

// Freshness keeps the promise of a pipeline in view.
func (s *server) Freshness(pipeline string, last schedule.Success, late bool) {
	if s.meters.fresh(pipeline, last, late) { // a new success, whoever ran it
		s.clear(pipeline, []alert.Kind{alert.Failed, alert.Blocked, alert.Late}, last.RunID, last.EndedAt)
	}
	if !late {
		delete(s.late, pipeline)
		return
	}
	b, now := s.shelf.find(pipeline), s.Clock.Now()
	if b == nil || now.Sub(s.late[pipeline]).Abs() < lateEvery {
		return
	}
	s.late[pipeline] = now
	message := fmt.Sprintf("no success within %s", b.pipeline.FreshWithin)
	if !last.EndedAt.IsZero() {
		message += "; the last ended at " + last.EndedAt.UTC().Format(time.RFC3339)
	}
	s.post(b, alert.Event{Kind: alert.Late, Pipeline: pipeline, RunID: last.RunID, Message: message, Hint: "tieout status " + pipeline})
}

// Watched keeps count of the looks, for /healthz and /readyz.
func (s *server) Watched(err error) { s.health.looked(err) }

var (
	_ schedule.Runner   = (*server)(nil)
	_ schedule.Observer = (*server)(nil)
)
