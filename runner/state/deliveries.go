package state

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/runner"
	"github.com/tieout/tieout/runner/delivery"
)

var deliveryTables = []string{
	// One row for each document that is to be sent to a service, or was.
	`CREATE TABLE tieout_deliveries (load_id TEXT NOT NULL, place BIGINT NOT NULL, run_id TEXT NOT NULL,
		project TEXT NOT NULL, environment TEXT NOT NULL, tenant TEXT NOT NULL, pipeline TEXT NOT NULL,
		from_stream TEXT NOT NULL, to_stream TEXT NOT NULL, record_key TEXT NOT NULL, sequence BIGINT NOT NULL,
		operation TEXT NOT NULL, intent_key TEXT NOT NULL, key_fields TEXT NOT NULL, record TEXT NOT NULL, content TEXT NOT NULL,
		input TEXT NOT NULL, line BIGINT NOT NULL, status TEXT NOT NULL, target_id TEXT NOT NULL, version TEXT NOT NULL,
		reason TEXT NOT NULL, request_id TEXT NOT NULL, http BIGINT NOT NULL, attempts BIGINT NOT NULL,
		planned_at TEXT NOT NULL, sent_at TEXT NOT NULL, ended_at TEXT NOT NULL, PRIMARY KEY (load_id, place))`,
	`CREATE INDEX tieout_deliveries_identity ON tieout_deliveries (project, environment, tenant, from_stream, to_stream, record_key, sequence)`,
	`CREATE INDEX tieout_deliveries_open ON tieout_deliveries (project, environment, status) WHERE status NOT IN ('confirmed', 'refused')`,
	// What stands in a sink that has tables: the position and the ledger.
	`CREATE TABLE tieout_target_positions (project TEXT NOT NULL, environment TEXT NOT NULL, pipeline TEXT NOT NULL,
		epoch BIGINT NOT NULL, position TEXT NOT NULL, PRIMARY KEY (project, environment, pipeline))`,
	`CREATE TABLE tieout_target_loads (load_id TEXT PRIMARY KEY, project TEXT NOT NULL, environment TEXT NOT NULL, pipeline TEXT NOT NULL,
		ledger TEXT NOT NULL, fields TEXT NOT NULL)`,
}

// overtakingTables: no two intents of an identity have the same number, so
// that of two loads that plan the same document one fails to commit.
var overtakingTables = []string{
	`DROP INDEX tieout_deliveries_identity`,
	`CREATE UNIQUE INDEX tieout_deliveries_identity ON tieout_deliveries (project, environment, tenant, from_stream, to_stream, record_key, sequence) WHERE status <> 'pending'`,
}

// Deliveries is the part of the store that documents for services are kept in.
type Deliveries struct{ s *Store }

// Deliveries gives that part.
func (s *Store) Deliveries() *Deliveries { return &Deliveries{s} }

var _ delivery.Store = (*Deliveries)(nil)

func pipelineOf(l *connectors.Load) []any { return []any{l.Project, l.Environment, l.Pipeline} }

// Raise gives the pipeline's position the next epoch.
func (d *Deliveries) Raise(ctx context.Context, load connectors.Load) (epoch int64, err error) {
	err = d.s.inTx(ctx, func(tx *sqlx.Tx) error {
		epoch, err = raiseEpoch(ctx, tx, &load)
		return err
	})
	return epoch, err
}

// raiseEpoch takes the row's lock as well.
func raiseEpoch(ctx context.Context, tx *sqlx.Tx, load *connectors.Load) (epoch int64, err error) {
	err = tx.QueryRowxContext(ctx, tx.Rebind(`INSERT INTO tieout_target_positions (project, environment, pipeline, epoch, position) VALUES (?,?,?,1,'')
		ON CONFLICT (project, environment, pipeline) DO UPDATE SET epoch = tieout_target_positions.epoch + 1 RETURNING epoch`), pipelineOf(load)...).Scan(&epoch)
	return epoch, err
}

// Position reads the position last committed.
func (d *Deliveries) Position(ctx context.Context, load connectors.Load) (pos connectors.Position, found bool, err error) {
	var text string
	err = d.s.db.GetContext(ctx, &text, d.s.db.Rebind(`SELECT position FROM tieout_target_positions WHERE project = ? AND environment = ? AND pipeline = ?`), pipelineOf(&load)...)
	switch {
	case errors.Is(err, sql.ErrNoRows) || err == nil && text == "":
		return pos, false, nil
	case err != nil:
		return pos, false, d.s.named(err)
	}
	err = json.Unmarshal([]byte(text), &pos)
	return pos, err == nil, err
}

