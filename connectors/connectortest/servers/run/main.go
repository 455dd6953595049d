// Command run gives a command the database servers of the tests for as long as
// it runs:
//
//	go run ./connectors/connectortest/servers/run -- go test ./...
package main

import (
	"os"

	"github.com/tieout/tieout/connectors/connectortest/servers"
)

func main() {
	os.Exit(servers.Command(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
