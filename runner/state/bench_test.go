package state_test

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tieout/tieout/connectors/connectortest/servers"
	"github.com/tieout/tieout/runner/schedule"
	"github.com/tieout/tieout/runner/state"
)

// many fills a store with slots that have ended and runs that loaded, of 100
// pipelines, a minute apart.
func many(b *testing.B, place string, slots, runs int) {
	b.Helper()
	driver, dsn, when := "sqlite", "file:"+(&url.URL{Path: place}).EscapedPath()+"?_pragma=busy_timeout(15000)",
		`strftime('%Y-%m-%dT%H:%M:%S.000000Z', 1700000000 + n * 60, 'unixepoch')`
	if state.IsURL(place) {
		driver, dsn, when = "postgres", place, `to_char(to_timestamp(1700000000 + n * 60) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	const numbers = `WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < %d) `
	for _, q := range []string{
		fmt.Sprintf(numbers, slots) + `INSERT INTO tieout_slots SELECT 'p', '', 'pipeline' || (n % 100), ` + when + `, '', '', 'UTC', 'time',
			CASE n % 50 WHEN 0 THEN 'failed' ELSE 'done' END, '', 1, 'r' || n, '', ` + when + `, ` + when + `, ` + when + `, '' FROM c`,
		fmt.Sprintf(numbers, runs) + `INSERT INTO tieout_runs (run_id, load_id, project, environment, pipeline, status, started_at, finished_at, report, fresh) SELECT 'r' || n, 'l' || n, 'p', '', 'pipeline' || (n % 100),
			CASE n % 50 WHEN 0 THEN 'failed' ELSE 'loaded' END, ` + when + `, ` + when + `, '{"trigger":"schedule"}', 1 FROM c`,
	} {
		if _, err := db.Exec(q); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkAmongMany measures what the schedule asks at every wake, in a store
// with a long past.
func BenchmarkAmongMany(b *testing.B) {
	slots, runs := 20_000, 10_000
	if os.Getenv("TIEOUT_BENCH_FULL") != "" {
		slots, runs = 1_000_000, 500_000
	}
	for _, kind := range []string{"sqlite", "postgres"} {
		b.Run(kind, func(b *testing.B) {
			place := filepath.Join(b.TempDir(), "state.db")
			if kind == "postgres" {
				place = servers.Postgres(b)
			}
			s, err := state.Open(context.Background(), place, time.Now)
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			many(b, place, slots, runs)
			ask(b, s.Schedule("p", ""), time.Unix(1700000000+int64(runs)*60, 0))
			b.Run("prune 1,000 slots and 500 runs", func(b *testing.B) {
				to := time.Unix(1700000000, 0)
				for b.Loop() {
					to = to.Add(1000 * time.Minute)
					if _, err := s.Prune(context.Background(), "p", "", to); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}

func ask(b *testing.B, k *state.Timekeeper, end time.Time) {
	ctx := context.Background()
	n := 0
	for _, q := range []struct {
		name string
		ask  func() error
	}{
		{"open", func() error { _, err := k.Open(ctx); return err }},
		{"successes of an hour", func() error { _, err := k.Successes(ctx, end.Add(-time.Hour)); return err }},
		{"last successes", func() error { _, err := k.LastSuccesses(ctx); return err }},
		{"list 20", func() error { _, err := k.Slots(ctx, state.SlotFilter{Limit: 20}); return err }},
		{"list failed", func() error {
			_, err := k.Slots(ctx, state.SlotFilter{Pipeline: "pipeline50", Status: schedule.Failed, Limit: 20})
			return err
		}},
		{"followed", func() error { _, err := k.Followed(ctx); return err }},
		{"propose 1000", func() error {
			slots := make([]schedule.Slot, 1000)
			for i := range slots {
				n++
				slots[i] = due("new", at.Add(time.Duration(n)*time.Second))
				slots[i].Status = schedule.Missed
			}
			_, err := k.Propose(ctx, slots, at)
			return err
		}},
	} {
		b.Run(q.name, func(b *testing.B) {
			for b.Loop() {
				if err := q.ask(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
