package state

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/tieout/tieout/runner"
)

// Pruned counts what Prune removed.
type Pruned struct {
	Runs    int64 `json:"runs"`
	Slots   int64 `json:"slots"`
	Letters int64 `json:"letters"`
	Held    int64 `json:"held"`
	// Deliveries are intents whose document was changed by a later one.
	Deliveries int64 `json:"deliveries"`
}

const (
	// pruneAtOnce is how many rows one transaction removes at most.
	pruneAtOnce = 500
	// pruneRest is the pause after each, in which other writers get on.
	pruneRest = 5 * time.Millisecond
	// loadedKept is how many of a pipeline's newest loads are kept: the gate
	// compares a run with them.
	loadedKept = 30
)

// Prune removes what ended before an instant: runs and their held records
// that wait no more, slots, letters that were delivered or given up, and
// deliveries that a later one of the same document has overtaken. It
// keeps held records that wait and the runs they came from, runs that have
// not finished, of each pipeline its newest run, its newest success, its
// newest 30 loads and the newest slot that followed another pipeline, and
// open slots. It works in small transactions; an interrupted one is gone on
// with by the next.
func (s *Store) Prune(ctx context.Context, project, environment string, before time.Time) (Pruned, error) {
	p := &pruner{s: s, scope: []any{project, environment}, before: stamp(before)}
	names, err := p.pipelines(ctx)
	for i := 0; err == nil && i < len(names); i++ {
		err = p.runs(ctx, names[i])
	}
	if err == nil {
		err = p.slots(ctx)
	}
	if err == nil {
		err = p.letters(ctx)
	}
	if err == nil {
		err = p.deliveries(ctx)
	}
	return p.done, s.named(err)
}

type pruner struct {
	s      *Store
	scope  []any // project, environment
	before string
	done   Pruned
}

func (p *pruner) args(more ...any) []any { return append(slices.Clone(p.scope), more...) }

func (p *pruner) pipelines(ctx context.Context) ([]string, error) {
	const of = `SELECT pipeline FROM tieout_runs WHERE project = ? AND environment = ?`
	var names []string
	err := p.s.db.SelectContext(ctx, &names, p.s.db.Rebind(`WITH RECURSIVE names(name) AS (
			SELECT (`+of+` ORDER BY pipeline LIMIT 1)
			UNION ALL SELECT (`+of+` AND pipeline > names.name ORDER BY pipeline LIMIT 1) FROM names WHERE names.name IS NOT NULL)
		SELECT name FROM names WHERE name IS NOT NULL`), p.args(p.scope...)...)
	return names, err
}

// kept lists the runs of a pipeline that stay whatever their age.
func (p *pruner) kept(ctx context.Context, pipeline string) (map[string]bool, error) {
	kept := make(map[string]bool)
	for _, newest := range []string{
		`ORDER BY started_at DESC, run_id DESC LIMIT 1`,
		`AND fresh = 1 AND status IN ('loaded', 'nothing_new') ORDER BY finished_at DESC, run_id DESC LIMIT 1`,
		`AND status = 'loaded' AND report NOT LIKE '%"trigger":"` + runner.TriggerRetry + `"%' ORDER BY started_at DESC, run_id DESC LIMIT ` + strconv.Itoa(loadedKept),
	} {
		var ids []string
		if err := p.s.db.SelectContext(ctx, &ids, p.s.db.Rebind(`SELECT run_id FROM tieout_runs WHERE project = ? AND environment = ? AND pipeline = ? `+newest),
			p.args(pipeline)...); err != nil {
			return nil, err
		}
		for _, id := range ids {
			kept[id] = true
		}
	}
	return kept, nil
}

// runs removes the old runs of one pipeline, oldest first, page by page.
func (p *pruner) runs(ctx context.Context, pipeline string) error {
	kept, err := p.kept(ctx, pipeline)
	if err != nil {
		return err
	}
	from, last := "", ""
	for {
		var page []struct {
			RunID    string `db:"run_id"`
			Started  string `db:"started_at"`
			Finished string `db:"finished_at"`
		}
		if err := p.s.db.SelectContext(ctx, &page, p.s.db.Rebind(`SELECT run_id, started_at, finished_at FROM tieout_runs
			WHERE project = ? AND environment = ? AND pipeline = ? AND started_at < ? AND started_at >= ? AND (started_at > ? OR run_id > ?)
			ORDER BY started_at, run_id LIMIT `+strconv.Itoa(pruneAtOnce)), p.args(pipeline, p.before, from, from, last)...); err != nil {
			return err
		}
		if len(page) == 0 {
			return nil
		}
		var old []string
		for _, r := range page {
			if r.Finished != "" && r.Finished < p.before && !kept[r.RunID] {
				old = append(old, r.RunID)
			}
			from, last = r.Started, r.RunID
		}
		if err := p.remove(ctx, old); err != nil {
			return err
		}
	}
}

