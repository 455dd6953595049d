package pipelines_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tieout/tieout/pipelines"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
)

var update = flag.Bool("update", false, "write the golden files")

// headers gives the columns of the mapping files of a folder.
type headers struct{ root fs.FS }

func (h headers) Shape(ref string) (*record.Shape, error) {
	if !strings.Contains(ref, "/") {
		return nil, nil
	}
	raw, err := fs.ReadFile(h.root, ref)
	if err != nil {
		return nil, errors.New("there is no such file")
	}
	names, err := csv.NewReader(bytes.NewReader(raw)).Read()
	if err != nil {
		return nil, err
	}
	var fields []record.Field
	for _, n := range names {
		fields = append(fields, record.NewField(n, record.Text))
	}
	return record.NewShape(fields...)
}

func (h headers) Rows(string) (*record.Batch, error) { return nil, errors.New("not in a check") }

// Each bad file is checked beside the project of the folder; those that begin
// with tieout~ are projects themselves. The part of the name before ~ is the
// code that must be found.
func TestBadFiles(t *testing.T) {
	root := os.DirFS(filepath.Join("testdata", "bad"))
	projectText, err := fs.ReadFile(root, "tieout.yaml")
	if err != nil {
		t.Fatal(err)
	}
	names, err := fs.Glob(root, "*~*.yaml")
	if err != nil || len(names) < 50 {
		t.Fatalf("%d bad files: %v", len(names), err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(name, ".yaml"), func(t *testing.T) {
			raw, err := fs.ReadFile(root, name)
			if err != nil {
				t.Fatal(err)
			}
			files := []string{"tieout.yaml", string(raw)}
			if !strings.HasPrefix(name, "tieout~") {
				files = []string{"tieout.yaml", string(projectText), "case.yaml", string(raw)}
			}
			files = append(files, holidayFiles(t, root)...)
			w := load(pipelines.Options{Tables: headers{root}}, files...)
			code, _, _ := strings.Cut(name, "~")
			if found := w.Report.Diagnostics(); code != "tieout" && !found.Has(document.Code(code)) {
				t.Errorf("it does not cause its code: %v", found)
			}
			golden(t, filepath.Join("bad", strings.TrimSuffix(name, ".yaml")+".golden"), describe(w.Report))
		})
	}
}

// holidayFiles are read by the check of a schedule.
func holidayFiles(t *testing.T, root fs.FS) (files []string) {
	t.Helper()
	names, err := fs.Glob(root, "mappings/holidays*")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		raw, err := fs.ReadFile(root, name)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, name, string(raw))
	}
	return files
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s is not as it was; got:\n%s", path, got)
	}
}

// describe lists findings with the text they mark.
func describe(r *document.Report) string {
	var b strings.Builder
	for _, d := range r.Diagnostics() {
		fmt.Fprintf(&b, "%s %s\n", d, d.Severity)
		if line := []rune(r.Line(d.File, d.Line)); d.EndColumn > d.Column && d.EndColumn-1 <= len(line) {
			fmt.Fprintf(&b, "  marked: %s\n", string(line[d.Column-1:d.EndColumn-1]))
		}
		for _, h := range strings.Split(d.Hint, "\n") {
			if h != "" {
				fmt.Fprintf(&b, "  hint: %s\n", h)
			}
		}
		if d.Fix != "" {
			fmt.Fprintf(&b, "  fix: %s\n", d.Fix)
		}
	}
	return b.String()
}

// elsewhere lists the codes that are found when a pipeline runs, not before;
// the tests of the packages that report them have their cases.
func elsewhere() []document.Code {
	return []document.Code{
		document.CodeSourceUnknownStream, document.CodeSourceMissingColumn, document.CodeSourceBadValue, document.CodeSourceRagged,
		document.CodeSourceTooLong, document.CodeSourceEncoding, document.CodeSourceFloatAmount, document.CodeSourceDamaged,
		document.CodeSinkUnsettled, document.CodeSinkUnprotected, document.CodeStepLookupMissing, document.CodeStepLookupMany, document.CodeStepLinkMissing,
		document.CodeRuleFailed, document.CodeRuleNil,
		document.CodeGateBlocked, document.CodeGateEmpty, document.CodeGateMissing,
		document.CodeSinkDigitsLost, document.CodeSinkMissingColumn, document.CodeSinkType, document.CodeSinkAffinity,
		document.CodeSinkRefused, document.CodeSinkPoison, document.CodeSinkPermission, document.CodeSinkDuplicateKey,
		document.CodeSinkOlder, document.CodeSinkAmbiguous,
	}
}

// Every code that a check before the run can give has a bad file.
func TestEveryCodeHasABadFile(t *testing.T) {
	codes := []document.Code{document.CodeSchedule, document.CodeHolidays, document.CodeCycle, document.CodeTimezone}
	for _, area := range []string{"source", "step", "rule", "gate", "sink"} {
		codes = append(codes, document.CodesWithArea(area)...)
	}
	for _, code := range codes {
		files, err := filepath.Glob(filepath.Join("testdata", "bad", string(code)+"~*.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		if has, late := len(files) > 0, slices.Contains(elsewhere(), code); has == late {
			t.Errorf("%s: bad file %v, found only in a run %v", code, has, late)
		}
	}
}
