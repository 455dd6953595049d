package state

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/tieout/tieout/runner/alert"
)

// OpenIncidents lists the open incidents.
func (t *Timekeeper) OpenIncidents(ctx context.Context) ([]alert.Incident, error) {
	var rows []struct {
		Pipeline string `db:"pipeline"`
		Kind     string `db:"kind"`
		Target   string `db:"target"`
		Since    string `db:"since"`
		Told     string `db:"told_at"`
		Repeats  int    `db:"repeats"`
		Event    string `db:"event"`
	}
	if err := t.s.db.SelectContext(ctx, &rows, t.s.db.Rebind(`SELECT pipeline, kind, target, since, told_at, repeats, event FROM tieout_incidents
		WHERE project = ? AND environment = ? ORDER BY since, pipeline, kind`), t.project, t.environment); err != nil {
		return nil, t.s.named(err)
	}
	out := make([]alert.Incident, len(rows))
	for i, r := range rows {
		in := alert.Incident{Pipeline: r.Pipeline, Kind: alert.Kind(r.Kind), Target: r.Target, Repeats: r.Repeats}
		var err error
		if in.Since, err = instant(r.Since); err == nil {
			if in.ToldAt, err = instant(r.Told); err == nil {
				in.Last, err = eventOf(r.Event)
			}
		}
		if err != nil {
			return nil, err
		}
		out[i] = in
	}
	return out, nil
}

func eventOf(text string) (alert.Event, error) {
	var e alert.Event
	if err := json.Unmarshal([]byte(text), &e); err != nil {
		return e, fmt.Errorf("%w: an event cannot be read: %w", ErrCorrupt, err)
	}
	return e, nil
}

// Record writes or removes an incident and posts a letter: see
// alert.Incidents.
func (t *Timekeeper) Record(ctx context.Context, i alert.Incident, closed bool, letter *alert.Letter) error {
	return t.s.inTx(ctx, func(tx *sqlx.Tx) error {
		var err error
		if closed {
			_, err = tx.ExecContext(ctx, tx.Rebind(`DELETE FROM tieout_incidents WHERE project = ? AND environment = ? AND pipeline = ? AND kind = ?`),
				t.project, t.environment, i.Pipeline, string(i.Kind))
		} else {
			err = t.keepIncident(ctx, tx, i)
		}
		if err != nil || letter == nil {
			return err
		}
		return t.post(ctx, tx, letter)
	})
}

func (t *Timekeeper) keepIncident(ctx context.Context, tx *sqlx.Tx, i alert.Incident) error {
	event, err := json.Marshal(i.Last)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, tx.Rebind(`INSERT INTO tieout_incidents (project, environment, pipeline, kind, target, since, told_at, repeats, event)
		VALUES (?,?,?,?,?,?,?,?,?) ON CONFLICT (project, environment, pipeline, kind) DO UPDATE SET
		target = excluded.target, since = excluded.since, told_at = excluded.told_at, repeats = excluded.repeats, event = excluded.event`),
		t.project, t.environment, i.Pipeline, string(i.Kind), i.Target, stampOrNone(i.Since), stampOrNone(i.ToldAt), i.Repeats, clean(string(event)))
	return err
}

func (t *Timekeeper) post(ctx context.Context, tx *sqlx.Tx, l *alert.Letter) error {
	event, err := json.Marshal(l.Event)
	if err != nil {
		return err
	}
	created := l.CreatedAt
	if created.IsZero() {
		created = t.s.now()
	}
	_, err = tx.ExecContext(ctx, tx.Rebind(`INSERT INTO tieout_letters (project, environment, target, pipeline, kind, event, repeats, since,
		status, attempts, not_before, created_at, ended_at, error) VALUES (?,?,?,?,?,?,?,?,'waiting',?,?,?,'',?)`),
		t.project, t.environment, l.Target, l.Event.Pipeline, string(l.Event.Kind), clean(string(event)), l.Repeats, stampOrNone(l.Since),
		l.Attempts, stampOrNone(l.NotBefore), stamp(created), clean(l.Error))
	return err
}

