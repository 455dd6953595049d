package state

import (
	"context"
	"errors"
	"fmt"

	"github.com/jmoiron/sqlx"
)

var linkTables = []string{
	// tenant is the row of for_each a link belongs to, '' for none; version is
	// what the target system calls the version it had, '' when not known.
	`CREATE TABLE tieout_links (project TEXT NOT NULL, environment TEXT NOT NULL, tenant TEXT NOT NULL,
		from_stream TEXT NOT NULL, from_key TEXT NOT NULL, to_stream TEXT NOT NULL,
		to_id TEXT NOT NULL, version TEXT NOT NULL, origin TEXT NOT NULL, changed_at TEXT NOT NULL,
		PRIMARY KEY (project, environment, tenant, from_stream, to_stream, from_key))`,
}

// LinkScope says which pairs of streams links connect. Streams are written
// connection.stream; an empty one in a filter is any.
type LinkScope struct {
	Project, Environment string
	// Tenant is the row of for_each the links belong to, "" without for_each.
	Tenant   string
	From, To string
}

// Link says that the record of one system with a key is the record of another
// with an id.
type Link struct {
	Tenant  string `json:"tenant,omitempty" db:"tenant"`
	From    string `json:"from" db:"from_stream"`
	Key     string `json:"key" db:"from_key"`
	To      string `json:"to" db:"to_stream"`
	ID      string `json:"id" db:"to_id"`
	Version string `json:"version,omitempty" db:"version"`
	// Origin is the run that made the link, or who imported it.
	Origin string `json:"origin" db:"origin"`
	Stamp  string `json:"changed_at" db:"changed_at"`
}

// ErrLinked means that a key is linked to another id already.
var ErrLinked = errors.New("linked to another record already")

const putLink = `INSERT INTO tieout_links (project, environment, tenant, from_stream, to_stream, from_key, to_id, version, origin, changed_at)
	VALUES (?,?,?,?,?,?,?,?,?,?) ON CONFLICT (project, environment, tenant, from_stream, to_stream, from_key)
	DO UPDATE SET to_id = excluded.to_id, version = excluded.version, origin = excluded.origin, changed_at = excluded.changed_at`

// Linked counts what PutLinks did.
type Linked struct {
	Added, Changed, Unchanged int64
}

// PutLinks adds links of one scope in one transaction: all or none. A key that
// has another id is ErrLinked unless replace says that the new one counts.
func (s *Store) PutLinks(ctx context.Context, scope LinkScope, links []Link, replace bool) (Linked, error) {
	var done Linked
	err := s.inTx(ctx, func(tx *sqlx.Tx) error {
		done = Linked{}
		find, err := tx.PreparexContext(ctx, tx.Rebind(`SELECT to_id, version FROM tieout_links
			WHERE project = ? AND environment = ? AND tenant = ? AND from_stream = ? AND to_stream = ? AND from_key = ?`))
		if err != nil {
			return err
		}
		defer find.Close()
		put, err := tx.PreparexContext(ctx, tx.Rebind(putLink))
		if err != nil {
			return err
		}
		defer put.Close()
		for i := range links {
			if err := s.putLink(ctx, find, put, scope, &links[i], replace, &done); err != nil {
				return err
			}
		}
		return nil
	})
	return done, s.named(err)
}

func (s *Store) putLink(ctx context.Context, find, put *sqlx.Stmt, scope LinkScope, l *Link, replace bool, done *Linked) error {
	name := []any{scope.Project, scope.Environment, scope.Tenant, scope.From, scope.To, clean(l.Key)}
	var was []struct {
		ID      string `db:"to_id"`
		Version string `db:"version"`
	}
	if err := find.SelectContext(ctx, &was, name...); err != nil {
		return err
	}
	switch {
	case len(was) == 0:
		done.Added++
	case was[0].ID == l.ID && was[0].Version == l.Version:
		done.Unchanged++
		return nil
	case was[0].ID != l.ID && !replace:
		return fmt.Errorf("%s %q is %s %q, and the new link says %q: %w", scope.From, l.Key, scope.To, was[0].ID, l.ID, ErrLinked)
	default:
		done.Changed++
	}
	_, err := put.ExecContext(ctx, append(name, clean(l.ID), clean(l.Version), l.Origin, stamp(s.now()))...)
	return err
}

const linkFilter = ` WHERE project = ? AND environment = ? AND (? = '' OR tenant = ?) AND (? = '' OR from_stream = ?) AND (? = '' OR to_stream = ?)`

func (scope *LinkScope) filter() []any {
	return []any{scope.Project, scope.Environment, scope.Tenant, scope.Tenant, scope.From, scope.From, scope.To, scope.To}
}

// Links calls fn with each link of a scope, by streams and key. fn must not
// use the store.
func (s *Store) Links(ctx context.Context, scope LinkScope, fn func(Link) error) error {
	rows, err := s.db.QueryxContext(ctx, s.db.Rebind(`SELECT tenant, from_stream, from_key, to_stream, to_id, version, origin, changed_at FROM tieout_links`+
		linkFilter+` ORDER BY tenant, from_stream, to_stream, from_key`), scope.filter()...)
	if err != nil {
		return s.named(err)
	}
	defer rows.Close()
	for rows.Next() {
		var l Link
		if err := rows.StructScan(&l); err != nil {
			return s.named(err)
		}
		if err := fn(l); err != nil {
			return err
		}
	}
	return s.named(rows.Err())
}

// RemoveLinks removes the links of some keys, or every one of the scope when
// keys is nil, and says how many there were.
func (s *Store) RemoveLinks(ctx context.Context, scope LinkScope, keys []string) (int64, error) {
	var removed int64
	err := s.inTx(ctx, func(tx *sqlx.Tx) error {
		removed = 0
		statement, lists := `DELETE FROM tieout_links`+linkFilter, [][]any{scope.filter()}
		if keys != nil {
			statement, lists = statement+` AND from_key = ?`, nil
			for _, key := range keys {
				lists = append(lists, append(scope.filter(), key))
			}
		}
		for _, args := range lists {
			result, err := tx.ExecContext(ctx, tx.Rebind(statement), args...)
			if err != nil {
				return err
			}
			n, err := result.RowsAffected()
			if err != nil {
				return err
			}
			removed += n
		}
		return nil
	})
	return removed, s.named(err)
}
