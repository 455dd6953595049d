package servers

import (
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"testing"

	"github.com/lib/pq"
)

// Variable names the environment variable that holds the URL of a PostgreSQL
// server whose user may create databases.
const Variable = "TIEOUT_TEST_POSTGRES"

// missing carries the reason why a test binary has no server from Main to its
// tests.
const missing = "TIEOUT_TEST_POSTGRES_MISSING"

// Remedy is the one command that brings a PostgreSQL server to a machine that
// has none.
const Remedy = "apt-get install -y postgresql"

// errNone says that this machine has no PostgreSQL and cannot get one.
var errNone = errors.New("no PostgreSQL on this machine")

// Postgres gives the URL of an empty database of the test's own, dropped when
// the test ends. Without Variable it starts a server for this test. A machine
// that can have none skips the test, and fails it when CI is true.
func Postgres(t testing.TB) string {
	t.Helper()
	if reason := os.Getenv(missing); reason != "" {
		give(t, errors.New(reason))
	}
	base := os.Getenv(Variable)
	if base == "" {
		c, err := Start()
		if err != nil {
			give(t, err)
		}
		t.Cleanup(c.Stop)
		base = c.URL
	}
	return database(t, base)
}

// give skips or fails a test that has no server.
func give(t testing.TB, err error) {
	t.Helper()
	text := fmt.Sprintf("%v; `%s` brings it, or set %s", err, Remedy, Variable)
	if os.Getenv("CI") == "true" {
		t.Fatal(text)
	}
	t.Skip(text)
}

// Main runs the tests of a package with one server for all of them, for use
// in TestMain. It returns the exit code.
func Main(m *testing.M) int {
	if os.Getenv(Variable) == "" {
		c, err := Start()
		if err != nil {
			os.Setenv(missing, err.Error())
		} else {
			defer c.Stop()
			os.Setenv(Variable, c.URL)
		}
	}
	return m.Run()
}

// database creates a database on the server at base and drops it at the end
// of the test.
func database(t testing.TB, base string) string {
	t.Helper()
	u, err := url.Parse(base)
	if err != nil {
		t.Fatalf("%s is not a URL", Variable)
	}
	if values := u.Query(); !values.Has("sslmode") {
		values.Set("sslmode", "prefer")
		u.RawQuery = values.Encode()
		base = u.String()
	}
	var random [8]byte
	_, _ = rand.Read(random[:])
	name := "tieout_test_" + hex.EncodeToString(random[:])
	if err := execute(base, "CREATE DATABASE "+name); err != nil {
		t.Fatalf("create a database for the test: %v", err)
	}
	t.Cleanup(func() {
		if err := execute(base, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)"); err != nil {
			t.Errorf("drop the database of the test: %v", err)
		}
	})
	u.Path = "/" + name
	return u.String()
}

// execute runs one statement on a connection of its own.
func execute(address, statement string) error {
	connector, err := pq.NewConnector(address)
	if err != nil {
		return err
	}
	db := sql.OpenDB(connector)
	defer db.Close()
	_, err = db.Exec(statement)
	return err
}
