package state

import (
	"context"
	"errors"
	"testing"
	"time"
)

// A holder that showed no sign of life for long learns at its next beat that
// another has its lock.
func TestLostLockIsNoticed(t *testing.T) {
	now := time.Now()
	locks := &files{dir: t.TempDir(), now: func() time.Time { return now }}
	first, err := locks.try(context.Background(), "p", "first")
	if err != nil {
		t.Fatal(err)
	}
	defer first.release()
	if err := first.beat(context.Background(), now); err != nil {
		t.Fatalf("beat of the holder: %v", err)
	}
	now = now.Add(staleAfter + time.Second)
	second, err := locks.try(context.Background(), "p", "second")
	if err != nil {
		t.Fatal(err)
	}
	defer second.release()
	if err := first.beat(context.Background(), now); !errors.Is(err, ErrLocked) {
		t.Errorf("beat of the one that lost it: %v", err)
	}
	if err := second.beat(context.Background(), now); err != nil {
		t.Errorf("beat of the new holder: %v", err)
	}
}
