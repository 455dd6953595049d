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
	defer w.outlet.Close()
	receipt := connectors.Receipt{Inserted: w.created, Changed: w.changed, Unchanged: w.unchanged, Refused: w.refused}
	if err := approve(receipt); err != nil {
		return connectors.Receipt{}, err
	}
	ledger.LoadID, ledger.Format = w.load.ID, connectors.LedgerFormat
	ledger.Counts.Inserted, ledger.Counts.Changed, ledger.Counts.Unchanged = receipt.Inserted, receipt.Changed, receipt.Unchanged
	ledger.Counts.Refused = int64(len(receipt.Refused))
	if err := w.k.store.Commit(ctx, w.load, w.epoch, ledger); err != nil {
		return connectors.Receipt{}, err
	}
	w.done = true
	c := &courier{s: &w.k.s, store: w.k.store, outlet: w.outlet, traits: w.traits}
	if err := c.deliver(ctx, w.load.ID); err != nil {
		return connectors.Receipt{}, err
	}
	for i := range c.refused {
		one := &c.refused[i]
		if one.Operation == connectors.Create {
			receipt.Inserted--
		} else {
			receipt.Changed--
		}
		receipt.Refused = append(receipt.Refused, refusalOf(one, one.Reason))
	}
	return receipt, nil
}

// courier sends the intents of a committed load.
type courier struct {
	s       *Settings
	store   Store
	outlet  connectors.Outlet
	traits  connectors.Traits
	refused []Intent
}

// deliver sends every intent that has no outcome, in order. It stops at the
// first that cannot be sent; one whose outcome is unknown does not stop the
// others.
func (c *courier) deliver(ctx context.Context, loadID string) error {
	var unknown int
	var first string
	after := int64(-1)
	for {
		open, err := c.store.Open(ctx, loadID, after)
		if err != nil {
			return fmt.Errorf("%w: %w", connectors.ErrCommitUnknown, err)
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
				return c.stopped(ctx, loadID, err)
			}
			switch one.Status {
			case Refused:
				c.refused = append(c.refused, *one)
			case Unknown:
				if unknown++; first == "" {
					first = one.name() + ": " + one.Reason
				}
			}
		}
	}
	if unknown > 0 {
		return fmt.Errorf("%w: sink.unsettled: the service did not say what became of %d documents; the first: %s; the next run asks again, or see `tieout outbox list`",
			connectors.ErrCommitUnknown, unknown, first)
	}
	return nil
}

// stopped words that the rest of a load waits for the next run.
func (c *courier) stopped(ctx context.Context, loadID string, err error) error {
	tally, terr := c.store.Tally(context.WithoutCancel(ctx), loadID)
	if terr != nil {
		return fmt.Errorf("%w: %w", connectors.ErrCommitUnknown, errors.Join(err, terr))
	}
	return fmt.Errorf("%w: %d documents were taken and %d refused, %d are planned and are sent by the next run: %w",
		connectors.ErrCommitUnknown, tally[Confirmed], tally[Refused], tally[Planned]+tally[Sent]+tally[Unknown], err)
}

// attempts is how often a document is sent again under its key, and rest the
// pause before the first of them.
const (
	attempts = 3
	rest     = time.Second
)

// one brings an intent to an outcome, or to unknown.
func (c *courier) one(ctx context.Context, i *Intent) error {
	if i.Status == Planned {
		if err := c.send(ctx, i); err != nil {
			return err
		}
	} else {
		i.Status = Unknown // an earlier process was cut off while it waited
	}
	for n := 0; i.Status == Unknown && n < attempts; n++ {
		settled, err := c.ask(ctx, i, n)
		if err != nil {
			return err
		}
		if !settled {
			break
		}
	}
	return nil
}

// send sends an intent once: marked before it leaves, and after.
func (c *courier) send(ctx context.Context, i *Intent) error {
	if i.SentAt.IsZero() {
		i.SentAt = c.s.Now()
	}
	i.Status, i.Attempts = Sent, i.Attempts+1
	if err := c.store.Mark(ctx, i); err != nil {
		return err
	}
	d, err := c.outlet.Send(ctx, i.document())
	switch {
	case errors.Is(err, connectors.ErrNotSent):
		i.Status = Planned
		if i.Attempts--; i.Attempts == 0 {
			i.SentAt = time.Time{}
		} else {
			i.Status = Unknown // an earlier attempt may have arrived
		}
		return errors.Join(err, c.store.Mark(context.WithoutCancel(ctx), i))
	case err != nil:
		d = connectors.Delivery{Outcome: connectors.Unknown, Reason: err.Error()}
	}
	return c.take(context.WithoutCancel(ctx), i, d)
}

// take writes down a reply: it is never lost to a cancelled context.
func (c *courier) take(ctx context.Context, i *Intent, d connectors.Delivery) error {
	i.Status, i.Reason, i.RequestID, i.HTTP = Status(d.Outcome), d.Reason, d.RequestID, d.Status
	switch d.Outcome {
	case connectors.Confirmed:
		i.ID, i.Version, i.EndedAt = d.ID, d.Version, c.s.Now()
	case connectors.Refused:
		i.EndedAt = c.s.Now()
	}
	return c.store.Mark(ctx, i)
}

// Resolve writes down what a person found out about an intent without an
// outcome: that the service has the document, or that it has not and it is to
// be sent.
func (i *Intent) Resolve(d connectors.Delivery, taken bool, reason string, at time.Time) {
	i.Reason = reason
	if taken {
		i.Status, i.ID, i.Version, i.EndedAt = Confirmed, d.ID, d.Version, at
		return
	}
	i.Status, i.SentAt = Planned, time.Time{}
}

// ask settles an unknown outcome: within the life of its key the same bytes
// are sent again; after it the document is looked up. It reports false when
// neither can tell.
func (c *courier) ask(ctx context.Context, i *Intent, n int) (settled bool, err error) {
	alive := c.traits.KeyLife > 0 && c.s.Now().Sub(i.SentAt) < c.traits.KeyLife*9/10
	if !alive && !c.traits.Find {
		return false, nil
	}
	if err := c.s.Sleep(ctx, rest<<n); err != nil {
		return false, err
	}
	if alive {
		return true, c.send(ctx, i)
	}
	d, found, err := c.outlet.Find(ctx, i.document())
	switch {
	case err != nil:
		return false, fmt.Errorf("look for %s: %w", i.name(), err)
	case found && i.Operation == connectors.Create:
		d.Outcome = connectors.Confirmed
		return true, c.take(context.WithoutCancel(ctx), i, d)
	case found: // whether it has the change nobody can tell: the change is sent again
		i.Version, i.SentAt = d.Version, time.Time{}
		return true, c.send(ctx, i)
	case i.Operation == connectors.Create:
		i.SentAt = time.Time{}
		return true, c.send(ctx, i)
	}
	return true, c.take(context.WithoutCancel(ctx), i, connectors.Delivery{Outcome: connectors.Refused, Reason: "sink.refused: the document is not in the service any more"})
}
