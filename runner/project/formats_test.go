package project_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/xuri/excelize/v2"

	"github.com/tieout/tieout/runner"
	"github.com/tieout/tieout/runner/project"
)

func writeBook(t *testing.T, path string, rows ...[]any) {
	t.Helper()
	f := excelize.NewFile()
	for i, row := range rows {
		cell, err := excelize.CoordinatesToCellName(1, i+1)
		if err == nil {
			err = f.SetSheetRow("Sheet1", cell, &row)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := f.SaveAs(path); err != nil {
		t.Fatal(err)
	}
}

// A mapping may be a workbook, and so may the records that stand in
// for a source.
func TestFormatsOfTables(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"tieout.yaml": "tieout: 1\nproject: p\nconnections:\n  files: { connector: file, path: ./data }\n  out: { connector: file, path: ./out }\n",
		"data/in.csv": "unit,rent\nA1,100.10\n",
		"out/.keep":   "",
		"map/.keep":   "",
		"p.yaml": `pipeline: p
source: { connection: files, stream: in.csv, fields: { unit: text, rent: decimal } }
transforms:
  - lookup: { in: map/units.xlsx, match: { unit: Unit No }, add: { property: Property } }
sink: { connection: out, stream: out.csv, mode: replace }
`} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	writeBook(t, filepath.Join(dir, "map", "units.xlsx"), []any{"Unit No", "Property"}, []any{"A1", 17}, []any{"B2", "Oak"})
	given := filepath.Join(dir, "given.xlsx")
	writeBook(t, given, []any{"unit", "rent"}, []any{"B2", 5.25}, []any{"A1", 1})
	p := openProject(t, dir, noEnv)
	if run := runPipeline(t, p, "p"); run.Status != runner.Loaded {
		t.Fatal(run.Status, run.Cause)
	}
	got, err := os.ReadFile(filepath.Join(dir, "out", "out.csv"))
	if err != nil || string(got) != "unit,rent,property\nA1,100.10,17\n" {
		t.Errorf("%q %v", got, err)
	}
	pipeline, err := p.Workspace.Find("p")
	if err != nil {
		t.Fatal(err)
	}
	run, err := p.Run(context.Background(), pipeline, project.RunOptions{DryRun: true, Given: given})
	if err != nil || run.Counts.Read != 2 || run.Counts.Held != 0 {
		t.Errorf("%v %+v", err, run.Counts)
	}
}
