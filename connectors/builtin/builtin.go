// Package builtin lists the connectors this program is built with, one line
// each. It is all there is to registering one: no init function, no global
// map. It does nothing else; read it to see what there is.
package builtin

import (
	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/file"
	"github.com/tieout/tieout/connectors/sql"
)

// Registry is the list of built-in connectors.
func Registry() *connectors.Registry {
	return connectors.NewRegistry(
		file.Definition(),
		sql.Postgres(),
		sql.SQLite(),
	)
}
