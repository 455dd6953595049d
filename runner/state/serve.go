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

// LockServe makes this process the one that serves: one for a SQLite store,
// whatever project and environment, and one for each project and environment
// in PostgreSQL. holder says to people who it is. When there is another, the
// error wraps ErrServing and names it. The lock goes with the process,
// however it ends, and release gives it back. lost is called when another
// process took it over, since this one showed no sign of life.
func (s *Store) LockServe(ctx context.Context, project, environment, holder string, lost func()) (release func(), err error) {
	name := s.locks.scope(project, environment)
	for try := 1; ; try++ {
		release, err = s.hold(ctx, name, clean(holder), lost)
		if err == nil || !errors.Is(err, ErrLocked) {
			return release, s.named(err)
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
