package state

import (
	"context"
	"crypto/sha256"
	"database/sql/driver"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/jmoiron/sqlx"
	"golang.org/x/sys/unix"
)

// locker says who may run a pipeline now. It is about liveness only: what
// keeps a run from committing over a later one is the epoch in the sink.
type locker interface {
	try(ctx context.Context, name string) (release func(), err error)
}

// Lock takes the lock of one pipeline, or returns ErrLocked at once when
// another run has it. The lock goes with the process, however it ends.
func (s *Store) Lock(ctx context.Context, project, environment, pipeline string) (release func(), err error) {
	return s.locks.try(ctx, strings.Join([]string{project, environment, pipeline}, "/"))
}

// files locks by advisory locks on files beside the SQLite store.
type files struct{ dir string }

func (l *files) try(_ context.Context, name string) (func(), error) {
	if err := os.MkdirAll(l.dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of locks: %w", err)
	}
	sum := sha256.Sum256([]byte(name))
	path := filepath.Join(l.dir, fmt.Sprintf("%x.lock", sum[:12]))
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the lock of %s: %w", name, err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		holder, _ := os.ReadFile(path)
		f.Close()
		return nil, fmt.Errorf("%w: %s is being run by %s", ErrLocked, name, holderName(string(holder)))
	}
	if err := f.Truncate(0); err == nil { // the name is only for messages
		fmt.Fprintf(f, "process %d", os.Getpid())
	}
	return func() { f.Close() }, nil
}

func holderName(text string) string {
	if text = strings.TrimSpace(text); text == "" {
		return "another process"
	}
	return text
}

// advisory locks by PostgreSQL's session locks, one connection each, so that
// a lost connection frees the lock.
type advisory struct{ db *sqlx.DB }

func (l *advisory) try(ctx context.Context, name string) (func(), error) {
	conn, err := l.db.Connx(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	sum := sha256.Sum256([]byte("tieout " + name))
	key := int64(binary.BigEndian.Uint64(sum[:8]))
	var got bool
	if err := conn.GetContext(ctx, &got, `SELECT pg_try_advisory_lock($1)`, key); err != nil {
		conn.Close()
		return nil, fmt.Errorf("take the lock of %s: %w", name, err)
	}
	if !got {
		conn.Close()
		return nil, fmt.Errorf("%w: %s is being run by another process", ErrLocked, name)
	}
	return func() {
		unlock := context.WithoutCancel(ctx)
		if _, err := conn.ExecContext(unlock, `SELECT pg_advisory_unlock($1)`, key); err != nil {
			// A connection in doubt must not go back to the pool with the lock.
			_ = conn.Raw(func(any) error { return driver.ErrBadConn })
		}
		conn.Close()
	}, nil
}
