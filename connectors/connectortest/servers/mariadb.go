package servers

import (
	"database/sql"
	"net/url"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
)

// MariaDBServer is the server the tests of mysql need.
func MariaDBServer() Server {
	return Server{Name: "MariaDB", Variable: "TIEOUT_TEST_MARIADB", Remedy: "RUNLEVEL=1 apt-get install -y mariadb-server-core",
		answers: selects(executeMariaDB), execute: executeMariaDB, drop: "DROP DATABASE IF EXISTS %s", normal: func(*url.URL) {}}
}

// MariaDB gives the URL of an empty MariaDB database of the test's own, in the
// way Postgres does.
func MariaDB(t testing.TB) string {
	t.Helper()
	return MariaDBServer().database(t)
}

// quiet drops what the driver logs while a server is starting up.
type quiet struct{}

func (quiet) Print(...any) {}

func executeMariaDB(address, statement string) error {
	u, err := url.Parse(address)
	if err != nil {
		return err
	}
	c := mysql.NewConfig()
	c.Net, c.Addr, c.User, c.DBName, c.Logger = "tcp", u.Host, u.User.Username(), strings.TrimPrefix(u.Path, "/"), quiet{}
	c.Passwd, _ = u.User.Password()
	connector, err := mysql.NewConnector(c)
	if err != nil {
		return err
	}
	db := sql.OpenDB(connector)
	defer db.Close()
	_, err = db.Exec(statement)
	return err
}
