package cli

import (
	"database/sql"
	"fmt"
	"strings"

	_ "github.com/lib/pq" // postgres, for the command rows
	"github.com/rogpeppe/go-internal/testscript"
	_ "modernc.org/sqlite" // sqlite, for the command rows
)

// rows puts the rows of a query on stdout, fields apart by "|": rows DATABASE
// QUERY, where DATABASE is a file or a postgres:// address.
func rows(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: rows DATABASE QUERY")
	}
	driver, place := "sqlite", "file:"+ts.MkAbs(args[0])+"?mode=ro"
	if strings.HasPrefix(args[0], "postgres") {
		driver, place = "postgres", args[0]
	}
	text, err := query(driver, place, args[1])
	if (err != nil) != neg {
		ts.Fatalf("query %q: %v", args[1], err)
	}
	ts.Check(writeStdout(ts, text))
}

func query(driver, place, text string) (string, error) {
	db, err := sql.Open(driver, place)
	if err != nil {
		return "", err
	}
	defer db.Close()
	found, err := db.Query(text)
	if err != nil {
		return "", err
	}
	defer found.Close()
	columns, err := found.Columns()
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for found.Next() {
		cells := make([]sql.NullString, len(columns))
		into := make([]any, len(columns))
		for i := range cells {
			into[i] = &cells[i]
		}
		if err := found.Scan(into...); err != nil {
			return "", err
		}
		for i, c := range cells {
			if i > 0 {
				b.WriteByte('|')
			}
			fmt.Fprint(&b, c.String)
		}
		b.WriteByte('\n')
	}
	return b.String(), found.Err()
}

func writeStdout(ts *testscript.TestScript, text string) error {
	_, err := ts.Stdout().Write([]byte(text))
	return err
}
