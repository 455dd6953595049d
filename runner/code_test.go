package runner_test

import (
	"fmt"
	"io/fs"
	"syscall"
	"testing"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/runner"
)

// A full disk is no other side that does not answer.
func TestCodeOfAFullDisk(t *testing.T) {
	for cause, want := range map[error]string{syscall.ENOSPC: "run.no_room", syscall.EDQUOT: "run.no_room", syscall.ECONNREFUSED: "net.unreachable"} {
		err := fmt.Errorf("%w: write the spool: %w", connectors.ErrEnvironment, &fs.PathError{Op: "write", Path: "pages", Err: cause})
		if got := runner.Code(err); got != want {
			t.Errorf("%v: %s, want %s", cause, got, want)
		}
	}
}
