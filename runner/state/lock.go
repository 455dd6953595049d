package state

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// A lock says who may run a pipeline now. It is about liveness only: what
// keeps a run from committing over a later one is the epoch in the sink. So a
// lock may be taken over from a process that shows no sign of life, stopped
// or hung, without harm: when it wakes up its commit is refused.
type locker interface {
	// try takes the lock or returns ErrLocked at once.
	try(ctx context.Context, name string) (held, error)
}

// held is a lock that is held. beat shows that its holder is alive.
type held interface {
	beat(ctx context.Context, now time.Time) error
	release()
}

const (
	beatEvery = 15 * time.Second
	// staleAfter is how long a holder may show no sign of life.
	staleAfter = 90 * time.Second
)

// Lock takes the lock of one pipeline, or returns ErrLocked at once when
// another run has it. The lock goes with the process, however it ends, and
// may be taken over when its holder has not beaten for 90 seconds.
func (s *Store) Lock(ctx context.Context, project, environment, pipeline string) (release func(), err error) {
	h, err := s.locks.try(ctx, strings.Join([]string{project, environment, pipeline}, "/"))
	if err != nil {
		return nil, err
	}
	beating, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.beat(beating, h)
	}()
	return func() {
		stop()
		<-ended
		h.release()
	}, nil
}

// beat shows a sign of life until ctx ends. A beat that fails is no reason
// to stop the run: the next one may not, and the epoch guards the sink.
func (s *Store) beat(ctx context.Context, h held) {
	ticker := time.NewTicker(beatEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			_ = h.beat(ctx, s.now())
		}
	}
}

// files locks by advisory locks on files beside the SQLite store. The time a
// file was changed is its holder's last beat.
type files struct {
	dir string
	now func() time.Time
}

type fileLock struct{ f *os.File }

func (l *files) try(_ context.Context, name string) (held, error) {
	if err := os.MkdirAll(l.dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of locks: %w", err)
	}
	sum := sha256.Sum256([]byte(name))
	path := filepath.Join(l.dir, fmt.Sprintf("%x.lock", sum[:12]))
	f, err := l.take(path)
	if errors.Is(err, ErrLocked) && l.stale(path) {
		// The old holder keeps its lock on a file that has no name any more.
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("take over the lock of %s: %w", name, err)
		}
		f, err = l.take(path)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, name)
	}
	return &fileLock{f}, nil
}

// take locks the file at path, creating it.
func (l *files) take(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the lock: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		holder, _ := os.ReadFile(path)
		f.Close()
		return nil, fmt.Errorf("%w by %s", ErrLocked, holderName(string(holder)))
	}
	if !same(f, path) { // taken over between opening and locking
		f.Close()
		return nil, fmt.Errorf("%w by another process", ErrLocked)
	}
	if err := f.Truncate(0); err == nil { // the name is only for messages
		fmt.Fprintf(f, "process %d", os.Getpid())
	}
	return f, os.Chtimes(path, l.now(), l.now())
}

// same reports whether an open file still has its name.
func same(f *os.File, path string) bool {
	a, errA := f.Stat()
	b, errB := os.Stat(path)
	return errA == nil && errB == nil && os.SameFile(a, b)
}

func (l *files) stale(path string) bool {
	info, err := os.Stat(path)
	return err == nil && l.now().Sub(info.ModTime()) > staleAfter
}

func (h *fileLock) beat(_ context.Context, now time.Time) error {
	t := unix.NsecToTimeval(now.UnixNano())
	return unix.Futimes(int(h.f.Fd()), []unix.Timeval{t, t})
}

func (h *fileLock) release() { h.f.Close() }

func holderName(text string) string {
	if text = strings.TrimSpace(text); text == "" {
		return "another process"
	}
	return text
}
