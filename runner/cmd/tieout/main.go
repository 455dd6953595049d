// Command tieout wires the real world and calls cli.Main; read runner/cli.
package main

import (
	"context"
	"io"
	"log"
	"os"
	"runtime/debug"
	"time"
	_ "time/tzdata" // time zones on machines that have none

	"github.com/google/uuid"

	"github.com/tieout/tieout/connectors/builtin"
	"github.com/tieout/tieout/runner/cli"
)

// version is set when a release is built.
var version = "dev"

func main() {
	debug.SetGCPercent(50)    // batches are reused, so collecting twice as often costs little and keeps memory flat
	log.SetOutput(io.Discard) // net/http writes bytes of replies to it
	os.Exit(cli.Main(context.Background(), cli.World{
		Args: os.Args[1:], Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		Getenv: os.LookupEnv, Now: time.Now, Version: version, Registry: builtin.Registry(),
		NewID: func() string { return uuid.Must(uuid.NewV7()).String() },
	}))
}
