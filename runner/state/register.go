package state

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/tieout/tieout/runner/schedule"
)

// Watermark is the instant up to which all slots were proposed.
func (t *Timekeeper) Watermark(ctx context.Context) (time.Time, error) {
	var text string
	err := t.s.db.GetContext(ctx, &text, t.s.db.Rebind(`SELECT watermark FROM tieout_watch WHERE project = ? AND environment = ?`), t.project, t.environment)
	if noRows(err) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, t.s.named(err)
	}
	return instant(text)
}

// Reopen takes the watermark back: see schedule.Register. Nothing is known
// only since later than that any more, and a stretch written
// down as one that goes beyond the instant is cut there.
func (t *Timekeeper) Reopen(ctx context.Context, to time.Time) (int, error) {
	var removed int64
	err := t.s.inTx(ctx, func(tx *sqlx.Tx) error {
		done, err := tx.ExecContext(ctx, tx.Rebind(`DELETE FROM tieout_slots WHERE project = ? AND environment = ? AND status IN ('missed', 'coalesced') AND nominal > ?`),
			t.project, t.environment, stamp(to))
		if err != nil {
			return err
		}
		if removed, err = done.RowsAffected(); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, tx.Rebind(`UPDATE tieout_slots SET through = ? WHERE project = ? AND environment = ? AND status IN ('missed', 'coalesced')
			AND nominal <= ? AND through > ?`), stamp(to), t.project, t.environment, stamp(to), stamp(to)); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, tx.Rebind(`UPDATE tieout_schedules SET since = ? WHERE project = ? AND environment = ? AND since > ?`),
			stamp(to), t.project, t.environment, stamp(to)); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, tx.Rebind(`UPDATE tieout_watch SET watermark = ? WHERE project = ? AND environment = ? AND watermark > ?`),
			stamp(to), t.project, t.environment, stamp(to))
		return err
	})
	return int(removed), err
}

// Enroll notes the pipelines that have a schedule: see schedule.Register.
func (t *Timekeeper) Enroll(ctx context.Context, pipelines []string, now time.Time) (map[string]time.Time, error) {
	var since map[string]time.Time
	err := t.s.inTx(ctx, func(tx *sqlx.Tx) error {
		var err error
		if since, err = t.enrolled(ctx, tx); err != nil {
			return err
		}
		for name := range since {
			if slices.Contains(pipelines, name) {
				continue
			}
			delete(since, name)
			if _, err := tx.ExecContext(ctx, tx.Rebind(`DELETE FROM tieout_schedules WHERE project = ? AND environment = ? AND pipeline = ?`),
				t.project, t.environment, name); err != nil {
				return err
			}
		}
		for _, name := range pipelines {
			if _, known := since[name]; known {
				continue
			}
			since[name] = now.UTC().Truncate(time.Microsecond)
			if _, err := tx.ExecContext(ctx, tx.Rebind(`INSERT INTO tieout_schedules (project, environment, pipeline, since) VALUES (?,?,?,?)`),
				t.project, t.environment, name, stamp(now)); err != nil {
				return err
			}
		}
		return nil
	})
	return since, err
}

// Enrolled gives since when each pipeline that has a schedule is known, as
// the last Enroll left it.
func (t *Timekeeper) Enrolled(ctx context.Context) (map[string]time.Time, error) {
	since, err := t.enrolled(ctx, t.s.db)
	return since, t.s.named(err)
}

func (t *Timekeeper) enrolled(ctx context.Context, q sqlx.ExtContext) (map[string]time.Time, error) {
	var rows []struct {
		Pipeline string `db:"pipeline"`
		Since    string `db:"since"`
	}
	if err := sqlx.SelectContext(ctx, q, &rows, t.s.db.Rebind(`SELECT pipeline, since FROM tieout_schedules WHERE project = ? AND environment = ?`),
		t.project, t.environment); err != nil {
		return nil, err
	}
	since := make(map[string]time.Time, len(rows))
	for _, r := range rows {
		var err error
		if since[r.Pipeline], err = instant(r.Since); err != nil {
			return nil, err
		}
	}
	return since, nil
}

// Pauses lists the pipelines that are paused.
func (t *Timekeeper) Pauses(ctx context.Context) (map[string]schedule.Pause, error) {
	var rows []pauseRow
	if err := t.s.db.SelectContext(ctx, &rows, t.s.db.Rebind(`SELECT pipeline, paused_by, paused_at, note FROM tieout_pauses WHERE project = ? AND environment = ?`),
		t.project, t.environment); err != nil {
		return nil, t.s.named(err)
	}
	pauses := make(map[string]schedule.Pause, len(rows))
	for _, r := range rows {
		p, err := r.pause()
		if err != nil {
			return nil, err
		}
		pauses[r.Pipeline] = p
	}
	return pauses, nil
}

type pauseRow struct {
	Pipeline string `db:"pipeline"`
	By       string `db:"paused_by"`
	At       string `db:"paused_at"`
	Note     string `db:"note"`
}

func (r *pauseRow) pause() (schedule.Pause, error) {
	at, err := instant(r.At)
	return schedule.Pause{By: r.By, At: at, Note: r.Note}, err
}

// Pause notes that a pipeline is paused. One that is paused already stays so
// since then and by whoever paused it first, with the new note if there is one.
func (t *Timekeeper) Pause(ctx context.Context, pipeline string, p schedule.Pause) error {
	_, err := t.change(ctx, `INSERT INTO tieout_pauses (project, environment, pipeline, paused_by, paused_at, note) VALUES (?,?,?,?,?,?)
		ON CONFLICT (project, environment, pipeline) DO UPDATE SET note = excluded.note WHERE excluded.note <> ''`,
		t.project, t.environment, pipeline, clean(p.By), stamp(p.At), clean(p.Note))
	return err
}

// Resume ends a pause and returns it; false when there was none.
func (t *Timekeeper) Resume(ctx context.Context, pipeline string) (schedule.Pause, bool, error) {
	var row pauseRow
	err := t.s.db.GetContext(ctx, &row, t.s.db.Rebind(`DELETE FROM tieout_pauses WHERE project = ? AND environment = ? AND pipeline = ?
		RETURNING pipeline, paused_by, paused_at, note`), t.project, t.environment, pipeline)
	if noRows(err) {
		return schedule.Pause{}, false, nil
	}
	if err != nil {
		return schedule.Pause{}, false, t.s.named(err)
	}
	p, err := row.pause()
	return p, true, err
}

// triedAmong bounds how many of a pipeline's newest slots are looked at for
// one that was tried: a second's schedule that is paused has very many.
const triedAmong = 1000

// LastTried gives the newest slot of a pipeline, among its newest ones, that
// ended after it was tried: done, failed or blocked.
func (t *Timekeeper) LastTried(ctx context.Context, pipeline string) (schedule.Slot, bool, error) {
	slots, err := t.slots(ctx, fmt.Sprintf(`SELECT `+slotColumns+` FROM (SELECT `+slotColumns+` FROM tieout_slots
		WHERE project = ? AND environment = ? AND pipeline = ? ORDER BY nominal DESC LIMIT %d) AS newest
		WHERE status IN ('done', 'failed', 'blocked') ORDER BY nominal DESC LIMIT 1`, triedAmong), t.project, t.environment, pipeline)
	if err != nil || len(slots) == 0 {
		return schedule.Slot{}, false, err
	}
	return slots[0], true, nil
}
