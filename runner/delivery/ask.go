package delivery

import (
	"context"
	"fmt"

	"github.com/tieout/tieout/connectors"
)

// finds reports whether a document can be looked up: one that is linked also by
// what the service calls it.
func (c *courier) finds(i *Intent) bool {
	return c.traits.Find || c.traits.Read && i.Operation != connectors.Create && i.ID != ""
}

// find looks a document up.
func (c *courier) find(ctx context.Context, i *Intent) (connectors.Delivery, bool, error) {
	d, found, err := c.outlet.Find(ctx, i.document())
	if err != nil {
		return d, false, fmt.Errorf("look for it in the service: %w", err)
	}
	return d, found, nil
}

// alive reports whether the service still knows the key of an intent for sure.
// A clock that was set back tells nothing.
func (c *courier) alive(i *Intent) bool {
	passed := c.s.Now().Sub(i.SentAt)
	return c.traits.KeyLife > 0 && passed >= 0 && passed < c.traits.KeyLife*9/10
}

// ask settles an unknown outcome: within the life of its key the same bytes
// are sent again; after it the document is looked up. It reports false when
// neither can tell.
func (c *courier) ask(ctx context.Context, i *Intent, n int) (settled bool, err error) {
	if !c.alive(i) && !c.finds(i) {
		return false, nil
	}
	if err := c.s.Sleep(ctx, rest<<n); err != nil {
		return false, err
	}
	if c.alive(i) {
		return true, c.send(ctx, i)
	}
	if !c.finds(i) {
		return false, nil
	}
	return c.look(ctx, i)
}

// look settles an unknown outcome by looking the document up.
func (c *courier) look(ctx context.Context, i *Intent) (settled bool, err error) {
	d, found, err := c.find(ctx, i)
	if err == nil && (!found || d.Foreign) && c.traits.FindDelay > 0 { // it may not be shown yet
		if err = c.s.Sleep(ctx, c.traits.FindDelay); err == nil {
			d, found, err = c.find(ctx, i)
		}
	}
	take := func(d connectors.Delivery) error { return c.take(context.WithoutCancel(ctx), i, d) }
	switch {
	case err != nil:
		return false, err
	case found && d.Outcome == connectors.Unknown:
		return false, take(d)
	case i.Operation == connectors.Create && found && !d.Foreign:
		d.Outcome, d.Replayed = connectors.Confirmed, true
		return true, take(d)
	case found && i.Operation != connectors.Create: // whether it has the change nobody can tell: the change is sent again
		if i.SentAt = c.s.Now(); d.Version != i.Version {
			i.stamp(d.Version)
		}
		return true, c.send(ctx, i)
	case i.Operation == connectors.Create:
		i.SentAt = c.s.Now() // it is not there: a new life for its key begins
		return true, c.send(ctx, i)
	case i.Operation == connectors.Void:
		return true, take(connectors.Delivery{Outcome: connectors.Confirmed, Replayed: true})
	}
	return true, take(connectors.Delivery{Outcome: connectors.Refused, Reason: refusedCode + "the document is not in the service any more"})
}