// SetPosition writes it by hand and raises the epoch.
func (d *Deliveries) SetPosition(ctx context.Context, load connectors.Load, pos *connectors.Position) error {
	return d.s.inTx(ctx, func(tx *sqlx.Tx) error {
		epoch, err := raiseEpoch(ctx, tx, &load)
		if err != nil {
			return err
		}
		return writePosition(ctx, tx, &load, pos, epoch)
	})
}

func writePosition(ctx context.Context, tx *sqlx.Tx, load *connectors.Load, pos *connectors.Position, epoch int64) error {
	text := ""
	if pos != nil {
		p := *pos
		p.Epoch = epoch
		raw, err := json.Marshal(p)
		if err != nil {
			return err
		}
		text = string(raw)
	}
	_, err := tx.ExecContext(ctx, tx.Rebind(`UPDATE tieout_target_positions SET position = ? WHERE project = ? AND environment = ? AND pipeline = ?`), append([]any{text}, pipelineOf(load)...)...)
	return err
}

const deliveryColumns = `load_id, place, run_id, project, environment, tenant, pipeline, from_stream, to_stream, record_key, sequence, operation, intent_key,
	key_fields, record, content, input, line, status, target_id, version, reason, request_id, http, attempts, planned_at, sent_at, ended_at`

type deliveryRow struct {
	LoadID      string `db:"load_id"`
	Place       int64  `db:"place"`
	RunID       string `db:"run_id"`
	Project     string `db:"project"`
	Environment string `db:"environment"`
	Tenant      string `db:"tenant"`
	Pipeline    string `db:"pipeline"`
	From        string `db:"from_stream"`
	To          string `db:"to_stream"`
	Key         string `db:"record_key"`
	Sequence    int64  `db:"sequence"`
	Operation   string `db:"operation"`
	IntentKey   string `db:"intent_key"`
	Fields      string `db:"key_fields"`
	Record      string `db:"record"`
	Content     string `db:"content"`
	Input       string `db:"input"`
	Line        int64  `db:"line"`
	Status      string `db:"status"`
	ID          string `db:"target_id"`
	Version     string `db:"version"`
	Reason      string `db:"reason"`
	RequestID   string `db:"request_id"`
	HTTP        int    `db:"http"`
	Attempts    int    `db:"attempts"`
	PlannedAt   string `db:"planned_at"`
	SentAt      string `db:"sent_at"`
	EndedAt     string `db:"ended_at"`
}

func (r *deliveryRow) intent() (delivery.Intent, error) {
	i := delivery.Intent{Identity: delivery.Identity{Project: r.Project, Environment: r.Environment, Tenant: r.Tenant, From: r.From, To: r.To, Key: r.Key},
		Pipeline: r.Pipeline, RunID: r.RunID, LoadID: r.LoadID, Place: r.Place, Sequence: r.Sequence, Operation: connectors.Operation(r.Operation),
		IntentKey: r.IntentKey, Record: r.Record, Content: r.Content, Input: r.Input, Line: r.Line, Status: delivery.Status(r.Status), ID: r.ID,
		Version: r.Version, Reason: r.Reason, RequestID: r.RequestID, HTTP: r.HTTP, Attempts: r.Attempts}
	i.Kept = delivery.Progress{Status: i.Status, Attempts: i.Attempts}
	if err := json.Unmarshal([]byte(r.Fields), &i.Fields); err != nil {
		return i, fmt.Errorf("read an intent: %w", err)
	}
	for _, t := range []struct {
		to   *time.Time
		text string
	}{{&i.PlannedAt, r.PlannedAt}, {&i.SentAt, r.SentAt}, {&i.EndedAt, r.EndedAt}} {
		at, err := instant(t.text)
		if err != nil {
			return i, fmt.Errorf("read an intent: %w", err)
		}
		*t.to = at
	}
	return i, nil
}

