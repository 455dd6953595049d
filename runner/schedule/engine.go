package schedule

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"
)

// Runner runs the pipeline of a slot once.
type Runner interface {
	// RunSlot settles what earlier attempts at the slot left behind. When one
	// of them is committed, its run is the outcome and nothing is run. Else a
	// run of the id s.RunID is executed.
	RunSlot(ctx context.Context, s Slot) Outcome
}

// Observer is told what happens, in the engine's own goroutine: it must not
// block.
type Observer interface {
	// Started is told when an attempt begins, and how late it is.
	Started(s Slot, lag time.Duration)
	// Ended is told of an attempt that came to an end, or of a slot that ended
	// without one. s.Status is Due when another attempt follows.
	Ended(s Slot, o Outcome)
	// Freshness is told at every look how a pipeline that promises to be fresh
	// stands; last is zero when it never succeeded.
	Freshness(pipeline string, last Success, late bool)
	// Watched is told after every look; a clock that cannot be right is err.
	Watched(err error)
}

// Alarms wakes the engine. Alarm implements it.
type Alarms interface {
	// Set sets the alarm for these plans; with all, for each anew.
	Set(plans map[string]*Plan, all bool) error
}

// Config is everything an engine needs of the world.
type Config struct {
	Slots    Slots
	Register Register
	Past     Past
	Runner   Runner
	Observer Observer
	// Alarm wakes the engine at the instants of the plans; nil leaves it to
	// the look every now and then.
	Alarm Alarms
	Clock clockwork.Clock
	Log   *slog.Logger
	NewID func() string // of runs
	// Woken is asked before the first look after a long pause, in which another
	// process may have taken over. An error ends Run; nil always goes on.
	Woken func(ctx context.Context) error
	// Check is asked at every look whether the store is still the one that
	// others see; an error keeps everything from starting. It may be nil.
	Check func() error
	// Concurrency is how many runs are under way at once.
	Concurrency int
	// AcceptClock takes the clock's word even when it is more than a year
	// ahead of the last sign of life.
	AcceptClock bool
	// Look is how often the store is looked at for what other processes wrote
	// and files are listed.
	Look time.Duration
}

// Engine proposes slots and runs them. One goroutine, Run's, owns its state.
type Engine struct {
	Config

	mu    sync.Mutex
	plans map[string]*Plan // replaced as a whole by SetPlans
	fresh bool             // plans are new to the loop

	wake chan struct{}
	done chan ended

	// Owned by Run.
	active    map[string]*Plan
	since     map[string]time.Time
	next      map[string]time.Time // the next instant of each timetable
	listed    map[string]time.Time // when files were listed last
	pauses    map[string]Pause
	successes map[string]Success
	followed  map[string]map[string]string
	open      map[id]*Slot
	running   map[string]underway // by pipeline
	began     time.Time           // when this process did
	watermark time.Time
	believed  time.Time    // the watermark that AcceptClock lets be so far back
	saved     time.Time    // the watermark in the store
	looked    time.Time    // when the store was looked at last
	stepped   time.Time    // when the last step began
	seen      time.Time    // what the clock said at the last step
	unsaved   map[id]ended // whose end could not be written down
	inDoubt   bool         // whether the store went back
	stopping  bool
	complaint string // the last trouble of a look
	said      time.Time
}

// id is a slot's identity within the engine.
type id struct {
	pipeline string
	nominal  int64 // microseconds
}

func idOf(s *Slot) id { return id{s.Pipeline, s.Nominal.UnixMicro()} }

// ended is an attempt that came to its end.
type ended struct {
	slot    Slot
	outcome Outcome
	was     string // the run that claimed it
}

// underway is a run that was started and has not ended.
type underway struct {
	cancel context.CancelFunc
	uses   map[string]int // connections it occupies, whatever its plan says now
}

// New makes an engine. It does nothing before Run.
func New(c Config) *Engine {
	return &Engine{Config: c, plans: map[string]*Plan{}, wake: make(chan struct{}, 1), done: make(chan ended),
		active: map[string]*Plan{}, since: map[string]time.Time{}, next: map[string]time.Time{}, listed: map[string]time.Time{},
		pauses: map[string]Pause{}, successes: map[string]Success{}, followed: map[string]map[string]string{},
		open: map[id]*Slot{}, running: map[string]underway{}, unsaved: map[id]ended{}}
}

// SetPlans gives the engine the pipelines there are now. It may be called at
// any time; runs under way go on.
func (e *Engine) SetPlans(plans []*Plan) {
	byName := make(map[string]*Plan, len(plans))
	for _, p := range plans {
		byName[p.Pipeline] = p
	}
	e.mu.Lock()
	e.plans, e.fresh = byName, true
	e.mu.Unlock()
	e.Wake()
}

