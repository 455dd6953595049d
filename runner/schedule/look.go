package schedule

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

const (
	// wrongClock is how far from the last sign of life a clock must be to be
	// disbelieved. A machine may sleep for months; a clock that says 2100 or
	// 1970 is wrong, and acting on it would run slots of a time that is not.
	wrongClock = 366 * 24 * time.Hour
	// setBack is how far back a clock must go before slots are reopened; less
	// is waited out.
	setBack = time.Minute
	// saveEvery is how often the watermark is written when nothing is due.
	saveEvery = 10 * time.Second
	// longPause is how long the engine may go without a step before it asks
	// whether it still serves. A lock may be taken over after three times as
	// long.
	longPause = 30 * time.Second
	// strangeFor is how long a slot may wait for its pipeline to be known.
	strangeFor = time.Minute
	// overlapPast is how far earlier than the last look successes are asked
	// for again: another process may have ended one then and written it later.
	overlapPast = time.Minute
)

// ErrClock says that the machine's clock cannot be right. Nothing is proposed
// or started until it is.
var ErrClock = errors.New("the clock cannot be right")

// look takes over new plans and what other processes wrote.
func (e *Engine) look(ctx context.Context, now time.Time) error {
	if err := e.checkClock(ctx, now); err != nil {
		return err
	}
	if e.Check != nil {
		if err := e.Check(); err != nil {
			return err
		}
	}
	if err := e.takePlans(ctx, now); err != nil {
		return err
	}
	pauses, err := e.Register.Pauses(ctx) // a pause holds as soon as its command has ended
	if err != nil {
		return fmt.Errorf("read pauses: %w", err)
	}
	e.pauses = pauses
	if now.Sub(e.looked).Abs() < e.Look {
		return nil
	}
	e.saveEnds(ctx)
	if err := e.readSuccesses(ctx, now); err != nil {
		return err
	}
	if err := e.readOpen(ctx); err != nil {
		return err
	}
	e.dropStrangers(ctx, now, strangeFor)
	e.tellFreshness(now)
	e.looked = now
	return nil
}

// checkClock compares the clock with the watermark, the last instant it was
// seen at.
func (e *Engine) checkClock(ctx context.Context, now time.Time) error {
	if err := e.settleDoubt(ctx); err != nil {
		return err
	}
	ahead, passed := now.Sub(e.watermark), now.Sub(e.seen)
	first := e.seen.IsZero()
	e.seen = now
	switch {
	case ahead > wrongClock && !e.watermark.Equal(e.believed), ahead < -wrongClock:
		return fmt.Errorf("%w: it says %s, and the schedule was last looked at on %s; set the clock, or start `tieout serve --accept-clock` if it is right",
			ErrClock, instant(now), instant(e.watermark))
	case ahead < -setBack:
		return e.goBack(ctx, now)
	case passed.Abs() > setBack && !first: // asleep, or set
		return e.setAlarm(true)
	}
	return nil
}

// settleDoubt reads how far the schedule is when an answer of the store was
// lost: it may have gone back, or on.
func (e *Engine) settleDoubt(ctx context.Context) error {
	if !e.inDoubt {
		return nil
	}
	watermark, err := e.Register.Watermark(ctx)
	if err != nil {
		return fmt.Errorf("read how far the schedule is: %w", err)
	}
	switch {
	case watermark.IsZero():
	case watermark.Before(e.watermark):
		e.rewind(watermark)
	case watermark.After(e.watermark):
		e.watermark, e.saved = watermark, watermark
		clear(e.next)
	}
	e.inDoubt = false
	return nil
}

// goBack opens the slots after now again: the clock was set back.
func (e *Engine) goBack(ctx context.Context, now time.Time) error {
	e.inDoubt = true
	removed, err := e.Register.Reopen(ctx, now)
	if err != nil {
		return fmt.Errorf("go back to %s: %w", instant(now), err)
	}
	e.inDoubt = false
	e.Log.Warn("the clock was set back", "from", instant(e.watermark), "to", instant(now), "reopened", removed)
	e.rewind(now)
	e.looked = now.Add(-e.Look)
	return e.setAlarm(true)
}

