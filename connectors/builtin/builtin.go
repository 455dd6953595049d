// Package builtin lists the connectors the program is built with. It holds no
// connector and decides nothing: adding one is one line here.
package builtin

import (
	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/file"
	"github.com/tieout/tieout/connectors/http"
	"github.com/tieout/tieout/connectors/singer"
	"github.com/tieout/tieout/connectors/soap"
	"github.com/tieout/tieout/connectors/sql"
)

// Registry returns the connectors of this build, by name.
func Registry() *connectors.Registry {
	return connectors.NewRegistry(
		file.Definition(),
		http.Definition(),
		singer.Definition(),
		soap.Definition(),
		sql.MySQL(),
		sql.Postgres(),
		sql.SQLServer(),
		sql.SQLite(),
	)
}
