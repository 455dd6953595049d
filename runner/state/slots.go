package state

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/tieout/tieout/runner/alert"
	"github.com/tieout/tieout/runner/schedule"
)

var (
	_ schedule.Slots    = (*Timekeeper)(nil)
	_ schedule.Register = (*Timekeeper)(nil)
	_ schedule.Past     = (*Timekeeper)(nil)
	_ alert.Incidents   = (*Timekeeper)(nil)
	_ alert.Mailbox     = (*Timekeeper)(nil)
)

// Timekeeper keeps the slots, pauses, incidents and letters of one project
// and environment. It is safe for concurrent use.
type Timekeeper struct {
	s                    *Store
	project, environment string
}

// Schedule is what the store keeps of the schedule of one project and
// environment.
func (s *Store) Schedule(project, environment string) *Timekeeper {
	return &Timekeeper{s: s, project: project, environment: environment}
}

const slotColumns = `pipeline, nominal, through, local, zone, origin, status, reason, attempts, run_id, not_before, recorded_at, started_at, ended_at, cause`

type slotRow struct {
	Pipeline  string `db:"pipeline"`
	Nominal   string `db:"nominal"`
	Through   string `db:"through"`
	Local     string `db:"local"`
	Zone      string `db:"zone"`
	Origin    string `db:"origin"`
	Status    string `db:"status"`
	Reason    string `db:"reason"`
	Attempts  int    `db:"attempts"`
	RunID     string `db:"run_id"`
	NotBefore string `db:"not_before"`
	Recorded  string `db:"recorded_at"`
	Started   string `db:"started_at"`
	Ended     string `db:"ended_at"`
	Cause     string `db:"cause"`
}

func (r *slotRow) slot() (schedule.Slot, error) {
	s := schedule.Slot{Pipeline: r.Pipeline, Local: r.Local, Zone: r.Zone, Origin: schedule.Origin(r.Origin),
		Status: schedule.Status(r.Status), Reason: r.Reason, Attempts: r.Attempts, RunID: r.RunID}
	for _, at := range []struct {
		to   *time.Time
		text string
	}{{&s.Nominal, r.Nominal}, {&s.Through, r.Through}, {&s.NotBefore, r.NotBefore},
		{&s.RecordedAt, r.Recorded}, {&s.StartedAt, r.Started}, {&s.EndedAt, r.Ended}} {
		t, err := instant(at.text)
		if err != nil {
			return s, fmt.Errorf("slot %s of %s: %w", r.Nominal, r.Pipeline, err)
		}
		*at.to = t
	}
	var err error
	s.Cause, err = causeOf(r.Cause)
	return s, err
}

func causeOf(text string) (map[string]string, error) {
	var cause map[string]string
	if text == "" {
		return nil, nil
	}
	if err := json.Unmarshal([]byte(text), &cause); err != nil {
		return nil, fmt.Errorf("%w: the cause of a slot cannot be read: %w", ErrCorrupt, err)
	}
	return cause, nil
}

