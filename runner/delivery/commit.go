package delivery

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tieout/tieout/connectors"
)

// Commit makes the load durable and then sends its documents. What it returns
// counts what the service did with them. When some could not be sent, or the
// service did not say what became of one, the error wraps
// connectors.ErrCommitUnknown: the next run goes on where this one stopped.
func (w *writer) Commit(ctx context.Context, ledger connectors.Ledger, approve func(connectors.Receipt) error) (connectors.Receipt, error) {
	if w.done {
		return connectors.Receipt{}, errors.New("commit after the load ended")
	}
	receipt := connectors.Receipt{Inserted: w.created, Changed: w.changed, Unchanged: w.unchanged, Refused: w.refused}
	if err := approve(receipt); err != nil {
		return connectors.Receipt{}, err
	}
	ledger.LoadID, ledger.Format = w.load.ID, connectors.LedgerFormat
	ledger.Counts.Inserted, ledger.Counts.Changed, ledger.Counts.Unchanged = receipt.Inserted, receipt.Changed, receipt.Unchanged
	ledger.Counts.Refused = int64(len(receipt.Refused))
	err := w.k.store.Commit(ctx, w.load, w.epoch, ledger)
	if errors.Is(err, connectors.ErrFenced) || errors.Is(err, ErrOvertaken) {
		return connectors.Receipt{}, err
	}
	w.done = true // from here on it may have happened, so nothing is undone
	defer w.outlet.Close()
	if err != nil {
		return connectors.Receipt{}, fmt.Errorf("%w: %w", connectors.ErrCommitUnknown, err)
	}
	c := &courier{s: &w.k.s, store: w.k.store, outlet: w.outlet, traits: w.traits, judge: func(one *Intent) error {
		if one.Operation == connectors.Create {
			receipt.Inserted--
		} else {
			receipt.Changed--
		}
		receipt.Refused = append(receipt.Refused, refusalOf(one, one.Reason))
		return approve(receipt)
	}}
	if err := c.deliver(ctx, w.load.ID); err != nil {
		return connectors.Receipt{}, fmt.Errorf("%w: %w", connectors.ErrCommitUnknown, err)
	}
	return receipt, nil
}

// courier sends the intents of a committed load.
type courier struct {
	s      *Settings
	store  Store
	outlet connectors.Outlet
	traits connectors.Traits
	// judge is told of each document the service refuses; its error stops the
	// sending. nil when those of an earlier run are sent.
	judge func(*Intent) error
	// waited is how long the document under way waited for a service that takes
	// nothing, and late says that its key may be forgotten since.
	waited time.Duration
	late   bool
}

// deliver sends every intent that has no outcome, in order. It stops at the
// first that cannot be sent; one whose outcome is unknown does not stop the
// others.
func (c *courier) deliver(ctx context.Context, loadID string) error {
	var unknown int
	var first, mute string // the first; the key of one that nobody can ask about
	after := int64(-1)
	for {
		open, err := c.store.Open(ctx, loadID, after)
		if err != nil {
			return err
		}
		if len(open) == 0 {
			break
		}
		for i := range open {
			one := &open[i]
			after = one.Place
			if err := context.Cause(ctx); err != nil {
				return c.stopped(ctx, loadID, err)
			}
			if err := c.one(ctx, one); err != nil {
				return c.stopped(ctx, loadID, fmt.Errorf("%s: %w", one.name(), err))
			}
			switch one.Status {
			case Refused:
				if c.judge == nil {
					continue
				}
				if err := c.judge(one); err != nil {
					return c.stopped(ctx, loadID, err)
				}
			case Unknown:
				unknown++
				if asks := c.alive(one) || c.finds(one); first == "" || mute == "" && !asks {
					if first = one.name() + ": " + one.Reason; !asks {
						mute = one.IntentKey[:8]
					}
				}
			}
		}
	}
	switch {
	case mute != "":
		return fmt.Errorf("%w: sink.unsettled: the service did not say what became of %d documents, and it cannot be asked; the first: %s; look there, then say what you found with `tieout outbox resolve %s --taken ID` or `--not-taken`",
			connectors.ErrEnvironment, unknown, first, mute)
	case unknown > 0:
		return fmt.Errorf("%w: sink.unsettled: the service did not say what became of %d documents; the first: %s; the next run asks again, or see `tieout outbox list`",
			connectors.ErrEnvironment, unknown, first)
	}
	return nil
}

// stopped words that the rest of a load waits for the next run.
func (c *courier) stopped(ctx context.Context, loadID string, err error) error {
	tally, terr := c.store.Tally(context.WithoutCancel(ctx), loadID)
	if terr != nil {
		return errors.Join(err, terr)
	}
	return fmt.Errorf("%d documents were taken and %d refused, %d are planned and are sent by the next run: %w",
		tally[Confirmed], tally[Refused], tally[Planned]+tally[Sent]+tally[Unknown], err)
}
