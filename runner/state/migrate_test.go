package state

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/tieout/tieout/connectors/connectortest/servers"
	"github.com/tieout/tieout/runner"
)

// before brings an empty database to an older version and adds runs that
// ended as it wrote them.
func before(t *testing.T, place string, version int, runs ...runner.Run) {
	t.Helper()
	driver, dsn, serial := "sqlite", "file:"+place, "INTEGER PRIMARY KEY AUTOINCREMENT"
	if IsURL(place) {
		driver, dsn, serial = "postgres", place, "BIGSERIAL PRIMARY KEY"
	}
	db, err := sqlx.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	statements := []string{`CREATE TABLE tieout_state_version (version BIGINT NOT NULL)`, fmt.Sprintf(`INSERT INTO tieout_state_version VALUES (%d)`, version)}
	for _, step := range migrations[:version] {
		for _, statement := range step {
			statements = append(statements, strings.Replace(statement, "BIGSERIAL", serial, 1))
		}
	}
	for _, statement := range statements {
		if _, err := db.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range runs {
		report, err := json.Marshal(r)
		if err == nil {
			_, err = db.Exec(db.Rebind(`INSERT INTO tieout_runs (run_id, load_id, project, environment, pipeline, status, started_at, finished_at, report) VALUES (?,?,?,?,?,?,?,?,?)`),
				r.RunID, r.LoadID, r.Project, r.Environment, r.Pipeline, string(r.Status), stamp(r.StartedAt), stamp(r.FinishedAt), string(report))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// A store of the version before schedules is brought forward, and knows which
// of its runs made a pipeline fresh.
func TestAnOlderStoreIsBroughtForward(t *testing.T) {
	at := time.Date(2026, 11, 21, 6, 15, 0, 0, time.UTC)
	run := func(id string, edit func(*runner.Run)) runner.Run {
		r := runner.Run{RunID: id, Project: "p", Pipeline: "rent", Trigger: "manual", Status: runner.Loaded, StartedAt: at, FinishedAt: at}
		edit(&r)
		return r
	}
	for kind, place := range map[string]string{"sqlite": filepath.Join(t.TempDir(), "state.db"), "postgres": servers.Postgres(t)} {
		t.Run(kind, func(t *testing.T) {
			before(t, place, 3, run("plain", func(r *runner.Run) { r.Warnings = []string{`it said "trigger":"retry" and "backfill":true`} }),
				run("retry", func(r *runner.Run) { r.Trigger = runner.TriggerRetry }), run("backfill", func(r *runner.Run) { r.Backfill = true }),
				run("failed", func(r *runner.Run) { r.Status = runner.Failed }))
			s, err := Open(context.Background(), place, time.Now)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			got, err := s.Schedule("p", "").Successes(context.Background(), at)
			if err != nil || len(got) != 1 || got[0].RunID != "plain" {
				t.Errorf("successes: %v, %v", got, err)
			}
			if _, err := s.RunByID(context.Background(), "retry"); err != nil {
				t.Error(err)
			}
		})
	}
}
