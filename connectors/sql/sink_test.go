package sql

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/connectortest"
	"github.com/tieout/tieout/connectors/connectortest/servers"
	"github.com/tieout/tieout/schemas/document"
)

func TestMain(m *testing.M) { os.Exit(servers.Main(m, servers.MariaDBServer())) }

func testEnv(t testing.TB) connectors.Env {
	return connectors.Env{Dir: t.TempDir(), Now: time.Now, Limits: connectors.DefaultLimits()}
}

// must runs statements on a connection of its own.
func must(t testing.TB, d dialect, statements ...string) {
	t.Helper()
	s, err := d.connect(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	for _, statement := range statements {
		if err := s.exec(context.Background(), "prepare the test", statement); err != nil {
			t.Fatal(err)
		}
	}
}

// listed gives the one column of a query.
func listed(t testing.TB, d dialect, query string) (rows []string) {
	t.Helper()
	s, err := d.connect(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	if err := s.conn.SelectContext(context.Background(), &rows, query); err != nil {
		t.Fatal(err)
	}
	return rows
}

// schemaOf makes a schema of the test's own in a database and gives its URL.
func schemaOf(t testing.TB, address string) string {
	t.Helper()
	p, err := newPostgres(address)
	if err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("s%d", time.Now().UnixNano())
	must(t, p, "CREATE SCHEMA "+name)
	u, _ := url.Parse(address)
	values := u.Query()
	values.Set("search_path", name)
	u.RawQuery = values.Encode()
	return u.String()
}

func postgresTarget(t *testing.T, address string) connectortest.SinkTarget {
	connection := &PostgresConnection{URL: document.NewSecret("url", schemaOf(t, address))}
	sink, err := Postgres().NewSink(testEnv(t), connection, new(SinkOptions))
	if err != nil {
		t.Fatal(err)
	}
	source, err := Postgres().NewSource(testEnv(t), connection, new(SourceOptions))
	if err != nil {
		t.Fatal(err)
	}
	d, err := newPostgres(connection.URL.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	return connectortest.SinkTarget{Sink: sink, Source: source, Stream: "charges", Odd: `rent "roll" of 2026`, Names: true,
		Widening: &connectortest.Widening{
			Columns: func(t *testing.T) []string {
				return listed(t, d, "SELECT attname || ' ' || format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = to_regclass('charges') AND attnum > 0 ORDER BY attnum")
			},
			ByHand: func(t *testing.T) { must(t, d, "CREATE TABLE charges (id text)") },
		},
		Narrow: func(t *testing.T) { must(t, d, "CREATE TABLE charges (id text, amount numeric(10,2))") },
		Refuse: func(t *testing.T) {
			must(t, d, "ALTER TABLE charges ADD CONSTRAINT no_poison CHECK (id <> 'poison')")
		}}
}

func TestPostgresSink(t *testing.T) {
	before := goleak.IgnoreCurrent()
	address := servers.Postgres(t)
	connectortest.RunSink(t, connectortest.SinkHarness{
		New:     func(t *testing.T) connectortest.SinkTarget { return postgresTarget(t, address) },
		Modes:   modes(),
		Missing: true,
		Widens:  true,
		Secrets: []string{"s3cr3t!", "s3cr3t%21"},
		Broken: func(t *testing.T) connectors.Sink {
			connection := &PostgresConnection{URL: document.NewSecret("url", "postgres://someone:s3cr3t%21@127.0.0.1:1/nothing")}
			sink, err := Postgres().NewSink(testEnv(t), connection, new(SinkOptions))
			if err != nil {
				t.Fatal(err)
			}
			return sink
		},
	})
	goleak.VerifyNone(t, before)
}

func mysqlTarget(t *testing.T) connectortest.SinkTarget {
	connection := &MySQLConnection{URL: document.NewSecret("url", servers.MariaDB(t))}
	sink, err := MySQL().NewSink(testEnv(t), connection, new(SinkOptions))
	if err != nil {
		t.Fatal(err)
	}
	source, err := MySQL().NewSource(testEnv(t), connection, new(SourceOptions))
	if err != nil {
		t.Fatal(err)
	}
	d, err := newMySQL(connection.URL.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	return connectortest.SinkTarget{Sink: sink, Source: source, Stream: "charges", Odd: "rent `roll` \"of\" 2026", Names: true,
		Widening: &connectortest.Widening{
			Columns: func(t *testing.T) []string {
				return listed(t, d, "SELECT concat_ws(' ', column_name, column_type, collation_name, is_nullable) FROM information_schema.columns WHERE table_schema = database() AND table_name = 'charges' ORDER BY ordinal_position")
			},
			ByHand: func(t *testing.T) { must(t, d, "CREATE TABLE charges (id varchar(20)) CHARSET latin1") },
			Kept:   true,
		},
		Narrow: func(t *testing.T) { must(t, d, "CREATE TABLE charges (id text, amount decimal(10,2))") },
		Refuse: func(t *testing.T) {
			must(t, d, "ALTER TABLE charges ADD CONSTRAINT no_poison CHECK (id <> 'poison')")
		}}
}

func TestMySQLSink(t *testing.T) {
	before := goleak.IgnoreCurrent()
	connectortest.RunSink(t, connectortest.SinkHarness{
		New:     mysqlTarget,
		Modes:   modes(),
		Missing: true,
		Widens:  true,
		Secrets: []string{"s3cr3t!", "s3cr3t%21"},
		Broken: func(t *testing.T) connectors.Sink {
			connection := &MySQLConnection{URL: document.NewSecret("url", "mysql://someone:s3cr3t%21@127.0.0.1:1/nothing")}
			sink, err := MySQL().NewSink(testEnv(t), connection, new(SinkOptions))
			if err != nil {
				t.Fatal(err)
			}
			return sink
		},
	})
	goleak.VerifyNone(t, before)
}

func sqliteTarget(t *testing.T) connectortest.SinkTarget {
	env := testEnv(t)
	connection := &SQLiteConnection{Path: document.Text{Value: "a folder/ware#house?.db"}}
	if err := os.Mkdir(filepath.Join(env.Dir, "a folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	sink, err := SQLite().NewSink(env, connection, new(SinkOptions))
	if err != nil {
		t.Fatal(err)
	}
	source, err := SQLite().NewSource(env, connection, new(SourceOptions))
	if err != nil {
		t.Fatal(err)
	}
	d := newSQLite(env.Dir, connection.Path.Value)
	return connectortest.SinkTarget{Sink: sink, Source: source, Stream: "charges", Odd: `rent "roll" of 2026. now`, Names: true,
		Widening: &connectortest.Widening{
			Columns: func(t *testing.T) []string {
				return listed(t, d, "SELECT name || ' ' || type FROM pragma_table_xinfo('charges')")
			},
			ByHand: func(t *testing.T) { must(t, d, "CREATE TABLE charges (id text)") },
		},
		Refuse: func(t *testing.T) {
			must(t, d, "CREATE TRIGGER no_poison BEFORE INSERT ON charges WHEN NEW.id = 'poison' BEGIN SELECT RAISE(ABORT, 'no poison here'); END")
		}}
}

func TestSQLiteSink(t *testing.T) {
	before := goleak.IgnoreCurrent()
	connectortest.RunSink(t, connectortest.SinkHarness{
		New:   sqliteTarget,
		Modes: modes(), Missing: true, Widens: true,
		Broken: func(t *testing.T) connectors.Sink {
			env := testEnv(t)
			sink, err := SQLite().NewSink(env, &SQLiteConnection{Path: document.Text{Value: strings.Repeat("no/", 3) + "where.db"}}, new(SinkOptions))
			if err != nil {
				t.Fatal(err)
			}
			return sink
		},
	})
	goleak.VerifyNone(t, before)
}