// Plan keeps intents of an open load as pending.
func (d *Deliveries) Plan(ctx context.Context, intents []delivery.Intent) error {
	if len(intents) == 0 {
		return nil
	}
	return d.s.inTx(ctx, func(tx *sqlx.Tx) error {
		insert, err := tx.PreparexContext(ctx, tx.Rebind(`INSERT INTO tieout_deliveries (`+deliveryColumns+`) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`))
		if err != nil {
			return err
		}
		defer insert.Close()
		for n := range intents {
			i := &intents[n]
			fields, err := json.Marshal(i.Fields)
			if err != nil {
				return err
			}
			if _, err := insert.ExecContext(ctx, i.LoadID, i.Place, i.RunID, i.Project, i.Environment, i.Tenant, i.Pipeline, i.From, i.To, clean(i.Key), i.Sequence,
				string(i.Operation), i.IntentKey, clean(string(fields)), clean(i.Record), i.Content, clean(i.Input), i.Line, string(delivery.Pending), i.ID, i.Version,
				"", "", 0, 0, stamp(i.PlannedAt), "", ""); err != nil {
				return err
			}
		}
		return nil
	})
}

// Commit makes a load's intents planned, with ledger and position.
func (d *Deliveries) Commit(ctx context.Context, load connectors.Load, epoch int64, ledger connectors.Ledger) error {
	row, err := json.Marshal(ledger)
	if err != nil {
		return err
	}
	fields, err := json.Marshal(runner.FieldsOf(load.Shape))
	if err != nil {
		return err
	}
	return d.s.inTx(ctx, func(tx *sqlx.Tx) error {
		var now int64
		lock := `SELECT epoch FROM tieout_target_positions WHERE project = ? AND environment = ? AND pipeline = ?`
		if d.s.postgres {
			lock += ` FOR UPDATE`
		}
		if err := tx.GetContext(ctx, &now, tx.Rebind(lock), pipelineOf(&load)...); err != nil {
			return err
		}
		if now != epoch {
			return fmt.Errorf("%w: epoch %d, this load has %d", connectors.ErrFenced, now, epoch)
		}
		var taken int64
		if err := tx.GetContext(ctx, &taken, tx.Rebind(`SELECT COUNT(*) FROM tieout_deliveries AS p JOIN tieout_deliveries AS o ON o.project = p.project AND o.environment = p.environment
			AND o.tenant = p.tenant AND o.from_stream = p.from_stream AND o.to_stream = p.to_stream AND o.record_key = p.record_key AND o.sequence >= p.sequence
			AND o.status <> 'pending' WHERE p.load_id = ? AND p.status = 'pending'`), load.ID); err != nil {
			return err
		}
		if taken > 0 {
			return delivery.ErrOvertaken
		}
		if _, err := tx.ExecContext(ctx, tx.Rebind(`UPDATE tieout_deliveries SET status = 'planned' WHERE load_id = ? AND status = 'pending'`), load.ID); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, tx.Rebind(`INSERT INTO tieout_target_loads (load_id, project, environment, pipeline, ledger, fields) VALUES (?,?,?,?,?,?)`),
			load.ID, load.Project, load.Environment, load.Pipeline, string(row), string(fields)); err != nil {
			return err
		}
		if ledger.After == nil {
			return nil
		}
		return writePosition(ctx, tx, &load, ledger.After, epoch)
	})
}

// Drop forgets the pending intents of a load.
func (d *Deliveries) Drop(ctx context.Context, loadID string) error {
	_, err := d.s.db.ExecContext(ctx, d.s.db.Rebind(`DELETE FROM tieout_deliveries WHERE load_id = ? AND status = 'pending'`), loadID)
	return d.s.named(err)
}

// Committed finds the ledger of a load.
func (d *Deliveries) Committed(ctx context.Context, loadID string) (ledger connectors.Ledger, fields []runner.EntryField, found bool, err error) {
	var row struct {
		Ledger string `db:"ledger"`
		Fields string `db:"fields"`
	}
	err = d.s.db.GetContext(ctx, &row, d.s.db.Rebind(`SELECT ledger, fields FROM tieout_target_loads WHERE load_id = ?`), loadID)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return ledger, nil, false, nil
	case err != nil:
		return ledger, nil, false, d.s.named(err)
	}
	err = errors.Join(json.Unmarshal([]byte(row.Ledger), &ledger), json.Unmarshal([]byte(row.Fields), &fields))
	return ledger, fields, err == nil, err
}

// openAtOnce is how many intents are read at a time.
const openAtOnce = 200

