package state

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"github.com/lib/pq"
	sqlite "modernc.org/sqlite"
)

// SQLite result codes, as in sqlite3.h.
const (
	sqliteBusy      = 5
	sqliteLocked    = 6
	sqliteReadOnly  = 8
	sqliteInterrupt = 9
	sqliteCorrupt   = 11
	sqliteFull      = 13
	sqliteCantOpen  = 14
	sqliteNotADB    = 26
)

// named turns a driver's error into one of the package's, with the way out.
// Any other error, and one that is named already, it returns as it is.
func (s *Store) named(err error) error {
	for _, known := range []error{ErrLogin, ErrCorrupt, ErrNewer, ErrLocked, ErrUnreachable, ErrMissing, context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, known) {
			return err
		}
	}
	var se *sqlite.Error
	if errors.As(err, &se) {
		return s.namedSQLite(err, se.Code()&0xff)
	}
	var pe *pq.Error
	var ne net.Error
	switch {
	case errors.As(err, &pe) && (pe.Code.Class() == "08" || pe.Code.Class() == "53" || pe.Code.Class() == "57"),
		errors.As(err, &ne), errors.Is(err, driver.ErrBadConn):
		return fmt.Errorf("%w: the PostgreSQL server of the state store does not answer: %w; bring it back and run again", ErrUnreachable, err)
	case refused(err):
		return fmt.Errorf("%w: %w; GRANT it what it needs", ErrLogin, err)
	case pe != nil:
		return fmt.Errorf("state store: %w", err)
	}
	return err
}

// refused reports whether PostgreSQL does not know the user, or does not let it
// do something.
func refused(err error) bool {
	var pe *pq.Error
	return errors.As(err, &pe) && (pe.Code.Class() == "28" || pe.Code == "42501")
}

func (s *Store) namedSQLite(err error, code int) error {
	switch code {
	case sqliteCorrupt, sqliteNotADB:
		return fmt.Errorf("%w: %s: %w; move the file away and run again: positions and ledgers are in the sinks, only history and held records are lost", ErrCorrupt, s.place, err)
	case sqliteBusy, sqliteLocked:
		return fmt.Errorf("%w: another process is writing to the state store %s; see which one keeps it open, then run again", ErrLocked, s.place)
	case sqliteInterrupt:
		return fmt.Errorf("state store %s: %w", s.place, context.Canceled)
	case sqliteReadOnly, sqliteCantOpen:
		return unwritable(s.place, err)
	case sqliteFull:
		return fmt.Errorf("%w: %s: %w; make room on the disk", ErrUnreachable, s.place, err)
	}
	return fmt.Errorf("%w: %s: %w", ErrUnreachable, s.place, err)
}

// unwritable is about a file that cannot be made, opened or written: SQLite
// writes files beside it also to read it.
func unwritable(place string, err error) error {
	if info, failed := os.Stat(place); failed == nil && info.IsDir() {
		return fmt.Errorf("%w: %s is a folder: %w; name a file with state: in tieout.yaml", ErrUnreachable, place, err)
	}
	return fmt.Errorf("%w: %s: %w; the folder %s is read-only or cannot be written: make it and the file writable, or name another place with state: in tieout.yaml",
		ErrUnreachable, place, err, filepath.Dir(place))
}
