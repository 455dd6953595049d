package cli

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/tieout/tieout/runner/state"
)

// hold takes the lock of a pipeline until the script ends: hold PLACE PROJECT
// PIPELINE, where PLACE is the state store's.
func hold(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: hold PLACE PROJECT PIPELINE")
	}
	place := args[0]
	if !state.IsURL(place) {
		place = ts.MkAbs(place)
	}
	ctx := context.Background()
	store, err := state.Open(ctx, place, time.Now)
	ts.Check(err)
	release, err := store.Lock(ctx, args[1], "", args[2])
	ts.Check(err)
	ts.Defer(func() {
		release()
		store.Close()
	})
}

// servingFor takes the lock of tieout serve until the script ends: serving
// PLACE PROJECT HOLDER [ENVIRONMENT].
func servingFor(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 || len(args) > 4 {
		ts.Fatalf("usage: serving PLACE PROJECT HOLDER [ENVIRONMENT]")
	}
	environment := strings.Join(args[3:], "")
	ctx := context.Background()
	store, err := state.Open(ctx, ts.MkAbs(args[0]), time.Now)
	ts.Check(err)
	lock, err := store.LockServe(ctx, args[1], environment, args[2], func() {})
	ts.Check(err)
	ts.Defer(func() {
		lock.Release()
		store.Close()
	})
}

// execute runs statements in a database: execute DATABASE SQL...
func execute(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: execute DATABASE SQL...")
	}
	driver, place := "sqlite", "file:"+ts.MkAbs(args[0])
	if strings.HasPrefix(args[0], "postgres") {
		driver, place = "postgres", args[0]
	}
	db, err := sql.Open(driver, place)
	ts.Check(err)
	defer db.Close()
	for _, statement := range args[1:] {
		if _, err := db.Exec(statement); err != nil {
			ts.Fatalf("%s: %v", statement, err)
		}
	}
}

// writeRents writes n records as CSV.
func writeRents(w io.Writer, n int) error {
	b := bufio.NewWriter(w)
	fmt.Fprintln(b, "id,rent,moved")
	for i := range n {
		fmt.Fprintf(b, "%d,%d.%02d,2026-01-%02d\n", i+1, 900+i%700, i%100, 1+i%28)
	}
	return b.Flush()
}

// badURL sets a variable to the server's address with one part changed:
// badurl NAME password=X or badurl NAME database=X.
func badURL(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: badurl NAME PART=VALUE")
	}
	u, err := url.Parse(ts.Getenv("WAREHOUSE_URL"))
	ts.Check(err)
	switch part, value, _ := strings.Cut(args[1], "="); part {
	case "password":
		u.User = url.UserPassword(u.User.Username(), value)
	case "database":
		u.Path = "/" + value
	default:
		ts.Fatalf("an address has no part %q", part)
	}
	ts.Setenv(args[0], u.String())
}