// slots reads what a query over slotColumns gives.
func (t *Timekeeper) slots(ctx context.Context, query string, args ...any) ([]schedule.Slot, error) {
	var rows []slotRow
	if err := t.s.db.SelectContext(ctx, &rows, t.s.db.Rebind(query), args...); err != nil {
		return nil, t.s.named(err)
	}
	out := make([]schedule.Slot, len(rows))
	for i := range rows {
		var err error
		if out[i], err = rows[i].slot(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// slotsAtOnce is how many slots one statement writes.
const slotsAtOnce = 200

// Propose writes down slots and the watermark: see schedule.Slots.
func (t *Timekeeper) Propose(ctx context.Context, slots []schedule.Slot, watermark time.Time) ([]schedule.Slot, error) {
	// One order for all writers, so that two of them cannot wait for each
	// other; stable, so that of two equal ones the first counts.
	sorted := slices.Clone(slots)
	slices.SortStableFunc(sorted, byInstant)
	var added []schedule.Slot
	err := t.s.inTx(ctx, func(tx *sqlx.Tx) error {
		added = nil
		for part := range slices.Chunk(sorted, slotsAtOnce) {
			some, err := t.insertSlots(ctx, tx, part)
			if err != nil {
				return err
			}
			added = append(added, some...)
		}
		if err := t.arrive(ctx, tx, added); err != nil || watermark.IsZero() {
			return err
		}
		_, err := tx.ExecContext(ctx, tx.Rebind(`INSERT INTO tieout_watch (project, environment, watermark) VALUES (?,?,?)
			ON CONFLICT (project, environment) DO UPDATE SET watermark = excluded.watermark`), t.project, t.environment, stamp(watermark))
		return err
	})
	if err != nil {
		return nil, err
	}
	return added, nil
}

func byInstant(a, b schedule.Slot) int {
	return cmp.Or(a.Nominal.Compare(b.Nominal), cmp.Compare(a.Pipeline, b.Pipeline))
}

// insertSlots writes slots that are not there yet and returns those.
func (t *Timekeeper) insertSlots(ctx context.Context, tx *sqlx.Tx, slots []schedule.Slot) ([]schedule.Slot, error) {
	const columns = 17
	row := "(?" + strings.Repeat(",?", columns-1) + ")"
	args := make([]any, 0, columns*len(slots))
	for i := range slots {
		s := &slots[i]
		cause, err := json.Marshal(s.Cause)
		if err != nil {
			return nil, err
		}
		if s.Cause == nil {
			cause = nil
		}
		args = append(args, t.project, t.environment, s.Pipeline, stamp(s.Nominal), stampOrNone(s.Through), s.Local, s.Zone,
			string(s.Origin), string(s.Status), clean(s.Reason), s.Attempts, s.RunID, stampOrNone(s.NotBefore),
			stampOrNone(s.RecordedAt), stampOrNone(s.StartedAt), stampOrNone(s.EndedAt), clean(string(cause)))
	}
	var new []struct {
		Pipeline string `db:"pipeline"`
		Nominal  string `db:"nominal"`
	}
	err := tx.SelectContext(ctx, &new, tx.Rebind(`INSERT INTO tieout_slots (project, environment, `+slotColumns+`) VALUES `+
		row+strings.Repeat(","+row, len(slots)-1)+` ON CONFLICT DO NOTHING RETURNING pipeline, nominal`), args...)
	if err != nil {
		return nil, err
	}
	isNew := make(map[[2]string]bool, len(new))
	for _, n := range new {
		isNew[[2]string{n.Pipeline, n.Nominal}] = true
	}
	var added []schedule.Slot
	for i := range slots {
		id := [2]string{slots[i].Pipeline, stamp(slots[i].Nominal)}
		if isNew[id] {
			added = append(added, slots[i])
			delete(isNew, id)
		}
	}
	return added, nil
}

// Open lists slots that are due or running, by nominal instant and name.
func (t *Timekeeper) Open(ctx context.Context) ([]schedule.Slot, error) {
	open, err := t.slots(ctx, `SELECT `+slotColumns+` FROM tieout_slots WHERE project = ? AND environment = ? AND status IN ('due', 'running')`,
		t.project, t.environment)
	slices.SortFunc(open, byInstant)
	return open, err
}

// Claim turns a due slot into a running one.
func (t *Timekeeper) Claim(ctx context.Context, s schedule.Slot) (bool, error) {
	n, err := t.change(ctx, `UPDATE tieout_slots SET status = 'running', reason = ?, attempts = ?, run_id = ?, started_at = ?
		WHERE project = ? AND environment = ? AND pipeline = ? AND nominal = ? AND status = 'due'`,
		clean(s.Reason), s.Attempts, s.RunID, stampOrNone(s.StartedAt), t.project, t.environment, s.Pipeline, stamp(s.Nominal))
	return n > 0, err
}

// Update writes what became of a slot. One that has ended, or that another
// run has claimed, stays as it is.
func (t *Timekeeper) Update(ctx context.Context, s schedule.Slot, was string) error {
	n, err := t.change(ctx, `UPDATE tieout_slots SET status = ?, reason = ?, attempts = ?, run_id = ?, not_before = ?, ended_at = ?
		WHERE project = ? AND environment = ? AND pipeline = ? AND nominal = ? AND status IN ('due', 'running') AND run_id = ?`,
		string(s.Status), clean(s.Reason), s.Attempts, s.RunID, stampOrNone(s.NotBefore), stampOrNone(s.EndedAt),
		t.project, t.environment, s.Pipeline, stamp(s.Nominal), was)
	if err != nil || n > 0 {
		return err
	}
	var there bool
	err = t.s.db.GetContext(ctx, &there, t.s.db.Rebind(`SELECT EXISTS (SELECT 1 FROM tieout_slots
		WHERE project = ? AND environment = ? AND pipeline = ? AND nominal = ?)`), t.project, t.environment, s.Pipeline, stamp(s.Nominal))
	if err == nil && !there {
		return fmt.Errorf("slot %s of %s: %w", stamp(s.Nominal), s.Pipeline, ErrMissing)
	}
	return t.s.named(err)
}

// change runs one statement and says how many rows it changed.
func (t *Timekeeper) change(ctx context.Context, query string, args ...any) (int64, error) {
	done, err := t.s.db.ExecContext(ctx, t.s.db.Rebind(query), args...)
	if err != nil {
		return 0, t.s.named(err)
	}
	return done.RowsAffected()
}

// SlotFilter chooses slots; zero fields choose all.
type SlotFilter struct {
	Pipeline string
	Nominal  time.Time
	Status   schedule.Status
	Limit    int
}

// Slots lists slots, newest first.
func (t *Timekeeper) Slots(ctx context.Context, f SlotFilter) ([]schedule.Slot, error) {
	query := `SELECT ` + slotColumns + ` FROM tieout_slots WHERE project = ? AND environment = ?`
	args := []any{t.project, t.environment}
	if f.Pipeline != "" {
		query, args = query+` AND pipeline = ?`, append(args, f.Pipeline)
	}
	if !f.Nominal.IsZero() {
		query, args = query+` AND nominal = ?`, append(args, stamp(f.Nominal))
	}
	if f.Status != "" {
		query, args = query+` AND status = ?`, append(args, string(f.Status))
	}
	query += ` ORDER BY nominal DESC, pipeline DESC`
	if f.Limit > 0 {
		query += fmt.Sprintf(` LIMIT %d`, f.Limit)
	}
	return t.slots(ctx, query, args...)
}
