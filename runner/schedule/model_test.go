package schedule

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/tieout/tieout/pipelines/timetable"
	"github.com/tieout/tieout/runner"
)

// attempt is a run that the model has under way.
type attempt struct {
	slot   Slot
	uses   map[string]int
	end    chan Outcome
	until  time.Time // in passed time
	result Outcome
	begun  bool
}

// world is everything around an engine: time, the store, runs, people. What
// happens in it is drawn from a seed.
type world struct {
	fail   func(format string, args ...any)
	random *rand.Rand
	mem    *memory
	clock  *clockwork.FakeClock
	passed time.Time // true time; the clock may say something else
	engine *Engine   // nil while no process is there

	plans   map[string]*Plan
	files   map[string]folder
	begins  chan *attempt
	under   map[string]*attempt // by pipeline
	commits map[id]int          // what the sinks hold
	runIDs  map[id]string
	last    map[string]Success // the newest, whatever the clock said
	closed  map[id]bool        // slots whose end was seen

	tables  map[string][]Timetable // every timetable a pipeline ever had
	from    map[string]time.Time   // since when its present one must be complete
	taken   map[string]*Plan       // plans that from is for
	removed map[string]bool        // pipelines taken out since the plans were noted
	before  map[string][]Slot      // open before the step, by pipeline
	highest time.Time              // the latest time the clock ever said
	quiet   bool                   // nothing goes wrong any more
	doom    string                 // where the process is killed next
	edits   int
	seen    tally
}

// tally is what a seed exercised.
type tally struct{ Slots, Commits, Kills, Steps, Settled int }

const worldConcurrency = 3

var worldLimits = map[string]int{"x": 1, "y": 2}

func newWorld(seed uint64, fail func(string, ...any)) *world {
	start := at("2026-03-06T00:30:00Z")
	w := &world{fail: fail, random: rand.New(rand.NewPCG(seed, 1)), mem: newMemory(), clock: clockwork.NewFakeClockAt(start), passed: start,
		highest: start, plans: map[string]*Plan{}, files: map[string]folder{}, begins: make(chan *attempt), under: map[string]*attempt{},
		commits: map[id]int{}, runIDs: map[id]string{}, closed: map[id]bool{}, tables: map[string][]Timetable{}, from: map[string]time.Time{},
		taken: map[string]*Plan{}, removed: map[string]bool{}, last: map[string]Success{}}
	for _, name := range []string{"a", "b", "c", "d"}[:2+w.random.IntN(3)] {
		w.plans[name] = w.drawPlan(name)
	}
	w.boot()
	return w
}

func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

func (w *world) chance(in int) bool { return w.random.IntN(in) == 0 }

var newYork, _ = time.LoadLocation("America/New_York")

// drawPlan draws a plan. a and b have timetables, so that others have whom to
// follow.
func (w *world) drawPlan(name string) *Plan {
	r := w.random
	p := &Plan{Pipeline: name, CatchUp: pick(r, CatchUpNone, CatchUpLast, CatchUpAll), CatchUpMax: pick(r, 1, 3, 100),
		Overlap: pick(r, OverlapSkip, OverlapQueue), Jitter: pick(r, 0, 0, 20*time.Second, 10*time.Minute), Attempts: 1 + r.IntN(3),
		Backoff: pick(r, 0, 30*time.Second, 5*time.Minute), MaxBackoff: pick(r, 0, 10*time.Minute), Uses: map[string]int{}}
	for _, connection := range []string{"x", "y"} {
		if w.chance(3) {
			p.Uses[connection] = worldLimits[connection]
		}
	}
	kind := r.IntN(4)
	if name > "b" && kind < 3 {
		p.After = pick(r, []string{"a"}, []string{"b"}, []string{"a", "b"})
	}
	if name > "b" && kind == 1 {
		p.After, p.Poll = nil, 5*time.Second
		if w.files[name] == nil {
			w.files[name] = folder{}
		}
		p.Files = w.files[name]
	}
	if name <= "b" || kind >= 2 {
		w.drawTable(p)
	}
	if w.chance(12) {
		p.Broken = "line 3: unknown key"
	}
	return p
}

