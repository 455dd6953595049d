package state

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// A lock says who may run a pipeline now. It is about liveness only: what
// keeps a run from committing over a later one is the epoch in the sink. So a
// lock may be taken over from a process that shows no sign of life, stopped
// or hung, without harm: when it wakes up its commit is refused.
type locker interface {
	// try takes the lock for a holder, a text for messages, or returns
	// ErrLocked at once.
	try(ctx context.Context, name, holder string) (held, error)
	// look says who holds a lock, without taking it.
	look(ctx context.Context, name string) (holder string, held bool, err error)
	// scope is the part of a project that one `tieout serve` covers.
	scope(project, environment string) string
	close() error
}

// held is a lock that is held.
type held interface {
	// beat shows that its holder is alive. It returns ErrLocked when somebody
	// has taken the lock over meanwhile.
	beat(ctx context.Context, now time.Time) error
	// rename changes the text that names the holder.
	rename(ctx context.Context, holder string) error
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
	_, release, err = s.hold(ctx, strings.Join([]string{project, environment, pipeline}, "/"), fmt.Sprintf("process %d", os.Getpid()), func() {})
	return release, err
}

// hold takes a lock and keeps it alive until it is released. lost is called
// when another process has taken it over.
func (s *Store) hold(ctx context.Context, name, holder string, lost func()) (h held, release func(), err error) {
	h, err = s.locks.try(ctx, name, holder)
	if err != nil {
		return nil, nil, err
	}
	beating, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if s.beat(beating, h) {
			lost()
		}
	}()
	var once sync.Once
	return h, func() {
		once.Do(func() {
			stop()
			<-ended
			h.release()
		})
	}, nil
}

// beat shows a sign of life until ctx ends or the lock is lost. A beat that
// fails is no reason to stop: the next one may not, and the epoch guards the
// sink.
func (s *Store) beat(ctx context.Context, h held) (lost bool) {
	ticker := time.NewTicker(beatEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-ticker.C:
			if errors.Is(h.beat(ctx, s.now()), ErrLocked) {
				return true
			}
		}
	}
}

// files locks by advisory locks on files beside the SQLite store. The time a
// file was changed is its holder's last beat.
type files struct {
	dir   string
	store string // name of the store's file
	now   func() time.Time
}

type fileLock struct {
	f    *os.File
	path string
}

func (l *files) path(name string) string {
	sum := sha256.Sum256([]byte(name))
	return filepath.Join(l.dir, fmt.Sprintf("%x.lock", sum[:12]))
}

func (l *files) try(_ context.Context, name, holder string) (held, error) {
	if err := os.MkdirAll(l.dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of locks: %w", err)
	}
	path := l.path(name)
	f, err := l.take(path, holder)
	if errors.Is(err, ErrLocked) && l.stale(path) {
		// The old holder keeps its lock on a file that has no name any more.
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("take over the lock of %s: %w", name, err)
		}
		f, err = l.take(path, holder)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, name)
	}
	return &fileLock{f: f, path: path}, nil
}

// look tries a shared lock, which is given back at once.
func (l *files) look(_ context.Context, name string) (string, bool, error) {
	f, err := os.Open(l.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return "", false, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("open the lock: %w", err)
	}
	defer f.Close()
	if err := unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB); err == nil {
		return "", false, nil
	}
	text, err := io.ReadAll(io.LimitReader(f, 4096))
	return holderName(string(text)), true, err
}

// scope is the whole store: SQLite has one writer.
func (l *files) scope(_, _ string) string { return "//serve/" + l.store }

func (*files) close() error { return nil }

// take locks the file at path, creating it.
func (l *files) take(path, holder string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the lock: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		other, _ := os.ReadFile(path)
		f.Close()
		return nil, fmt.Errorf("%w by %s", ErrLocked, holderName(string(other)))
	}
	if !same(f, path) { // taken over between opening and locking
		f.Close()
		return nil, fmt.Errorf("%w by another process", ErrLocked)
	}
	if err := f.Truncate(0); err == nil { // the name is only for messages
		io.WriteString(f, holder)
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
	if !same(h.f, h.path) {
		return ErrLocked
	}
	t := unix.NsecToTimeval(now.UnixNano())
	return unix.Futimes(int(h.f.Fd()), []unix.Timeval{t, t})
}

func (h *fileLock) rename(_ context.Context, holder string) error {
	if err := h.f.Truncate(0); err != nil {
		return err
	}
	_, err := h.f.WriteAt([]byte(holder), 0)
	return err
}

func (h *fileLock) release() { h.f.Close() }

func holderName(text string) string {
	if text = strings.TrimSpace(text); text == "" {
		return "another process"
	}
	return text
}

// nobody locks nothing: what only looks takes no lock.
type nobody struct{}

func (nobody) try(_ context.Context, name, _ string) (held, error) {
	return nil, fmt.Errorf("%w: %s cannot be locked in a store that is only looked at", ErrUnreachable, name)
}

func (nobody) look(context.Context, string) (string, bool, error) { return "", false, nil }
func (nobody) scope(_, _ string) string                           { return "" }
func (nobody) close() error                                       { return nil }