func (d *Deliveries) intents(ctx context.Context, where string, args ...any) ([]delivery.Intent, error) {
	var rows []deliveryRow
	if err := d.s.db.SelectContext(ctx, &rows, d.s.db.Rebind(`SELECT `+deliveryColumns+` FROM tieout_deliveries WHERE `+where), args...); err != nil {
		return nil, d.s.named(err)
	}
	out := make([]delivery.Intent, len(rows))
	for n := range rows {
		var err error
		if out[n], err = rows[n].intent(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Open lists intents of a load without an outcome.
func (d *Deliveries) Open(ctx context.Context, loadID string, after int64) ([]delivery.Intent, error) {
	return d.intents(ctx, `load_id = ? AND place > ? AND status IN ('planned', 'sent', 'unknown') ORDER BY place LIMIT ?`, loadID, after, openAtOnce)
}

// Refusals lists the refused intents of a load.
func (d *Deliveries) Refusals(ctx context.Context, loadID string) ([]delivery.Intent, error) {
	return d.intents(ctx, `load_id = ? AND status = 'refused' ORDER BY place`, loadID)
}

// Unsettled lists the intents of a project whose outcome is not known, or that
// have not been sent, oldest first.
func (d *Deliveries) Unsettled(ctx context.Context, project, environment string, limit int) ([]delivery.Intent, error) {
	return d.intents(ctx, `project = ? AND environment = ? AND status IN ('planned', 'sent', 'unknown') ORDER BY load_id, place LIMIT ?`, project, environment, limit)
}

// Intent finds one by the beginning of its key.
func (d *Deliveries) Intent(ctx context.Context, project, environment, key string) (delivery.Intent, error) {
	list, err := d.intents(ctx, `project = ? AND environment = ? AND intent_key LIKE ? AND status IN ('planned', 'sent', 'unknown') LIMIT 2`, project, environment, key+"%")
	switch {
	case err != nil:
		return delivery.Intent{}, err
	case len(list) == 0:
		return delivery.Intent{}, fmt.Errorf("no open delivery %q: %w", key, ErrMissing)
	case len(list) > 1:
		return delivery.Intent{}, ErrAmbiguous
	}
	return list[0], nil
}

// Mark writes how far an intent is, and the link of a confirmed one.
func (d *Deliveries) Mark(ctx context.Context, i *delivery.Intent) error {
	err := d.s.inTx(ctx, func(tx *sqlx.Tx) error {
		done, err := tx.ExecContext(ctx, tx.Rebind(`UPDATE tieout_deliveries SET status = ?, sequence = ?, intent_key = ?, target_id = ?, version = ?, reason = ?, request_id = ?, http = ?,
			attempts = ?, sent_at = ?, ended_at = ? WHERE load_id = ? AND place = ? AND status = ? AND attempts = ?`),
			string(i.Status), i.Sequence, i.IntentKey, clean(i.ID), clean(i.Version), clean(i.Reason), clean(i.RequestID), i.HTTP, i.Attempts, stampOrNone(i.SentAt), stampOrNone(i.EndedAt),
			i.LoadID, i.Place, string(i.Kept.Status), i.Kept.Attempts)
		if err != nil {
			return err
		}
		if n, err := done.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, fmt.Errorf("%w: another process goes on with %s %q", connectors.ErrFenced, i.To, i.Key))
		}
		if i.Status != delivery.Confirmed || i.ID == "" {
			return nil
		}
		_, err = tx.ExecContext(ctx, tx.Rebind(putLink), i.Project, i.Environment, i.Tenant, i.From, i.To, clean(i.Key), clean(i.ID), clean(i.Version), "run "+i.RunID, stamp(d.s.now()))
		return err
	})
	if err == nil {
		i.Kept = delivery.Progress{Status: i.Status, Attempts: i.Attempts}
	}
	return err
}

// Tally counts the intents of a load by status.
func (d *Deliveries) Tally(ctx context.Context, loadID string) (map[delivery.Status]int64, error) {
	var rows []struct {
		Status string `db:"status"`
		N      int64  `db:"n"`
	}
	if err := d.s.db.SelectContext(ctx, &rows, d.s.db.Rebind(`SELECT status, COUNT(*) AS n FROM tieout_deliveries WHERE load_id = ? GROUP BY status`), loadID); err != nil {
		return nil, d.s.named(err)
	}
	out := make(map[delivery.Status]int64, len(rows))
	for _, r := range rows {
		out[delivery.Status(r.Status)] = r.N
	}
	return out, nil
}
