package alert_test

import (
	"context"
	"testing"
	"time"

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

// unsure is a store whose next write succeeds and is reported as failed, as
// when the answer to a commit is lost.
type unsure struct {
	*memory
	next bool
}

func (u *unsure) Record(ctx context.Context, i alert.Incident, closed bool, letter *alert.Letter) error {
	err := u.memory.Record(ctx, i, closed, letter)
	if u.next {
		u.next = false
		return errStore
	}
	return err
}

func TestBellAfterAnUnknownCommit(t *testing.T) {
	store := &unsure{memory: newMemory(nil), next: true}
	bell := alert.NewBell(store, options(func() time.Time { return start }, alert.ToSlack))
	if err := bell.Ring(t.Context(), failed(0, "a.b")); err == nil {
		t.Error("a failure of the store is not told")
	}
	ring(t, bell, failed(0, "a.b")) // again, as a caller that was told does
	wantTold(t, store.memory, "finance/slack failed a.b 0")
}
