package sql

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/connectortest/servers"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
)

func mysqlSource(t testing.TB, address, query string) connectors.Source {
	t.Helper()
	k, err := MySQL().NewSource(testEnv(t), &MySQLConnection{URL: document.NewSecret("url", address)}, &SourceOptions{Query: document.Text{Value: query}})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func mysqlAddress(t testing.TB) (string, *mysqlDB) {
	t.Helper()
	address := servers.MariaDB(t)
	d, err := newMySQL(address)
	if err != nil {
		t.Fatal(err)
	}
	return address, d
}

func TestMySQLKinds(t *testing.T) {
	address, d := mysqlAddress(t)
	must(t, d, `CREATE TABLE kinds (i1 tinyint, i8 bigint, u8 bigint unsigned, n decimal(10,0), n30 decimal(65,30), n2 decimal(12,2), f4 float, f8 double, b boolean, bits bit(10),
			d date, ts timestamp(3) NULL, l datetime(6), t time, y year, j json, x varbinary(9), e enum('fine'), s set('a','b'), v varchar(5), z char(3))`,
		`INSERT INTO kinds VALUES (1, 9223372036854775807, 7, 15, 1234567.50, 1.5, 0.1, 0.30000000000000004, true, 513, '2026-01-31', '2026-01-31 10:00:00.25',
			'2026-01-31 10:00:00', '10:00', 2026, '{"a": 1}', x'61ff', 'fine', 'a,b', 'v', 'z')`,
		`INSERT INTO kinds (f4, f8, i8) VALUES (16777216, 1e300, -9223372036854775808)`)
	chicago, _ := time.LoadLocation("America/Chicago")
	shape, rows, held := readRows(t, mysqlSource(t, address, ""), connectors.Read{Stream: "kinds", Zone: chicago})
	want := `{"i1":1,"i8":9223372036854775807,"u8":7,"n":"15","n30":"1234567.5","n2":"1.50","f4":"0.1","f8":"0.30000000000000004","b":1,"bits":513,"d":"2026-01-31",` +
		`"ts":"2026-01-31T10:00:00.25Z","l":"2026-01-31T16:00:00Z","t":"10:00:00","y":2026,"j":"{\"a\": 1}","x":"\\x61ff","e":"fine","s":"a,b","v":"v","z":"z"}`
	if len(held) > 0 || len(rows) != 2 {
		t.Fatalf("%d rows, held: %v", len(rows), held)
	}
	if diff := cmp.Diff(want, rows[0]); diff != "" {
		t.Errorf("row (-want +got):\n%s", diff)
	}
	if !strings.Contains(rows[1], `"f4":"16777216"`) || !strings.Contains(rows[1], `"i8":-9223372036854775808`) {
		t.Errorf("row: %s", rows[1])
	}
	for _, f := range shape.Fields {
		if inexact := f.Name == "f4" || f.Name == "f8"; f.Inexact != inexact {
			t.Errorf("field %s: inexact is %v", f.Name, f.Inexact)
		}
	}
	_, err := mysqlSource(t, address, "").Open(t.Context(), connectors.Read{Stream: "kinds"})
	if !errors.Is(err, connectors.ErrConfig) || !strings.Contains(err.Error(), "timezone") || !strings.Contains(err.Error(), `"l"`) {
		t.Errorf("a timestamp without zone: %v", err)
	}
}

func TestMySQLOddValues(t *testing.T) {
	address, d := mysqlAddress(t)
	s, err := d.open(t.Context(), "", "READ COMMITTED")
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	for _, statement := range []string{`CREATE TABLE odd (id int, u bigint unsigned, d date, l datetime)`,
		`INSERT INTO odd VALUES (1, 18446744073709551615, '2026-01-01', '2026-01-01'), (2, 1, '0000-00-00', '2026-01-01'), (3, 1, '2026-02-00', '2026-01-01'),
			(4, 1, '2026-01-01', '0000-00-00'), (5, NULL, NULL, NULL)`} {
		if err := s.exec(t.Context(), "prepare", statement); err != nil {
			t.Fatal(err)
		}
	}
	_, rows, held := readRows(t, mysqlSource(t, address, ""), connectors.Read{Stream: "odd", Zone: time.UTC})
	if len(rows) != 1 || rows[0] != `{"id":5,"u":null,"d":null,"l":null}` {
		t.Errorf("rows: %v", rows)
	}
	for i, field := range []string{"u", "d", "d", "l"} {
		if i >= len(held) || !strings.HasPrefix(held[i], field+": ") {
			t.Fatalf("held: %v", held)
		}
	}
	for _, window := range []time.Duration{0, time.Hour} {
		_, rows, held = readRows(t, mysqlSource(t, address, ""), connectors.Read{Stream: "odd", Wanted: []string{"id"}, Zone: time.UTC,
			Cursor: &connectors.Cursor{Field: "l", Window: window}})
		if len(rows) != 4 || len(held) != 1 {
			t.Errorf("window %s: rows %v, held %v", window, rows, held)
		}
	}
}

func TestMySQLQuery(t *testing.T) {
	address, d := mysqlAddress(t)
	must(t, d, `CREATE TABLE items (id int, changed timestamp)`,
		`INSERT INTO items SELECT seq, '2026-01-01' + INTERVAL seq HOUR FROM seq_1_to_10`)
	read := connectors.Read{Cursor: &connectors.Cursor{Field: "changed"}}
	query := "SELECT id, changed FROM `items` WHERE changed >= :cursor AND changed <= :upper AND 'it\\'s :cursor' <> \":cursor\" # all of :cursor\n;"
	for from, want := range map[string]int{"": 10, "2026-01-01T08:00:00Z": 3, "2026-01-01T02:00:00-06:00": 3, "2027-01-01T00:00:00Z": 0} {
		read.Cursor.From = from
		if _, rows, _ := readRows(t, mysqlSource(t, address, query), read); len(rows) != want {
			t.Errorf("from %q: %d rows, want %d", from, len(rows), want)
		}
	}
	for _, wrong := range []string{"SELEC 1", "SELECT * FROM nowhere", "SELECT 1 AS a, 2 AS a", "SELECT :cursor AS a", "SELECT 1 AS a; DROP TABLE items"} {
		if _, err := mysqlSource(t, address, wrong).Open(t.Context(), connectors.Read{}); !errors.Is(err, connectors.ErrConfig) {
			t.Errorf("%s: %v", wrong, err)
		}
	}
	names, err := mysqlSource(t, address, "").(connectors.Lister).Streams(t.Context())
	if err != nil || len(names) != 1 || names[0] != "items" {
		t.Errorf("streams: %v %v", names, err)
	}
}

// TestMySQLReadOnly: a query cannot write.
func TestMySQLReadOnly(t *testing.T) {
	address, d := mysqlAddress(t)
	must(t, d, "CREATE TABLE canary (id int)", "CREATE FUNCTION evil() RETURNS int MODIFIES SQL DATA BEGIN INSERT INTO canary VALUES (1); RETURN 1; END")
	r, err := mysqlSource(t, address, "SELECT evil() AS a").Open(t.Context(), connectors.Read{})
	if err == nil {
		var b record.Batch
		err = r.Next(context.Background(), &b)
		r.Close()
	}
	if err == nil || ask(t, d, "SELECT count(*) FROM canary") != "0" {
		t.Errorf("a source wrote: %v", err)
	}
}

func TestMySQLAddress(t *testing.T) {
	for address, want := range map[string]string{
		"mysql://u:p@db.example.com/books":                  "tls db.example.com",
		"mysql://u:p@db.example.com:3307/books?tls=false":   "plain",
		"mysql://u:p@127.0.0.1/books":                       "plain",
		"mysql://u:p@[::1]:3306/books":                      "plain",
		"mysql://u:p@localhost/books?tls=true":              "tls localhost",
		"mysql://u:p@db/books?tls=skip-verify":              "unchecked",
		"mysql://u:p@db/books?tls=maybe":                    "",
		"mysql://u:p@db/books?allowAllFiles=true":           "",
		"mysql://u:p@db/books?multiStatements=true":         "",
		"mysql://u:p@db":                                    "",
		"postgres://u:p@db/books":                           "",
		"u:p@tcp(db)/books":                                 "",
		"mysql://u:hunter2@db/books/more":                   "",
		"mysql://u:hunter2@db/%zz":                          "",
		"mysql://u:p@db.example.com/books?tls=true&loc=UTC": "",
	} {
		d, err := newMySQL(address)
		got := ""
		switch {
		case err != nil:
			if !errors.Is(err, connectors.ErrConfig) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%s: %v", address, err)
			}
		case d.config.TLS == nil:
			got = "plain"
		case d.config.TLS.InsecureSkipVerify:
			got = "unchecked"
		default:
			got = "tls " + d.config.TLS.ServerName
		}
		if got != want {
			t.Errorf("%s: %q, want %q", address, got, want)
		}
	}
}

// TestMySQLStops leaves a long result in the middle, which the driver reads to
// its end unless the statement has been cancelled first: by closing the reader,
// and by cancelling it.
func TestMySQLStops(t *testing.T) {
	address, _ := mysqlAddress(t)
	query := "SELECT a.seq AS id, REPEAT('x', 100) AS note FROM seq_1_to_100000 a JOIN seq_1_to_1000 b"
	for range 5 {
		for _, cancelled := range []bool{false, true} {
			ctx, cancel := context.WithCancel(t.Context())
			r, err := mysqlSource(t, address, query).Open(ctx, connectors.Read{})
			if err != nil {
				t.Fatal(err)
			}
			var b record.Batch
			if err := r.Next(ctx, &b); err != nil {
				t.Fatal(err)
			}
			begun := time.Now()
			if cancelled {
				time.AfterFunc(time.Millisecond, cancel)
				for err == nil {
					err = r.Next(ctx, &b)
				}
				if !errors.Is(err, context.Canceled) {
					t.Errorf("next: %v", err)
				}
			}
			r.Close()
			cancel()
			if took := time.Since(begun); took > 2*time.Second {
				t.Fatalf("it took %s to end a read (cancelled %v)", took, cancelled)
			}
		}
	}
}
