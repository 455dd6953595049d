package state

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/jmoiron/sqlx"

	"github.com/tieout/tieout/runner"
)

// HeldStatus is what became of a held record.
type HeldStatus string

// Pending: its run has not committed. Waiting: for a person or a
// re-read. Replaced: a later run held the same record again. Resolved: it got
// through, or, where only what it holds tells it apart, its source has it no
// more. Discarded: a person gave it up. Evidence: of a run that committed
// nothing.
const (
	Pending   HeldStatus = "pending"
	Waiting   HeldStatus = "waiting"
	Replaced  HeldStatus = "replaced"
	Resolved  HeldStatus = "resolved"
	Discarded HeldStatus = "discarded"
	Evidence  HeldStatus = "evidence"
)

// HeldEntry is a held record in the store.
type HeldEntry struct {
	ID        int64      `db:"id" json:"id"`
	RunID     string     `db:"run_id" json:"run_id"`
	Pipeline  string     `db:"pipeline" json:"pipeline"`
	Key       string     `db:"record_key" json:"key"`
	Stage     string     `db:"stage" json:"stage"`
	Status    HeldStatus `db:"status" json:"status"`
	Input     string     `db:"input" json:"input,omitempty"`
	Line      int64      `db:"line" json:"line,omitempty"`
	Record    string     `db:"record" json:"record"`
	Original  string     `db:"original" json:"original,omitempty"` // before the first edit
	Enter     int        `db:"enter_step" json:"enter"`
	ReasonsJS string     `db:"reasons" json:"-"`
	CreatedAt string     `db:"created_at" json:"created_at"`
	ChangedAt string     `db:"changed_at" json:"changed_at"`
	ChangedBy string     `db:"changed_by" json:"changed_by,omitempty"`
	EditedAt  string     `db:"edited_at" json:"edited_at,omitempty"` // the last edit
	EditedBy  string     `db:"edited_by" json:"edited_by,omitempty"`

	Reasons []runner.Reason `db:"-" json:"reasons"`
}

// HeldFilter chooses held records; zero fields choose all.
type HeldFilter struct {
	Project, Environment, Pipeline string
	RunID                          string
	Status                         HeldStatus
	Limit                          int
}

const heldColumns = `id, run_id, pipeline, record_key, stage, status, input, line, record, original, enter_step, reasons, created_at, changed_at, changed_by, edited_at, edited_by`

// Held lists held records, oldest first.
func (s *Store) Held(ctx context.Context, f HeldFilter) ([]HeldEntry, error) {
	where, args := f.where()
	query := `SELECT ` + heldColumns + ` FROM tieout_held` + where + ` ORDER BY id`
	if f.Limit > 0 {
		query += fmt.Sprintf(" LIMIT %d", f.Limit)
	}
	var entries []HeldEntry
	if err := s.db.SelectContext(ctx, &entries, s.db.Rebind(query), args...); err != nil {
		return nil, s.named(err)
	}
	for i := range entries {
		if err := json.Unmarshal([]byte(entries[i].ReasonsJS), &entries[i].Reasons); err != nil {
			return nil, fmt.Errorf("%w: the reasons of held record %d cannot be read", ErrCorrupt, entries[i].ID)
		}
	}
	return entries, nil
}

// CountHeld counts them.
func (s *Store) CountHeld(ctx context.Context, f HeldFilter) (int64, error) {
	where, args := f.where()
	var n int64
	err := s.db.GetContext(ctx, &n, s.db.Rebind(`SELECT count(*) FROM tieout_held`+where), args...)
	return n, err
}

func (f *HeldFilter) where() (string, []any) {
	var parts []string
	var args []any
	add := func(column, value string) {
		if value != "" {
			parts, args = append(parts, column+" = ?"), append(args, value)
		}
	}
	add("project", f.Project)
	add("pipeline", f.Pipeline)
	add("run_id", f.RunID)
	add("status", string(f.Status))
	if f.Project != "" {
		parts, args = append(parts, "environment = ?"), append(args, f.Environment)
	}
	if len(parts) == 0 {
		return "", nil
	}
	return " WHERE " + strings.Join(parts, " AND "), args
}

// HeldByID finds one held record.
func (s *Store) HeldByID(ctx context.Context, id int64) (HeldEntry, error) {
	var e HeldEntry
	err := s.db.GetContext(ctx, &e, s.db.Rebind(`SELECT `+heldColumns+` FROM tieout_held WHERE id = ?`), id)
	if noRows(err) {
		return e, fmt.Errorf("held record %d: %w", id, ErrMissing)
	}
	if err != nil {
		return e, s.named(err)
	}
	return e, json.Unmarshal([]byte(e.ReasonsJS), &e.Reasons)
}

// EditHeld replaces the record of an open entry; the record as it was held
// is kept, and so is who changed it.
func (s *Store) EditHeld(ctx context.Context, id int64, record, actor string) error {
	if !json.Valid([]byte(record)) {
		return fmt.Errorf("the edited record is not JSON")
	}
	now := stamp(s.now())
	return s.changeOpen(ctx, id, `UPDATE tieout_held SET original = CASE WHEN original = '' THEN record ELSE original END,
		record = ?, changed_at = ?, changed_by = ?, edited_at = ?, edited_by = ? WHERE id = ? AND status = ?`,
		clean(record), now, clean(actor), now, clean(actor), id, string(Waiting))
}

// CloseHeld ends an open entry as resolved or discarded.
func (s *Store) CloseHeld(ctx context.Context, id int64, as HeldStatus, actor string) error {
	return s.changeOpen(ctx, id, `UPDATE tieout_held SET status = ?, changed_at = ?, changed_by = ? WHERE id = ? AND status = ?`,
		string(as), stamp(s.now()), actor, id, string(Waiting))
}

func (s *Store) changeOpen(ctx context.Context, id int64, query string, args ...any) error {
	return s.inTx(ctx, func(tx *sqlx.Tx) error {
		res, err := tx.ExecContext(ctx, tx.Rebind(query), args...)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n > 0 {
			return err
		}
		return fmt.Errorf("open held record %d: %w", id, ErrMissing)
	})
}

// clean makes text every store can keep: PostgreSQL refuses NUL and broken
// UTF-8.
func clean(text string) string {
	if !utf8.ValidString(text) {
		text = strings.ToValidUTF8(text, "\ufffd")
	}
	return strings.ReplaceAll(text, "\x00", "\ufffd")
}

// HoldOnce keeps records that a service refused after its load was committed,
// as pending with their run. What was kept of them before is replaced, so that
// it may be said again after a crash.
func (s *Store) HoldOnce(ctx context.Context, run runner.Run, held []runner.Held) error {
	return s.inTx(ctx, func(tx *sqlx.Tx) error {
		for i := range held {
			if _, err := tx.ExecContext(ctx, tx.Rebind(`DELETE FROM tieout_held WHERE run_id = ? AND record_key = ? AND status = ?`), run.RunID, clean(held[i].Key), string(Pending)); err != nil {
				return err
			}
		}
		return s.insertHeld(ctx, tx, run, held)
	})
}
