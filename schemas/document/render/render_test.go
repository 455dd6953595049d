package render

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/tieout/tieout/schemas/document"
)

var update = flag.Bool("update", false, "write the golden files")

const source = "pipeline: rent_roll\nsource: { conection: files }\n# 日本 \tdue\nmemo: 日本 lease_strat\n"

func sample() Report {
	at := func(line, col int) document.Position {
		return document.Position{File: "pipelines/rent, roll.yaml", Line: line, Column: col}
	}
	lines := strings.Split(source, "\n")
	return Report{
		Command: "validate", Version: "1.0.0", Files: []string{"pipelines/rent, roll.yaml", "tieout.yaml"}, Elapsed: 14 * time.Millisecond,
		Findings: document.Diagnostics{
			{Code: document.CodeUnknownKey, Position: at(2, 11), EndColumn: 20, Path: "/source/conection", Message: `unknown key "conection" in "source"`, Hint: "Did you mean connection?\nKnown here: connection, stream", Fix: "connection"},
			{Code: document.CodeSecretInFile, Severity: document.Warning, Position: at(3, 3), Message: "100% <b>of</b> it\x1b[31m | x"},
			{Code: document.CodeExprUnknownField, Position: at(4, 10), EndColumn: 21, Path: "/memo", Message: `there is no field "lease_strat"`, Hint: "Did you mean lease_start?", Fix: "lease_start"},
			{Code: document.CodeExprUnknownField, Position: at(4, 10), Path: "/memo", Message: `there is no field "lease_strat"`},
		},
		Failure: &document.Diagnostic{Code: document.CodeRunFailed, Message: "read page 3: the server answered 500"},
		Lines: func(file string, line int) string {
			if line <= len(lines) {
				return lines[line-1]
			}
			return ""
		},
	}
}

func TestGolden(t *testing.T) {
	for _, format := range Formats() {
		for name, r := range map[string]Report{"findings": sample(), "none": {Command: "validate", Version: "1.0.0", Files: []string{"tieout.yaml"}}} {
			var b bytes.Buffer
			if err := Write(&b, format, r); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join("testdata", name+"."+format)
			if *update {
				if err := os.MkdirAll("testdata", 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), b.String()); diff != "" {
				t.Errorf("%s:\n%s", path, diff)
			}
		}
	}
	if err := Write(&bytes.Buffer{}, "yaml", Report{}); err == nil || !strings.Contains(err.Error(), "sarif") {
		t.Error(err)
	}
}

func output(t *testing.T, format string, r Report) string {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, format, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestTextFirstLineIsTheContract(t *testing.T) {
	text := output(t, "text", sample())
	for _, d := range sample().Findings {
		want := d.Position.String() + " " + string(d.Code) + " " + d.Message
		if d.Code != document.CodeSecretInFile && !strings.Contains("\n"+text, "\n"+want+"\n") {
			t.Errorf("no line %q in\n%s", want, text)
		}
	}
	if strings.ContainsAny(text, "\x1b\t") {
		t.Error("a control character reached the terminal")
	}
	r := sample()
	r.Color = true
	if !strings.Contains(output(t, "text", r), "\x1b[31m") {
		t.Error("no colour")
	}
	r.Color, r.ASCII = false, true
	if !strings.Contains(output(t, "text", r), "[FAIL] 4 errors, 1 warning in 2 files (14 ms)") {
		t.Error(output(t, "text", r))
	}
}

func TestTextShowsThePartOfALongLine(t *testing.T) {
	line := strings.Repeat("a", 5000) + "BAD" + strings.Repeat("b", 5000)
	r := Report{Findings: document.Diagnostics{{Code: "yaml.syntax", Position: document.Position{File: "f", Line: 1, Column: 5001}, EndColumn: 5004, Message: "m"}}, Lines: func(string, int) string { return line }}
	lines := strings.Split(output(t, "text", r), "\n")
	at := strings.Index(lines[1], "BAD")
	if at < 0 || len(lines[1]) > 300 || lines[2] != strings.Repeat(" ", 5)+" | "+strings.Repeat(" ", at-8)+"^^^" {
		t.Fatal(strings.Join(lines[:3], "\n"))
	}
}

func TestJUnitIsWellFormedAndCounts(t *testing.T) {
	var s testSuites
	if err := xml.Unmarshal([]byte(output(t, "junit", sample())), &s); err != nil {
		t.Fatal(err)
	}
	if s.Tests != 6 || s.Failures != 4 || len(s.Suites) != 3 || s.Suites[1].Failures != 0 || s.Suites[0].Cases[0].Failure == nil {
		t.Fatalf("%+v", s)
	}
}

func TestSARIFStructure(t *testing.T) {
	raw, err := os.ReadFile("testdata/sarif-subset.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("sarif.json", doc); err != nil {
		t.Fatal(err)
	}
	schema := c.MustCompile("sarif.json")
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(output(t, "sarif", sample())))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(value); err != nil {
		t.Fatal(err)
	}
	prints := fingerprints(t, sample())
	if len(prints) != 5 {
		t.Fatalf("fingerprints are not unique: %v", prints)
	}
	moved := sample()
	old := moved.Lines
	moved.Lines = func(f string, l int) string { return old(f, l-7) }
	for i := range moved.Findings {
		moved.Findings[i].Line += 7
	}
	if diff := cmp.Diff(prints, fingerprints(t, moved)); diff != "" {
		t.Errorf("a moved line changed a fingerprint: %s", diff)
	}
}

func fingerprints(t *testing.T, r Report) map[string]bool {
	found := make(map[string]bool)
	for _, m := range regexp.MustCompile(`"tieout/v1": "([0-9a-f]{32})"`).FindAllStringSubmatch(output(t, "sarif", r), -1) {
		found[m[1]] = true
	}
	return found
}

func TestGitHubEscapes(t *testing.T) {
	r := Report{Findings: document.Diagnostics{{Code: "yaml.tab", Position: document.Position{File: "a:b,c%.yaml", Line: 1, Column: 2}, Message: "50%\r\n::error::x"}}}
	want := "::error file=a%3Ab%2Cc%25.yaml,line=1,col=2,title=yaml.tab::50%25%0D%0A::error::x\n"
	if got := output(t, "github", r); got != want {
		t.Errorf("got %q", got)
	}
}

func TestJSONIsOneObjectWithEverything(t *testing.T) {
	var e envelope
	if err := json.Unmarshal([]byte(output(t, "json", sample())), &e); err != nil {
		t.Fatal(err)
	}
	if e.OK || e.Summary != (summary{Errors: 4, Warnings: 1, Files: 2}) || e.Findings[0].Fix.Replace != "connection" || e.Error == nil || e.RunID != nil {
		t.Fatalf("%+v", e)
	}
	for _, line := range strings.Split(strings.TrimSpace(output(t, "ndjson", sample())), "\n") {
		if !json.Valid([]byte(line)) {
			t.Errorf("not JSON: %s", line)
		}
	}
}

func TestMarkdownCannotBeInjected(t *testing.T) {
	r := Report{Findings: document.Diagnostics{{Code: "yaml.tab", Position: document.Position{File: "a`|b", Line: 1, Column: 2}, Message: "<img src=x> [a](http://x) @team |"}}}
	got := output(t, "markdown", r)
	for _, bad := range []string{"<img", "[a]", " @team", " |\n|b"} {
		if strings.Contains(got, bad) {
			t.Errorf("%q in %s", bad, got)
		}
	}
}