// remove takes away the held records of runs, and then the runs that have
// none left.
func (p *pruner) remove(ctx context.Context, runs []string) error {
	if len(runs) == 0 {
		return nil
	}
	held, err := p.repeat(ctx, `DELETE FROM tieout_held WHERE id IN (SELECT id FROM tieout_held WHERE run_id IN (?)
		AND status IN ('resolved', 'replaced', 'discarded', 'evidence') AND changed_at < ? LIMIT `+strconv.Itoa(pruneAtOnce)+`)`, runs, p.before)
	p.done.Held += held
	if err != nil {
		return err
	}
	row := "rowid"
	if p.s.postgres {
		row = "ctid"
	}
	if _, err := p.repeat(ctx, `DELETE FROM tieout_resolved WHERE `+row+` IN (SELECT `+row+` FROM tieout_resolved WHERE run_id IN (?) LIMIT `+strconv.Itoa(pruneAtOnce)+`)`, runs); err != nil {
		return err
	}
	gone, err := p.once(ctx, `DELETE FROM tieout_runs WHERE run_id IN (?) AND finished_at <> ''
		AND NOT EXISTS (SELECT 1 FROM tieout_held WHERE tieout_held.run_id = tieout_runs.run_id)`, runs)
	p.done.Runs += gone
	return err
}

func (p *pruner) slots(ctx context.Context) error {
	// The newest slot after another pipeline says which of its runs was
	// followed already.
	n, err := p.repeat(ctx, `DELETE FROM tieout_slots WHERE project = ? AND environment = ? AND (pipeline, nominal) IN (
		SELECT pipeline, nominal FROM tieout_slots AS s WHERE project = ? AND environment = ? AND nominal < ? AND through < ? AND recorded_at < ? AND ended_at < ?
		AND status NOT IN ('due', 'running')
		AND (origin <> 'after' OR EXISTS (SELECT 1 FROM tieout_slots AS n WHERE n.project = s.project AND n.environment = s.environment
			AND n.origin = 'after' AND n.pipeline = s.pipeline AND n.nominal > s.nominal))
		LIMIT `+strconv.Itoa(pruneAtOnce)+`) AND status NOT IN ('due', 'running')`, p.args(p.args(p.before, p.before, p.before, p.before)...)...)
	p.done.Slots += n
	return err
}

func (p *pruner) letters(ctx context.Context) error {
	n, err := p.repeat(ctx, `DELETE FROM tieout_letters WHERE id IN (SELECT id FROM tieout_letters WHERE project = ? AND environment = ?
		AND status <> 'waiting' AND ended_at < ? LIMIT `+strconv.Itoa(pruneAtOnce)+`)`, p.args(p.before)...)
	p.done.Letters += n
	return err
}

// deliveries removes what was sent of a document before it was changed, once
// the whole load has ended. The last intent of each, and the last that was
// taken, say what the target holds and stay.
func (p *pruner) deliveries(ctx context.Context) error {
	n, err := p.repeat(ctx, `DELETE FROM tieout_deliveries WHERE (load_id, place) IN (
		SELECT load_id, place FROM tieout_deliveries AS d WHERE project = ? AND environment = ? AND status IN ('confirmed', 'refused') AND ended_at < ?
		AND EXISTS (SELECT 1 FROM tieout_deliveries AS l WHERE l.project = d.project AND l.environment = d.environment AND l.tenant = d.tenant
			AND l.from_stream = d.from_stream AND l.to_stream = d.to_stream AND l.record_key = d.record_key AND l.status = 'confirmed' AND l.sequence > d.sequence)
		AND NOT EXISTS (SELECT 1 FROM tieout_deliveries AS o WHERE o.load_id = d.load_id AND o.status NOT IN ('confirmed', 'refused'))
		LIMIT `+strconv.Itoa(pruneAtOnce)+`)`, p.args(p.before)...)
	p.done.Deliveries += n
	return err
}

// repeat runs a statement that removes at most pruneAtOnce rows until none
// are left.
func (p *pruner) repeat(ctx context.Context, query string, args ...any) (int64, error) {
	var sum int64
	for {
		n, err := p.once(ctx, query, args...)
		sum += n
		if err != nil || n < pruneAtOnce {
			return sum, err
		}
	}
}

// once runs a statement in a transaction of its own and then rests. A list
// among the arguments stands for as many placeholders.
func (p *pruner) once(ctx context.Context, query string, args ...any) (int64, error) {
	query, list, err := sqlx.In(query, args...)
	if err != nil {
		return 0, err
	}
	done, err := p.s.db.ExecContext(ctx, p.s.db.Rebind(query), list...)
	if err != nil {
		return 0, err
	}
	n, err := done.RowsAffected()
	if err != nil || n == 0 {
		return n, err
	}
	select {
	case <-ctx.Done():
		return n, ctx.Err()
	case <-time.After(pruneRest):
		return n, nil
	}
}
