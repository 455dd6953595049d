package project_test

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tieout/tieout/connectors/builtin"
	"github.com/tieout/tieout/pipelines/catalog"
	"github.com/tieout/tieout/runner"
	"github.com/tieout/tieout/runner/project"
)

// publicData finds the folder of published registers that the catalog's
// warehouse pipelines are written for: where TIEOUT_PUBLIC_DATA says, or in
// shared/data beside the repository.
func publicData() (string, bool) {
	dir := os.Getenv("TIEOUT_PUBLIC_DATA")
	if dir == "" {
		dir, _ = filepath.Abs("../../../shared/data")
	}
	_, err := os.Stat(filepath.Join(dir, "oxford-spend"))
	return dir, err == nil
}

// openCatalog copies the catalog into a folder and opens it.
func openCatalog(t *testing.T, getenv func(string) (string, bool)) *project.Project {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, catalog.FS()); err != nil {
		t.Fatal(err)
	}
	return openProject(t, dir, getenv)
}

func openProject(t *testing.T, dir string, getenv func(string) (string, bool)) *project.Project {
	t.Helper()
	p := project.Open(project.Options{Dir: dir, Registry: builtin.Registry(), Now: time.Now, Getenv: getenv,
		NewID: func() string { return uuid.Must(uuid.NewV7()).String() }})
	if err := p.Workspace.Report.Err(); err != nil {
		t.Fatal(p.Workspace.Report.Diagnostics())
	}
	return p
}

func noEnv(string) (string, bool) { return "", false }

func runPipeline(t *testing.T, p *project.Project, name string) runner.Run {
	t.Helper()
	pipeline, err := p.Workspace.Find(name)
	if err != nil {
		t.Fatal(err)
	}
	run, err := p.Run(context.Background(), pipeline, project.RunOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return run
}

// The real registers, read in place, with the control figures their
// publishers' files add up to.
func TestPublicData(t *testing.T) {
	dir, present := publicData()
	if !present {
		fmt.Println("data: absent")
		t.Skip("data: absent; set TIEOUT_PUBLIC_DATA to the folder of the registers")
	}
	p := openCatalog(t, func(name string) (string, bool) {
		return dir, name == "TIEOUT_PUBLIC_DATA"
	})
	tests := []struct {
		pipeline            string
		read, written, held int64
		sums                map[string]string
		status              runner.Status
	}{
		{"spend", 16168, 16168, 0, map[string]string{"amount GBP": "63989390.90"}, runner.Loaded},
		{"spend_undated", -1, 0, -1, nil, runner.Blocked},
		{"permits", 5326, 5324, 1, map[string]string{"permit_fee USD": "4564078.62"}, runner.Loaded},
		{"budget_csv", 8953, 8953, 0, map[string]string{"amount USD": "2189056050"}, runner.Loaded},
		{"budget_json", 1, 1, 0, nil, runner.Loaded},
		{"exchange_rates", 17237, 17237, 0, nil, runner.Loaded},
		{"currency_codes", 449, 178, 0, nil, runner.Loaded},
		{"bank_holidays", 8, 8, 0, nil, runner.Loaded},
	}
	var rows int64
	for _, tt := range tests {
		run := runPipeline(t, p, tt.pipeline)
		rows += run.Counts.Read
		if run.Status != tt.status {
			t.Errorf("%s: %s: %v", tt.pipeline, run.Status, run.Cause)
			continue
		}
		c := run.Counts
		if tt.read >= 0 && c.Read != tt.read || c.Written != tt.written || tt.held >= 0 && c.Held != tt.held {
			t.Errorf("%s: read %d, written %d, held %d; want %d, %d, %d", tt.pipeline, c.Read, c.Written, c.Held, tt.read, tt.written, tt.held)
		}
		for key, want := range tt.sums {
			if run.Sums[key] != want {
				t.Errorf("%s: the sum of %s is %s, want %s", tt.pipeline, key, run.Sums[key], want)
			}
		}
	}
	fmt.Printf("data: %d sets, %d rows\n", len(tests), rows)
}

// The catalog's own files run everywhere, twice: the second time nothing
// moves.
func TestCatalog(t *testing.T) {
	p := openCatalog(t, noEnv)
	for _, pipeline := range p.Workspace.Pipelines {
		first := runPipeline(t, p, pipeline.Name())
		if pipeline.Name() == "spend_undated" {
			if first.Status != runner.Blocked {
				t.Errorf("spend_undated: %s, want it blocked", first.Status)
			}
			continue
		}
		if first.Status != runner.Loaded || first.Counts.Inserted == 0 {
			t.Errorf("%s: %s, %+v: %v", pipeline.Name(), first.Status, first.Counts, first.Cause)
		}
		second := runPipeline(t, p, pipeline.Name())
		if pipeline.Mode() == "replace" && len(pipeline.SinkKey()) == 0 {
			continue // records without a key are all replaced, by what is the same
		}
		if c := second.Counts; c.Inserted+c.Changed+c.Deleted != 0 || c.Unchanged != first.Counts.Inserted {
			t.Errorf("%s: a second run over the same input is not without effect: %+v", pipeline.Name(), c)
		}
	}
	if _, err := fs.Stat(catalog.FS(), "tieout.yaml"); err != nil {
		t.Error(err)
	}
}
