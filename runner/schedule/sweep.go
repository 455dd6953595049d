package schedule

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// sweep proposes every slot up to now, whatever made it due, and moves the
// watermark.
func (e *Engine) sweep(ctx context.Context, now time.Time) error {
	if now.Before(e.watermark) {
		return nil // set back by less than a minute: it was proposed already
	}
	var proposed, overtaken []Slot
	openOf := e.openByName()
	for name, p := range e.active {
		if p.Table == nil || !e.isNext(name, p, now) {
			continue
		}
		open := until(openOf[name], now)
		st := standing{open: open, began: e.began}
		if pause, is := e.pauses[name]; is {
			st.paused = &pause
		}
		slots := p.propose(later(e.watermark, e.since[name]), now, st)
		if len(slots) > 0 {
			overtaken = append(overtaken, p.overtaken(&slots[len(slots)-1], open, now)...)
		}
		proposed = append(proposed, slots...)
	}
	proposed = append(proposed, e.following(now, openOf)...)
	arrived, err := e.arrivals(ctx, now, openOf)
	if err != nil {
		return err
	}
	proposed = append(proposed, arrived...)
	if len(proposed) == 0 && now.Sub(e.saved) < saveEvery {
		e.watermark = now
		return nil
	}
	return e.write(ctx, now, proposed, overtaken)
}

// write makes proposals durable, with the watermark that says that all slots
// up to now are among them.
func (e *Engine) write(ctx context.Context, now time.Time, proposed, overtaken []Slot) error {
	slices.SortFunc(proposed, byNominal)
	added, err := e.Slots.Propose(ctx, proposed, now)
	if err != nil {
		e.inDoubt = true // they may be written all the same
		return fmt.Errorf("write down slots: %w", err)
	}
	e.watermark, e.saved = now, now
	for i := range proposed { // also those an earlier try wrote, whose answer was lost
		if s := &proposed[i]; s.Origin == ByAfter {
			e.followed[s.Pipeline] = s.Cause
		}
	}
	for i := range added {
		s := &added[i]
		if s.Status == Due {
			e.open[idOf(s)] = s
			continue
		}
		e.Observer.Ended(*s, Outcome{})
	}
	for i := range overtaken {
		if err := e.Slots.Update(ctx, overtaken[i], overtaken[i].RunID); err != nil {
			return fmt.Errorf("end a slot: %w", err)
		}
		delete(e.open, idOf(&overtaken[i]))
		e.Observer.Ended(overtaken[i], Outcome{})
	}
	for name, p := range e.active {
		if p.Table != nil && !e.next[name].After(now) {
			delete(e.next, name)
		}
	}
	return nil
}

// isNext reports whether an instant of the timetable has come.
func (e *Engine) isNext(name string, p *Plan, now time.Time) bool {
	next, known := e.next[name]
	if !known {
		var ok bool
		if next, ok = p.Table.Next(later(e.watermark, e.since[name])); !ok {
			next = now.Add(wrongClock)
		}
		e.next[name] = next
	}
	return !next.After(now)
}

// following are the slots of pipelines without a timetable whose forerunners
// have all succeeded since the last time.
func (e *Engine) following(now time.Time, open map[string][]*Slot) []Slot {
	var out []Slot
	for name, p := range e.active {
		if p.Table != nil || len(p.After) == 0 || len(open[name]) > 0 {
			continue
		}
		s, ready := e.follow(name, p, now)
		if !ready {
			continue
		}
		if pause, paused := e.pauses[name]; paused {
			end(&s, Skipped, pause.reason())
		} else if p.Broken != "" {
			end(&s, Skipped, "the pipeline cannot run: "+p.Broken)
		}
		if s.Status != Due {
			s.EndedAt = now
		}
		out = append(out, s)
	}
	return out
}

// follow makes the slot that follows the newest successes. Its instant is that
// of the last of them, so that it is the same slot after a restart.
func (e *Engine) follow(name string, p *Plan, now time.Time) (Slot, bool) {
	cause := make(map[string]string, len(p.After))
	var at time.Time
	for _, other := range p.After {
		success := e.successes[other]
		if !success.EndedAt.After(e.since[name]) || e.followed[name][other] == success.RunID {
			return Slot{}, false
		}
		cause[other] = success.RunID
		at = later(at, success.EndedAt)
	}
	if at.After(now) { // it ended while the clock was ahead
		at = now
	}
	s := p.slot(at.Truncate(time.Microsecond), ByAfter, now)
	s.NotBefore = s.Nominal.Add(p.jitter(s.Nominal))
	s.Cause = cause
	return s, true
}

// arrivals are the slots of pipelines whose files have come. Files that come
// while a slot is open are found when it has ended.
func (e *Engine) arrivals(ctx context.Context, now time.Time, open map[string][]*Slot) ([]Slot, error) {
	var out []Slot
	for name, p := range e.active {
		if p.Files == nil || p.Broken != "" || now.Sub(e.listed[name]).Abs() < p.Poll || len(open[name]) > 0 {
			continue
		}
		if _, paused := e.pauses[name]; paused {
			continue // the files are there when it is resumed
		}
		e.listed[name] = now
		files, err := p.Files.List(ctx, e.Clock.Now())
		if err != nil {
			e.Log.Warn("look for files", "pipeline", name, "error", err)
			continue
		}
		known, err := e.Past.Arrivals(ctx, name)
		if err != nil {
			return nil, fmt.Errorf("read which files came before: %w", err)
		}
		for path, print := range files {
			if known[path] == print {
				delete(files, path)
			}
		}
		if len(files) > 0 {
			s := p.slot(now.Truncate(time.Microsecond), ByFiles, now)
			s.NotBefore = s.Nominal.Add(p.jitter(s.Nominal))
			s.Cause = files
			out = append(out, s)
		}
	}
	return out, nil
}

// until are the open slots of a pipeline, oldest first, without those whose
// time comes after now: a clock that was ahead made them, and they wait behind
// those of today.
func until(open []*Slot, now time.Time) []Slot {
	var out []Slot
	for _, s := range open {
		if s.Status == Running || !s.Nominal.After(now) {
			out = append(out, *s)
		}
	}
	slices.SortFunc(out, byNominal)
	return out
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
