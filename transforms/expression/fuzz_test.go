package expression

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
)

// FuzzCompile checks that no text makes the compiler or a program panic, and
// that every problem has a place within the text.
func FuzzCompile(f *testing.F) {
	for _, a := range areas() {
		for _, fn := range a.functions {
			for _, e := range fn.examples {
				f.Add(e.Expr)
			}
		}
	}
	files, _ := filepath.Glob("testdata/bad/*.txt")
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for _, line := range strings.Split(string(raw), "\n") {
			if text, ok := strings.CutPrefix(line, "> "); ok {
				f.Add(text)
			}
		}
	}
	for _, text := range []string{"", " ", "((", "]", "a ? b", "let", "let x", "if", "if a {", "#", ".", "..", "?.", "a?.b", "lines | ", "|", "::", "1e", "1..2", "\\", "\x00", "é ñ 名前", "名前 + rent", "b''", "`", "/*", "not", "not in", "rent not", "x.y.z", "[1,", "{", "a=b", "🙂", "sum(", "sum(lines, {", "sum(lines, {.amount};)", "-(-(-(1)))", "1 ** 1 ** 1", "let a = 1; let a = 2; a", "let a = lines; a", "let a = [1]; 1 in a", "address", "record", "record.record", "lines.lines", "has(lines)", "count(lines) in map(lines, .qty)", "text(text)", "days(months(1))", "due + days(due)", "due + (if open { days(1) } else { days(2) })", "let s = days(1); due + s", "min(days(1), days(2))", "map(map(lines, .code), #)", "first(map(lines, .open)) == nil", "text(nil)", "upper(nil)", "nil ?? nil", "coalesce(nil)", "in in in", "matches(matches, matches)", "contains contains contains"} {
		f.Add(text)
	}
	env, b := sampleEnv(), sampleBatch()
	env.Limits = Limits{Steps: 10_000, Bytes: 100_000}
	open := *sampleShape()
	open.Open = true
	f.Fuzz(func(t *testing.T, text string) {
		var r document.Report
		p := Compile(document.ExprAt(text, document.Position{File: "p.yaml", Line: 3, Column: 5}), env, "/x", &r)
		if (p == nil) != (r.Errors() > 0) {
			t.Fatalf("%q: program %v with %v", text, p != nil, r.Diagnostics())
		}
		for _, d := range r.Diagnostics() {
			checkPlace(t, text, d)
		}
		loose := *env
		loose.Shape = &open
		Compile(document.ExprAt(text, document.Position{}), &loose, "/x", &r)
		if p == nil || !p.Evaluable() {
			return
		}
		e := p.Evaluator()
		if p.Field().Kind == record.Boolean {
			e.Test(b, func(int32, Truth) {}, nil)
		}
		var c record.Column
		e.Eval(b, &c, nil)
		if len(c.Presence) != b.Rows || c.Kind != p.Field().Kind {
			t.Fatalf("%q: column of kind %s with %d rows", text, c.Kind, len(c.Presence))
		}
		if c.Presence[0] == record.Absent {
			t.Fatalf("%q leaves the row absent", text)
		}
	})
}

func checkPlace(t *testing.T, text string, d document.Diagnostic) {
	t.Helper()
	lines := strings.Count(text, "\n") + 1
	longest := 0
	for _, line := range strings.Split(text, "\n") {
		longest = max(longest, utf8.RuneCountInString(line))
	}
	if !d.Known() || d.Line < 3 || d.Line > 3+lines || d.Column < 1 || d.Column > longest+6 || d.Message == "" || strings.Contains(d.Message, "\n") {
		t.Errorf("%q: %+v", text, d)
	}
}
