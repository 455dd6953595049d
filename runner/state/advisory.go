package state

import (
	"context"
	"crypto/sha256"
	stdsql "database/sql"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"
)

// advisory locks by PostgreSQL's session locks, one connection each, so that
// a lost connection frees the lock. A row beside it holds the last beat, and
// a turn that is part of the lock's number: whoever takes a lock over gives
// it the next turn.
type advisory struct {
	db  *sqlx.DB
	now func() time.Time
}

type advisoryLock struct {
	conn *sqlx.Conn
	name string
	turn int64
	key  int64
}

func (l *advisory) try(ctx context.Context, name, holder string) (held, error) {
	conn, err := l.db.Connx(ctx)
	if err != nil {
		if refused(err) {
			return nil, fmt.Errorf("%w: %w", ErrLogin, err)
		}
		return nil, fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	h, err := l.take(ctx, conn, name, holder)
	if err != nil {
		conn.Close()
		return nil, err
	}
	return h, nil
}

func (l *advisory) take(ctx context.Context, conn *sqlx.Conn, name, holder string) (*advisoryLock, error) {
	if _, err := conn.ExecContext(ctx, `INSERT INTO tieout_locks (name, turn, beat) VALUES ($1, 0, $2) ON CONFLICT (name) DO NOTHING`, name, stamp(l.now())); err != nil {
		return nil, fmt.Errorf("take the lock of %s: %w", name, err)
	}
	h, err := l.turn(ctx, conn, name, holder)
	if err != nil || h != nil {
		return h, err
	}
	// Held. Only one of several that find it stale gives it the next turn.
	moved, err := conn.ExecContext(ctx, `UPDATE tieout_locks SET turn = turn + 1, beat = $2 WHERE name = $1 AND beat < $3`,
		name, stamp(l.now()), stamp(l.now().Add(-staleAfter)))
	if err != nil {
		return nil, fmt.Errorf("take over the lock of %s: %w", name, err)
	}
	if n, err := moved.RowsAffected(); err != nil || n == 0 {
		return nil, fmt.Errorf("%w by another process: %s", ErrLocked, name)
	}
	if h, err = l.turn(ctx, conn, name, holder); err != nil || h != nil {
		return h, err
	}
	return nil, fmt.Errorf("%w by another process: %s", ErrLocked, name)
}

// turn takes the lock of the present turn; nil when somebody has it.
func (l *advisory) turn(ctx context.Context, conn *sqlx.Conn, name, holder string) (*advisoryLock, error) {
	var turn int64
	if err := conn.GetContext(ctx, &turn, `SELECT turn FROM tieout_locks WHERE name = $1`, name); err != nil {
		return nil, fmt.Errorf("take the lock of %s: %w", name, err)
	}
	h := &advisoryLock{conn: conn, name: name, turn: turn, key: lockNumber(name, turn)}
	var got bool
	if err := conn.GetContext(ctx, &got, `SELECT pg_try_advisory_lock($1)`, h.key); err != nil {
		return nil, fmt.Errorf("take the lock of %s: %w", name, err)
	}
	if !got {
		return nil, nil
	}
	err := h.beat(ctx, l.now())
	if err == nil {
		err = h.rename(ctx, holder)
	}
	if err != nil {
		h.release() // the connection must not go back with the lock
		return nil, err
	}
	return h, nil
}

// look finds the lock of the present turn among the server's locks.
func (l *advisory) look(ctx context.Context, name string) (string, bool, error) {
	var row struct {
		Turn   int64  `db:"turn"`
		Holder string `db:"holder"`
	}
	err := l.db.GetContext(ctx, &row, `SELECT turn, holder FROM tieout_locks WHERE name = $1`, name)
	if noRows(err) {
		return "", false, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("look at the lock of %s: %w", name, err)
	}
	key := uint64(lockNumber(name, row.Turn))
	var held bool
	err = l.db.GetContext(ctx, &held, `SELECT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1
		AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND classid::bigint = $1 AND objid::bigint = $2)`,
		int64(key>>32), int64(key&0xffffffff))
	if err != nil || !held {
		return "", false, err
	}
	return holderName(row.Holder), true, nil
}

// scope is one project and environment: the store may hold many.
func (*advisory) scope(project, environment string) string {
	return "//serve/" + project + "/" + environment
}

func (l *advisory) close() error { return l.db.Close() }

func lockNumber(name string, turn int64) int64 {
	sum := sha256.Sum256(fmt.Appendf(nil, "tieout %s %d", name, turn))
	return int64(binary.BigEndian.Uint64(sum[:8]))
}

func (h *advisoryLock) beat(ctx context.Context, now time.Time) error {
	done, err := h.conn.ExecContext(ctx, `UPDATE tieout_locks SET beat = $2 WHERE name = $1 AND turn = $3`, h.name, stamp(now), h.turn)
	if errors.Is(err, driver.ErrBadConn) || errors.Is(err, stdsql.ErrConnDone) {
		return fmt.Errorf("%w: the connection that held it is gone: %w", ErrLocked, err)
	}
	if err != nil {
		return err
	}
	if n, err := done.RowsAffected(); err == nil && n == 0 {
		return ErrLocked
	}
	return nil
}

func (h *advisoryLock) rename(ctx context.Context, holder string) error {
	_, err := h.conn.ExecContext(ctx, `UPDATE tieout_locks SET holder = $2 WHERE name = $1 AND turn = $3`, h.name, holder, h.turn)
	return err
}

func (h *advisoryLock) release() {
	ctx, stop := context.WithTimeout(context.Background(), 5*time.Second)
	defer stop()
	if _, err := h.conn.ExecContext(ctx, `SELECT pg_advisory_unlock($1)`, h.key); err != nil {
		// A connection in doubt must not go back to the pool with the lock.
		_ = h.conn.Raw(func(any) error { return driver.ErrBadConn })
	}
	h.conn.Close()
}
