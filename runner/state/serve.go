package state

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// serveTries is how often the lock of `tieout serve` is tried: somebody who
// looks whether a serve is running holds it for a moment.
const serveTries = 3

// ServeLock is the lock of a process that serves.
type ServeLock struct {
	s       *Store
	h       held
	release func()
}

// Release gives the lock back. It may be called twice.
func (l *ServeLock) Release() { l.release() }

// Check shows a sign of life at once, and returns ErrLocked when another
// process has taken the lock over.
func (l *ServeLock) Check(ctx context.Context) error { return l.h.beat(ctx, l.s.now()) }

// Rename changes what the lock says of its holder.
func (l *ServeLock) Rename(ctx context.Context, holder string) error {
	return l.h.rename(ctx, clean(holder))
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
		h, release, err := s.hold(ctx, name, clean(holder), lost)
		if err == nil {
			return &ServeLock{s: s, h: h, release: release}, nil
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

// Serving says whether a process serves a project and environment, and who it
// is in its own words.
func (s *Store) Serving(ctx context.Context, project, environment string) (holder string, running bool, err error) {
	holder, running, err = s.locks.look(ctx, s.locks.scope(project, environment))
	return holder, running, s.named(err)
}

// Watching says whether a process serves this project and environment.
func (t *Timekeeper) Watching(ctx context.Context) (holder string, running bool, err error) {
	return t.s.Serving(ctx, t.project, t.environment)
}
