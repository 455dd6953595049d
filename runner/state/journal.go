package state

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/jmoiron/sqlx"

	"github.com/tieout/tieout/runner"
)

var (
	_ runner.Journal = (*Store)(nil)
	_ runner.Memory  = (*Store)(nil)
)

// Begin makes the run row durable.
func (s *Store) Begin(ctx context.Context, run runner.Run) error {
	report, err := json.Marshal(run)
	if err != nil {
		return err
	}
	_, err = s.db.ExecContext(ctx, s.db.Rebind(`INSERT INTO tieout_runs
		(run_id, load_id, project, environment, pipeline, status, started_at, fresh, slot, report) VALUES (?,?,?,?,?,?,?,?,?,?)`),
		run.RunID, run.LoadID, run.Project, run.Environment, run.Pipeline, string(run.Status), stamp(run.StartedAt), fresh(run), stampOrNone(run.Slot), string(report))
	if err != nil {
		return s.named(err)
	}
	return nil
}

// fresh is 1 when the run's success makes its pipeline fresh: it read what
// is new, not held records again or a range of the past.
func fresh(run runner.Run) int {
	if run.Backfill || run.Trigger == runner.TriggerRetry {
		return 0
	}
	return 1
}

// Stage makes held records durable as pending, and notes what the run
// resolves. The status and the report so far go with them: a retry needs the shape of the
// records, whatever becomes of the run.
func (s *Store) Stage(ctx context.Context, run runner.Run, held []runner.Held, resolved []string) error {
	report, err := json.Marshal(run)
	if err != nil {
		return err
	}
	return s.inTx(ctx, func(tx *sqlx.Tx) error {
		if _, err := tx.ExecContext(ctx, tx.Rebind(`UPDATE tieout_runs SET status = ?, report = ? WHERE run_id = ? AND finished_at = ''`), string(run.Status), string(report), run.RunID); err != nil {
			return err
		}
		if err := s.insertHeld(ctx, tx, run, held); err != nil {
			return err
		}
		insert, err := tx.PreparexContext(ctx, tx.Rebind(`INSERT INTO tieout_resolved (run_id, record_key) VALUES (?,?)`))
		if err != nil {
			return err
		}
		defer insert.Close()
		for _, key := range resolved {
			if _, err := insert.ExecContext(ctx, run.RunID, key); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Store) insertHeld(ctx context.Context, tx *sqlx.Tx, run runner.Run, held []runner.Held) error {
	insert, err := tx.PreparexContext(ctx, tx.Rebind(`INSERT INTO tieout_held (run_id, project, environment, pipeline,
		record_key, stage, status, input, line, record, enter_step, reasons, created_at, changed_at) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)`))
	if err != nil {
		return err
	}
	defer insert.Close()
	now := stamp(s.now())
	for i := range held {
		h := &held[i]
		reasons, err := json.Marshal(h.Reasons)
		if err != nil {
			return err
		}
		if _, err := insert.ExecContext(ctx, run.RunID, run.Project, run.Environment, run.Pipeline,
			clean(h.Key), h.Stage, string(Pending), clean(h.Input), h.Line, clean(h.Record), h.Enter, clean(string(reasons)), now, now); err != nil {
			return fmt.Errorf("keep held record %q: %w", h.Key, err)
		}
	}
	return nil
}

// Finish ends a run: see runner.Journal.
func (s *Store) Finish(ctx context.Context, run runner.Run, committed bool) error {
	report, err := json.Marshal(run)
	if err != nil {
		return err
	}
	return s.inTx(ctx, func(tx *sqlx.Tx) error {
		done, err := tx.ExecContext(ctx, tx.Rebind(`UPDATE tieout_runs SET status = ?, finished_at = ?, report = ? WHERE run_id = ? AND finished_at = ''`),
			string(run.Status), stamp(run.FinishedAt), string(report), run.RunID)
		if err != nil {
			return err
		}
		if n, err := done.RowsAffected(); err != nil || n == 0 {
			return err
		}
		return s.settleHeld(ctx, tx, run, committed)
	})
}

// settleHeld opens the pending records of a committed run in place of the
// older ones of their keys, and closes what the run resolved.
func (s *Store) settleHeld(ctx context.Context, tx *sqlx.Tx, run runner.Run, committed bool) error {
	exec := func(query string, args ...any) error {
		_, err := tx.ExecContext(ctx, tx.Rebind(query), args...)
		return err
	}
	if !committed {
		return exec(`UPDATE tieout_held SET status = ? WHERE run_id = ? AND status = ?`, string(Evidence), run.RunID, string(Pending))
	}
	now := stamp(s.now())
	of := []any{run.Project, run.Environment, run.Pipeline, string(Waiting)}
	if err := exec(`UPDATE tieout_held SET status = ?, changed_at = ?, changed_by = ? WHERE project = ? AND environment = ? AND pipeline = ? AND status = ?
		AND record_key IN (SELECT record_key FROM tieout_held WHERE run_id = ? AND status = ?)`,
		append(append([]any{string(Replaced), now, run.RunID}, of...), run.RunID, string(Pending))...); err != nil {
		return err
	}
	if err := exec(`UPDATE tieout_held SET status = ?, changed_at = ?, changed_by = ? WHERE project = ? AND environment = ? AND pipeline = ? AND status = ?
		AND record_key IN (SELECT record_key FROM tieout_resolved WHERE run_id = ?)`,
		append(append([]any{string(Resolved), now, run.RunID}, of...), run.RunID)...); err != nil {
		return err
	}
	if err := exec(`UPDATE tieout_held SET status = ? WHERE run_id = ? AND status = ?`, string(Waiting), run.RunID, string(Pending)); err != nil {
		return err
	}
	return exec(`DELETE FROM tieout_resolved WHERE run_id = ?`, run.RunID)
}

// Unsettled lists runs that began and never finished, oldest first.
func (s *Store) Unsettled(ctx context.Context, project, environment, pipeline string) ([]runner.Run, error) {
	return s.reports(ctx, `SELECT report FROM tieout_runs WHERE project = ? AND environment = ? AND pipeline = ? AND finished_at = '' ORDER BY started_at, run_id`,
		project, environment, pipeline)
}

// EachHeld calls fn with each record a pipeline has held and waiting.
func (s *Store) EachHeld(ctx context.Context, project, environment, pipeline string, fn func(*runner.Held)) error {
	rows, err := s.db.QueryContext(ctx, s.db.Rebind(`SELECT record_key, input, record, enter_step FROM tieout_held WHERE project = ? AND environment = ? AND pipeline = ? AND status = ?`),
		project, environment, pipeline, string(Waiting))
	if err != nil {
		return s.named(err)
	}
	defer rows.Close()
	for rows.Next() {
		var h runner.Held
		if err := rows.Scan(&h.Key, &h.Input, &h.Record, &h.Enter); err != nil {
			return s.named(err)
		}
		fn(&h)
	}
	if err := rows.Err(); err != nil {
		return s.named(err)
	}
	return nil
}

// History returns the last n runs that loaded, newest first. Retries of held
// records are not among them: they say nothing of how large a run is.
func (s *Store) History(ctx context.Context, project, environment, pipeline string, n int) ([]runner.Run, error) {
	if n == 0 {
		return nil, nil
	}
	const retries = 100 // that may lie between
	runs, err := s.reports(ctx, `SELECT report FROM tieout_runs WHERE project = ? AND environment = ? AND pipeline = ? AND status = ? ORDER BY started_at DESC, run_id DESC LIMIT ?`,
		project, environment, pipeline, string(runner.Loaded), n+retries)
	runs = slices.DeleteFunc(runs, func(r runner.Run) bool { return r.Trigger == runner.TriggerRetry })
	return runs[:min(n, len(runs))], err
}

func (s *Store) reports(ctx context.Context, query string, args ...any) ([]runner.Run, error) {
	var texts []string
	if err := s.db.SelectContext(ctx, &texts, s.db.Rebind(query), args...); err != nil {
		return nil, s.named(err)
	}
	runs := make([]runner.Run, len(texts))
	for i, text := range texts {
		if err := json.Unmarshal([]byte(text), &runs[i]); err != nil {
			return nil, fmt.Errorf("%w: the report of a run cannot be read: %w", ErrCorrupt, err)
		}
	}
	return runs, nil
}