func (w *world) drawTable(p *Plan) {
	rules := []timetable.Rule{{Every: time.Hour}, {Every: 30 * time.Minute}, {Cron: "0 */2 * * *"}, {Cron: "30 2 * * *", Zone: newYork},
		{Cron: "15 1,13 * * *", Zone: newYork}, {Every: 6 * time.Hour}}
	rule := rules[w.random.IntN(len(rules))]
	if w.chance(30) {
		rule = timetable.Rule{Every: time.Minute} // more than a row each
	}
	table, err := timetable.New(rule)
	if err != nil {
		panic(err)
	}
	p.Table, p.Zone, p.Rule = table, table.Zone(), fmt.Sprint(rule.Cron, rule.Every)
	w.tables[p.Pipeline] = append(w.tables[p.Pipeline], table)
}

// boot starts a process, if the store lets it.
func (w *world) boot() {
	w.engine = New(Config{NewID: w.mem.newID, Slots: w.mem, Register: w.mem, Past: w.mem, Runner: w, Observer: w, Clock: w.clock,
		Log: slog.New(slog.DiscardHandler), Concurrency: worldConcurrency, Look: time.Second})
	w.engine.SetPlans(slices.Collect(maps.Values(w.plans)))
	if err := w.engine.begin(context.Background()); err != nil {
		w.engine = nil
		return
	}
	w.step()
}

// step lets the engine look, and meets the runs it starts.
func (w *world) step() {
	for round := 0; w.engine != nil; round++ {
		if round > 5000 {
			w.fail("the engine starts runs without end: %v", w.under)
		}
		w.finishRuns()
		if w.engine == nil {
			return
		}
		w.noteOpen()
		w.engine.step(context.Background())
		w.seen.Steps++
		w.notePlans()
		if fresh := w.meet(); !fresh {
			return
		}
	}
}

// meet receives the attempts the engine has begun since.
func (w *world) meet() bool {
	var fresh []*attempt
	for len(w.under)+len(fresh) < len(w.engine.running) {
		fresh = append(fresh, <-w.begins)
	}
	slices.SortFunc(fresh, func(a, b *attempt) int { return cmp.Compare(a.slot.Pipeline, b.slot.Pipeline) })
	for _, a := range fresh {
		if w.under[a.slot.Pipeline] != nil {
			w.fail("two runs of %s at once", a.slot.Pipeline)
		}
		a.uses = w.engine.active[a.slot.Pipeline].Uses
		w.under[a.slot.Pipeline] = a
	}
	for _, a := range fresh {
		if w.engine == nil {
			break
		}
		w.checkStart(a)
		w.live(a)
	}
	return len(fresh) > 0
}

// RunSlot is met by the model, which says what becomes of the run.
func (w *world) RunSlot(ctx context.Context, s Slot) Outcome {
	a := &attempt{slot: s, end: make(chan Outcome)}
	w.begins <- a
	select {
	case o := <-a.end:
		return o
	case <-ctx.Done():
		return Outcome{Run: runner.Run{RunID: a.slot.RunID, Status: runner.Interrupted}, Err: ctx.Err()}
	}
}

// live draws what becomes of an attempt, as project.Run would have it: what an
// earlier one committed is not run again.
func (w *world) live(a *attempt) {
	if w.doomed("claim") {
		return
	}
	k := idOf(&a.slot)
	a.until = w.passed
	if w.commits[k] > 0 {
		w.seen.Settled++
		a.result = Outcome{Run: runner.Run{RunID: w.runIDs[k], Status: runner.Loaded, FinishedAt: w.clock.Now()}}
		return
	}
	draw := w.random.IntN(20)
	if w.quiet {
		draw = 19
	}
	if draw == 0 {
		a.result = Outcome{Err: fmt.Errorf("%w: tieout run", ErrBusy)}
		return
	}
	runID := a.slot.RunID
	a.begun = true
	a.result = outcomeOf(draw, runID)
	if !w.chance(3) && !w.quiet {
		a.until = w.passed.Add(pick(w.random, time.Second, time.Minute, 20*time.Minute, 3*time.Hour))
	}
}

func outcomeOf(draw int, runID string) Outcome {
	fault := errors.New("no route to host")
	switch draw {
	case 1:
		return Outcome{Err: fmt.Errorf("%w: no such key", ErrBroken)}
	case 2, 3, 4:
		return Outcome{Run: runner.Run{RunID: runID, Status: runner.Failed, Error: fault.Error()}, Err: fault}
	case 5, 6:
		return Outcome{Run: runner.Run{RunID: runID, Status: runner.Unknown, Error: "lost"}, Err: fault}
	case 7:
		return Outcome{Run: runner.Run{RunID: runID, Status: runner.Blocked, Error: "3 of 9 records held"}, Err: runner.ErrBlocked}
	case 8:
		return Outcome{Err: errors.New("the run broke down: index out of range")}
	case 9:
		return Outcome{Run: runner.Run{RunID: runID, Status: runner.NothingNew}}
	}
	return Outcome{Run: runner.Run{RunID: runID, Status: runner.Loaded}}
}

