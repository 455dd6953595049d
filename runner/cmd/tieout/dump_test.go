package main

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tieout/tieout/connectors"
)

// What a project leaves, as text that is compared.

// state is what must come out the same: records, ledger sums, held records.
func (s *scene) state(t *testing.T, dir string) string {
	return s.dump(t, dir, s.mode == "history") + dumpHeld(t, dir)
}

func dumpHeld(t *testing.T, dir string) string {
	return query(t, "sqlite", "file:"+filepath.Join(dir, ".tieout/state.db"),
		"SELECT record_key, stage, record, reasons FROM tieout_held WHERE status = 'waiting' ORDER BY record_key",
		"SELECT 'pending', count(*) FROM tieout_held WHERE status = 'pending'",
		"SELECT 'unsettled', count(*) FROM tieout_runs WHERE finished_at = ''")
}

func dumpSQLite(t *testing.T, dir string, history bool) string {
	dsn := "file:" + filepath.Join(dir, "out/books.db")
	return query(t, "sqlite", dsn, tableQueries(dir, history)...) + ledgerSums(t, lines(query(t, "sqlite", dsn, ledgerQuery(dir))))
}

// dumpCompared leaves out the position, which names a load, and shows what
// became of each record.
func dumpCompared(t *testing.T, dir string, _ bool) string {
	dsn, name := "file:"+filepath.Join(dir, "out/books.db"), filepath.Base(dir)
	return query(t, "sqlite", dsn, "SELECT id, rent, updated, due, change FROM charges_"+name+" ORDER BY id, updated, rent",
		"SELECT cursor_field, cursor_kind FROM tieout_positions WHERE project = 'kill_"+name+"'") +
		ledgerSums(t, lines(query(t, "sqlite", dsn, ledgerQuery(dir))))
}

func dumpPostgres(t *testing.T, address, dir string, history bool) string {
	return query(t, "postgres", address, tableQueries(dir, history)...) + ledgerSums(t, lines(query(t, "postgres", address, ledgerQuery(dir))))
}

func dumpMySQL(t *testing.T, address, dir string, history bool) string {
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	dsn := u.User.String() + "@tcp(" + u.Host + ")" + u.Path
	return query(t, "mysql", dsn, tableQueries(dir, history)...) + ledgerSums(t, lines(query(t, "mysql", dsn, ledgerQuery(dir))))
}

func tableQueries(dir string, history bool) []string {
	name, ended := filepath.Base(dir), ""
	if history { // which versions are open, and that none is empty
		ended = ", valid_to IS NULL, valid_to <= valid_from"
	}
	return []string{
		"SELECT id, rent, updated, due" + ended + " FROM charges_" + name + " ORDER BY id, updated, rent",
		"SELECT cursor_field, cursor_text, cursor_kind, seen FROM tieout_positions WHERE project = 'kill_" + name + "'",
	}
}

func dumpFile(t *testing.T, dir string, _ bool) string {
	text, err := os.ReadFile(filepath.Join(dir, "out/charges.csv"))
	if err != nil {
		t.Fatal(err)
	}
	left, _ := filepath.Glob(filepath.Join(dir, "out/.*.tmp"))
	manifest, err := os.ReadFile(filepath.Join(dir, "out/.charges.csv.tieout.json"))
	if err != nil {
		t.Fatal(err)
	}
	var ledger struct {
		Loads []struct{ Counts json.RawMessage }
	}
	if err := json.Unmarshal(manifest, &ledger); err != nil {
		t.Fatal(err)
	}
	var counts []string
	for _, l := range ledger.Loads {
		counts = append(counts, string(l.Counts))
	}
	return string(text) + fmt.Sprint("left over: ", len(left), "\n") + ledgerSums(t, counts)
}

func ledgerQuery(dir string) string {
	return "SELECT counts FROM tieout_loads WHERE project = 'kill_" + filepath.Base(dir) + "'"
}

func lines(rows string) []string {
	var out []string
	for _, row := range strings.Split(strings.TrimSpace(rows), "\n") {
		out = append(out, strings.TrimSuffix(row, "|"))
	}
	return out
}

// ledgerSums is what the ledger says was put in and changed, over all loads:
// a rerun may add a load that changes nothing.
func ledgerSums(t *testing.T, rows []string) string {
	t.Helper()
	var sum connectors.Counts
	for _, row := range rows {
		var c connectors.Counts
		if err := json.Unmarshal([]byte(row), &c); err != nil {
			t.Fatalf("ledger row %q: %v", row, err)
		}
		sum.Inserted += c.Inserted
		sum.Changed += c.Changed
		sum.Deleted += c.Deleted
	}
	return fmt.Sprintf("ledger: inserted %d, changed %d, deleted %d\n", sum.Inserted, sum.Changed, sum.Deleted)
}

func query(t *testing.T, driver, dsn string, queries ...string) string {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var b bytes.Buffer
	for _, q := range queries {
		appendRows(t, &b, db, q)
	}
	return b.String()
}

func appendRows(t *testing.T, b *bytes.Buffer, db *sql.DB, query string) {
	t.Helper()
	rows, err := db.Query(query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	columns, _ := rows.Columns()
	cells := make([]sql.NullString, len(columns))
	scan := make([]any, len(columns))
	for i := range cells {
		scan[i] = &cells[i]
	}
	for rows.Next() {
		if err := rows.Scan(scan...); err != nil {
			t.Fatal(err)
		}
		for _, c := range cells {
			fmt.Fprintf(b, "%s|", c.String)
		}
		b.WriteByte('\n')
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}
