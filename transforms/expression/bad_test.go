package expression

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
)

var update = flag.Bool("update", false, "write the golden files again")

// TestBad compares what is said about each expression of testdata/bad, which
// stands behind "> ", with the lines below it.
func TestBad(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no cases", err)
	}
	seen := make(map[document.Code]bool)
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		got := report(t, string(raw), seen)
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if diff := cmp.Diff(string(raw), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", file, diff)
		}
	}
	for _, code := range document.CodesWithArea("expr") {
		// These three are found in a document, or in a record.
		elsewhere := code == document.CodeExprCommentCut || code == document.CodeExprQuotesEaten || code == document.CodeExprDivision || code == document.CodeExprValue
		if !seen[code] && !elsewhere {
			t.Errorf("no case for %s", code)
		}
	}
}

func report(t *testing.T, raw string, seen map[document.Code]bool) string {
	var out strings.Builder
	for _, block := range strings.Split(strings.TrimSpace(raw), "\n\n") {
		var lines []string
		for _, line := range strings.Split(block, "\n") {
			if text, ok := strings.CutPrefix(line, "> "); ok {
				lines = append(lines, text)
			}
		}
		for _, line := range lines {
			fmt.Fprintln(&out, "> "+line)
		}
		p, found := compileWith(sampleEnv(), strings.Join(lines, "\n"))
		if p != nil || found.Errors() == 0 {
			t.Errorf("%q compiles", lines)
		}
		for _, d := range found {
			seen[d.Code] = true
			write(&out, d)
		}
		out.WriteString("\n")
	}
	return strings.TrimSuffix(out.String(), "\n")
}

func write(out *strings.Builder, d document.Diagnostic) {
	fmt.Fprintf(out, "%d:%d-%d %s %s\n", d.Line, d.Column, d.EndColumn, d.Code, d.Message)
	for _, line := range strings.Split(d.Hint, "\n") {
		if line != "" {
			fmt.Fprintf(out, "  hint: %s\n", line)
		}
	}
	if d.Fix != "" {
		fmt.Fprintf(out, "  fix: %s\n", d.Fix)
	}
}

func TestBigSourceText(t *testing.T) {
	for name, text := range map[string]string{
		"parentheses":  strings.Repeat("(", 20_000) + "1" + strings.Repeat(")", 20_000),
		"minus signs":  strings.Repeat("-", 200_000) + "1",
		"minus few":    strings.Repeat("-", 9_000) + "1",
		"not":          strings.Repeat("not ", 9_000) + "open",
		"brackets":     strings.Repeat("[", 500) + strings.Repeat("]", 500),
		"sum of terms": strings.Repeat("1+", 4_999) + "1",
		"long":         strings.Repeat(" ", 70_000),
		"many terms":   strings.Repeat("qty+", 30_000) + "1",
		"ifs":          strings.Repeat("if open { 1 } else { ", 300) + "1" + strings.Repeat("}", 300),
	} {
		p, found := compileWith(sampleEnv(), text)
		if p != nil || !found.Has(document.CodeExprTooLarge) && name != "long" {
			t.Errorf("%s: %v", name, found)
		}
	}
	if p, found := compileWith(sampleEnv(), strings.Repeat("qty+", 900)+"1"); p == nil {
		t.Errorf("900 terms: %v", found)
	}
}

func TestOpenShape(t *testing.T) {
	env := sampleEnv()
	shape := *sampleShape()
	shape.Open = true
	env.Shape = &shape
	p, found := compileWith(env, `rent + extra * 2 > 5 and code == "x" and more.inside == 3 and len.x != nil`)
	if p == nil {
		t.Fatal(found)
	}
	if got, want := fmt.Sprint(p.Assumed(), p.Evaluable(), p.Uses()), "[extra code more len] false [rent extra code more len]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	env.Assume = record.Text
	if p, found := compileWith(env, "rent + extra"); p != nil || !found.Has(document.CodeExprType) {
		t.Errorf("an assumed text adds up with a number: %v", found)
	}
	if p, _ := compileWith(env, `upper(extra) + "x"`); p == nil || p.Field().Kind != record.Text || p.Evaluable() {
		t.Error("an assumed text cannot be checked")
	}
}

func TestUnsetConstants(t *testing.T) {
	for _, expr := range []string{"var.amount * 2", `var.later + "x"`, "parse_date(unit, var.later)", "unit matches var.later", "rent ** var.amount", `upper(var.later) in ["A", var.later]`, "round(rent, 2, var.later)", "prorate(rent, due, nil, due, var.later)"} {
		p, found := compileWith(sampleEnv(), expr)
		if p == nil || p.Evaluable() {
			t.Errorf("%s: %v", expr, found)
		}
	}
}

// TestQuotesEaten needs a document: the expression must know how it stood.
func TestEmptyPosition(t *testing.T) {
	var r document.Report
	if Compile(document.ExprAt("rent +", document.Position{}), sampleEnv(), "/x", &r) != nil || r.Errors() != 1 {
		t.Error(r.Diagnostics())
	}
}