// finishRuns ends the runs whose time has come.
func (w *world) finishRuns() {
	for _, name := range slices.Sorted(maps.Keys(w.under)) {
		a := w.under[name]
		if a == nil || a.until.After(w.passed) {
			continue
		}
		if !w.commit(a) {
			return
		}
		delete(w.under, name)
		a.end <- a.result
		w.engine.finish(context.Background(), <-w.engine.done)
	}
}

// commit lets the sink hold what a run loaded; false when the process is
// killed right then.
func (w *world) commit(a *attempt) bool {
	run := &a.result.Run
	commits := a.begun && (run.Status == runner.Loaded || w.chance(2) && (run.Status == runner.Unknown || run.RunID == "" && !errors.Is(a.result.Err, ErrBroken)))
	if !commits {
		run.FinishedAt = w.clock.Now()
		return true
	}
	k := idOf(&a.slot)
	if w.closed[k] {
		w.fail("slot %s of %s was run after its end", a.slot.Local, a.slot.Pipeline)
	}
	if w.commits[k]++; w.commits[k] > 1 {
		w.fail("slot %s of %s was committed %d times", a.slot.Local, a.slot.Pipeline, w.commits[k])
	}
	w.seen.Commits++
	run.FinishedAt = w.clock.Now()
	w.runIDs[k] = a.slot.Pipeline + "!" + fmt.Sprint(k.nominal)
	if run.Status == runner.Loaded {
		run.RunID = w.runIDs[k]
	}
	w.succeed(Success{Pipeline: a.slot.Pipeline, RunID: w.runIDs[k], EndedAt: run.FinishedAt})
	return !w.doomed("commit")
}

func (w *world) succeed(s Success) {
	w.last[s.Pipeline] = s
	w.mem.succeed(s)
}

// doomed kills the process where it was to be killed.
func (w *world) doomed(where string) bool {
	if w.doom != where || w.quiet {
		return false
	}
	w.doom = ""
	w.kill()
	return true
}

// kill ends the process as a power cut does. Runs of its past commit or not.
func (w *world) kill() {
	if w.engine == nil {
		return
	}
	w.seen.Kills++
	old := w.engine
	w.engine = nil
	for _, name := range slices.Sorted(maps.Keys(w.under)) {
		a := w.under[name]
		delete(w.under, name)
		if a.begun && w.commits[idOf(&a.slot)] == 0 && w.chance(3) {
			w.engine = nil
			w.commit(a)
		}
		a.end <- a.result
		<-old.done
	}
}

// stop ends the process in order; runs that go on are interrupted.
func (w *world) stop() {
	if w.engine == nil {
		return
	}
	over, cancel := context.WithCancel(context.Background())
	cancel()
	_ = w.engine.drain(context.Background(), over)
	clear(w.under)
	w.engine = nil
}

func (w *world) Started(Slot, time.Duration)     {}
func (w *world) Freshness(string, Success, bool) {}
func (w *world) Watched(error)                   {}

// foundBefore are seeds at which the model and the engine once disagreed: the
// rule of a pipeline changed in the same breath as it left and came back.
var foundBefore = []uint64{1376, 3805, 7981, 10778, 11283, 13698, 14900, 16266, 19335}

// TestModel lives through many worlds: kills at any point, clocks that are
// set, a store that fails, edits, triggers, pauses, and runs that end in every
// way. TIEOUT_SOAK makes it 20,000.
func TestModel(t *testing.T) {
	t.Parallel()
	n, failed := seeds(500), 0
	var sum tally
	for i := range n + len(foundBefore) {
		seed := uint64(i)
		if i >= n {
			seed = foundBefore[i-n]
		}
		if !modelSeed(t, seed, &sum) {
			if failed++; failed == 10 {
				return
			}
		}
	}
	line, err := json.Marshal(map[string]any{"test": t.Name(), "seeds": n, "failed": failed, "did": sum})
	if err != nil {
		t.Fatal(err)
	}
	if n > 500 {
		fmt.Println(string(line))
	} else {
		t.Logf("%s", line)
	}
}
