package alert

import (
	"context"
	"time"
)

// Pass is one look of Run's, with the courier's time to group.
func (c *Courier) Pass(ctx context.Context) (next time.Time, err error) {
	return c.pass(ctx, c.o.Group)
}