// Waiting lists letters not delivered and not given up, oldest first.
func (t *Timekeeper) Waiting(ctx context.Context) ([]alert.Letter, error) {
	var rows []struct {
		ID        int64  `db:"id"`
		Target    string `db:"target"`
		Event     string `db:"event"`
		Repeats   int    `db:"repeats"`
		Since     string `db:"since"`
		Attempts  int    `db:"attempts"`
		NotBefore string `db:"not_before"`
		Created   string `db:"created_at"`
		Error     string `db:"error"`
	}
	if err := t.s.db.SelectContext(ctx, &rows, t.s.db.Rebind(`SELECT id, target, event, repeats, since, attempts, not_before, created_at, error FROM tieout_letters
		WHERE project = ? AND environment = ? AND status = 'waiting' ORDER BY id`), t.project, t.environment); err != nil {
		return nil, t.s.named(err)
	}
	out := make([]alert.Letter, len(rows))
	for i, r := range rows {
		l := alert.Letter{ID: r.ID, Target: r.Target, Repeats: r.Repeats, Attempts: r.Attempts, Error: r.Error}
		var err error
		if l.Event, err = eventOf(r.Event); err != nil {
			return nil, err
		}
		for _, at := range []struct {
			to   *time.Time
			text string
		}{{&l.Since, r.Since}, {&l.NotBefore, r.NotBefore}, {&l.CreatedAt, r.Created}} {
			if *at.to, err = instant(at.text); err != nil {
				return nil, err
			}
		}
		out[i] = l
	}
	return out, nil
}

// Deliver marks letters as delivered.
func (t *Timekeeper) Deliver(ctx context.Context, ids []int64, at time.Time) error {
	return t.letters(ctx, ids, `UPDATE tieout_letters SET status = 'delivered', attempts = attempts + 1, error = '', ended_at = ?`, stamp(at))
}

// Defer notes a failed attempt at letters.
func (t *Timekeeper) Defer(ctx context.Context, ids []int64, notBefore time.Time, reason string, giveUp bool) error {
	status, ended := "waiting", ""
	if giveUp {
		status, ended = "given_up", stamp(t.s.now())
	}
	return t.letters(ctx, ids, `UPDATE tieout_letters SET status = ?, attempts = attempts + 1, not_before = ?, error = ?, ended_at = ?`,
		status, stampOrNone(notBefore), clean(reason), ended)
}

// letters changes those that wait, all or none.
func (t *Timekeeper) letters(ctx context.Context, ids []int64, change string, args ...any) error {
	if len(ids) == 0 {
		return nil
	}
	return t.s.inTx(ctx, func(tx *sqlx.Tx) error {
		for part := range slices.Chunk(ids, slotsAtOnce) {
			query, list, err := sqlx.In(change+` WHERE project = ? AND environment = ? AND status = 'waiting' AND id IN (?)`,
				append(slices.Clone(args), t.project, t.environment, part)...)
			if err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, tx.Rebind(query), list...); err != nil {
				return err
			}
		}
		return nil
	})
}

// Undelivered is what has not reached anybody.
type Undelivered struct {
	Waiting int // letters that are tried again
	GivenUp int // letters that are not, since an instant
	// LastWaiting and LastGivenUp are the newest of each that failed, with
	// target and error; zero where none did.
	LastWaiting, LastGivenUp alert.Letter
}

// Undelivered counts letters that wait, and those given up since an instant.
func (t *Timekeeper) Undelivered(ctx context.Context, since time.Time) (Undelivered, error) {
	var u Undelivered
	waiting := []any{t.project, t.environment}
	last, n, err := t.lastFailed(ctx, `project = ? AND environment = ? AND status = 'waiting'`, waiting)
	if err != nil {
		return u, err
	}
	u.Waiting, u.LastWaiting = n, last
	// Both conditions on the status: the first is that of the index.
	u.LastGivenUp, u.GivenUp, err = t.lastFailed(ctx, `project = ? AND environment = ? AND status <> 'waiting' AND status = 'given_up' AND ended_at >= ?`,
		append(waiting, stamp(since)))
	return u, err
}

// lastFailed counts letters and finds the newest of them with an error.
func (t *Timekeeper) lastFailed(ctx context.Context, where string, args []any) (alert.Letter, int, error) {
	var n int
	if err := t.s.db.GetContext(ctx, &n, t.s.db.Rebind(`SELECT COUNT(*) FROM tieout_letters WHERE `+where), args...); err != nil || n == 0 {
		return alert.Letter{}, 0, t.s.named(err)
	}
	var row struct {
		Target string `db:"target"`
		Error  string `db:"error"`
	}
	err := t.s.db.GetContext(ctx, &row, t.s.db.Rebind(`SELECT target, error FROM tieout_letters WHERE `+where+` AND error <> '' ORDER BY ended_at DESC, id DESC LIMIT 1`), args...)
	if noRows(err) {
		err = nil
	}
	return alert.Letter{Target: row.Target, Error: row.Error}, n, t.s.named(err)
}
