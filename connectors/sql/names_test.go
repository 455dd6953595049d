package sql

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/connectortest/servers"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
)

// unquote is what a database makes of an identifier.
func unquote(t *testing.T, quoted, mark string) string {
	t.Helper()
	if len(quoted) < 3 || quoted[:1] != mark || quoted[len(quoted)-1:] != mark {
		t.Fatalf("%q is not one quoted name", quoted)
	}
	inside := quoted[1 : len(quoted)-1]
	if strings.Contains(strings.ReplaceAll(inside, mark+mark, ""), mark) {
		t.Fatalf("%q ends before its end", quoted)
	}
	return strings.ReplaceAll(inside, mark+mark, mark)
}

func FuzzQuote(f *testing.F) {
	for _, seed := range []string{"id", `"`, `""`, `a"b`, `x"; DROP TABLE canary; --`, "a\x00b", "", "größe", "\xff", `"already"`, "select", "a.b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		for _, mark := range []string{`"`, "`"} {
			quoted, err := quote(name, mark)
			sound := name != "" && utf8.ValidString(name) && !strings.Contains(name, "\x00")
			if sound != (err == nil) {
				t.Fatalf("quote(%q): %v", name, err)
			}
			if err == nil && unquote(t, quoted, mark) != name {
				t.Fatalf("quote(%q) = %s", name, quoted)
			}
		}
	})
}

// TestQuoteInDatabase sends hostile names to every database; a canary table
// survives.
func TestQuoteInDatabase(t *testing.T) {
	p, err := newPostgres(schemaOf(t, servers.Postgres(t)))
	if err != nil {
		t.Fatal(err)
	}
	maria, _ := mysqlFor(t)
	for name, d := range map[string]dialect{"postgres": p, "sqlite": newSQLite(t.TempDir(), "q.db"), "mysql": maria} {
		t.Run(name, func(t *testing.T) {
			must(t, d, "CREATE TABLE canary (id text)")
			for _, column := range []string{`x"; DROP TABLE canary; --`, `x'); DROP TABLE canary; --`, "\\\"; DROP TABLE canary", "`; DROP TABLE canary; --", "\\`; DROP TABLE canary; --", "?", "$1", ":cursor", "a b\tc\n"} {
				if name == "mysql" {
					column = strings.TrimSpace(column) // it takes no name with a blank at its end
				}
				quoted, err := quote(column, mark(d))
				if err != nil {
					t.Fatal(err)
				}
				must(t, d, "CREATE TABLE probe ("+quoted+" text)", "INSERT INTO probe ("+quoted+") SELECT id FROM canary", "DROP TABLE probe")
			}
		})
	}
}

func TestCheckCreated(t *testing.T) {
	long := strings.Repeat("n", 63)
	for _, c := range []struct {
		names   []string
		longest int
		folds   bool
		ok      bool
	}{
		{[]string{"a", "b"}, maxName, false, true},
		{[]string{long}, maxName, false, true},
		{[]string{long + "x"}, maxName, false, false},
		{[]string{strings.Repeat("ö", 32)}, maxName, false, false}, // 64 bytes
		{[]string{"Id", "id"}, maxName, false, true},
		{[]string{"Id", "id"}, 0, true, false},
		{[]string{long + "x"}, 0, true, true},
	} {
		err := checkCreated(c.names, c.longest, c.folds)
		if (err == nil) != c.ok || err != nil && !errors.Is(err, connectors.ErrConfig) {
			t.Errorf("%q: %v", c.names, err)
		}
	}
}

func TestParseTable(t *testing.T) {
	for stream, want := range map[string]string{"charges": `"charges"`, "books.charges": `"books"."charges"`, `a"b.c`: `"a""b"."c"`,
		"": "", ".x": "", "x.": "", "a.b.c": ""} {
		name, err := parseTable(stream)
		got := ""
		if err == nil {
			got, _ = name.quoted(new(standardWords()))
		}
		if got != want {
			t.Errorf("%q: %s, want %s", stream, got, want)
		}
	}
}

