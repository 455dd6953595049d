package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/tieout/tieout/runner/alert"
	"github.com/tieout/tieout/runner/project"
	"github.com/tieout/tieout/runner/schedule"
	"github.com/tieout/tieout/runner/state"
)

const (
	lookEvery   = time.Second
	reloadEvery = time.Second
	pruneEvery  = 6 * time.Hour
	// lateEvery is how often the bell hears of a pipeline that is still late;
	// it decides when people do.
	lateEvery = 10 * time.Minute
	// lastWords is how long letters may take to leave when the process stops.
	lastWords = 5 * time.Second
)

// Options are what serving needs of the world. Listen and Concurrency replace
// what tieout.yaml says when they are set.
type Options struct {
	// Open loads the project from its files.
	Open        func() *project.Project
	Dir         string
	Environment string
	Listen      string // host:port, "off", or "" for what tieout.yaml says
	Concurrency int
	AcceptClock bool
	Clock       clockwork.Clock
	NewID       func() string // of runs
	Log         *slog.Logger
	Version     string
	// Group is how long an alert waits for others to be sent with it; 0 is
	// the courier's own.
	Group time.Duration
	// Announce is told once, when slots begin to be looked for: the address of
	// the endpoints ("" when off).
	Announce func(address string)
}

// ErrLost says that another process took over while this one showed no sign
// of life.
var ErrLost = fmt.Errorf("%w: another process has taken over the schedule", state.ErrLocked)

// server is a process that serves.
type server struct {
	Options
	shelf   *shelf
	store   *state.Store
	keeper  *state.Timekeeper
	lock    *state.ServeLock
	engine  *schedule.Engine
	bell    *alert.Bell
	courier *alert.Courier
	meters  *meters
	health  *health
	late    map[string]time.Time // when the bell was last rung for a late pipeline
}

// Run serves until ctx ends, then lets the runs under way finish for the
// project's drain time, and undoes those that have not. The error is what kept
// it from beginning, or from going on.
func Run(ctx context.Context, o Options) error {
	s := &server{Options: o, health: newHealth(o.Clock), late: map[string]time.Time{}}
	s.shelf = newShelf(o.Open, o.Dir, o.Log)
	if err := s.shelf.load(); err != nil {
		return err
	}
	store, err := s.shelf.project().State(ctx)
	if err != nil {
		return err
	}
	defer store.Close()
	s.store = store
	s.keeper = store.Schedule(s.shelf.name(), o.Environment)
	s.meters = newMeters(s.undelivered)
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	me := s.holder()
	lock, err := store.LockServe(ctx, s.shelf.name(), o.Environment, me, func() { stop(ErrLost) })
	if err != nil {
		return err
	}
	defer lock.Release()
	s.lock = lock
	address, closeEndpoints, err := s.open(ctx)
	if err != nil {
		return err
	}
	defer closeEndpoints()
	if address != "" {
		if err := lock.Rename(ctx, me+", http://"+address); err != nil {
			return err
		}
	}
	o.Announce(address)
	err = s.serve(ctx)
	if errors.Is(err, state.ErrLocked) || errors.Is(context.Cause(ctx), ErrLost) {
		return ErrLost
	}
	return err
}

// holder is how other processes name this one.
func (s *server) holder() string {
	host, err := os.Hostname()
	if err != nil {
		host = "this machine"
	}
	text := fmt.Sprintf("process %d on %s since %s, project %s", os.Getpid(), host, s.Clock.Now().UTC().Format(time.RFC3339), s.shelf.name())
	if s.Environment != "" {
		text += ", environment " + s.Environment
	}
	return text
}

// serve runs the engine and what goes on beside it.
func (s *server) serve(ctx context.Context) error {
	s.openAlerts(ctx)
	engine, closeAlarm, err := s.newEngine()
	if err != nil {
		return err
	}
	defer closeAlarm()
	s.engine = engine
	s.engine.SetPlans(s.shelf.plans())

	beside, stop := context.WithCancel(context.WithoutCancel(ctx))
	var others sync.WaitGroup
	others.Go(func() { s.courier.Run(beside) })
	others.Go(func() { s.reloading(beside) })
	others.Go(func() { s.pruning(beside) })

	drain, drained := context.WithCancel(context.WithoutCancel(ctx))
	defer drained()
	context.AfterFunc(ctx, func() {
		s.health.drain()
		if errors.Is(context.Cause(ctx), ErrLost) { // its runs would be refused by their sinks
			drained()
			return
		}
		s.Log.Info("stopping: runs under way may finish", "drain", s.shelf.drain().String())
		timer := s.Clock.AfterFunc(s.shelf.drain(), drained)
		context.AfterFunc(drain, func() { timer.Stop() })
	})
	err = engine.Run(ctx, drain)
	stop()
	others.Wait()
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWords)
	defer cancel()
	if rerr := s.courier.RunOnce(last); rerr != nil {
		s.Log.Warn("deliver alerts before stopping", "error", rerr)
	}
	return err
}

func (s *server) newEngine() (*schedule.Engine, func(), error) {
	c := schedule.Config{Slots: s.keeper, Register: s.keeper, Past: s.keeper, Runner: s, Observer: s, Clock: s.Clock, Log: s.Log,
		NewID: s.NewID, Woken: s.lock.Check, Check: s.store.Present, Concurrency: s.Concurrency, AcceptClock: s.AcceptClock, Look: lookEvery}
	if c.Concurrency == 0 {
		c.Concurrency = s.shelf.concurrency()
	}
	engine := schedule.New(c)
	alarm, err := schedule.NewAlarm(s.Clock, engine.Wake)
	if err != nil {
		return nil, nil, err
	}
	engine.Alarm = alarm
	return engine, func() {
		if err := alarm.Close(); err != nil {
			s.Log.Warn("stop the alarm", "error", err)
		}
	}, nil
}

// reloading looks for changed files and gives the engine what they say.
func (s *server) reloading(ctx context.Context) {
	for s.rest(ctx, reloadEvery) {
		if s.shelf.reload() {
			s.engine.SetPlans(s.shelf.plans())
			s.meters.forget(s.shelf.names())
		}
		s.meters.problems(s.shelf.problems())
	}
}

// pruning removes history that is older than the project keeps it.
func (s *server) pruning(ctx context.Context) {
	for {
		before := s.Clock.Now().Add(-s.shelf.history())
		gone, err := s.store.Prune(ctx, s.shelf.name(), s.Environment, before)
		switch {
		case err != nil && ctx.Err() == nil:
			s.Log.Warn("prune history", "error", err)
		case gone.Runs+gone.Slots > 0:
			s.Log.Info("pruned history", "before", before.UTC().Format(time.DateOnly), "runs", gone.Runs, "slots", gone.Slots, "held", gone.Held, "letters", gone.Letters, "deliveries", gone.Deliveries)
		}
		if !s.rest(ctx, pruneEvery) {
			return
		}
	}
}

// rest waits, and reports whether ctx goes on.
func (s *server) rest(ctx context.Context, d time.Duration) bool {
	timer := s.Clock.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.Chan():
		return true
	}
}