// rewind takes the schedule back to an instant, as Reopen does in the store.
func (e *Engine) rewind(to time.Time) {
	e.watermark, e.saved = to, to
	for name, since := range e.since {
		if since.After(to) {
			e.since[name] = to
		}
	}
	clear(e.next)
}

func (e *Engine) setAlarm(all bool) error {
	if e.Alarm == nil {
		return nil
	}
	return e.Alarm.Set(e.active, all)
}

// takePlans makes new plans the active ones.
func (e *Engine) takePlans(ctx context.Context, now time.Time) error {
	e.mu.Lock()
	plans, fresh := e.plans, e.fresh
	e.mu.Unlock()
	if !fresh {
		return nil
	}
	since, err := e.Register.Enroll(ctx, slices.Sorted(maps.Keys(plans)), now)
	if err != nil {
		return fmt.Errorf("note the pipelines: %w", err)
	}
	for name, p := range plans {
		if since[name].After(now) { // noted while the clock was ahead
			since[name] = now
		}
		if e.active[name] == nil && now.Before(e.watermark) && !since[name].Before(now.Truncate(time.Microsecond)) {
			since[name] = e.watermark // new while the clock catches up: the slots until then were everybody's
		}
		if old := e.active[name]; old != nil && old.Rule != p.Rule {
			since[name] = e.watermark // the new timetable holds from now on
		}
	}
	e.since = since
	e.active = plans
	clear(e.next)
	e.mu.Lock()
	e.fresh = !maps.Equal(e.plans, plans)
	e.mu.Unlock()
	if err := e.setAlarm(false); err != nil {
		return err
	}
	e.dropStrangers(ctx, now, 0)
	return nil
}

// dropStrangers ends the slots of pipelines that are not in the project any
// more. A young one may be of a pipeline that will be heard of in a moment.
func (e *Engine) dropStrangers(ctx context.Context, now time.Time, age time.Duration) {
	for k, s := range e.open {
		if e.active[k.pipeline] != nil || s.Status == Running || now.Sub(s.RecordedAt).Abs() < age {
			continue
		}
		end(s, Skipped, "the pipeline is not in the project any more")
		s.EndedAt = now
		e.close(ctx, ended{slot: *s, was: s.RunID})
	}
}

// readOpen sees slots that another process made or ended.
func (e *Engine) readOpen(ctx context.Context) error {
	list, err := e.Slots.Open(ctx)
	if err != nil {
		return fmt.Errorf("read open slots: %w", err)
	}
	seen := make(map[id]bool, len(list))
	for i := range list {
		k := idOf(&list[i])
		seen[k] = true
		if e.open[k] == nil && list[i].Status == Due {
			e.open[k] = &list[i]
		}
	}
	for k, s := range e.open {
		if !seen[k] && s.Status == Due {
			delete(e.open, k)
		}
	}
	return nil
}

// readSuccesses sees the runs that succeeded since the last look, whoever
// started them.
func (e *Engine) readSuccesses(ctx context.Context, now time.Time) error {
	if e.looked.IsZero() {
		return nil // begin read them
	}
	list, err := e.Past.Successes(ctx, e.looked.Add(-overlapPast))
	if err != nil {
		return fmt.Errorf("read earlier runs: %w", err)
	}
	for _, s := range list {
		e.succeeded(s, now)
	}
	return nil
}

// succeeded keeps the newest success of a pipeline. One that ended in the
// future, since the clock was wrong, does not stand in the way of others.
func (e *Engine) succeeded(s Success, now time.Time) {
	have := e.successes[s.Pipeline]
	if s.EndedAt.After(have.EndedAt) && (!s.EndedAt.After(now) || have.EndedAt.IsZero()) || have.EndedAt.After(now) && !s.EndedAt.After(now) {
		e.successes[s.Pipeline] = s
	}
}

func (e *Engine) tellFreshness(now time.Time) {
	for name, p := range e.active {
		last := e.successes[name]
		from := last.EndedAt
		if from.IsZero() {
			from = e.since[name]
		}
		e.Observer.Freshness(name, last, p.FreshWithin > 0 && now.Sub(from) > p.FreshWithin)
	}
}