func TestParseQuery(t *testing.T) {
	for query, names := range map[string]string{
		"select 1": "",
		"select * from t where a >= :cursor and a <= :upper;": "cursor upper",
		"select ':cursor', a::cursor, \":upper\" from t":      "",
		"select a -- :cursor\n, :cursor":                      "cursor",
		"select /* :cursor */ $$ :cursor $$, $x$ :upper $x$":  "",
		"select :cursors, :cursor_, :upper":                   "upper",
		"select a[1:upper] from t where b='it''s :cursor'":    "upper",
		"select 'never ends :cursor":                          "",
		"select $1:cursor":                                    "cursor",
	} {
		q := parseQuery(query, skipQuoted)
		if got := strings.Join(q.names, " "); got != names {
			t.Errorf("%s: parameters %q, want %q", query, got, names)
		}
		if q.params != (names != "") {
			t.Errorf("%s: params=%v", query, q.params)
		}
	}
	if got := parseQuery("select :cursor -- end", skipQuoted).subselect("1", "2"); got != "(select 1 -- end\n) AS tieout_query" {
		t.Errorf("subselect: %s", got)
	}
}

func FuzzParseQuery(f *testing.F) {
	f.Add("select :cursor from t where x = ':upper' -- $$")
	f.Add("$a$ :cursor")
	f.Fuzz(func(t *testing.T, text string) {
		q := parseQuery(text, skipQuoted)
		var back strings.Builder
		for i, part := range q.parts {
			back.WriteString(part)
			if i < len(q.names) {
				back.WriteString(":" + q.names[i])
			}
		}
		if back.String() != strings.TrimRight(text, "; \t\r\n") {
			t.Fatalf("%q became %q", text, back.String())
		}
	})
}

func FuzzCopyText(f *testing.F) {
	for _, seed := range []string{"", `\N`, `\.`, "a\tb\nc\rd\\e", "\x01\x7f", "größe", "\xff", "\x00"} {
		f.Add([]byte(seed))
	}
	shape := record.MustShape(record.NewField("a", record.Text), record.NewField("b", record.Text))
	p, err := newPlan(connectors.Load{Shape: shape, Mode: connectors.Append}, tableName{table: "t"}, new(standardWords()))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		var b record.Batch
		b.Reset(shape, 1)
		b.Columns[0].SetText(0, value)
		b.Columns[1].SetNil(0)
		line, reason, _ := newEncoder(p).row(nil, &b, 0)
		if bad := !utf8.Valid(value) || slices.Contains(value, 0); bad != (reason != "") {
			t.Fatalf("%q: %s", value, reason)
		}
		if reason != "" {
			return
		}
		if slices.Contains(line, '\n') || slices.Contains(line, '\r') {
			t.Fatalf("%q breaks its line: %q", value, line)
		}
		texts := decodeLine(line)
		if len(texts) != 2 || string(texts[0]) != string(value) || texts[0] == nil || texts[1] != nil {
			t.Fatalf("%q became %q", value, texts)
		}
	})
}

func TestSSLMode(t *testing.T) {
	for address, want := range map[string]string{
		"postgres://u@127.0.0.1/d":                     "disable",
		"postgres://u@localhost/d":                     "disable",
		"postgres://u@[::1]:5432/d":                    "disable",
		"postgres:///d?host=/var/run/postgresql":       "disable",
		"host=/tmp dbname=d":                           "disable",
		"postgres://u@db.example.com/d":                "require",
		"postgres://u@localhost,db.example.com/d":      "require",
		"host=db.example.com dbname=d":                 "require",
		"postgres://u@db.example.com/d?sslmode=prefer": "prefer",
		"host=db.example.com sslmode=verify-full":      "verify-full",
		"postgres://u@127.0.0.1/d?sslmode=require":     "require",
	} {
		p, err := newPostgres(address)
		if err != nil {
			t.Errorf("%s: %v", address, err)
			continue
		}
		if got := string(p.config.SSLMode); got != want {
			t.Errorf("%s: sslmode %s, want %s", address, got, want)
		}
	}
}

func TestBadAddress(t *testing.T) {
	for _, address := range []string{"", "postgres://u:hunter2@host:port/d", "hunter2", "postgres://u:hunter2%zz@h/d", "mysql://u:hunter2@h/d"} {
		_, err := Postgres().NewSink(testEnv(t), &PostgresConnection{URL: document.NewSecret("url", address)}, new(SinkOptions))
		if !errors.Is(err, connectors.ErrConfig) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", address, err)
		}
	}
}
