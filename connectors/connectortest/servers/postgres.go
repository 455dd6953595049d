package servers

import (
	"database/sql"
	"net/url"
	"testing"

	"github.com/lib/pq"
)

// PostgreSQL is the server the tests of postgres need.
func PostgreSQL() Server {
	return Server{Name: "PostgreSQL", Variable: "TIEOUT_TEST_POSTGRES", Remedy: "apt-get install -y postgresql",
		answers: selects(executePostgres), execute: executePostgres, drop: "DROP DATABASE IF EXISTS %s WITH (FORCE)", normal: func(u *url.URL) {
			if values := u.Query(); !values.Has("sslmode") {
				values.Set("sslmode", "prefer")
				u.RawQuery = values.Encode()
			}
		}}
}

// Postgres gives the URL of an empty PostgreSQL database of the test's own,
// dropped when the test ends. Without the server's variable it starts a server
// for this test. A machine that can have none skips the test, and fails it
// when CI is true.
func Postgres(t testing.TB) string {
	t.Helper()
	return PostgreSQL().database(t)
}

func executePostgres(address, statement string) error {
	connector, err := pq.NewConnector(address)
	if err != nil {
		return err
	}
	db := sql.OpenDB(connector)
	defer db.Close()
	_, err = db.Exec(statement)
	return err
}
