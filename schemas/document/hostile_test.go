package document

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"
)

// A file that costs more than it should is refused quickly, in little memory,
// with its own code and a place.
func TestHostileFiles(t *testing.T) {
	bomb := "a: &a [x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c <= 'i'; c++ {
		bomb += fmt.Sprintf("%c: &%c [*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c]\n", c, c, c-1, c-1, c-1, c-1, c-1, c-1, c-1, c-1, c-1)
	}
	for name, c := range map[string]struct {
		text string
		code Code
	}{
		"alias bomb":            {bomb, CodeAnchor},
		"merge bomb":            {"a: &a { b: c }\n" + strings.Repeat("d: { <<: *a }\n", 1000), CodeAnchor},
		"alias to itself":       {"a: &a [*a]\n", CodeAnchor},
		"unknown alias":         {"a: *b\n", CodeAnchor},
		"flow depth":            {"a: " + strings.Repeat("[", 100_000), CodeTooDeep},
		"flow depth, closed":    {"a: " + strings.Repeat("[", 65) + strings.Repeat("]", 65), CodeTooDeep},
		"map depth":             {"a: " + strings.Repeat("{a: ", 5000) + strings.Repeat("}", 5000), CodeTooDeep},
		"block depth":           {strings.Repeat("- ", 5000) + "a\n", CodeTooDeep},
		"large":                 {"a: " + strings.Repeat("x", MaxBytes), CodeTooLarge},
		"many items":            {"a: [" + strings.Repeat("1,", 1_900_000) + "1]", CodeTooLarge},
		"many empty lists":      {"a: [" + strings.Repeat("[],", 1_300_000) + "1]", CodeTooLarge},
		"many keys":             {strings.Repeat("a: b\n", 700_000), CodeTooLarge},
		"many documents":        {strings.Repeat("---\n", 1_000_000), CodeTooLarge},
		"many items in block":   {"a:\n" + strings.Repeat("- \n", 1_000_000), CodeTooLarge},
		"NUL":                   {"a: b\n\x00", CodeControlCharacter},
		"UTF-16":                {"\xff\xfea\x00:\x00", CodeEncoding},
		"invalid bytes":         {"a: \xc3\x28", CodeEncoding},
		"line separator":        {"a: b\u2028c: d\n", CodeControlCharacter},
		"mark inside":           {"a: b\ufeffc\n", CodeControlCharacter},
		"unclosed, long":        {"a: \"" + strings.Repeat("x ", 1_900_000), CodeUnclosedQuote},
		"long line, no colon":   {"a: b\n" + strings.Repeat("x", 4_000_000) + "\nc: d\n", CodeYAMLSyntax},
		"deep blanks":           {"a:\n" + strings.Repeat(" ", 2_000_000) + "b: c\n" + strings.Repeat(" ", 1_000_000) + "d: e\n", CodeYAMLSyntax},
		"comments":              {strings.Repeat("#\n", 2_000_000) + "a: @", CodeReservedCharacter},
		"comments between keys": {strings.Repeat("a: b # c\n# d\n", 60_000), CodeTooMany},
	} {
		t.Run(name, func(t *testing.T) {
			raw := []byte(c.text)
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			start := time.Now()
			r := new(Report)
			Parse("f", raw, r)
			took := time.Since(start)
			runtime.ReadMemStats(&after)
			found := r.Diagnostics()
			if !found.Has(c.code) {
				t.Fatalf("found %v", found[:min(len(found), 3)])
			}
			if !found[0].Known() {
				t.Error("no place")
			}
			t.Logf("%v, %d KiB, %s", took, (after.TotalAlloc-before.TotalAlloc)>>10, found[0].Message[:min(len(found[0].Message), 80)])
			if len(raw) < 20_000 && after.TotalAlloc-before.TotalAlloc > 20<<20 {
				t.Errorf("took %d KiB", (after.TotalAlloc-before.TotalAlloc)>>10)
			}
			if took > stuck {
				t.Errorf("took %v", took)
			}
		})
	}
}

// stuck is longer than any machine takes for what is bounded: these tests are
// about work that grows without bound, not about speed.
const stuck = time.Minute

func TestAFileOfThousandsOfMistakesStaysBounded(t *testing.T) {
	var b strings.Builder
	b.WriteString("pipeline: a\nsource: { connection: c }\n")
	for i := range 20_000 {
		fmt.Fprintf(&b, "key_%d: 1\n", i)
	}
	start := time.Now()
	_, r := decodeSample(t, b.String())
	if found := r.Diagnostics(); len(found) != maxFindings+1 || !found.Has(CodeTooMany) {
		t.Errorf("%d findings", len(r.Diagnostics()))
	}
	if took := time.Since(start); took > stuck {
		t.Errorf("took %v", took)
	}
}

func TestByteOrderMarkIsTolerated(t *testing.T) {
	r := new(Report)
	docs := Parse("f", []byte("\xEF\xBB\xBFpipeline: a\n"), r)
	if len(docs) != 1 || docs[0].Kind != "pipeline" || docs[0].Name != "a" || docs[0].Root.Keys()[0].Position().Column != 1 {
		t.Fatalf("%v %v", docs, r.Diagnostics())
	}
}

func TestSeveralDocuments(t *testing.T) {
	r := new(Report)
	docs := ParseWith("f", []byte("pipeline: a\n---\npipeline: b\n"), r, Options{Multiple: true})
	if len(docs) != 2 || docs[1].Name != "b" || docs[1].Root.Position().Line != 3 || r.Errors() != 0 {
		t.Fatalf("%v %v", docs, r.Diagnostics())
	}
}