// Wake makes the engine look now. It never blocks.
func (e *Engine) Wake() {
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

// Run proposes and runs slots until ctx ends. Then it starts nothing more and
// returns when the runs under way have ended; runs still going when drain ends
// are cancelled, and their slots are due again. The error is what kept the
// engine from beginning.
func (e *Engine) Run(ctx, drain context.Context) error {
	if err := e.begin(ctx); err != nil {
		return err
	}
	for {
		if err := e.awake(ctx); err != nil {
			return err
		}
		timer := e.Clock.NewTimer(e.step(ctx))
		select {
		case <-ctx.Done():
			timer.Stop()
			return e.drain(ctx, drain)
		case <-e.wake:
		case <-timer.Chan():
		case got := <-e.done:
			e.finish(ctx, got)
		}
		timer.Stop()
	}
}

// awake finds out after a pause, such as that of a stopped process, whether
// this one still serves. When it does not, its runs are cancelled and what
// became of their slots is the other process's to say.
func (e *Engine) awake(ctx context.Context) error {
	now := e.Clock.Now()
	paused := max(now.Sub(e.stepped), now.Round(0).Sub(e.stepped.Round(0))) > longPause
	e.stepped = now
	if e.Woken == nil || !paused {
		return nil
	}
	err := e.Woken(ctx)
	if err == nil {
		return nil
	}
	for _, run := range e.running {
		run.cancel()
	}
	for range e.running {
		<-e.done
	}
	return fmt.Errorf("go on after a pause: %w", err)
}

// begin reads where the last process stopped. Slots that it left running are
// due again: whether their runs committed is settled when they are.
func (e *Engine) begin(ctx context.Context) error {
	now := e.now()
	e.began = now
	watermark, err := e.Register.Watermark(ctx)
	if err != nil {
		return fmt.Errorf("read how far the schedule is: %w", err)
	}
	accept := e.AcceptClock && now.Sub(watermark).Abs() > wrongClock
	if accept && now.Before(watermark) {
		if _, err := e.Register.Reopen(ctx, now); err != nil {
			return fmt.Errorf("go back to %s: %w", instant(now), err)
		}
	}
	switch e.watermark = watermark; {
	case watermark.IsZero(), accept && now.Before(watermark):
		e.watermark = now
	case accept:
		e.believed = watermark // what lies between is caught up with as after any pause
	}
	e.saved = watermark
	if e.successes, err = e.Past.LastSuccesses(ctx); err != nil {
		return fmt.Errorf("read earlier runs: %w", err)
	}
	if e.followed, err = e.Past.Followed(ctx); err != nil {
		return fmt.Errorf("read earlier slots: %w", err)
	}
	return e.recover(ctx, now)
}

func (e *Engine) recover(ctx context.Context, now time.Time) error {
	open, err := e.Slots.Open(ctx)
	if err != nil {
		return fmt.Errorf("read open slots: %w", err)
	}
	for i := range open {
		s := open[i]
		if s.Status == Running {
			was := s.RunID
			s.Status, s.NotBefore, s.RunID = Due, now, ""
			s.Reason = "the process that ran it ended; what became of its run is settled first"
			if s.Attempts >= mostCrashes {
				end(&s, Failed, fmt.Sprintf("the process ended during attempt %d too; look for what ends it, then `tieout run %s`", s.Attempts, s.Pipeline))
				s.EndedAt = now
			}
			if err := e.Slots.Update(ctx, s, was); err != nil {
				return fmt.Errorf("take over the slot of %s: %w", s.Pipeline, err)
			}
		}
		if s.Status == Due {
			e.open[idOf(&s)] = &s
		} else {
			e.Observer.Ended(s, Outcome{})
		}
	}
	return nil
}

// now is what the clock on the wall says. Without Round, two readings of one
// process would be compared by how much time passed between them, and a clock
// that was set would go unnoticed.
func (e *Engine) now() time.Time { return e.Clock.Now().Round(0) }

// step looks once: new plans, what other processes wrote, new slots, and what
// can start. It gives the time until something waits to start.
func (e *Engine) step(ctx context.Context) time.Duration {
	now := e.now()
	err := e.look(ctx, now)
	if err == nil {
		err = e.sweep(ctx, now)
	}
	wait := e.Look
	if err == nil {
		wait = e.dispatch(ctx, now)
	} else if ctx.Err() == nil {
		e.complain(err, now)
	}
	e.Observer.Watched(err)
	return wait
}

// complain logs what is wrong, once a minute while it lasts.
func (e *Engine) complain(err error, now time.Time) {
	kind := err.Error()
	if errors.Is(err, ErrClock) {
		kind = ErrClock.Error()
	}
	if kind != e.complaint || now.Sub(e.said).Abs() > time.Minute {
		e.Log.Error("nothing is started", "error", err)
		e.complaint, e.said = kind, now
	}
}

// openByName are the open slots of each pipeline, in no order.
func (e *Engine) openByName() map[string][]*Slot {
	out := make(map[string][]*Slot, len(e.open))
	for k, s := range e.open {
		out[k.pipeline] = append(out[k.pipeline], s)
	}
	return out
}

func byNominal(a, b Slot) int { return byInstant(&a, &b) }

func byInstant(a, b *Slot) int {
	return cmp.Or(a.Nominal.Compare(b.Nominal), cmp.Compare(a.Pipeline, b.Pipeline))
}

// drain waits for the runs under way, and cancels them when its time is over.
func (e *Engine) drain(ctx, drain context.Context) error {
	ctx = context.WithoutCancel(ctx)
	e.stopping = true
	over := drain.Done()
	for len(e.running) > 0 {
		select {
		case got := <-e.done:
			e.finish(ctx, got)
		case <-over:
			over = nil
			for _, run := range e.running {
				run.cancel()
			}
		}
	}
	e.saveEnds(ctx)
	if e.watermark.After(e.saved) && len(e.active) > 0 && !e.inDoubt {
		_, err := e.Slots.Propose(ctx, nil, e.watermark)
		return err
	}
	return nil
}
