package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"
	_ "github.com/lib/pq"  // the postgres driver
	_ "modernc.org/sqlite" // the sqlite driver
)

// Store is an open state store. It is safe for concurrent use.
type Store struct {
	db       *sqlx.DB
	place    string // path of the file, "" for PostgreSQL, whose address may hold a password
	postgres bool
	locks    locker
	now      func() time.Time
	file     os.FileInfo // of SQLite, as it was opened
}

// What may be wrong with a store. They are wrapped with the place and the
// way out.
var (
	// ErrCorrupt: the file is damaged or no state store.
	ErrCorrupt = errors.New("state store is damaged")
	// ErrNewer: a newer program wrote it.
	ErrNewer = errors.New("state store was written by a newer tieout")
	// ErrLocked: another process holds what was asked for.
	ErrLocked = errors.New("locked")
	// ErrServing: another process serves the project already.
	ErrServing = fmt.Errorf("%w by a tieout serve that is running", ErrLocked)
	// ErrMissing: no such run, held record or slot.
	ErrMissing = errors.New("not found")
	// ErrAmbiguous: the beginning of an id fits several runs.
	ErrAmbiguous = errors.New("more than one run begins like that; give more of the id")
	// ErrLogin: the server of the store does not let the user in, or gives it
	// no right to the store's tables.
	ErrLogin = errors.New("state store refuses the user")
	// ErrUnreachable: the store cannot be opened at all.
	ErrUnreachable = errors.New("state store cannot be opened")
)

// IsURL reports whether a project's `state:` names a PostgreSQL store.
func IsURL(place string) bool {
	return strings.HasPrefix(place, "postgres://") || strings.HasPrefix(place, "postgresql://")
}

// Open opens the store at a file path or postgres:// address, creates it when
// it is missing and brings it to this program's version. The errors never
// show the address, which may hold a password.
func Open(ctx context.Context, place string, now func() time.Time) (*Store, error) {
	var s *Store
	var err error
	if IsURL(place) {
		s, err = openPostgres(ctx, place, now)
	} else {
		s, err = openSQLite(ctx, place, now)
	}
	if err != nil {
		return nil, err
	}
	s.now = now
	if err := s.migrate(ctx); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// Look opens the store at a place for a command that only looks. A file that
// is missing is not made: an empty store in memory stands in for it.
func Look(ctx context.Context, place string, now func() time.Time) (*Store, error) {
	if !IsURL(place) {
		if _, err := os.Stat(place); errors.Is(err, fs.ErrNotExist) {
			return empty(ctx, now)
		}
	}
	return Open(ctx, place, now)
}

func empty(ctx context.Context, now func() time.Time) (*Store, error) {
	db, err := sqlx.Open("sqlite", ":memory:")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	db.SetMaxOpenConns(1) // each connection has a store of its own
	s := &Store{db: db, locks: nobody{}, now: now}
	if err := s.migrate(ctx); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func openPostgres(ctx context.Context, address string, now func() time.Time) (*Store, error) {
	db, err := sqlx.Open("postgres", address)
	if err != nil {
		return nil, fmt.Errorf("%w: the address is not understood", ErrUnreachable)
	}
	db.SetMaxOpenConns(4)
	if err := db.PingContext(ctx); err != nil {
		db.Close()
		kind := ErrUnreachable
		if refused(err) {
			kind = ErrLogin
		}
		return nil, fmt.Errorf("%w: %s", kind, withoutPassword(err.Error(), address))
	}
	// Locks have connections of their own: however many are held, queries
	// find one.
	locks, err := sqlx.Open("postgres", address)
	if err != nil {
		db.Close()
		return nil, fmt.Errorf("%w: the address is not understood", ErrUnreachable)
	}
	return &Store{db: db, postgres: true, locks: &advisory{db: locks, now: now}}, nil
}

// withoutPassword takes an address's password out of a driver's message.
func withoutPassword(message, address string) string {
	u, err := url.Parse(address)
	if err != nil || u.User == nil {
		return message
	}
	if pw, set := u.User.Password(); set && pw != "" {
		message = strings.ReplaceAll(message, pw, "***")
		message = strings.ReplaceAll(message, url.QueryEscape(pw), "***")
	}
	return message
}

func openSQLite(ctx context.Context, path string, now func() time.Time) (*Store, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, unwritable(path, err)
	}
	// FULL: a run row or a pending held record must survive a power cut
	// before the sink commits.
	dsn := "file:" + (&url.URL{Path: path}).EscapedPath() +
		"?_txlock=immediate&_pragma=busy_timeout(15000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)"
	db, err := sqlx.Open("sqlite", dsn)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	db.SetMaxOpenConns(1)
	s := &Store{db: db, place: path}
	if err := db.PingContext(ctx); err != nil {
		db.Close()
		return nil, s.named(err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		db.Close()
		return nil, unwritable(path, err)
	}
	if s.file, err = os.Stat(path); err != nil {
		db.Close()
		return nil, fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	if whole, err := filepath.EvalSymlinks(path); err == nil {
		path = whole // a link and what it leads to are one store
	}
	s.locks = &files{dir: filepath.Join(filepath.Dir(path), "locks"), store: filepath.Base(path), now: now}
	return s, nil
}

// Present reports when the file of a SQLite store is not the one that was
// opened any more: what is written now nobody else sees, and it ends with
// this process.
func (s *Store) Present() error {
	if s.file == nil {
		return nil
	}
	now, err := os.Stat(s.place)
	if err == nil && os.SameFile(s.file, now) {
		return nil
	}
	return fmt.Errorf("%w: %s was removed or replaced while it was open; put the file back, or start tieout again", ErrUnreachable, s.place)
}

// Close closes the store.
func (s *Store) Close() error { return errors.Join(s.db.Close(), s.locks.close()) }

// inTx runs fn in one transaction.
func (s *Store) inTx(ctx context.Context, fn func(*sqlx.Tx) error) error {
	tx, err := s.db.BeginTxx(ctx, nil)
	if err != nil {
		return s.named(err)
	}
	if err := fn(tx); err != nil {
		tx.Rollback()
		return s.named(err)
	}
	if err := tx.Commit(); err != nil {
		return s.named(err)
	}
	return nil
}

// stampLayout is how instants are kept: text that sorts as time does.
const stampLayout = "2006-01-02T15:04:05.000000Z"

func stamp(t time.Time) string { return t.UTC().Format(stampLayout) }

// stampOrNone is ” for the zero instant.
func stampOrNone(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return stamp(t)
}

// instant reads what stampOrNone wrote.
func instant(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(stampLayout, text)
	if err != nil {
		return t, fmt.Errorf("%w: %q is no instant", ErrCorrupt, text)
	}
	return t, nil
}

func noRows(err error) bool { return errors.Is(err, sql.ErrNoRows) }
