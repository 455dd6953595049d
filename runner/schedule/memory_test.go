package schedule

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/tieout/tieout/runner"
)

// memory keeps slots as the state store does, and outlives engines.
type memory struct {
	mu        sync.Mutex
	slots     map[id]Slot
	open      map[id]bool
	ids       int
	watermark time.Time
	since     map[string]time.Time
	pauses    map[string]Pause
	successes []Success
	arrived   map[string]map[string]string
	fail      error // of every call; nothing is written
	lost      int   // how many calls are written, but answered with an error
}

var errLost = errors.New("connection lost")

// answer is the error of a call that was carried out.
func (m *memory) answer() error {
	if m.lost > 0 {
		m.lost--
		return errLost
	}
	return nil
}

func newMemory() *memory {
	return &memory{slots: map[id]Slot{}, open: map[id]bool{}, since: map[string]time.Time{}, pauses: map[string]Pause{}, arrived: map[string]map[string]string{}}
}

func (m *memory) Propose(_ context.Context, slots []Slot, watermark time.Time) ([]Slot, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return nil, m.fail
	}
	var added []Slot
	for _, s := range slots {
		if _, exists := m.slots[idOf(&s)]; exists {
			continue
		}
		m.put(s)
		added = append(added, s)
		if s.Origin == ByFiles {
			if m.arrived[s.Pipeline] == nil {
				m.arrived[s.Pipeline] = map[string]string{}
			}
			maps.Copy(m.arrived[s.Pipeline], s.Cause)
		}
	}
	if !watermark.IsZero() {
		m.watermark = watermark
	}
	if err := m.answer(); err != nil {
		return nil, err
	}
	return added, nil
}

func (m *memory) put(s Slot) {
	m.slots[idOf(&s)] = s
	delete(m.open, idOf(&s))
	if s.Status == Due || s.Status == Running {
		m.open[idOf(&s)] = true
	}
}

func (m *memory) Open(context.Context) ([]Slot, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []Slot
	for k := range m.open {
		out = append(out, m.slots[k])
	}
	slices.SortFunc(out, byNominal)
	return out, m.fail
}

func (m *memory) Claim(_ context.Context, s Slot) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return false, m.fail
	}
	if m.slots[idOf(&s)].Status != Due {
		return false, nil
	}
	m.put(s)
	return true, m.answer()
}

// newID counts, over restarts.
func (m *memory) newID() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ids++
	return fmt.Sprint("run ", m.ids)
}

func (m *memory) Update(_ context.Context, s Slot, was string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return m.fail
	}
	if old := m.slots[idOf(&s)]; (old.Status == Due || old.Status == Running) && old.RunID == was {
		m.put(s)
	}
	return m.answer()
}

func (m *memory) Watermark(context.Context) (time.Time, error) { return m.watermark, nil }

func (m *memory) Reopen(_ context.Context, to time.Time) (int, error) {
	if m.fail != nil {
		return 0, m.fail
	}
	if m.watermark.After(to) {
		m.watermark = to
	}
	n := 0
	for k, s := range m.slots {
		switch {
		case s.Status != Missed && s.Status != Coalesced:
		case s.Nominal.After(to):
			delete(m.slots, k)
			n++
		case s.Through.After(to):
			s.Through = to
			m.slots[k] = s
		}
	}
	for name, since := range m.since {
		if since.After(to) {
			m.since[name] = to
		}
	}
	return n, m.answer()
}

func (m *memory) Enroll(_ context.Context, pipelines []string, now time.Time) (map[string]time.Time, error) {
	if m.fail != nil {
		return nil, m.fail
	}
	since := map[string]time.Time{}
	for _, name := range pipelines {
		since[name] = now
		if known, is := m.since[name]; is {
			since[name] = known
		}
	}
	m.since = maps.Clone(since)
	return since, m.answer()
}

func (m *memory) Pauses(context.Context) (map[string]Pause, error) {
	return maps.Clone(m.pauses), m.fail
}

func (m *memory) Successes(_ context.Context, since time.Time) ([]Success, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := len(m.successes)
	for i > 0 && !m.successes[i-1].EndedAt.Before(since) {
		i--
	}
	return slices.Clone(m.successes[i:]), m.fail
}

