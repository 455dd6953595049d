package state_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/tieout/tieout/connectors/connectortest/servers"
	"github.com/tieout/tieout/runner/schedule"
	"github.com/tieout/tieout/runner/state"
)

// childOf names the variable that turns this test binary into a second
// process on the store it names.
const childOf = "TIEOUT_STATE_TEST_CHILD"

func TestMain(m *testing.M) {
	if place := os.Getenv(childOf); place != "" {
		os.Exit(child(place))
	}
	os.Exit(servers.Main(m))
}

// child takes the lock of serve, proposes and claims slots beside its parent
// as fast as it can, says so, and then waits to be killed.
func child(place string) int {
	ctx := context.Background()
	s, err := state.Open(ctx, place, time.Now)
	if err == nil {
		_, err = s.LockServe(ctx, "p", "", "process of the child", func() {})
	}
	if err == nil {
		err = contend(ctx, s, "child")
	}
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println("ready")
	time.Sleep(time.Hour)
	return 0
}

// startChild starts the second process and waits until it is done writing.
func startChild(t *testing.T, place string, beside func()) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childOf+"="+place)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	beside()
	line := bufio.NewScanner(out)
	if !line.Scan() || line.Text() != "ready" {
		t.Fatalf("the second process says %q, %v", line.Text(), line.Err())
	}
	return cmd
}

const contended = 40

// contend proposes the same slots as everybody else and claims what it can.
// Each slot must be new to one only and claimed by one only, which the caller
// finds in the run ids.
func contend(ctx context.Context, s *state.Store, who string) error {
	keeper := s.Schedule("p", "")
	for i := range contended {
		slot := due("rent", at.Add(time.Duration(i)*time.Minute))
		if _, err := keeper.Propose(ctx, []schedule.Slot{slot}, slot.Nominal); err != nil {
			return fmt.Errorf("%s proposes: %w", who, err)
		}
		slot.RunID, slot.Attempts, slot.StartedAt = who, 1, at
		won, err := keeper.Claim(ctx, slot)
		if err != nil {
			return fmt.Errorf("%s claims: %w", who, err)
		}
		if !won {
			continue
		}
		slot.Status, slot.EndedAt = schedule.Done, at
		if err := keeper.Update(ctx, slot, slot.RunID); err != nil {
			return fmt.Errorf("%s updates: %w", who, err)
		}
		if again, err := keeper.Claim(ctx, slot); again || err != nil {
			return fmt.Errorf("%s claims again: %v, %w", who, again, errors.Join(err, errors.New("no")))
		}
	}
	return nil
}
