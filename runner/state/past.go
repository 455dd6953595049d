package state

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/tieout/tieout/runner/schedule"
)

// success chooses the runs whose success makes a pipeline fresh, in the words
// of the partial indexes over them.
const success = `project = ? AND environment = ? AND fresh = 1 AND status IN ('loaded', 'nothing_new')`

type successRow struct {
	Pipeline string `db:"pipeline"`
	RunID    string `db:"run_id"`
	Ended    string `db:"finished_at"`
}

// Successes lists runs that ended well at or after an instant, oldest first.
func (t *Timekeeper) Successes(ctx context.Context, since time.Time) ([]schedule.Success, error) {
	return t.successes(ctx, `SELECT pipeline, run_id, finished_at FROM tieout_runs WHERE `+success+` AND finished_at >= ? ORDER BY finished_at, pipeline, run_id`,
		t.project, t.environment, stamp(since))
}

// LastSuccesses gives the newest success of each pipeline. It looks at one
// run of each, however many there are.
func (t *Timekeeper) LastSuccesses(ctx context.Context) (map[string]schedule.Success, error) {
	scope := []any{t.project, t.environment}
	list, err := t.successes(ctx, `WITH RECURSIVE names(name) AS (
			SELECT (SELECT pipeline FROM tieout_runs WHERE `+success+` ORDER BY pipeline LIMIT 1)
			UNION ALL SELECT (SELECT pipeline FROM tieout_runs WHERE `+success+` AND pipeline > names.name ORDER BY pipeline LIMIT 1) FROM names WHERE names.name IS NOT NULL)
		SELECT pipeline, run_id, finished_at FROM tieout_runs WHERE run_id IN (
			SELECT (SELECT run_id FROM tieout_runs WHERE `+success+` AND pipeline = names.name ORDER BY finished_at DESC, run_id DESC LIMIT 1)
			FROM names WHERE names.name IS NOT NULL)`,
		append(append(append([]any{}, scope...), scope...), scope...)...)
	last := make(map[string]schedule.Success, len(list))
	for _, s := range list {
		last[s.Pipeline] = s
	}
	return last, err
}

func (t *Timekeeper) successes(ctx context.Context, query string, args ...any) ([]schedule.Success, error) {
	var rows []successRow
	if err := t.s.db.SelectContext(ctx, &rows, t.s.db.Rebind(query), args...); err != nil {
		return nil, t.s.named(err)
	}
	out := make([]schedule.Success, len(rows))
	for i, r := range rows {
		ended, err := instant(r.Ended)
		if err != nil {
			return nil, err
		}
		out[i] = schedule.Success{Pipeline: r.Pipeline, RunID: r.RunID, EndedAt: ended}
	}
	return out, nil
}

// Followed gives the cause of the newest ByAfter slot of each pipeline.
func (t *Timekeeper) Followed(ctx context.Context) (map[string]map[string]string, error) {
	var rows []struct {
		Pipeline string `db:"pipeline"`
		Cause    string `db:"cause"`
	}
	const after = `project = ? AND environment = ? AND origin = 'after'`
	err := t.s.db.SelectContext(ctx, &rows, t.s.db.Rebind(`WITH RECURSIVE names(name) AS (
			SELECT (SELECT pipeline FROM tieout_slots WHERE `+after+` ORDER BY pipeline LIMIT 1)
			UNION ALL SELECT (SELECT pipeline FROM tieout_slots WHERE `+after+` AND pipeline > names.name ORDER BY pipeline LIMIT 1) FROM names WHERE names.name IS NOT NULL)
		SELECT name AS pipeline, (SELECT cause FROM tieout_slots WHERE `+after+` AND pipeline = names.name ORDER BY nominal DESC LIMIT 1) AS cause
		FROM names WHERE name IS NOT NULL`),
		t.project, t.environment, t.project, t.environment, t.project, t.environment)
	if err != nil {
		return nil, t.s.named(err)
	}
	out := make(map[string]map[string]string, len(rows))
	for _, r := range rows {
		if out[r.Pipeline], err = causeOf(r.Cause); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Arrivals gives the fingerprint of each file a pipeline has had a slot for.
func (t *Timekeeper) Arrivals(ctx context.Context, pipeline string) (map[string]string, error) {
	var rows []struct {
		Path        string `db:"path"`
		Fingerprint string `db:"fingerprint"`
	}
	if err := t.s.db.SelectContext(ctx, &rows, t.s.db.Rebind(`SELECT path, fingerprint FROM tieout_arrivals WHERE project = ? AND environment = ? AND pipeline = ?`),
		t.project, t.environment, pipeline); err != nil {
		return nil, t.s.named(err)
	}
	out := make(map[string]string, len(rows))
	for _, r := range rows {
		out[storedPath(r.Path)] = r.Fingerprint
	}
	return out, nil
}

// arrive notes the files that slots were written down for.
func (t *Timekeeper) arrive(ctx context.Context, tx *sqlx.Tx, slots []schedule.Slot) error {
	for i := range slots {
		s := &slots[i]
		if s.Origin != schedule.ByFiles {
			continue
		}
		for path, fingerprint := range s.Cause {
			if _, err := tx.ExecContext(ctx, tx.Rebind(`INSERT INTO tieout_arrivals (project, environment, pipeline, path, fingerprint) VALUES (?,?,?,?,?)
				ON CONFLICT (project, environment, pipeline, path) DO UPDATE SET fingerprint = excluded.fingerprint`),
				t.project, t.environment, s.Pipeline, pathToStore(path), clean(fingerprint)); err != nil {
				return err
			}
		}
	}
	return nil
}

// pathToStore keeps a path that is no text, quoted, so that it is the same
// path when it comes back: one that changed would be a new file each time.
func pathToStore(path string) string {
	if clean(path) == path && !strings.HasPrefix(path, `"`) {
		return path
	}
	return strconv.QuoteToASCII(path)
}

func storedPath(text string) string {
	if path, err := strconv.Unquote(text); err == nil && strings.HasPrefix(text, `"`) {
		return path
	}
	return text
}
