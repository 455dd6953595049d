package sql

import (
	"context"
	stdsql "database/sql"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"
	mssql "github.com/microsoft/go-mssqldb"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/connectortest/servers"
)

// Who may not come in is told from who cannot get there, and from who may come
// in and not do what is asked.
func TestWhoIsRefused(t *testing.T) {
	for code, want := range map[string]fault{"28P01": faultLogin, "28000": faultLogin, "42501": faultDenied, "57P01": faultLost, "53300": faultLost, "08006": faultLost} {
		if got := postgresFault(&pq.Error{Code: pqerror.Code(code), Severity: "FATAL"}); got != want {
			t.Errorf("%s is %d, not %d", code, got, want)
		}
	}
	for number, want := range map[uint16]fault{1045: faultLogin, 1698: faultLogin, 1044: faultDenied, 1142: faultDenied, 1049: faultEnvironment} {
		if got := mysqlFault(&mysql.MySQLError{Number: number}); got != want {
			t.Errorf("%d is %d, not %d", number, got, want)
		}
	}
}

// A database that is full is said to be full, whichever it is.
func TestNoRoom(t *testing.T) {
	for name, c := range map[string]struct {
		classify func(error) fault
		err      error
	}{
		"PostgreSQL": {postgresFault, &pq.Error{Code: "53100", Severity: "ERROR", Message: "could not extend file"}},
		"MySQL":      {mysqlFault, &mysql.MySQLError{Number: 1114, Message: "The table 'a' is full"}},
		"SQL Server": {mssqlFault, mssql.Error{Number: 1105, Class: 17}},
		"SQLite":     {sqliteFault, fullSQLite(t)},
	} {
		w := wrapper{classify: c.classify, place: "database b"}
		if err := w.wrap(c.err, "merge"); !errors.Is(err, connectors.ErrEnvironment) || !strings.Contains(err.Error(), ": run.no_room: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// fullSQLite is the error of a real database that may not grow.
func fullSQLite(t *testing.T) error {
	db, err := stdsql.Open("sqlite", filepath.Join(t.TempDir(), "a.db")+"?_pragma=max_page_count(5)")
	if err == nil {
		_, err = db.Exec("CREATE TABLE a (b); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) INSERT INTO a SELECT hex(randomblob(100)) FROM n")
		db.Close()
	}
	return err
}

// A login that does not work is no server that is away, and its message does
// not hold the password.
func TestPostgresLogin(t *testing.T) {
	p, err := newPostgres(servers.Postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	p.config.User, p.config.Password = "nobody_of_that_name", "hunter2"
	_, err = p.connect(context.Background())
	if !errors.Is(err, connectors.ErrEnvironment) || !strings.Contains(err.Error(), ": auth.refused: ") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("%v", err)
	}
}
