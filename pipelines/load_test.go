package pipelines_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/tieout/tieout/pipelines"
	"github.com/tieout/tieout/schemas/document"
)

const rentRoll = `# the smallest pipeline
pipeline: rent_roll
source:
  connection: files
  stream: rent.csv
  fields: { id: text, rent: decimal, move_in: date, move_out: date, charged_on: date }
transforms:
  - set:
      due: prorate(rent, move_in, move_out, month_of(charged_on), "actual")
rules:
  - { name: rent is not negative, expect: rent >= 0 }
sink: { connection: warehouse, stream: rent_roll, key: [id], mode: upsert }
`

func clean(t *testing.T, w *pipelines.Workspace) {
	t.Helper()
	for _, d := range w.Report.Diagnostics() {
		t.Errorf("%s\n%s", d, d.Hint)
	}
}

func TestLoad(t *testing.T) {
	named := func(name string) string { return strings.Replace(rentRoll, "rent_roll\n", name+"\n", 1) }
	w := load(pipelines.Options{Dir: "/srv/maple"}, "tieout.yaml", project,
		"pipelines/rent_roll.yaml", rentRoll, "b/deep/er/second.yaml", named("second"), "a.yaml", named("another"),
		".github/workflow.yaml", "on: push", "b/.hidden/x.yaml", "{", "notes.yml", "{", "data/rent.csv", "id,rent")
	clean(t, w)
	var names []string
	for _, p := range w.Pipelines {
		names = append(names, p.Name()+" "+p.File)
	}
	if got := strings.Join(names, ", "); got != "another a.yaml, rent_roll pipelines/rent_roll.yaml, second b/deep/er/second.yaml" {
		t.Error(got)
	}
	for _, ask := range []string{"rent_roll", "pipelines/rent_roll.yaml", "./pipelines/rent_roll.yaml", "/srv/maple/pipelines/rent_roll.yaml", `pipelines\rent_roll.yaml`} {
		if p, err := w.Find(ask); err != nil || p.Name() != "rent_roll" {
			t.Errorf("%s: %v", ask, err)
		}
	}
	if _, err := w.Find("rentroll"); err == nil || !strings.Contains(err.Error(), `there is no pipeline "rentroll"; did you mean rent_roll?`) {
		t.Error(err)
	}
}

func TestView(t *testing.T) {
	w := load(pipelines.Options{}, "tieout.yaml", project, "p.yaml", rentRoll)
	p := w.Pipelines[0]
	if p.Mode() != "upsert" || strings.Join(p.SinkKey(), ",") != "id" || p.SourceKey() != nil || p.Zone().String() != "America/Chicago" {
		t.Error(p.Mode(), p.SinkKey(), p.SourceKey(), p.Zone())
	}
	if got := p.SourceShape().String(); got != "id text, rent decimal, move_in date, move_out date, charged_on date" || !p.SourceShape().Open {
		t.Error(got)
	}
	if _, ok := p.SourceOptions().(*folderSource); !ok {
		t.Errorf("%T", p.SourceOptions())
	}
	var r document.Report
	compiled := p.Compile(p.SourceShape(), p.Context(pipelines.Values{}, nil, &r))
	if compiled == nil || len(compiled.Plans) != 1 || compiled.Names[0] != "set" || compiled.Rules[0].Otherwise != "quarantine" || compiled.Out.Index("due") != 5 {
		t.Errorf("%+v %v", compiled, r.Diagnostics())
	}
	for mode, sink := range map[string]string{"append": "", "upsert": ", key: id", "replace": ", mode: replace"} {
		w := load(pipelines.Options{}, "tieout.yaml", project, "p.yaml", "pipeline: p\nsource: { connection: files, stream: a.csv, fields: { id: text } }\nsink: { connection: books, stream: a"+sink+" }\n")
		clean(t, w)
		if got := w.Pipelines[0].Mode(); got != mode {
			t.Errorf("%s gives %s", sink, got)
		}
	}
}

