package schedule

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// seeds is how many seeds a test runs.
func seeds(usual int) int {
	if os.Getenv("TIEOUT_SOAK") != "" {
		return 20_000
	}
	return usual
}

// modelSeed runs one world and reports whether all was well.
func modelSeed(t *testing.T, seed uint64, sum *tally) (ok bool) {
	t.Helper()
	type broken string
	defer func() {
		if text, is := recover().(broken); is {
			t.Errorf("seed %d: %s", seed, text)
			ok = false
		}
	}()
	w := newWorld(seed, func(format string, args ...any) { panic(broken(fmt.Sprintf(format, args...))) })
	for range 40 {
		w.event()
	}
	w.rest()
	w.checkEnd()
	w.stop()
	sum.add(w.seen)
	return true
}

// checkStart looks at an attempt that begins.
func (w *world) checkStart(a *attempt) {
	s := &a.slot
	if stored := w.mem.slots[idOf(s)]; stored.Status != Running {
		w.fail("slot %s of %s runs, and is %s", s.Local, s.Pipeline, stored.Status)
	}
	if n := len(w.under); n > worldConcurrency {
		w.fail("%d runs at once", n)
	}
	use := map[string]int{}
	for _, other := range w.under {
		for connection := range other.uses {
			use[connection]++
		}
	}
	for connection, limit := range a.uses {
		if use[connection] > limit {
			w.fail("%d runs use %s, which takes %d", use[connection], connection, limit)
		}
	}
	for _, other := range w.engine.open {
		if other.Pipeline == s.Pipeline && other.Nominal.Before(s.Nominal) {
			w.fail("slot %s of %s starts before that of %s", s.Local, s.Pipeline, other.Local)
		}
	}
	if now := w.clock.Now(); s.Origin == ByTime && s.Nominal.After(now) {
		w.fail("slot %s of %s starts at %s", s.Local, s.Pipeline, now)
	}
}

// noteOpen remembers what is open before a step.
func (w *world) noteOpen() {
	w.before = map[string][]Slot{}
	for k := range w.mem.open {
		w.before[k.pipeline] = append(w.before[k.pipeline], w.mem.slots[k])
	}
	for k, s := range w.engine.open { // with those whose end could not be written
		w.before[k.pipeline] = append(w.before[k.pipeline], *s)
	}
}

// Ended looks at a slot that ended, or waits for its next attempt.
func (w *world) Ended(s Slot, _ Outcome) {
	if s.Status == Due {
		return
	}
	if w.closed[idOf(&s)] {
		w.fail("slot %s of %s ended twice", s.Local, s.Pipeline)
	}
	w.closed[idOf(&s)] = s.Status != Missed && s.Status != Coalesced // those may come again
	w.checkRow(&s)
	if s.Status == Skipped && strings.Contains(s.Reason, "overlap is skip") && s.Attempts == 0 && s.RunID == "" && !strings.Contains(s.Reason, ErrBusy.Error()) {
		if !slices.ContainsFunc(w.before[s.Pipeline], func(o Slot) bool { return o.Status == Running || o.Nominal.Before(s.Nominal) }) {
			w.fail("slot %s of %s was skipped, and nothing was before it: %s", s.Local, s.Pipeline, s.Reason)
		}
	}
}

func (w *world) checkRow(s *Slot) {
	if s.Status != Done && strings.TrimSpace(s.Reason) == "" {
		w.fail("slot %s of %s is %s without a reason", s.Local, s.Pipeline, s.Status)
	}
	if s.EndedAt.IsZero() {
		w.fail("slot %s of %s is %s and has not ended", s.Local, s.Pipeline, s.Status)
	}
}

// checkEnd looks at the whole store after time has passed quietly.
func (w *world) checkEnd() {
	now := w.clock.Now()
	all := slices.Collect(maps.Values(w.mem.slots))
	slices.SortFunc(all, byNominal)
	for _, s := range all {
		w.seen.Slots++
		if s.Status == Due || s.Status == Running {
			if age := now.Sub(s.RecordedAt); age > 26*time.Hour || age > time.Hour && !strings.Contains(s.Reason, "waits for") {
				w.fail("slot %s of %s (%s) is %s since %s, not before %s, at %s: %s", s.Local, s.Pipeline, s.Origin, s.Status, s.RecordedAt, s.NotBefore, now, s.Reason)
			}
			continue
		}
		w.checkRow(&s)
		if s.Status == Done && w.commits[idOf(&s)] == 0 && strings.Contains(s.RunID, "!") {
			w.fail("slot %s of %s is done, and nothing was committed", s.Local, s.Pipeline)
		}
	}
	for name, p := range w.engine.active {
		if p.Table != nil {
			w.checkTimetable(name, p)
		}
		if p.Table == nil && len(p.After) > 0 {
			w.checkFollower(name, p)
		}
		if p.Files != nil {
			for path, print := range w.files[name] {
				if w.mem.arrived[name][path] != print {
					w.fail("%s has no slot for %s (%s)", name, path, print)
				}
			}
		}
	}
}

// checkTimetable wants each instant once: a row of its own, or within a
// stretch; and no row for what is no instant.
func (w *world) checkTimetable(name string, p *Plan) {
	var stretches []Slot
	for _, s := range w.mem.slots {
		if s.Pipeline != name || s.Origin != ByTime {
			continue
		}
		if !s.Through.IsZero() {
			stretches = append(stretches, s)
		}
		instant := s.Nominal
		if !s.Through.IsZero() {
			instant = instant.Add(time.Microsecond)
		}
		if !slices.ContainsFunc(w.tables[name], func(table Timetable) bool {
			last, ok := table.Previous(instant.Add(time.Nanosecond))
			return ok && last.Equal(instant)
		}) {
			w.fail("slot %s of %s is in no timetable", s.Local, name)
		}
	}
	for _, instant := range p.Table.Between(w.from[name], w.engine.watermark, 1_000_000) {
		n := 0
		if s, is := w.mem.slots[id{name, instant.UnixMicro()}]; is && s.Through.IsZero() {
			continue // a row of its own says more than a stretch it lies in
		}
		for _, s := range stretches {
			if !instant.Before(s.Nominal) && !instant.After(s.Through) {
				n++
			}
		}
		if n == 0 || n > 1 && w.edits == 0 {
			w.fail("instant %s of %s, known since %s, is written down %d times", instant, name, w.from[name], n)
		}
	}
}

// checkFollower wants no successes that nobody followed.
func (w *world) checkFollower(name string, p *Plan) {
	for _, other := range p.After {
		last := w.last[other]
		if !last.EndedAt.After(w.engine.since[name]) || w.clock.Now().Sub(last.EndedAt) < time.Minute {
			return
		}
		for _, s := range w.mem.slots {
			if s.Pipeline == name && s.Cause[other] == last.RunID {
				return
			}
		}
	}
	w.fail("%s has not followed %v", name, w.last)
}

func (t *tally) add(o tally) {
	t.Slots += o.Slots
	t.Commits += o.Commits
	t.Kills += o.Kills
	t.Steps += o.Steps
	t.Settled += o.Settled
}
