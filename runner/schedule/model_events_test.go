package schedule

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// pass lets time pass, in a number of looks.
func (w *world) pass(d time.Duration, looks int) {
	for range looks {
		part := max(d/time.Duration(looks), time.Millisecond)
		w.passed = w.passed.Add(part)
		w.clock.Advance(part)
		if now := w.clock.Now(); now.After(w.highest) && now.Before(at("2050-01-01T00:00:00Z")) {
			w.highest = now
		}
		w.step()
	}
}

// set sets the clock by a difference.
func (w *world) set(d time.Duration) {
	w.clock.Advance(d)
	if now := w.clock.Now(); now.After(w.highest) && now.Before(at("2050-01-01T00:00:00Z")) {
		w.highest = now
	}
}

// event draws what happens next.
func (w *world) event() {
	r := w.random
	name := pick(r, "a", "b", "c", "d")
	switch r.IntN(24) {
	case 0, 1, 2, 3, 4, 5:
		w.pass(time.Duration(1+r.IntN(90))*time.Second, 1+r.IntN(3))
	case 6, 7, 8, 9:
		w.pass(time.Duration(1+r.IntN(180))*time.Minute, 1+r.IntN(6))
	case 10:
		w.pass(time.Duration(1+r.IntN(26))*time.Hour, 1+r.IntN(2))
	case 11:
		w.set(time.Duration(r.Int64N(int64(48*time.Hour))) - 24*time.Hour)
		w.step()
	case 12:
		w.set(time.Duration(r.Int64N(int64(3*time.Minute))) - 90*time.Second)
	case 13:
		w.wrongClock()
	case 14, 15:
		w.doom = pick(r, "claim", "commit", "")
		if w.doom == "" {
			w.kill()
		}
	case 16:
		w.stop()
		w.pass(time.Duration(r.IntN(7200))*time.Second, 1)
		w.boot()
	case 17:
		w.mem.fail = errors.New("disk full")
		w.pass(time.Duration(r.IntN(600))*time.Second, 1+r.IntN(5))
		w.mem.fail = nil
	case 18:
		w.mem.lost = 1 + r.IntN(4)
	case 19:
		w.mem.pauses[name] = Pause{By: "ana", At: w.clock.Now()}
	case 20:
		clear(w.mem.pauses)
	case 21:
		w.trigger(name)
	case 22:
		w.edit(name)
	case 23:
		if f := w.files[name]; f != nil {
			f[fmt.Sprintf("in/%d.csv", r.IntN(5))] = fmt.Sprint(r.IntN(1000))
		} else if w.plans[name] != nil {
			w.succeed(Success{Pipeline: name, RunID: fmt.Sprintf("by hand %d", w.seen.Steps), EndedAt: w.clock.Now()})
		}
	}
	if w.engine == nil {
		w.pass(time.Duration(r.IntN(6*3600))*time.Second, 1)
		w.boot()
	}
}

// wrongClock lets the clock say what cannot be, for a while.
func (w *world) wrongClock() {
	jump := pick(w.random, at("2100-01-01T00:00:00Z"), at("1970-01-02T00:00:00Z")).Sub(w.clock.Now())
	w.set(jump)
	if w.chance(3) {
		w.kill()
		w.boot()
	}
	w.pass(time.Duration(w.random.IntN(7200))*time.Second, 1+w.random.IntN(3))
	w.set(-jump)
	w.step()
}

func (w *world) trigger(name string) {
	if p := w.plans[name]; p != nil {
		now := w.clock.Now().Truncate(time.Microsecond)
		s := p.slot(now, ByTrigger, now)
		w.mem.Propose(nil, []Slot{s}, time.Time{}) //nolint:errcheck,staticcheck // a trigger that was refused
		if w.chance(4) {
			delete(w.plans, name)
			w.givePlans()
		}
	}
}

// edit changes, removes or adds a pipeline.
func (w *world) edit(name string) {
	w.edits++
	old := w.plans[name]
	switch {
	case old != nil && w.chance(4):
		delete(w.plans, name)
		w.removed[name] = true
	case old != nil && w.chance(2):
		p := *old
		p.Overlap, p.CatchUp = pick(w.random, OverlapSkip, OverlapQueue), pick(w.random, CatchUpNone, CatchUpLast, CatchUpAll)
		p.Uses = pick(w.random, worldLimits, nil)
		if p.Broken = ""; w.chance(4) {
			p.Broken = "line 4: unknown key"
		}
		w.plans[name] = &p
	default:
		w.plans[name] = w.drawPlan(name)
	}
	w.givePlans()
}

func (w *world) givePlans() {
	if w.engine != nil {
		w.engine.SetPlans(slices.Collect(maps.Values(w.plans)))
	}
}

// notePlans notes since when each timetable must be complete.
func (w *world) notePlans() {
	if w.engine.fresh {
		return // an error kept the plans from being taken over
	}
	for name := range w.taken {
		if w.engine.active[name] == nil {
			delete(w.taken, name)
			delete(w.from, name)
		}
	}
	for name, p := range w.engine.active {
		old := w.taken[name]
		switch {
		case old != nil && old.Rule != p.Rule: // also when it was put back so before the engine noticed
			w.from[name] = w.engine.watermark
		case old == nil:
			w.from[name] = w.engine.since[name]
		case w.removed[name]: // and put back; the store may have heard of it
			w.from[name] = later(w.from[name], w.engine.since[name])
		case w.from[name].After(w.engine.watermark): // the clock was set back
			w.from[name] = w.engine.watermark
		}
		w.taken[name] = p
	}
	clear(w.removed)
}

// rest mends everything and lets time pass quietly, beyond whatever the clock
// ever said.
func (w *world) rest() {
	w.quiet, w.doom, w.mem.fail, w.mem.lost = true, "", nil, 0
	clear(w.mem.pauses)
	for _, name := range []string{"a", "b"} {
		if w.plans[name] == nil {
			w.plans[name] = w.drawPlan(name)
		}
	}
	for name, p := range w.plans {
		fixed := *p
		fixed.Broken = ""
		w.plans[name] = &fixed
	}
	if w.engine == nil {
		w.boot()
	}
	w.givePlans()
	for end := w.highest.Add(30 * time.Hour); w.clock.Now().Before(end); {
		next := 47 * time.Minute
		for _, p := range w.plans {
			if p.Table == nil {
				continue
			}
			if at, ok := p.Table.Next(w.clock.Now()); ok {
				next = min(next, at.Sub(w.clock.Now()))
			}
		}
		w.pass(next, 1)
	}
	for range 4 {
		w.pass(11*time.Minute, 1)
	}
}
