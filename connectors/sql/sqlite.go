package sql

import (
	"context"
	stdsql "database/sql"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/jmoiron/sqlx"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// sqliteDB is an SQLite database file and what is particular about it.
type sqliteDB struct {
	wrapper
	path string
}

func newSQLite(dir, path string) *sqliteDB {
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	d := &sqliteDB{path: path}
	d.classify, d.words = sqliteFault, sqliteWords()
	d.place, d.advice = "database "+path, "check the path and the rights on the file and its folder"
	return d
}

// connect opens the file for a load: write-ahead log, every commit on disk
// before it counts, and half a minute of patience with other writers.
// Temporary tables go to a file of their own.
func (d *sqliteDB) connect(ctx context.Context) (*session, error) {
	values := url.Values{"_pragma": {"busy_timeout(30000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(ON)", "temp_store(FILE)"}}
	// SQLite does not wait when two connections turn the log of a new file on
	// at once, so the waiting is done here.
	for range 100 {
		s, err := d.open(ctx, values)
		var se *sqlite.Error
		if err == nil || !errors.As(err, &se) || se.Code()&0xff != sqlite3.SQLITE_BUSY {
			return s, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
	return d.open(ctx, values)
}

// read opens the file for reading only; it must be there.
func (d *sqliteDB) read(ctx context.Context) (*session, error) {
	if _, err := os.Stat(d.path); err != nil {
		return nil, d.unreachable(err)
	}
	return d.open(ctx, url.Values{"mode": {"ro"}, "_pragma": {"busy_timeout(30000)", "query_only(ON)"}})
}

func (d *sqliteDB) open(ctx context.Context, values url.Values) (*session, error) {
	address := url.URL{Scheme: "file", Opaque: (&url.URL{Path: d.path}).EscapedPath(), RawQuery: values.Encode()}
	connector, err := sqlite.NewConnector(address.String())
	if err != nil {
		return nil, d.unreachable(err)
	}
	db := sqlx.NewDb(stdsql.OpenDB(connector), "sqlite3")
	db.SetMaxOpenConns(1)
	conn, err := db.Connx(ctx)
	if err != nil {
		db.Close()
		return nil, d.unreachable(err)
	}
	return &session{db: db, conn: conn, wrapper: &d.wrapper}, nil
}

// sqliteFault reads a result code.
func sqliteFault(err error) fault {
	var se *sqlite.Error
	if !errors.As(err, &se) {
		return faultOther
	}
	switch se.Code() & 0xff {
	case sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_TOOBIG:
		return faultData
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR,
		sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return faultEnvironment
	case sqlite3.SQLITE_FULL:
		return faultFull
	}
	return faultOther
}
