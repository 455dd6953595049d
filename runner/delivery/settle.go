package delivery

import (
	"context"
	"errors"
	"fmt"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/runner"
)

// Settle finds out whether a load was committed, and sends what a committed
// one still has to send. A load that was not committed never will be.
func (k *Sink) Settle(ctx context.Context, load connectors.Load) (connectors.Ledger, bool, error) {
	ledger, fields, found, err := k.store.Committed(ctx, load.ID)
	if err != nil {
		return ledger, false, err
	}
	if !found {
		if _, err := k.store.Raise(ctx, load); err != nil {
			return ledger, false, err
		}
		if ledger, fields, found, err = k.store.Committed(ctx, load.ID); err != nil || !found {
			return ledger, false, errors.Join(err, k.store.Drop(ctx, load.ID))
		}
	}
	if err := k.resume(ctx, load, fields); err != nil {
		return ledger, false, err
	}
	return k.account(ctx, load.ID, ledger)
}

// resume delivers the intents of a load that have no outcome.
func (k *Sink) resume(ctx context.Context, load connectors.Load, fields []runner.EntryField) error {
	open, err := k.store.Open(ctx, load.ID, -1)
	if err != nil || len(open) == 0 {
		return err
	}
	entry := runner.Entry{Fields: fields}
	if load.Shape, err = entry.Shape(); err != nil {
		return err
	}
	if to := open[0].To; to != k.s.To {
		return fmt.Errorf("%w: sink.unsettled: %d documents or more are still to be sent to %s, and the pipeline now sends to %s; let it send there once more, or settle them with `tieout outbox`", connectors.ErrConfig, len(open), to, k.s.To)
	}
	outlet, traits, err := k.open(ctx, load)
	if err != nil {
		return err
	}
	defer outlet.Close()
	c := &courier{s: &k.s, store: k.store, outlet: outlet, traits: traits}
	return c.deliver(ctx, load.ID)
}

// account corrects the ledger of a load by what the service refused, and keeps
// those records.
func (k *Sink) account(ctx context.Context, loadID string, ledger connectors.Ledger) (connectors.Ledger, bool, error) {
	refused, err := k.store.Refusals(ctx, loadID)
	if err != nil {
		return ledger, false, err
	}
	var held []runner.Held
	for i := range refused {
		one := &refused[i]
		ledger.Counts.Refused++
		if one.Operation == connectors.Create {
			ledger.Counts.Inserted--
		} else {
			ledger.Counts.Changed--
		}
		held = append(held, runner.RefusedRecord(refusalOf(one, one.Reason), k.s.Enter))
	}
	if len(held) > 0 {
		if err := k.held(ctx, ledger.RunID, held); err != nil {
			return ledger, false, err
		}
	}
	return ledger, true, nil
}
