package sql

import (
	"context"
	"fmt"
	"time"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/record"
	"github.com/tieout/tieout/transforms/calendar"
)

// loader brings rows into the target or its staging table.
type loader interface {
	// write takes the live rows of a batch.
	write(ctx context.Context, b *record.Batch) error
	// finish brings in what is still on the way and opens the transaction of
	// the merge, if it is not open already. The writer may merge then.
	finish(ctx context.Context) error
	// plan tells where the rows are and where they go.
	plan() *plan
	// tally is how many rows were brought in and a hash over them in order.
	tally() (rows int64, hash string)
}

// writer is one load.
type writer struct {
	*session
	dialect  dialect
	loader   loader
	ledger   *ledger
	refusals *refusals
	load     connectors.Load
	epoch    int64
	now      func() time.Time
	done     bool
	// committed says that the commit was answered.
	committed bool
	broken    error
}

// Write brings the live rows in.
func (w *writer) Write(ctx context.Context, b *record.Batch) error {
	if w.broken != nil || w.done {
		return fmt.Errorf("write after the load ended: %w", w.broken)
	}
	if b.Rows > 1<<rowBits {
		w.broken = fmt.Errorf("batch %d has %d rows and a batch may have %d", b.Seq, b.Rows, 1<<rowBits)
		return w.broken
	}
	w.refusals.remember(b)
	w.broken = interrupted(ctx, w.loader.write(ctx, b))
	return w.broken
}

// interrupted gives the end of the run as the reason of what failed because of
// it: a server reports a cancelled statement as an error of its own.
func interrupted(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// Commit merges, proves, and commits once.
func (w *writer) Commit(ctx context.Context, row connectors.Ledger, approve func(connectors.Receipt) error) (connectors.Receipt, error) {
	if w.broken != nil || w.done {
		return connectors.Receipt{}, fmt.Errorf("commit after the load ended: %w", w.broken)
	}
	defer w.end()
	receipt, err := w.merge(ctx)
	if err != nil {
		return connectors.Receipt{}, interrupted(ctx, err)
	}
	if err := approve(receipt); err != nil {
		return connectors.Receipt{}, err
	}
	if err := w.prove(ctx, row, receipt); err != nil {
		return connectors.Receipt{}, err
	}
	return receipt, w.commit(ctx)
}

// merge opens the fence and brings the rows into the target.
func (w *writer) merge(ctx context.Context) (connectors.Receipt, error) {
	if err := w.loader.finish(ctx); err != nil {
		return connectors.Receipt{}, err
	}
	epoch, err := w.ledger.epoch(ctx, w.load)
	if err != nil {
		return connectors.Receipt{}, err
	}
	if epoch != w.epoch {
		return connectors.Receipt{}, fmt.Errorf("%w: pipeline %q is at epoch %d and this load has %d",
			connectors.ErrFenced, w.load.Pipeline, epoch, w.epoch)
	}
	plan := w.loader.plan()
	for _, statement := range plan.create {
		if err := w.exec(ctx, fmt.Sprintf("create table %q", plan.name), statement); err != nil {
			return connectors.Receipt{}, err
		}
	}
	if err := w.widen(ctx, plan); err != nil {
		return connectors.Receipt{}, err
	}
	rows, _ := w.loader.tally()
	m := &merge{session: w.session, plan: plan, refusals: w.refusals, dialect: w.dialect, mode: w.load.Mode, rows: rows,
		policy: w.load.Missing, kept: w.refusals.kept, asOf: string(calendar.AppendTimestamp(nil, w.load.AsOf.UnixMicro()))}
	if err := m.run(ctx); err != nil {
		return connectors.Receipt{}, err
	}
	m.receipt.Refused = w.refusals.list
	return m.receipt, nil
}

// Keep takes the keys of records that are not missing.
func (w *writer) Keep(_ context.Context, b *record.Batch) error {
	if k := w.refusals.kept; k != nil {
		k.add(b)
	}
	return nil
}

// KeepAll takes nothing away.
func (w *writer) KeepAll() {
	if k := w.refusals.kept; k != nil {
		k.all = true
	}
}

// prove writes the ledger and the position.
func (w *writer) prove(ctx context.Context, row connectors.Ledger, receipt connectors.Receipt) error {
	row.LoadID, row.Format = w.load.ID, connectors.LedgerFormat
	row.Counts.Inserted, row.Counts.Changed = receipt.Inserted, receipt.Changed
	row.Counts.Unchanged, row.Counts.Deleted = receipt.Unchanged, receipt.Deleted
	row.Counts.Refused = int64(len(receipt.Refused))
	if row.Hash == "" {
		_, row.Hash = w.loader.tally()
	}
	if row.After != nil {
		after := *row.After
		after.Epoch, after.LoadID = w.epoch, w.load.ID
		row.After = &after
	}
	if row.FinishedAt.IsZero() {
		row.FinishedAt = w.now()
	}
	if err := w.ledger.insert(ctx, w.load, row, w.epoch); err != nil {
		return err
	}
	return w.ledger.setPosition(ctx, w.load, row.After, w.epoch, row.FinishedAt)
}

// commit sends COMMIT. It is not cut off by a cancelled run: from here on
// only the answer tells.
func (w *writer) commit(ctx context.Context) error {
	_, err := w.conn.ExecContext(context.WithoutCancel(ctx), "COMMIT")
	if err == nil {
		w.committed = true
		return nil
	}
	if w.classify(err) == faultLost {
		return fmt.Errorf("%w: load %s: %w", connectors.ErrCommitUnknown, w.load.ID, w.wrap(err, "commit"))
	}
	return w.wrap(err, "commit")
}

// Abort undoes everything.
func (w *writer) Abort(context.Context) error {
	w.end()
	return nil
}

// end closes the connection; a transaction that is open ends undone.
func (w *writer) end() {
	if !w.done {
		w.done = true
		w.close()
	}
}
