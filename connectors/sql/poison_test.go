package sql

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tieout/tieout/connectors"
)

// TestMergePoison breaks every kind of rule a table may have, in every mode.
func TestMergePoison(t *testing.T) {
	p, k := pgFor(t)
	for _, rule := range []struct{ table, columns string }{
		{"id text, amount numeric, due date, CHECK (id <> 'bad')", ""},
		{"id varchar(2), amount numeric, due date", ""},
		{"id text REFERENCES units (id), amount numeric, due date", ""},
		{"id text REFERENCES units (id) DEFERRABLE INITIALLY DEFERRED, amount numeric, due date", ""},
		{"id text PRIMARY KEY CHECK (id <> 'bad'), amount numeric, due date", ""},
	} {
		for _, mode := range modes() {
			must(t, p, "DROP TABLE IF EXISTS rent", "DROP TABLE IF EXISTS units", "CREATE TABLE units (id text PRIMARY KEY)",
				"INSERT INTO units VALUES ('a'), ('b'), ('c'), ('d')", "CREATE TABLE rent ("+rule.table+", valid_from timestamptz, valid_to timestamptz)")
			receipt, err := loadRent(t, k, rentLoad(mode, 2), "a", "b", "bad", "c", "d")
			if err != nil || receipt.Inserted != 4 || len(receipt.Refused) != 1 {
				t.Errorf("%s, %s: %v %+v", rule.table, mode, err, receipt)
				continue
			}
			r := receipt.Refused[0]
			if r.Row != 2 || r.Line != 13 || r.Input != "rent.csv" || !strings.Contains(r.Reason, "sink.poison") || string(r.Record) != `{"id":"bad","amount":"1.50","due":"1970-01-01"}` {
				t.Errorf("%s, %s: refusal %+v %s", rule.table, mode, r, r.Record)
			}
			if got := ask(t, p, "SELECT string_agg(id, ' ' ORDER BY id) FROM rent"); got != "a b c d" {
				t.Errorf("%s, %s: loaded %s", rule.table, mode, got)
			}
		}
	}
}

// TestPoisonAndTwice has a record the table refuses and a key that comes
// twice in one first load.
func TestPoisonAndTwice(t *testing.T) {
	p, k := pgFor(t)
	must(t, p, "CREATE TABLE rent (id text PRIMARY KEY CHECK (id <> 'bad'), amount numeric, due date)")
	lite := &sink{dialect: newSQLite(t.TempDir(), "twice.db"), now: time.Now}
	must(t, lite.dialect, "CREATE TABLE rent (id text PRIMARY KEY CHECK (id <> 'bad'), amount text, due text)")
	d, maria := mysqlFor(t)
	must(t, d, "CREATE TABLE rent (id varchar(9) PRIMARY KEY CHECK (id <> 'bad'), amount decimal(12,2), due date)")
	for _, k := range []*sink{k, lite, maria} {
		l := rentLoad(connectors.Upsert, 2)
		w, err := k.Begin(t.Context(), l)
		if err != nil {
			t.Fatal(err)
		}
		first := rentBatch(l, 0, "a", "b", "bad", "c")
		second := rentBatch(l, 1, "c", "a", "d")
		second.Columns[1].SetCoef(1, 999, 2) // another amount for a
		for _, b := range []*struct{ err error }{{w.Write(t.Context(), first)}, {w.Write(t.Context(), second)}} {
			if b.err != nil {
				t.Fatal(b.err)
			}
		}
		receipt, err := w.Commit(t.Context(), connectors.Ledger{RunID: "r", StartedAt: time.Now()}, func(connectors.Receipt) error { return nil })
		if err != nil || receipt.Inserted != 4 || receipt.Unchanged != 1 || len(receipt.Refused) != 2 {
			t.Fatalf("%v %+v", err, receipt)
		}
		var keys []string
		for _, r := range receipt.Refused {
			keys = append(keys, r.Key)
		}
		slices.Sort(keys)
		if !slices.Equal(keys, []string{"a", "bad"}) {
			t.Errorf("refused %v", keys)
		}
		if got := ask(t, k.dialect, "SELECT CAST(amount AS char(4)) FROM rent WHERE id = 'a'"); got != "1.50" {
			t.Errorf("a became %s", got)
		}
	}
}

// TestManyPoison spreads refusals over segments and batches.
func TestManyPoison(t *testing.T) {
	p, k := pgFor(t)
	must(t, p, "CREATE TABLE rent (id text CHECK (id <> 'bad'), amount numeric, due date)")
	l := rentLoad(connectors.Append, 2)
	l.MaxRefused = 100
	w, err := k.Begin(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	ids := make([]string, 1000)
	for i := range ids {
		ids[i] = "good " + strings.Repeat("x", 50)
	}
	for seq := range int64(150) {
		batch := slices.Clone(ids)
		if seq%3 == 0 {
			batch[seq] = "bad"
		}
		if err := w.Write(t.Context(), rentBatch(l, seq, batch...)); err != nil {
			t.Fatal(err)
		}
	}
	receipt, err := w.Commit(t.Context(), connectors.Ledger{RunID: "r", StartedAt: time.Now()}, func(connectors.Receipt) error { return nil })
	if err != nil || len(receipt.Refused) != 50 || receipt.Inserted != 149_950 {
		t.Fatalf("%v: %d inserted, %d refused", err, receipt.Inserted, len(receipt.Refused))
	}
	for i, r := range receipt.Refused {
		if want := int64(i) * 3; r.Seq != want || int64(r.Row) != want {
			t.Fatalf("refusal %d is batch %d row %d", i, r.Seq, r.Row)
		}
	}
	if got := ask(t, p, "SELECT count(*)::text FROM rent"); got != "149950" {
		t.Errorf("%s rows", got)
	}
}

func TestSQLiteTargetChecks(t *testing.T) {
	d := newSQLite(t.TempDir(), "checks.db")
	k := &sink{dialect: d, now: time.Now}
	for _, c := range []struct{ table, want string }{
		{"id TEXT, amount TEXT, due TEXT", ""},
		{"ID VARCHAR(20) PRIMARY KEY, amount CHAR(20), due DATE", ""},
		{"id TEXT, amount, due DATETIME", ""},
		{"id TEXT, amount REAL, due TEXT", "sink.affinity"},
		{"id TEXT, amount NUMERIC(12,2), due TEXT", "sink.affinity"},
		{"id TEXT, amount INTEGER, due TEXT", "sink.affinity"},
		{"id INTEGER, amount TEXT, due TEXT", "sink.type"},
		{"id TEXT, amount TEXT", "sink.missing_column"},
		{"id TEXT, amount TEXT, due TEXT, tenant TEXT NOT NULL", "sink.missing_column"},
	} {
		must(t, d, "DROP TABLE IF EXISTS rent", "CREATE TABLE rent ("+c.table+")")
		_, err := loadRent(t, k, rentLoad(connectors.Upsert, 2), "a", "b")
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", c.table, err)
		case c.want == "" && ask(t, d, "SELECT group_concat(amount || typeof(amount), ' ') FROM rent") != "1.50text 1.50text":
			t.Errorf("%s: amounts changed", c.table)
		case c.want != "" && (!errors.Is(err, connectors.ErrConfig) || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: %v, want %s", c.table, err, c.want)
		}
	}
}
