package schedule

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"
)

// sayAfter is how long a slot waits before the store is told what for.
const sayAfter = time.Second

// dispatch starts what can start, oldest first, and gives the time until the
// next slot that only waits for its time.
func (e *Engine) dispatch(ctx context.Context, now time.Time) time.Duration {
	wait := e.Look
	list := make([]*Slot, 0, len(e.open))
	first := make(map[string]bool, len(e.open)) // pipelines with an earlier slot open
	for _, s := range e.open {
		if s.Status == Due {
			list = append(list, s)
		} else {
			first[s.Pipeline] = true
		}
	}
	slices.SortFunc(list, byInstant)
	for _, s := range list {
		if ctx.Err() != nil {
			return wait
		}
		p := e.active[s.Pipeline]
		if p == nil {
			continue // an error kept its plan from being taken over; looked at again
		}
		if until := p.start(s, now).Sub(now); until > 0 {
			wait, first[s.Pipeline] = min(wait, until), true
			continue
		}
		if e.skipPaused(ctx, s, now) {
			continue
		}
		if reason := e.waitsFor(p, s, first[s.Pipeline]); reason != "" {
			e.say(ctx, s, reason, now)
			first[s.Pipeline] = true
			continue
		}
		first[s.Pipeline] = true
		if err := e.start(ctx, p, s, now); err != nil {
			e.Log.Error("start a slot", "pipeline", s.Pipeline, "slot", s.Local, "error", err)
			return wait
		}
	}
	return wait
}

// skipPaused ends a slot of a pipeline that was paused after the slot was
// written down. A trigger is a person's word too, and later than the pause.
func (e *Engine) skipPaused(ctx context.Context, s *Slot, now time.Time) bool {
	pause, paused := e.pauses[s.Pipeline]
	if !paused || s.Origin == ByTrigger {
		return false
	}
	end(s, Skipped, pause.reason())
	s.EndedAt = now
	e.close(ctx, ended{slot: *s, was: s.RunID})
	return true
}

// waitsFor says what keeps a slot from starting, or "".
func (e *Engine) waitsFor(p *Plan, s *Slot, behind bool) string {
	_, runs := e.running[s.Pipeline]
	switch {
	case behind || runs:
		return "waits for the slot before"
	case p.Broken != "":
		return "waits for its file to be corrected: " + p.Broken
	}
	if s.Origin == ByTime {
		if other := e.notYet(p, s); other != "" {
			return other
		}
	}
	if e.Concurrency > 0 && len(e.running) >= e.Concurrency {
		return fmt.Sprintf("waits: %d runs are under way, and serve.concurrency is %d", len(e.running), e.Concurrency)
	}
	for _, connection := range slices.Sorted(maps.Keys(p.Uses)) {
		if limit, n := p.Uses[connection], e.using(connection); limit > 0 && n >= limit {
			return fmt.Sprintf("waits: %d runs use the connection %s, and its concurrency is %d", n, connection, limit)
		}
	}
	return ""
}

// using counts the runs under way that occupy a connection.
func (e *Engine) using(connection string) int {
	n := 0
	for _, run := range e.running {
		if _, is := run.uses[connection]; is {
			n++
		}
	}
	return n
}

// notYet names the pipelines a slot waits for: those without a success since
// the slot before.
func (e *Engine) notYet(p *Plan, s *Slot) string {
	if len(p.After) == 0 || p.Table == nil {
		return ""
	}
	before, ok := p.Table.Previous(s.Nominal)
	if !ok {
		return ""
	}
	for _, other := range p.After {
		if !e.successes[other].EndedAt.After(before) {
			return fmt.Sprintf("waits for %s, which has not succeeded since %s", other, instant(before))
		}
	}
	return ""
}

// say tells the store what a slot waits for, once it has waited for a while.
func (e *Engine) say(ctx context.Context, s *Slot, reason string, now time.Time) {
	if s.Reason == reason || now.Sub(later(s.RecordedAt, s.NotBefore)) < sayAfter {
		return
	}
	s.Reason = reason
	if err := e.Slots.Update(ctx, *s, s.RunID); err != nil {
		e.Log.Warn("write down what a slot waits for", "pipeline", s.Pipeline, "error", err)
	}
}

// start claims a slot and runs it beside the loop.
func (e *Engine) start(ctx context.Context, p *Plan, s *Slot, now time.Time) error {
	claimed := *s
	claimed.Status, claimed.Reason, claimed.StartedAt, claimed.RunID = Running, "", now, e.NewID()
	claimed.Attempts++
	ok, err := e.Slots.Claim(ctx, claimed)
	if err != nil {
		// It may be claimed nevertheless, and is made due again first.
		held := claimed
		e.open[idOf(s)], e.unsaved[idOf(s)] = &held, ended{slot: *s, was: claimed.RunID}
		return err
	}
	if !ok { // ended by somebody else
		delete(e.open, idOf(s))
		return nil
	}
	lag := now.Sub(s.NotBefore)
	*s = claimed
	// A run outlives the order to stop by the time drain gives it.
	runCtx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	e.running[s.Pipeline] = underway{cancel: cancel, uses: p.Uses}
	e.Observer.Started(claimed, lag)
	go func() {
		e.done <- ended{slot: claimed, outcome: e.Runner.RunSlot(runCtx, claimed), was: claimed.RunID}
	}()
	return nil
}
