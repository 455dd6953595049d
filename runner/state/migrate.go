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
}, {
	// Instants are text in UTC, '' for none; cause and event are JSON.
	`CREATE TABLE tieout_slots (
		project TEXT NOT NULL, environment TEXT NOT NULL, pipeline TEXT NOT NULL,
		nominal TEXT NOT NULL, through TEXT NOT NULL, local TEXT NOT NULL, zone TEXT NOT NULL,
		origin TEXT NOT NULL, status TEXT NOT NULL, reason TEXT NOT NULL,
		attempts BIGINT NOT NULL, run_id TEXT NOT NULL, not_before TEXT NOT NULL,
		recorded_at TEXT NOT NULL, started_at TEXT NOT NULL, ended_at TEXT NOT NULL, cause TEXT NOT NULL,
		PRIMARY KEY (project, environment, pipeline, nominal))`,
	`CREATE INDEX tieout_slots_open ON tieout_slots (project, environment, nominal) WHERE status IN ('due', 'running')`,
	`CREATE INDEX tieout_slots_nominal ON tieout_slots (project, environment, nominal, pipeline)`,
	`CREATE INDEX tieout_slots_status ON tieout_slots (project, environment, status, nominal)`,
	`CREATE INDEX tieout_slots_after ON tieout_slots (project, environment, pipeline, nominal) WHERE origin = 'after'`,
	`CREATE TABLE tieout_watch (project TEXT NOT NULL, environment TEXT NOT NULL, watermark TEXT NOT NULL,
		PRIMARY KEY (project, environment))`,
	`CREATE TABLE tieout_schedules (project TEXT NOT NULL, environment TEXT NOT NULL, pipeline TEXT NOT NULL, since TEXT NOT NULL,
		PRIMARY KEY (project, environment, pipeline))`,
	`CREATE TABLE tieout_pauses (project TEXT NOT NULL, environment TEXT NOT NULL, pipeline TEXT NOT NULL,
		paused_by TEXT NOT NULL, paused_at TEXT NOT NULL, note TEXT NOT NULL, PRIMARY KEY (project, environment, pipeline))`,
	`CREATE TABLE tieout_arrivals (project TEXT NOT NULL, environment TEXT NOT NULL, pipeline TEXT NOT NULL,
		path TEXT NOT NULL, fingerprint TEXT NOT NULL, PRIMARY KEY (project, environment, pipeline, path))`,
	`CREATE TABLE tieout_incidents (project TEXT NOT NULL, environment TEXT NOT NULL, pipeline TEXT NOT NULL, kind TEXT NOT NULL,
		target TEXT NOT NULL, since TEXT NOT NULL, told_at TEXT NOT NULL, repeats BIGINT NOT NULL, event TEXT NOT NULL,
		PRIMARY KEY (project, environment, pipeline, kind))`,
	// status is waiting, delivered or given_up; error is of the last attempt.
	`CREATE TABLE tieout_letters (
		id BIGSERIAL, project TEXT NOT NULL, environment TEXT NOT NULL, target TEXT NOT NULL,
		pipeline TEXT NOT NULL, kind TEXT NOT NULL, event TEXT NOT NULL, repeats BIGINT NOT NULL, since TEXT NOT NULL,
		status TEXT NOT NULL, attempts BIGINT NOT NULL, not_before TEXT NOT NULL,
		created_at TEXT NOT NULL, ended_at TEXT NOT NULL, error TEXT NOT NULL)`,
	`CREATE INDEX tieout_letters_waiting ON tieout_letters (project, environment, id) WHERE status = 'waiting'`,
	`CREATE INDEX tieout_letters_ended ON tieout_letters (project, environment, ended_at) WHERE status <> 'waiting'`,
	// fresh is 0 for retries of held records and for backfills: their
	// success does not make a pipeline fresh.
	`ALTER TABLE tieout_runs ADD COLUMN fresh BIGINT NOT NULL DEFAULT 1`,
	`UPDATE tieout_runs SET fresh = 0 WHERE report LIKE '%"trigger":"retry"%' OR report LIKE '%"backfill":true%'`,
	`CREATE INDEX tieout_runs_success ON tieout_runs (project, environment, finished_at, pipeline, run_id)
		WHERE fresh = 1 AND status IN ('loaded', 'nothing_new')`,
	`CREATE INDEX tieout_runs_last ON tieout_runs (project, environment, pipeline, finished_at, run_id)
		WHERE fresh = 1 AND status IN ('loaded', 'nothing_new')`,
	`CREATE INDEX tieout_runs_open ON tieout_runs (project, environment, pipeline) WHERE finished_at = ''`,
	`CREATE INDEX tieout_runs_recent ON tieout_runs (project, environment, started_at, run_id)`,
	// slot is the nominal instant a run was for: whatever became of the slot's
	// row, a slot with a committed run is not run again.
	`ALTER TABLE tieout_runs ADD COLUMN slot TEXT NOT NULL DEFAULT ''`,
	`CREATE INDEX tieout_runs_slot ON tieout_runs (project, environment, pipeline, slot) WHERE slot <> ''`,
	`ALTER TABLE tieout_locks ADD COLUMN holder TEXT NOT NULL DEFAULT ''`,
}, vaultTables, snapshotTables, linkTables, deliveryTables, overtakingTables}

// migrate brings the store to this program's version, under a lock so that
// two programs starting together do it once.
func (s *Store) migrate(ctx context.Context) error {
	return s.inTx(ctx, func(tx *sqlx.Tx) error {
		if s.postgres {
			if _, err := tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock(8466871)`); err != nil {
				return s.named(err)
			}
		}
		if _, err := tx.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS tieout_state_version (version BIGINT NOT NULL)`); err != nil {
			return s.named(err)
		}
		version, err := s.readVersion(ctx, tx)
		if err != nil {
			return err
		}
		if version > len(migrations) {
			return fmt.Errorf("%w: it has version %d, this program knows up to %d; use the newer program", ErrNewer, version, len(migrations))
		}
		return s.apply(ctx, tx, version)
	})
}

func (s *Store) readVersion(ctx context.Context, tx *sqlx.Tx) (int, error) {
	var versions []int
	if err := tx.SelectContext(ctx, &versions, `SELECT version FROM tieout_state_version`); err != nil {
		return 0, s.named(err)
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
				return fmt.Errorf("bring the state store to version %d: %w", v+1, s.named(err))
			}
		}
	}
	if version == len(migrations) {
		return nil
	}
	_, err := tx.ExecContext(ctx, tx.Rebind(`UPDATE tieout_state_version SET version = ?`), len(migrations))
	return err
}
