package servers

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"testing"
)

// Server is a kind of server.
type Server struct {
	// Name is what it is called; Variable the environment variable that holds
	// the URL of one, whose user may create databases, folders or buckets;
	// Remedy the one command that brings it to a machine that has none.
	Name, Variable, Remedy string

	// answers reports, as an error, why a server at a URL does not answer.
	answers func(address string) error

	// Of databases, execute runs one statement on a connection of its own;
	// drop is the statement that takes the database %s away; normal completes
	// a URL.
	execute func(address, statement string) error
	drop    string
	normal  func(*url.URL)
}

// Servers are the kinds there are.
func Servers() []Server {
	return []Server{PostgreSQL(), MariaDBServer(), SFTPServer(), S3Server()}
}

// selects asks a database the smallest question.
func selects(execute func(address, statement string) error) func(string) error {
	return func(address string) error { return execute(address, "SELECT 1") }
}

// none says that this machine has no such server and cannot get one.
func (s Server) none() error { return errors.New("no " + s.Name + " on this machine") }

// missing names the variable that carries the reason why a test binary has no
// server from Main to its tests.
func (s Server) missing() string { return s.Variable + "_MISSING" }

// database gives the URL of an empty database of the test's own.
func (s Server) database(t testing.TB) string {
	t.Helper()
	return s.create(t, s.base(t))
}

// base gives the URL of a server, started for the test if need be.
func (s Server) base(t testing.TB) string {
	t.Helper()
	if reason := os.Getenv(s.missing()); reason != "" {
		s.give(t, errors.New(reason))
	}
	base := os.Getenv(s.Variable)
	if base == "" {
		c, err := s.Start()
		if err != nil {
			s.give(t, err)
		}
		t.Cleanup(c.Stop)
		base = c.URL
	}
	return base
}

// give skips or fails a test that has no server.
func (s Server) give(t testing.TB, err error) {
	t.Helper()
	text := fmt.Sprintf("%v; `%s` brings it, or set %s", err, s.Remedy, s.Variable)
	if os.Getenv("CI") == "true" {
		t.Fatal(text)
	}
	t.Skip(text)
}

// Main runs the tests of a package with one PostgreSQL server for all of them,
// and one of each other kind named, for use in TestMain. It returns the exit
// code.
func Main(m *testing.M, more ...Server) int { return Run(m, append(more, PostgreSQL())...) }

// Run is Main with the kinds named and no other.
func Run(m *testing.M, kinds ...Server) int {
	for _, s := range kinds {
		if os.Getenv(s.Variable) != "" {
			continue
		}
		c, err := s.Start()
		if err != nil {
			os.Setenv(s.missing(), err.Error())
			continue
		}
		defer c.Stop()
		os.Setenv(s.Variable, c.URL)
	}
	return m.Run()
}

// create makes a database on the server at base and drops it at the end of
// the test.
func (s Server) create(t testing.TB, base string) string {
	t.Helper()
	u, err := url.Parse(base)
	if err != nil {
		t.Fatalf("%s is not a URL", s.Variable)
	}
	s.normal(u)
	base = u.String()
	var random [8]byte
	_, _ = rand.Read(random[:])
	name := "tieout_test_" + hex.EncodeToString(random[:])
	if err := s.execute(base, "CREATE DATABASE "+name); err != nil {
		t.Fatalf("create a database for the test: %v", err)
	}
	t.Cleanup(func() {
		if err := s.execute(base, fmt.Sprintf(s.drop, name)); err != nil {
			t.Errorf("drop the database of the test: %v", err)
		}
	})
	u.Path = "/" + name
	return u.String()
}
