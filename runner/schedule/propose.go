package schedule

import (
	"fmt"
	"slices"
	"time"
)

const (
	// onTime is how late a slot may be noticed and still be on time.
	onTime = time.Minute
	// mostRows is how many slots of one pipeline one look writes down one by
	// one; older ones become a single row.
	mostRows = 1000
	// mostQueued is how many slots of a pipeline may wait at once.
	mostQueued = 1000
)

// standing is how a pipeline stands when its slots are proposed.
type standing struct {
	open   []Slot // due or running, oldest first
	paused *Pause
	began  time.Time // when the process began to serve
}

// propose gives the slots of the timetable in (after, now], each with what is
// to become of it. It is a pure function, so a look repeated after a crash
// proposes the same slots.
func (p *Plan) propose(after, now time.Time, st standing) []Slot {
	instants := p.Table.Between(after, now, mostRows)
	if len(instants) == 0 {
		return nil
	}
	slots := make([]Slot, len(instants))
	for i, at := range instants {
		slots[i] = p.slot(at, ByTime, now)
	}
	switch {
	case p.Broken != "":
		endAll(slots, Skipped, "the pipeline cannot run: "+p.Broken)
	case st.paused != nil:
		endAll(slots, Skipped, st.paused.reason())
	default:
		p.catchUp(slots, now)
		if len(slots) == 1 || slots[0].Status != Coalesced { // one that stands for others runs
			p.overlap(&slots[len(slots)-1], now, st)
		}
	}
	for i := range slots {
		if s := &slots[i]; s.Status == Due {
			s.NotBefore = s.Nominal.Add(p.jitter(s.Nominal))
		} else {
			s.EndedAt = now
		}
	}
	if older, yes := p.older(after, instants[0], now); yes {
		slots = append([]Slot{older}, slots...)
	}
	return slots
}

// older is the one row for the slots before the first that gets its own.
func (p *Plan) older(after, first, now time.Time) (Slot, bool) {
	last, ok := p.Table.Previous(first)
	if !ok || !last.After(after) {
		return Slot{}, false
	}
	from, ok := p.Table.Next(after)
	if !ok {
		return Slot{}, false
	}
	s := p.slot(from, ByTime, now)
	s.Nominal = s.Nominal.Add(-time.Microsecond) // its first slot may have a row of its own, of before the clock was set
	s.Through, s.EndedAt = last.UTC(), now
	end(&s, Missed, fmt.Sprintf("nothing ran from %s to %s; too many slots for a row each", instant(from), instant(last)))
	return s, true
}

// catchUp says which slots that have passed still run.
func (p *Plan) catchUp(slots []Slot, now time.Time) {
	last := &slots[len(slots)-1]
	late := now.Sub(last.Nominal) > onTime+p.Jitter
	passed := slots[:len(slots)-1]
	switch p.CatchUp {
	case CatchUpNone:
		if late {
			passed = slots
		}
		endAll(passed, Missed, "nothing ran at its time, and catch_up is none")
	case CatchUpAll:
		if over := len(slots) - max(1, p.CatchUpMax); over > 0 {
			endAll(slots[:over], Missed, fmt.Sprintf("nothing ran at its time, and catch_up_max is %d", p.CatchUpMax))
		}
	default:
		endAll(passed, Coalesced, "nothing ran at its time; the slot of "+last.Local+" stands for it")
	}
}

// overlap says what becomes of the newest slot while others have not ended. A
// slot that is being caught up is never
// skipped, nor is one of the time before this process began: what is open
// then was left by another process and may have ended with it.
func (p *Plan) overlap(s *Slot, now time.Time, st standing) {
	open := slices.DeleteFunc(slices.Clone(st.open), func(o Slot) bool { return o.Status != Running && !o.Nominal.Before(s.Nominal) })
	if s.Status != Due || len(open) == 0 || !s.Nominal.After(st.began) {
		return
	}
	first := &open[0]
	switch {
	case len(open) >= mostQueued:
		end(s, Skipped, fmt.Sprintf("%d earlier slots wait already", len(open)))
	case p.Overlap == OverlapQueue || now.Sub(s.Nominal) > onTime+p.Jitter || waitsForOthers(first, p):
	case first.Status == Running:
		end(s, Skipped, "the slot of "+first.Local+" is still running, and overlap is skip")
	default:
		reason := "the slot of " + first.Local + " has not ended, and overlap is skip"
		if first.Reason != "" {
			reason += ": " + first.Reason
		}
		end(s, Skipped, reason)
	}
}

// waitsForOthers reports whether a slot never started because pipelines it
// follows have not succeeded. The next slot takes its place.
func waitsForOthers(s *Slot, p *Plan) bool {
	return s.Status == Due && s.Attempts == 0 && s.Origin == ByTime && len(p.After) > 0
}

// overtaken are open slots that a newer slot of the same pipeline stands for.
func (p *Plan) overtaken(newer *Slot, open []Slot, now time.Time) []Slot {
	var out []Slot
	for _, s := range open {
		if newer.Status == Due && newer.Origin == ByTime && p.Overlap == OverlapSkip && waitsForOthers(&s, p) && s.Nominal.Before(newer.Nominal) {
			end(&s, Coalesced, "it still waited when the slot of "+newer.Local+" was due, which stands for it: "+s.Reason)
			s.EndedAt = now
			out = append(out, s)
		}
	}
	return out
}

func endAll(slots []Slot, status Status, reason string) {
	for i := range slots {
		if slots[i].Status == Due {
			end(&slots[i], status, reason)
		}
	}
}

func end(s *Slot, status Status, reason string) { s.Status, s.Reason = status, reason }

func (p *Pause) reason() string {
	text := fmt.Sprintf("paused by %s since %s", p.By, instant(p.At))
	if p.Note != "" {
		text += ": " + p.Note
	}
	return text
}

func instant(t time.Time) string { return t.UTC().Format(time.RFC3339) }
