package schedule

import (
	"context"
	"errors"
	"testing"
	"time"
)

// A process that was stopped for long asks whether it still serves before it
// does anything; one that was not does not ask.
func TestAsksAfterALongPause(t *testing.T) {
	r := newRig(t, at("2026-03-10T00:59:00Z"), hourly(t))
	asked, lost := 0, errors.New("taken over")
	var answer error
	r.engine.Woken = func(context.Context) error { asked++; return answer }
	awake := func(after time.Duration) error {
		r.clock.Advance(after)
		return r.engine.awake(t.Context())
	}
	if err := awake(0); err != nil {
		t.Fatal(err)
	}
	asked = 0
	if err := awake(longPause); err != nil || asked != 0 {
		t.Errorf("asked %d times after a short pause: %v", asked, err)
	}
	if err := awake(longPause + time.Second); err != nil || asked != 1 {
		t.Errorf("asked %d times after a long pause: %v", asked, err)
	}
	answer = lost
	if err := awake(time.Hour); !errors.Is(err, lost) {
		t.Errorf("went on after it was taken over: %v", err)
	}
}