// The pipeline's zone wins over that of its source's connection, that over
// the project's.
func TestZones(t *testing.T) {
	for want, edit := range map[string][2]string{
		"America/Chicago": {"", ""},
		"Europe/London":   {"path: ./data }", "path: ./data, timezone: Europe/London }"},
		"Asia/Tokyo":      {"pipeline: rent_roll\n", "pipeline: rent_roll\ntimezone: Asia/Tokyo\n"},
	} {
		w := load(pipelines.Options{}, "tieout.yaml", strings.Replace(project, edit[0], edit[1], 1), "p.yaml", strings.Replace(rentRoll, edit[0], edit[1], 1))
		clean(t, w)
		if got := w.Pipelines[0].Zone().String(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	w := load(pipelines.Options{}, "tieout.yaml", strings.Replace(project, "timezone: America/Chicago\n", "", 1), "p.yaml", rentRoll)
	if clean(t, w); w.Pipelines[0].Zone() != nil {
		t.Error("a zone came from nowhere")
	}
}

func TestNoProject(t *testing.T) {
	w := load(pipelines.Options{}, "p.yaml", rentRoll)
	if found := w.Report.Diagnostics(); len(found) != 1 || found[0].Code != document.CodeMissingKey || found[0].File != "tieout.yaml" {
		t.Error(found)
	}
	if _, err := w.Connection("files", nil); err == nil {
		t.Error("a connection without a project")
	}
}

func TestDuplicateNames(t *testing.T) {
	w := load(pipelines.Options{}, "tieout.yaml", project, "a.yaml", rentRoll, "b.yaml", rentRoll)
	found := w.Report.Diagnostics()
	if len(found) != 1 || found[0].String() != `b.yaml:2:11 yaml.duplicate_key two pipelines have the name "rent_roll": a.yaml:2 and b.yaml:2` {
		t.Error(found)
	}
	if a, b := w.Pipelines[0], w.Pipelines[1]; w.Problems(a).Err() != nil || w.Problems(b).Err() == nil {
		t.Error("a finding belongs to the file it is in")
	}
}

// One pass reports every problem of every file, each file whatever is wrong
// with the others.
func TestEveryProblemInOnePass(t *testing.T) {
	files := []string{"tieout.yaml", strings.Replace(project, "timezone: America/Chicago", "timezone: Nowhere", 1)}
	for i := range 40 {
		files = append(files, fmt.Sprintf("p%d.yaml", i), strings.NewReplacer("rent_roll\n", fmt.Sprintf("p%d\n", i), "rent >= 0", "rnet( >= 0").Replace(rentRoll))
	}
	files = append(files, "broken.yaml", "pipeline: x\n\tsource: y\n", "empty.yaml", "", "binary.yaml", "\x00\xff")
	w := load(pipelines.Options{}, files...)
	byFile := make(map[string]int)
	for _, d := range w.Report.Diagnostics() {
		byFile[d.File]++
		if !d.Known() {
			t.Errorf("%s has no place", d)
		}
	}
	if len(byFile) != 44 {
		t.Errorf("%d files have findings: %v", len(byFile), byFile)
	}
}

func TestBounds(t *testing.T) {
	large := fstest.MapFS{"tieout.yaml": {Data: []byte(project)}, "large.yaml": {Data: make([]byte, document.MaxBytes+1)}}
	w := pipelines.Load(large, pipelines.Options{Connectors: connectors()})
	if found := w.Report.Diagnostics(); len(found) != 1 || found[0].Code != document.CodeTooLarge {
		t.Error(found)
	}
	many := fstest.MapFS{"tieout.yaml": {Data: []byte(project)}}
	for i := range 20_001 {
		many[fmt.Sprintf("%d.yaml", i)] = &fstest.MapFile{}
	}
	if w := pipelines.Load(many, pipelines.Options{Connectors: connectors()}); !w.Report.Diagnostics().Has(document.CodeTooLarge) {
		t.Error("too many files were read without a word")
	}
}

func FuzzLoad(f *testing.F) {
	f.Add(project, rentRoll)
	f.Add("tieout: 1\nproject: a\nconnections: { a: , b: [], c: { connector: [] } }\nenvironments: { x: { connections: { a: 1 } } }", "pipeline: [a]\nsource: a\nsink: []")
	f.Add("tieout: {}", "pipeline: a\nsource: { connection: {}, cursor: a, fields: [a] }\nsink: { connection: a, key: { a: b } }\ngate: [unique, {}, {unique: {}}, {balanced: a}]\nrules: [a, {}]\ntransforms: [set, {set: a}, {group: {}}, {lines: {}}]")
	f.Add("a: b", "tieout: 1")
	f.Add("tieout: 1\nproject: a\nserve: []\nalerts: { a: b, c: [] }", "pipeline: a\nschedule: { monthly: [], at: { a: b }, on: [], after: [{}], holidays: . }\nretry: []\ntimeout: {}")
	f.Add(project+"serve: { listen: , history: x }", "pipeline: a\nschedule: { business_day: 9, at: , roll: following, on: { files: }, after: [a, , a], holidays: p.yaml }\nretry: { attempts: }")
	f.Add(project, "pipeline: a\nsource: {connection: files, stream: a.csv}\ntransforms: [{select: [id, !a]}, {allocate: {amount: a, of: b, set: !c}}, {lines: {as: !d, each: []}}]\nsink: {connection: books, stream: a}")
	for _, pattern := range []string{"testdata/bad/*~*.yaml", "catalog/*/*.yaml"} {
		names, err := filepath.Glob(pattern)
		if err != nil || len(names) == 0 {
			f.Fatal(pattern, err)
		}
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(project, string(text))
		}
	}
	f.Fuzz(func(t *testing.T, projectText, text string) {
		w := load(pipelines.Options{}, "tieout.yaml", projectText, "p.yaml", text)
		for _, d := range w.Report.Diagnostics() {
			if d.File == "" {
				t.Errorf("%s has no file", d)
			}
		}
		for _, p := range w.Pipelines {
			w.ConfigHash(p, nil)
			p.Env(pipelines.Values{})
		}
	})
}

// A file of holidays names each line that is none, and does not go on for ever.
func TestHolidayFaults(t *testing.T) {
	lines := "2026-12-25\n" + strings.Repeat("soon\n", 25) + "\"\n"
	w := load(pipelines.Options{}, "tieout.yaml", project, "days.csv", lines,
		"a.yaml", strings.Replace(rentRoll, "source:", "schedule: { business_day: 1, at: \"06:00\", holidays: days.csv }\nsource:", 1))
	found := w.Report.Diagnostics()
	if len(found) != 1 || found[0].Code != document.CodeHolidays {
		t.Fatal(found)
	}
	text := found[0].Message
	if n := strings.Count(text, "is no date"); n != 20 || !strings.Contains(text, "days.csv:2: ") || !strings.Contains(text, "days.csv:21: ") || !strings.HasSuffix(text, "; and 6 more") {
		t.Errorf("%d: %s", n, text)
	}
}
