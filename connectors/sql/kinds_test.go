package sql

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/connectortest/servers"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
)

// readRows reads everything: rows as JSON, held ones as their messages.
func readRows(t *testing.T, k connectors.Source, read connectors.Read) (shape *record.Shape, rows, held []string) {
	t.Helper()
	r, err := k.Open(t.Context(), read)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	defer r.Close()
	var b record.Batch
	for {
		err := r.Next(t.Context(), &b)
		if errors.Is(err, io.EOF) {
			return r.Shape(), rows, held
		}
		if err != nil {
			t.Fatalf("Next: %v", err)
		}
		for _, row := range b.Live {
			rows = append(rows, string(record.AppendRowJSON(nil, &b, int(row))))
		}
		for _, h := range b.Held {
			held = append(held, h.Field+": "+h.Message)
		}
	}
}

func pgSource(t *testing.T, address, query string) connectors.Source {
	t.Helper()
	k, err := Postgres().NewSource(testEnv(t), &PostgresConnection{URL: document.NewSecret("url", address)}, &SourceOptions{Query: document.Text{Value: query}})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestPostgresKinds(t *testing.T) {
	address := schemaOf(t, servers.Postgres(t))
	p, err := newPostgres(address)
	if err != nil {
		t.Fatal(err)
	}
	must(t, p, `CREATE DOMAIN cents AS numeric(12,2)`, `CREATE TYPE mood AS ENUM ('fine')`,
		`CREATE TABLE kinds (i2 smallint, i8 bigint, n numeric, n2 numeric(12,2), c cents, f4 real, f8 double precision, m money, b boolean,
			d date, tz timestamptz, l timestamp, t time, u uuid, j jsonb, x bytea, a int[], e mood, v varchar(5), z char(3))`,
		`INSERT INTO kinds VALUES (1, 9223372036854775807, 1.50, 1.5, 2, 0.1, 0.30000000000000004, 12.5, true, '2026-01-31', '2026-01-31 10:00:00.25+02',
			'2026-01-31 10:00:00', '10:00', '00000000-0000-0000-0000-000000000001', '{"a": 1}', 'a', '{1,2}', 'fine', 'v', 'z')`)
	chicago, _ := time.LoadLocation("America/Chicago")
	shape, rows, held := readRows(t, pgSource(t, address, ""), connectors.Read{Stream: "kinds", Zone: chicago})
	want := `{"i2":1,"i8":9223372036854775807,"n":"1.5","n2":"1.50","c":"2.00","f4":"0.1","f8":"0.30000000000000004","m":"12.5","b":true,"d":"2026-01-31",` +
		`"tz":"2026-01-31T08:00:00.25Z","l":"2026-01-31T16:00:00Z","t":"10:00:00","u":"00000000-0000-0000-0000-000000000001","j":"{\"a\": 1}","x":"\\x61",` +
		`"a":"{1,2}","e":"fine","v":"v","z":"z  "}`
	if len(held) > 0 || len(rows) != 1 {
		t.Fatalf("%d rows, held: %v", len(rows), held)
	}
	if diff := cmp.Diff(want, rows[0]); diff != "" {
		t.Errorf("row (-want +got):\n%s", diff)
	}
	for _, f := range shape.Fields {
		if inexact := f.Name == "f4" || f.Name == "f8"; f.Inexact != inexact {
			t.Errorf("field %s: inexact is %v", f.Name, f.Inexact)
		}
		if scale := map[string]int32{"n2": 2, "c": 2}[f.Name]; scale != 0 && f.Scale != scale {
			t.Errorf("field %s: scale %d", f.Name, f.Scale)
		}
	}
	_, err = pgSource(t, address, "").Open(t.Context(), connectors.Read{Stream: "kinds"})
	if !errors.Is(err, connectors.ErrConfig) || !strings.Contains(err.Error(), "timezone") || !strings.Contains(err.Error(), `"l"`) {
		t.Errorf("a timestamp without zone: %v", err)
	}
	if _, _, held := readRows(t, pgSource(t, address, ""), connectors.Read{Stream: "kinds", Wanted: []string{"i2", "tz"}}); len(held) > 0 {
		t.Errorf("fields nobody wants matter: %v", held)
	}
}

func TestPostgresOddValues(t *testing.T) {
	address := schemaOf(t, servers.Postgres(t))
	p, err := newPostgres(address)
	if err != nil {
		t.Fatal(err)
	}
	must(t, p, `CREATE TABLE odd (id int, n numeric, f double precision, d date, tz timestamptz)`,
		`INSERT INTO odd VALUES (1, 'NaN', 1, '2026-01-01', now()), (2, 1, 'Infinity', '2026-01-01', now()), (3, 1, 1, 'infinity', now()),
			(4, 1, 1, '0044-03-15 BC', now()), (5, 1, 1, '2026-01-01', '-infinity'), (6, NULL, NULL, NULL, NULL), (7, 1e400, 1e300, NULL, NULL)`)
	_, rows, held := readRows(t, pgSource(t, address, ""), connectors.Read{Stream: "odd", Key: []string{"id"}})
	if len(rows) != 2 || rows[0] != `{"id":6,"n":null,"f":null,"d":null,"tz":null}` || !strings.HasPrefix(rows[1], `{"id":7,"n":"1000`) {
		t.Errorf("rows: %v", rows)
	}
	for i, field := range []string{"n", "f", "d", "d", "tz"} {
		if i >= len(held) || !strings.HasPrefix(held[i], field+": ") {
			t.Fatalf("held: %v", held)
		}
	}
}

func TestPostgresQuery(t *testing.T) {
	address := schemaOf(t, servers.Postgres(t))
	p, err := newPostgres(address)
	if err != nil {
		t.Fatal(err)
	}
	must(t, p, `CREATE TABLE items (id int, changed timestamptz)`, `INSERT INTO items SELECT n, '2026-01-01Z'::timestamptz + n * interval '1 hour' FROM generate_series(1, 10) n`)
	read := connectors.Read{Cursor: &connectors.Cursor{Field: "changed"}}
	query := "SELECT id, changed FROM items WHERE changed >= :cursor AND changed <= :upper AND 'x' <> ':cursor' -- all of them\n;"
	for from, want := range map[string]int{"": 10, "2026-01-01T08:00:00Z": 3, "2026-01-01T02:00:00-06:00": 3, "2027-01-01T00:00:00Z": 0} {
		read.Cursor.From = from
		if _, rows, _ := readRows(t, pgSource(t, address, query), read); len(rows) != want {
			t.Errorf("from %q: %d rows, want %d", from, len(rows), want)
		}
	}
	read.Cursor.From = "tomorrow"
	if _, err := pgSource(t, address, query).Open(t.Context(), read); !errors.Is(err, connectors.ErrConfig) || !strings.Contains(err.Error(), "tomorrow") {
		t.Errorf("a cursor that is no time: %v", err)
	}
	for _, wrong := range []string{"SELEC 1", "SELECT * FROM nowhere", "SELECT 1 AS a, 2 AS a", "SELECT :cursor AS a"} {
		if _, err := pgSource(t, address, wrong).Open(t.Context(), connectors.Read{}); !errors.Is(err, connectors.ErrConfig) {
			t.Errorf("%s: %v", wrong, err)
		}
	}
	if _, err := pgSource(t, address, "WITH w AS (SELECT 1 AS a) SELECT * FROM w").Open(t.Context(), connectors.Read{}); err != nil {
		t.Errorf("a query with WITH: %v", err)
	}
}

// TestPostgresReadOnly: a query cannot write.
func TestPostgresReadOnly(t *testing.T) {
	address := schemaOf(t, servers.Postgres(t))
	p, err := newPostgres(address)
	if err != nil {
		t.Fatal(err)
	}
	must(t, p, "CREATE SEQUENCE s", "CREATE TABLE canary (id int)", "CREATE FUNCTION evil() RETURNS int LANGUAGE sql AS 'INSERT INTO canary VALUES (1) RETURNING id'")
	r, err := pgSource(t, address, "SELECT evil() AS a").Open(t.Context(), connectors.Read{})
	if err == nil {
		var b record.Batch
		err = r.Next(context.Background(), &b)
		r.Close()
	}
	if err == nil || ask(t, p, "SELECT count(*)::text FROM canary") != "0" {
		t.Errorf("a source wrote: %v", err)
	}
}

func TestSQLiteKinds(t *testing.T) {
	env := testEnv(t)
	d := newSQLite(env.Dir, "k.db")
	must(t, d, "CREATE TABLE kinds (i INTEGER, r REAL, n NUMERIC, t TEXT, b BOOLEAN, d DATE, s DATETIME, x)",
		"INSERT INTO kinds VALUES (1, 0.1, '1234567.89', '007', 1, '2026-01-31', '2026-01-31 10:00:00', '5')",
		"INSERT INTO kinds VALUES (2, 1e15, 9007199254740993, NULL, 0, '2026-01-31', '2026-01-31T10:00:00-06:00', 5)",
		"INSERT INTO kinds VALUES (3, 1, 0.1 + 0.2, NULL, 0, NULL, NULL, NULL)",
		"INSERT INTO kinds VALUES ('many', 1, 1, NULL, 0, NULL, NULL, NULL)")
	k, err := SQLite().NewSource(env, &SQLiteConnection{Path: document.Text{Value: "k.db"}}, new(SourceOptions))
	if err != nil {
		t.Fatal(err)
	}
	shape, rows, held := readRows(t, k, connectors.Read{Stream: "kinds", Zone: time.UTC})
	want := []string{`{"i":1,"r":"0.1","n":"1234567.89","t":"007","b":true,"d":"2026-01-31","s":"2026-01-31T10:00:00Z","x":"5"}`,
		`{"i":2,"r":"1000000000000000","n":"9007199254740993","t":null,"b":false,"d":"2026-01-31","s":"2026-01-31T16:00:00Z","x":"5"}`}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if len(held) != 2 || !strings.HasPrefix(held[0], "n: ") || !strings.HasPrefix(held[1], "i: ") {
		t.Errorf("held: %v", held)
	}
	if !shape.Fields[shape.Index("r")].Inexact || shape.Fields[shape.Index("n")].Inexact {
		t.Errorf("shape: %s", shape)
	}
	if _, err := k.Open(t.Context(), connectors.Read{Stream: "nothing"}); !errors.Is(err, connectors.ErrConfig) {
		t.Errorf("a missing table: %v", err)
	}
	missing, _ := SQLite().NewSource(env, &SQLiteConnection{Path: document.Text{Value: "none.db"}}, new(SourceOptions))
	if _, err := missing.Open(t.Context(), connectors.Read{Stream: "kinds"}); !errors.Is(err, connectors.ErrEnvironment) {
		t.Errorf("a missing file: %v", err)
	}
}
