package state

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// serveTries is how often the lock of `tieout serve` is tried: somebody who
// looks whether a serve is running holds it for a moment.
const serveTries = 3

// ServeLock is the lock of a process that serves.
type ServeLock struct {
	s                    *Store
	h                    held
	release              func()
	project, environment string
}

// Release gives the lock back. It may be called twice.
func (l *ServeLock) Release() { l.release() }

// Check shows a sign of life at once, and returns ErrLocked when another
// process has taken the lock over.
func (l *ServeLock) Check(ctx context.Context) error { return l.h.beat(ctx, l.s.now()) }

// Rename changes what the lock says of its holder.
func (l *ServeLock) Rename(ctx context.Context, holder string) error {
	return l.h.rename(ctx, servedText(holder, l.project, l.environment))
}

// LockServe makes this process the one that serves: one for a SQLite store,
// whatever project and environment, and one for each project and environment
// in PostgreSQL. holder says to people who it is. When there is another, the
// error wraps ErrServing and names it. The lock goes with the process,
// however it ends. lost is called when another process took it over, since
// this one showed no sign of life.
func (s *Store) LockServe(ctx context.Context, project, environment, holder string, lost func()) (*ServeLock, error) {
	name := s.locks.scope(project, environment)
	for try := 1; ; try++ {
		h, release, err := s.hold(ctx, name, servedText(holder, project, environment), lost)
		if err == nil {
			return &ServeLock{s: s, h: h, release: release, project: project, environment: environment}, nil
		}
		if !errors.Is(err, ErrLocked) {
			return nil, s.named(err)
		}
		if try == serveTries {
			break
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
	other, _, err := s.Serving(ctx, project, environment)
	if err != nil {
		return nil, err
	}
	return nil, fmt.Errorf("%w: %s", ErrServing, holderName(other))
}

// servedText is what the lock of `tieout serve` holds: the holder's words,
// and a line each for the project and the environment it serves.
func servedText(holder, project, environment string) string {
	line := func(text string) string { return strings.Join(strings.Fields(clean(text)), " ") }
	return holderName(line(holder)) + "\n" + line(project) + "\n" + line(environment)
}

// Watch says which process serves a store.
type Watch struct {
	// Running: it serves the project and environment that were asked about.
	Running bool
	// Holder is the process in its own words, "" when none serves.
	Holder string
	// Project and Environment are what it serves.
	Project, Environment string
}

// Serving says whether a process holds the lock that a `tieout serve` of a
// project and environment needs, and who it is in its own words. In a SQLite
// store it may serve another project or environment.
func (s *Store) Serving(ctx context.Context, project, environment string) (holder string, running bool, err error) {
	w, err := s.watch(ctx, project, environment)
	return w.Holder, w.Holder != "", err
}

func (s *Store) watch(ctx context.Context, project, environment string) (Watch, error) {
	text, held, err := s.locks.look(ctx, s.locks.scope(project, environment))
	if err != nil || !held {
		return Watch{}, s.named(err)
	}
	w := Watch{Running: true, Project: project, Environment: environment}
	var scope string
	var told bool
	if w.Holder, scope, told = strings.Cut(text, "\n"); !told {
		return w, nil // it is just taking the lock, or is an older program
	}
	w.Project, w.Environment, _ = strings.Cut(scope, "\n")
	w.Running = servedText("", project, environment) == servedText("", w.Project, w.Environment)
	return w, nil
}

// Watching says whether a process serves this project and environment, or
// another one in its place.
func (t *Timekeeper) Watching(ctx context.Context) (Watch, error) {
	return t.s.watch(ctx, t.project, t.environment)
}
