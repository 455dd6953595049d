//go:build planted

package vault_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/connectortest/oauth"
)

// Bugs planted in the vault of the child processes. Tests of races and kills
// that did not find them would be worth nothing; `make soak` runs this with
// the build tag planted.

// bugs are the mistakes, each with the step to kill at; where there is none
// the race must find it.
var bugs = map[string]string{
	"the turn is given back before the reply": "",
	"it is kept after it is used":             "kept",
	"no intent is kept":                       "received",
}

func planted(v connectors.Vault, bug string) connectors.Vault {
	if bug == "" {
		return v
	}
	return buggy{v, bug}
}

type buggy struct {
	connectors.Vault
	bug string
}

func (b buggy) Update(ctx context.Context, name string, fn func(context.Context, []byte) ([]byte, error)) error {
	intent := strings.HasSuffix(name, "/intent")
	switch {
	case b.bug == "the turn is given back before the reply" && !intent:
		var seen []byte
		if err := b.Vault.Update(ctx, name, func(_ context.Context, old []byte) ([]byte, error) { seen = old; return nil, nil }); err != nil {
			return err
		}
		next, err := fn(ctx, seen)
		if err != nil || next == nil {
			return err
		}
		return b.Vault.Update(ctx, name, func(context.Context, []byte) ([]byte, error) { return next, nil })
	case b.bug == "it is kept after it is used" && !intent:
		return b.Vault.Update(ctx, name, func(ctx context.Context, old []byte) ([]byte, error) {
			next, err := fn(ctx, old)
			if err == nil && next != nil {
				go func() {
					time.Sleep(10 * time.Millisecond)
					_ = b.Vault.Update(ctx, name, func(context.Context, []byte) ([]byte, error) { return next, nil })
				}()
			}
			return nil, err
		})
	case b.bug == "no intent is kept" && intent:
		_, err := fn(ctx, nil)
		return err
	}
	return b.Vault.Update(ctx, name, fn)
}

// TestPlantedBugs wants every planted bug found.
func TestPlantedBugs(t *testing.T) {
	found := 0
	for bug, step := range bugs {
		t.Run(bug, func(t *testing.T) {
			s, wrong := oauth.New(t), ""
			if step == "" {
				wrong = race(t, s, t.TempDir(), 50, plantedBug+"="+bug)
			} else {
				wrong = killed(t, s, t.TempDir(), step, false, plantedBug+"="+bug)
			}
			if wrong == "" {
				t.Fatal("the bug was not found")
			}
			t.Log(wrong)
			found++
		})
	}
	line(t, map[string]any{"test": "planted bugs of the vault", "planted": len(bugs), "found": found})
}
