package schedule

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tieout/tieout/runner"
)

// What kept an attempt from starting. A Runner wraps them.
var (
	// ErrBusy: another process runs the pipeline.
	ErrBusy = errors.New("another run of the pipeline is under way")
	// ErrBroken: the pipeline's file or settings are wrong; trying again
	// changes nothing.
	ErrBroken = errors.New("the pipeline cannot run")
)

// busyWait is how long a queued slot waits for a run of another process.
const busyWait = 10 * time.Second

// mostCrashes is how many attempts at a slot may end with the process.
const mostCrashes = 20

// mostUnknown is how many attempts a slot gets beyond its own while nobody
// knows whether its last one is in the sink.
const mostUnknown = 10

// finish turns the end of an attempt into what becomes of its slot.
func (e *Engine) finish(ctx context.Context, got ended) {
	now := e.now()
	s := &got.slot
	if run, is := e.running[s.Pipeline]; is {
		run.cancel()
		delete(e.running, s.Pipeline)
	}
	p := e.active[s.Pipeline]
	if p == nil {
		p = &Plan{Pipeline: s.Pipeline, Attempts: 1}
	}
	e.judge(p, s, got.outcome, now)
	if s.Status != Due {
		s.EndedAt = now
	}
	if run := &got.outcome.Run; s.Status == Done && run.RunID != "" {
		e.succeeded(Success{Pipeline: s.Pipeline, RunID: run.RunID, EndedAt: run.FinishedAt}, now)
	}
	e.close(context.WithoutCancel(ctx), got)
}

// close writes down where a slot stands, and forgets it when it has ended. A
// write that fails is tried again at the next look; until then the slot keeps
// its pipeline from starting.
func (e *Engine) close(ctx context.Context, got ended) {
	s, o := &got.slot, got.outcome
	k := idOf(s)
	if err := e.Slots.Update(ctx, *s, got.was); err != nil {
		e.Log.Error("write down the end of a slot", "pipeline", s.Pipeline, "slot", s.Local, "run_id", s.RunID, "error", err)
		held := *s
		held.Status = Running
		e.open[k] = &held
		e.unsaved[k] = got
		return
	}
	if s.Status == Due {
		e.open[k] = s
	} else {
		delete(e.open, k)
	}
	if s.Status != Due || o.Run.RunID != "" || o.Err != nil { // else it never began
		e.Observer.Ended(*s, o)
	}
}

// saveEnds tries again to write down what could not be.
func (e *Engine) saveEnds(ctx context.Context) {
	ends := e.unsaved
	e.unsaved = map[id]ended{}
	for _, got := range ends {
		e.close(ctx, got)
	}
}

// judge says what an outcome makes of a slot.
func (e *Engine) judge(p *Plan, s *Slot, o Outcome, now time.Time) {
	if o.Run.RunID != "" {
		s.RunID = o.Run.RunID
	}
	switch {
	case o.Run.Status == runner.Loaded || o.Run.Status == runner.NothingNew:
		end(s, Done, "")
	case o.Run.Status == runner.Blocked:
		end(s, Blocked, gateReason(&o.Run))
	case errors.Is(o.Err, ErrBusy):
		e.busy(p, s, o.Err, now)
	case errors.Is(o.Err, ErrBroken):
		end(s, Failed, o.Err.Error())
	case o.Run.Status == runner.Interrupted && e.stopping:
		s.Status, s.Reason, s.NotBefore = Due, "interrupted: tieout was stopped; nothing moved", now
		s.Attempts--
	default:
		again(p, s, o, now)
	}
}

// busy deals with a run of another process, such as `tieout run`.
func (e *Engine) busy(p *Plan, s *Slot, err error, now time.Time) {
	late := now.Sub(s.Nominal) > onTime+p.Jitter
	if p.Overlap == OverlapSkip && s.Origin == ByTime && !late {
		end(s, Skipped, err.Error()+", and overlap is skip")
		return
	}
	s.Status, s.Reason, s.NotBefore = Due, err.Error(), now.Add(busyWait)
	s.Attempts--
}

// again plans the next attempt, or ends the slot when none is left.
func again(p *Plan, s *Slot, o Outcome, now time.Time) {
	reason := o.Run.Error
	if o.Err != nil {
		reason = o.Err.Error()
	}
	most := max(1, p.Attempts)
	if o.Run.Status == runner.Unknown {
		most += mostUnknown // only looking again tells whether it is in the sink
	}
	if s.Attempts >= most {
		end(s, Failed, fmt.Sprintf("attempt %d of %d failed: %s", s.Attempts, max(s.Attempts, p.Attempts), reason))
		return
	}
	s.Status, s.NotBefore = Due, now.Add(p.backoff(s.Attempts))
	s.Reason = fmt.Sprintf("attempt %d of %d failed, the next is at %s: %s", s.Attempts, max(s.Attempts, p.Attempts), instant(s.NotBefore), reason)
}

// gateReason names the conditions that blocked a run, with limit and value but
// without records.
func gateReason(run *runner.Run) string {
	reason := run.Error
	for i := range run.Gate.Findings {
		if f := &run.Gate.Findings[i]; !f.Passed && !f.Warn {
			reason += fmt.Sprintf("; %s: limit %s, was %s", f.Condition, f.Limit, f.Actual)
		}
	}
	return reason
}
