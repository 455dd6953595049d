package cli

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tieout/tieout/connectors/builtin"
)

// A source that is compared in the last stretches of time says of no record
// that it is deleted because its stretch is not read any more.
func TestCompareOfWindows(t *testing.T) {
	days := map[string]string{"1": "2026-10-01", "2": "2026-10-20", "3": "2026-11-05", "4": "2026-11-20"}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var list []string
		for _, id := range []string{"1", "2", "3", "4", "5"} {
			if day := days[id]; day >= r.URL.Query().Get("from") && day <= r.URL.Query().Get("to") {
				list = append(list, fmt.Sprintf(`{"id":%q,"day":%q}`, id, day))
			}
		}
		fmt.Fprintf(w, "[%s]", strings.Join(list, ","))
	}))
	defer s.Close()
	dir, ids := writeProject(t, map[string]string{"tieout.yaml": `tieout: 1
project: p
timezone: UTC
connections:
  warehouse: { connector: sqlite, path: warehouse.db }
  api:
    connector: http
    base_url: ` + s.URL + `
    streams:
      charges: { request: { path: /, query: { from: =each.from, to: =each.to } }, each: { window: 10d, keep: 3 } }
`, "charges.yaml": `pipeline: charges
source: { connection: api, stream: charges, changes: compare, key: [id] }
sink: { connection: warehouse, stream: seen, mode: append }
`}), 0
	run := func(day int) {
		var out, errs bytes.Buffer
		exit := Main(context.Background(), World{Args: []string{"-C", dir, "run", "charges"}, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs,
			Getenv: func(string) (string, bool) { return "", false }, Now: func() time.Time { return time.Date(2026, 11, day, 12, 0, 0, 0, time.UTC) },
			NewID:   func() string { ids++; return fmt.Sprintf("%08d-0000-7000-8000-000000000000", ids) },
			Version: "test", Registry: builtin.Registry()})
		if exit != 0 {
			t.Fatalf("exit %d\n%s%s", exit, out.String(), errs.String())
		}
	}
	run(6)
	delete(days, "3")
	days["5"] = "2026-11-21"
	run(22)
	got := guideQuery(t, filepath.Join(dir, "warehouse.db"), "select id, change from seen order by id, change")
	if want := "2 | added\n3 | added\n3 | deleted\n4 | added\n5 | added\n"; got != want && got != "1 | added\n"+want {
		t.Errorf("seen:\n%s", got)
	}
}