// succeed notes a success among the others, by when they ended.
func (m *memory) succeed(s Success) {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := len(m.successes)
	for i > 0 && m.successes[i-1].EndedAt.After(s.EndedAt) {
		i--
	}
	m.successes = slices.Insert(m.successes, i, s)
}

func (m *memory) LastSuccesses(context.Context) (map[string]Success, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := map[string]Success{}
	for _, s := range m.successes {
		out[s.Pipeline] = s
	}
	return out, nil
}

func (m *memory) Arrivals(_ context.Context, pipeline string) (map[string]string, error) {
	return maps.Clone(m.arrived[pipeline]), nil
}

func (m *memory) Followed(context.Context) (map[string]map[string]string, error) {
	newest := map[string]Slot{}
	for _, s := range m.slots {
		if s.Origin == ByAfter && s.Nominal.After(newest[s.Pipeline].Nominal) {
			newest[s.Pipeline] = s
		}
	}
	out := map[string]map[string]string{}
	for name, s := range newest {
		out[name] = s.Cause
	}
	return out, nil
}

// all lists the slots of a pipeline by instant.
func (m *memory) all(pipeline string) []Slot {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []Slot
	for _, s := range m.slots {
		if s.Pipeline == pipeline {
			out = append(out, s)
		}
	}
	slices.SortFunc(out, byNominal)
	return out
}

// rig is an engine over a memory, stepped by hand.
type rig struct {
	t       *testing.T
	mem     *memory
	clock   *clockwork.FakeClock
	engine  *Engine
	plans   []*Plan
	outcome func(s Slot) Outcome
	runs    map[id]int // attempts that committed
	late    map[string]bool
	wrong   error
	events  []Slot
}

func newRig(t *testing.T, start time.Time, plans ...*Plan) *rig {
	r := &rig{t: t, mem: newMemory(), clock: clockwork.NewFakeClockAt(start), plans: plans, runs: map[id]int{}, late: map[string]bool{}}
	r.restart()
	return r
}

// restart throws the engine away, as a kill does, and begins a new one.
func (r *rig) restart() {
	r.t.Helper()
	r.engine = New(Config{NewID: r.mem.newID, Slots: r.mem, Register: r.mem, Past: r.mem, Runner: r, Observer: r, Clock: r.clock,
		Log: slog.New(slog.DiscardHandler), Concurrency: 4, Look: time.Second})
	r.engine.SetPlans(r.plans)
	if err := r.engine.begin(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
	r.step()
}

// step looks until nothing more starts or ends.
func (r *rig) step() {
	for {
		r.engine.step(r.t.Context())
		if len(r.engine.running) == 0 {
			return
		}
		for len(r.engine.running) > 0 {
			r.engine.finish(r.t.Context(), <-r.engine.done)
		}
	}
}

// to sets the clock, in either direction, and looks.
func (r *rig) to(t time.Time) {
	r.clock.Advance(t.Sub(r.clock.Now()))
	r.step()
}

func (r *rig) RunSlot(_ context.Context, s Slot) Outcome {
	o := Outcome{Run: runner.Run{RunID: s.RunID, Status: runner.Loaded, FinishedAt: r.clock.Now()}}
	if r.outcome != nil {
		o = r.outcome(s)
	}
	if o.Run.Status == runner.Loaded {
		r.mem.succeed(Success{Pipeline: s.Pipeline, RunID: o.Run.RunID, EndedAt: r.clock.Now()})
		r.mem.mu.Lock()
		defer r.mem.mu.Unlock()
		r.runs[idOf(&s)]++
	}
	return o
}

func (r *rig) Started(Slot, time.Duration) {}

func (r *rig) Ended(s Slot, _ Outcome) { r.events = append(r.events, s) }

func (r *rig) Freshness(pipeline string, _ Success, late bool) { r.late[pipeline] = late }

func (r *rig) Watched(err error) { r.wrong = err }

// counts says how many slots of a pipeline ended how.
func (r *rig) counts(pipeline string) map[Status]int {
	out := map[Status]int{}
	for _, s := range r.mem.all(pipeline) {
		out[s.Status]++
	}
	return out
}
