package connectors

import (
	"context"
	"time"
)

// Wait sleeps for d. It ends earlier when ctx does, with the cause of that.
func Wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
