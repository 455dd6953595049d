package delivery

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tieout/tieout/connectors"
)

const (
	// attempts is how often it is asked what became of a document, and rest
	// the pause before the first time.
	attempts = 3
	rest     = time.Second
	// patience is how long one document waits for a service that takes nothing
	// for a while, all waits together, and pause the first wait where it does
	// not say how long.
	patience = time.Hour
	pause    = 10 * time.Second
)

// one brings an intent to an outcome, or to unknown.
func (c *courier) one(ctx context.Context, i *Intent) error {
	c.waited, c.late = 0, false
	if i.Status == Planned {
		if err := c.first(ctx, i); err != nil {
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
		if c.late { // it was waited for, and not asked in vain
			n, c.late = n-1, false
		}
	}
	if i.Status == Unknown && i.Kept.Status != Unknown {
		if i.Reason == "" {
			i.Reason = "the program ended while it waited for the reply"
		}
		return c.store.Mark(context.WithoutCancel(ctx), i)
	}
	return nil
}

// first sends an intent that was never sent. Where only its natural key tells
// a document, one that is there before it was sent is somebody else's.
func (c *courier) first(ctx context.Context, i *Intent) error {
	if i.Operation == connectors.Create && c.traits.Find && !c.traits.Marks {
		d, found, err := c.find(ctx, i)
		if err != nil {
			return err
		}
		if found {
			return c.take(context.WithoutCancel(ctx), i, strangers(d))
		}
	}
	return c.send(ctx, i)
}

// strangers refuses a document whose natural key another one has.
func strangers(d connectors.Delivery) connectors.Delivery {
	name := ""
	if d.ID != "" {
		name = fmt.Sprintf(", %q", d.ID)
	}
	why := "the service has a document like it already" + name + ", which was not sent from here"
	if d.Outcome == connectors.Unknown && d.Reason != "" {
		why = d.Reason
	}
	d.Outcome = connectors.Refused
	d.Reason = refusedCode + why + "; link it with `tieout links import`, or give this one another number"
	return d
}

// send sends an intent until it is answered: marked before it leaves, and
// after. A service that takes nothing for a while is waited for, with the
// intent as it was before.
func (c *courier) send(ctx context.Context, i *Intent) error {
	stale := false
	for {
		d, err := c.attempt(ctx, i)
		if err != nil {
			return err
		}
		switch d.Outcome {
		case connectors.Later:
			if d.Wait <= 0 {
				d.Wait = min(pause+c.waited, 5*time.Minute)
			}
			if c.waited += d.Wait; c.waited > patience {
				return fmt.Errorf("%w: the service takes nothing and asks to wait for %v%s", connectors.ErrEnvironment, d.Wait, said(d))
			}
			if err := c.s.Sleep(ctx, d.Wait); err != nil {
				return err
			}
			if c.late = i.Status == Unknown && !c.alive(i); c.late {
				return nil // to be asked anew: an earlier attempt may have arrived
			}
		case connectors.Stale:
			if again, err := c.renew(ctx, i, d, stale); !again || err != nil {
				return err
			}
			stale = true
		case connectors.Duplicate:
			return c.duplicate(ctx, i, d)
		default:
			return nil
		}
	}
}

// attempt sends an intent once, unless its key was forgotten while the limits
// were waited for. After a reply that says that nothing changed the intent is
// what it was before.
func (c *courier) attempt(ctx context.Context, i *Intent) (connectors.Delivery, error) {
	known := c.alive(i)
	if err := c.outlet.Ready(ctx); err != nil {
		return connectors.Delivery{}, err
	}
	if c.late = i.Status == Unknown && known && !c.alive(i); c.late {
		return connectors.Delivery{}, nil
	}
	before := *i
	if i.SentAt.IsZero() {
		i.SentAt = c.s.Now()
	}
	i.Status, i.Attempts = Sent, i.Attempts+1
	if err := c.store.Mark(ctx, i); err != nil {
		return connectors.Delivery{}, err
	}
	d, err := c.outlet.Send(ctx, i.document())
	switch {
	case errors.Is(err, connectors.ErrNotSent):
		return d, errors.Join(err, c.revert(ctx, i, &before))
	case err != nil:
		d = connectors.Delivery{Outcome: connectors.Unknown, Reason: err.Error()}
	case d.Outcome == connectors.Later || d.Outcome == connectors.Stale || d.Outcome == connectors.Duplicate:
		return d, c.revert(ctx, i, &before)
	}
	return d, c.take(context.WithoutCancel(ctx), i, d)
}

// revert writes down that an attempt changed nothing.
func (c *courier) revert(ctx context.Context, i, before *Intent) error {
	i.Status, i.Attempts, i.SentAt = before.Status, before.Attempts, before.SentAt
	return c.store.Mark(context.WithoutCancel(ctx), i)
}

// renew gives an intent the version the service has now, once.
func (c *courier) renew(ctx context.Context, i *Intent, d connectors.Delivery, before bool) (again bool, err error) {
	end := func(outcome connectors.Outcome, why string) (bool, error) {
		d.Outcome, d.Reason = outcome, why+said(d)
		return false, c.take(context.WithoutCancel(ctx), i, d)
	}
	if before {
		return end(connectors.Refused, refusedCode+"the document is being changed in the service at the same time")
	}
	version := d.Version
	if version == "" && c.finds(i) {
		now, found, err := c.find(ctx, i)
		if err != nil {
			return false, err
		}
		if found && now.Outcome != connectors.Unknown {
			version = now.Version
		}
	}
	switch {
	case version == "" && i.Status == Unknown: // the other version may come from the sending before
		return end(connectors.Unknown, "the service has the document in another version than before it was sent, and does not say in which")
	case version == "" && i.Operation == connectors.Create:
		return end(connectors.Refused, refusedCode+"the service takes the new document for a change of one that it has in another version")
	case version == "" && i.Version == "":
		return end(connectors.Refused, refusedCode+"the service wants the version the document has there, and nobody knows it: the reply to the last change did not tell, nor did who resolved it; see --version of `tieout outbox resolve`")
	case version == "" || version == i.Version:
		return end(connectors.Refused, refusedCode+"the document was changed in the service since it was sent, and its version cannot be read")
	}
	i.stamp(version)
	return true, nil
}

// stamp gives the intent another version. The bytes change with it, so that it
// is another intent to the service.
func (i *Intent) stamp(version string) {
	i.Version, i.SentAt, i.Status, i.Attempts = version, time.Time{}, Planned, 0
	i.Sequence++
	i.IntentKey = intentKey(i)
}

// duplicate settles a reply that there is a document of its natural key: it is
// ours if it bears our mark, or if it was sent before and was not there then.
func (c *courier) duplicate(ctx context.Context, i *Intent, d connectors.Delivery) error {
	take := func(d connectors.Delivery) error { return c.take(context.WithoutCancel(ctx), i, d) }
	again := i.Status == Unknown
	unknown := connectors.Delivery{Outcome: connectors.Unknown, Reason: "the service has a document like it and does not say whether it is this one" + said(d)}
	if i.Operation != connectors.Create || !c.traits.Find {
		if again && i.Operation == connectors.Create {
			return take(unknown)
		}
		d.Outcome = connectors.Refused
		if d.Reason == "" {
			d.Reason = refusedCode + "the service has a document like it already"
		}
		return take(d)
	}
	found, there, err := c.find(ctx, i)
	switch {
	case err != nil:
		return err
	case !there && again, there && found.Outcome == connectors.Unknown:
		return take(unknown)
	case !there:
		d.Outcome = connectors.Refused
		return take(d)
	case found.Foreign, !c.traits.Marks && !again:
		return take(strangers(found))
	}
	found.Outcome, found.Replayed = connectors.Confirmed, true
	return take(found)
}

func said(d connectors.Delivery) string {
	if d.Reason == "" {
		return ""
	}
	return ": " + d.Reason
}

// take writes down a reply: it is never lost to a cancelled context.
func (c *courier) take(ctx context.Context, i *Intent, d connectors.Delivery) error {
	i.Status, i.Reason, i.RequestID, i.HTTP = Status(d.Outcome), d.Reason, d.RequestID, d.Status
	switch d.Outcome {
	case connectors.Confirmed:
		if i.EndedAt = c.s.Now(); d.ID != "" {
			i.ID = d.ID
		}
		i.Version = d.Version
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
	i.Status, i.SentAt, i.Attempts = Planned, time.Time{}, 0
}
