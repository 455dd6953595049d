package state

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql/driver"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"
)

// vaultTables are the tables of version 5. sealed is base64 of what package
// vault made; version grows with each change.
var vaultTables = []string{
	`CREATE TABLE tieout_vault (project TEXT NOT NULL, id TEXT NOT NULL, sealed TEXT NOT NULL, version BIGINT NOT NULL,
		changed_at TEXT NOT NULL, PRIMARY KEY (project, id))`,
}

// Safe keeps the sealed entries of one project in a PostgreSQL store. The turn
// for an entry is a session lock of the server, so that it goes with the
// connection that holds it. No transaction is open while somebody works with
// an entry.
type Safe struct {
	store   *Store
	project string
}

// Safe gives the place of a project's sealed entries. It closes the store when
// it is closed.
func (s *Store) Safe(project string) *Safe { return &Safe{store: s, project: project} }

const (
	// turnWait is how long the turn of another machine is waited for.
	turnWait = 2 * time.Minute
	// saveWait is how long an entry is tried to be saved: what is lost then
	// may be a token that nobody can have again.
	saveWait  = time.Minute
	savePause = 500 * time.Millisecond
)

// Close closes the store.
func (s *Safe) Close() error { return s.store.Close() }

// Any reports whether the project keeps anything.
func (s *Safe) Any(ctx context.Context) (some bool, err error) {
	err = s.store.db.GetContext(ctx, &some, `SELECT EXISTS (SELECT 1 FROM tieout_vault WHERE project = $1)`, s.project)
	return some, s.failed(err)
}

// Read gives what is kept under an id, nil when nothing is.
func (s *Safe) Read(ctx context.Context, id string) ([]byte, error) {
	sealed, _, err := s.read(ctx, s.store.db, id)
	return sealed, err
}

func (s *Safe) read(ctx context.Context, from sqlx.QueryerContext, id string) (sealed []byte, version int64, err error) {
	var row struct {
		Sealed  string `db:"sealed"`
		Version int64  `db:"version"`
	}
	err = sqlx.GetContext(ctx, from, &row, `SELECT sealed, version FROM tieout_vault WHERE project = $1 AND id = $2`, s.project, id)
	if noRows(err) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, s.failed(err)
	}
	if sealed, err = base64.StdEncoding.DecodeString(row.Sealed); err != nil {
		sealed = []byte("damaged") // it will not open, which is said then
	}
	return sealed, row.Version, nil
}

// Hold waits for the turn of an entry, hands fn what is kept, and keeps what
// fn returns.
func (s *Safe) Hold(ctx context.Context, id string, fn func(sealed []byte) ([]byte, error)) error {
	conn, err := s.store.db.Connx(ctx)
	if err != nil {
		return s.failed(err)
	}
	defer conn.Close()
	key := s.number(id)
	if err := s.turn(ctx, conn, key); err != nil {
		return err
	}
	defer func() {
		last, stop := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer stop()
		if _, err := conn.ExecContext(last, `SELECT pg_advisory_unlock($1)`, key); err != nil {
			// A connection in doubt must not go back to the pool with the lock.
			_ = conn.Raw(func(any) error { return driver.ErrBadConn })
		}
	}()
	sealed, version, err := s.read(ctx, conn, id)
	if err != nil {
		return err
	}
	next, err := fn(sealed)
	if err != nil || next == nil {
		return err
	}
	return s.save(context.WithoutCancel(ctx), conn, id, version, next)
}

// turn waits for the lock.
func (s *Safe) turn(ctx context.Context, conn *sqlx.Conn, key int64) error {
	waiting, stop := context.WithTimeout(ctx, turnWait)
	defer stop()
	_, err := conn.ExecContext(waiting, `SELECT pg_advisory_lock($1)`, key)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil && waiting.Err() != nil:
		return fmt.Errorf("%w: another process, perhaps on another machine, has held a kept token for %v; end it, then run again", ErrLocked, turnWait)
	}
	return s.failed(err)
}

// number is the number of an entry's lock.
func (s *Safe) number(id string) int64 {
	sum := sha256.Sum256(fmt.Appendf(nil, "tieout vault %s %s", s.project, id))
	return int64(binary.BigEndian.Uint64(sum[:8]))
}

// save writes an entry over the version that was read. When the connection is
// lost, others of the pool are tried.
func (s *Safe) save(ctx context.Context, conn *sqlx.Conn, id string, version int64, sealed []byte) error {
	ctx, stop := context.WithTimeout(ctx, saveWait)
	defer stop()
	err := s.write(ctx, conn, id, version, sealed)
	for err != nil && !errors.Is(err, errOvertaken) && ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-time.After(savePause):
		}
		if kept, _, failed := s.read(ctx, s.store.db, id); failed == nil && bytes.Equal(kept, sealed) {
			return nil // only the reply was lost
		}
		err = s.write(ctx, s.store.db, id, version, sealed)
	}
	return err
}

// errOvertaken says that an entry was changed by somebody without the turn.
var errOvertaken = fmt.Errorf("%w: a kept token was changed by another process while this one renewed it; run again", ErrLocked)

func (s *Safe) write(ctx context.Context, to sqlx.ExecerContext, id string, version int64, sealed []byte) error {
	done, err := to.ExecContext(ctx, `INSERT INTO tieout_vault (project, id, sealed, version, changed_at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (project, id) DO UPDATE SET sealed = EXCLUDED.sealed, version = EXCLUDED.version, changed_at = EXCLUDED.changed_at
		WHERE tieout_vault.version = EXCLUDED.version - 1`,
		s.project, id, base64.StdEncoding.EncodeToString(sealed), version+1, stamp(s.store.now()))
	if err != nil {
		return s.failed(err)
	}
	if n, err := done.RowsAffected(); err == nil && n == 0 {
		return errOvertaken
	}
	return nil
}

// failed names an error of the server.
func (s *Safe) failed(err error) error {
	if err == nil {
		return nil
	}
	return s.store.named(err)
}
