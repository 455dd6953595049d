package state

import (
	"context"
	"fmt"
	"strings"

	"github.com/jmoiron/sqlx"
)

// migrations bring a store from version i to i+1. They are only ever added
// to. BIGSERIAL stands for an integer primary key that counts by itself.
var migrations = [][]string{{
	`CREATE TABLE tieout_runs (
		run_id TEXT PRIMARY KEY, load_id TEXT NOT NULL,
		project TEXT NOT NULL, environment TEXT NOT NULL, pipeline TEXT NOT NULL,
		status TEXT NOT NULL, started_at TEXT NOT NULL, finished_at TEXT NOT NULL DEFAULT '',
		report TEXT NOT NULL)`,
	`CREATE INDEX tieout_runs_pipeline ON tieout_runs (project, environment, pipeline, started_at)`,
	`CREATE TABLE tieout_held (
		id BIGSERIAL, run_id TEXT NOT NULL,
		project TEXT NOT NULL, environment TEXT NOT NULL, pipeline TEXT NOT NULL,
		record_key TEXT NOT NULL, stage TEXT NOT NULL, status TEXT NOT NULL,
		input TEXT NOT NULL, line BIGINT NOT NULL, record TEXT NOT NULL, original TEXT NOT NULL DEFAULT '',
		enter_step BIGINT NOT NULL, reasons TEXT NOT NULL,
		created_at TEXT NOT NULL, changed_at TEXT NOT NULL, changed_by TEXT NOT NULL DEFAULT '')`,
	`CREATE INDEX tieout_held_open ON tieout_held (project, environment, pipeline, status, record_key)`,
	`CREATE INDEX tieout_held_run ON tieout_held (run_id)`,
	`CREATE TABLE tieout_resolved (run_id TEXT NOT NULL, record_key TEXT NOT NULL)`,
	`CREATE INDEX tieout_resolved_run ON tieout_resolved (run_id)`,
}, {
	`CREATE TABLE tieout_moves (
		id BIGSERIAL, project TEXT NOT NULL, environment TEXT NOT NULL, pipeline TEXT NOT NULL,
		verb TEXT NOT NULL, actor TEXT NOT NULL, at TEXT NOT NULL, before_json TEXT NOT NULL, after_json TEXT NOT NULL)`,
	`CREATE INDEX tieout_moves_pipeline ON tieout_moves (project, environment, pipeline, id)`,
	`ALTER TABLE tieout_held ADD COLUMN edited_at TEXT NOT NULL DEFAULT ''`,
	`ALTER TABLE tieout_held ADD COLUMN edited_by TEXT NOT NULL DEFAULT ''`,
}, {
	// beat is when the holder of a lock last showed that it lives.
	`CREATE TABLE tieout_locks (name TEXT PRIMARY KEY, turn BIGINT NOT NULL, beat TEXT NOT NULL)`,
}}

// migrate brings the store to this program's version, under a lock so that
// two programs starting together do it once.
func (s *Store) migrate(ctx context.Context) error {
	return s.inTx(ctx, func(tx *sqlx.Tx) error {
		if s.postgres {
			if _, err := tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock(8466871)`); err != nil {
				return named(err, "")
			}
		}
		if _, err := tx.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS tieout_state_version (version BIGINT NOT NULL)`); err != nil {
			return named(err, "")
		}
		version, err := readVersion(ctx, tx)
		if err != nil {
			return err
		}
		if version > len(migrations) {
			return fmt.Errorf("%w: it has version %d, this program knows up to %d; use the newer program", ErrNewer, version, len(migrations))
		}
		return s.apply(ctx, tx, version)
	})
}

func readVersion(ctx context.Context, tx *sqlx.Tx) (int, error) {
	var versions []int
	if err := tx.SelectContext(ctx, &versions, `SELECT version FROM tieout_state_version`); err != nil {
		return 0, named(err, "")
	}
	if len(versions) == 0 {
		_, err := tx.ExecContext(ctx, `INSERT INTO tieout_state_version (version) VALUES (0)`)
		return 0, err
	}
	return versions[0], nil
}

func (s *Store) apply(ctx context.Context, tx *sqlx.Tx, version int) error {
	serial := "INTEGER PRIMARY KEY AUTOINCREMENT"
	if s.postgres {
		serial = "BIGSERIAL PRIMARY KEY"
	}
	for v := version; v < len(migrations); v++ {
		for _, statement := range migrations[v] {
			if _, err := tx.ExecContext(ctx, strings.Replace(statement, "BIGSERIAL", serial, 1)); err != nil {
				return fmt.Errorf("bring the state store to version %d: %w", v+1, err)
			}
		}
	}
	if version == len(migrations) {
		return nil
	}
	_, err := tx.ExecContext(ctx, tx.Rebind(`UPDATE tieout_state_version SET version = ?`), len(migrations))
	return err
}
