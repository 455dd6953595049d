package alert_test

import (
	"context"

	"github.com/tieout/tieout/runner/alert"
)

// crashing is a store that is out of reach after a number of writes, as for a
// process that ends there.
type crashing struct {
	*memory
	left int
}

func (c *crashing) Record(ctx context.Context, i alert.Incident, closed bool, letter *alert.Letter) error {
	if c.left == 0 {
		return errStore
	}
	c.left--
	return c.memory.Record(ctx, i, closed, letter)
}
