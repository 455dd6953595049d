package document

import (
	"strings"
	"testing"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// Each case marks a word in a scalar; its offset in the value must map to the
// word's place in the file, whatever the style.
func TestTextPositionsInEveryStyle(t *testing.T) {
	for name, text := range map[string]string{
		"plain":                "x: 1\na: one WORD\n",
		"plain after runes":    "x: 1\na: óńé WORD\n",
		"plain, several lines": "x: 1\na: one\n   two\n\n   three WORD\nb: 1\n",
		"plain in flow":        "x: { y: 1, a: one WORD, z: 2 }\n",
		"plain in flow, lines": "x: { a: one\n two\n  WORD }\n",
		"single":               "a: 'it''s a ''WORD'''\n",
		"single, lines":        "a: 'it''s\n\n   a  \n   ''WORD'''\n",
		"double":               "a: \"\\\"x\\\" \\u00e9\\t\\x41 WORD\"\n",
		"double, lines":        "a: \"x\\\n   y \\\n  \\ z\n\n   WORD\"\n",
		"literal":              "a: |\n  one\n    two\n\n  WORD here\nb: 1\n",
		"literal, indicator":   "x:\n  a: |2-\n      one\n    WORD\n  b: 1\n",
		"literal, keep":        "a: |+\n  one\n\n  WORD\n\n\nb: 1\n",
		"literal, leading":     "a: |\n\n\n  WORD\n",
		"folded":               "a: >\n  one\n  two\n\n  three\n  WORD\nb: 1\n",
		"folded, more indent":  "a: >-\n  one\n    two\n  three\n\n\n  four\n  WORD",
		"folded, comment":      "a: >- # why\n  one\n  WORD\n",
		"crlf":                 "x: 1\r\na: >\r\n  one\r\n\r\n  WORD\r\n",
		"crlf plain":           "x: 1\r\na: one\r\n  two WORD\r\n",
		"crlf double":          "x: 1\r\na: \"one\r\n\r\n  WORD\"\r\n",
		"in a list":            "a:\n  - - x\n    - one WORD\n",
		"byte order mark":      "\xEF\xBB\xBFa: one WORD\n",
	} {
		r := new(Report)
		docs := Parse("f", []byte(text), r)
		if len(docs) != 1 || r.Errors() > 0 {
			t.Errorf("%s: %v", name, r.Diagnostics())
			continue
		}
		found := false
		eachScalar(docs[0].Root, func(n *Node) {
			i := strings.Index(n.Text(), "WORD")
			if i < 0 {
				return
			}
			found = true
			want := wordPosition(strings.TrimPrefix(text, "\xEF\xBB\xBF"))
			got := n.Scalar().SpanOf(i, i+4)
			if got.Position != want || got.EndColumn != want.Column+4 {
				t.Errorf("%s: got %v to %d, want %v", name, got.Position, got.EndColumn, want)
			}
			if sliced := n.Scalar().Slice(i, i+4).Position(2); sliced.Column != want.Column+2 {
				t.Errorf("%s: slice at %v", name, sliced)
			}
		})
		if !found {
			t.Errorf("%s: the word is not in a scalar", name)
		}
	}
}

func wordPosition(text string) Position {
	i := strings.Index(text, "WORD")
	line := strings.LastIndexByte(text[:i], '\n') + 1
	return Position{File: "f", Line: 1 + strings.Count(text[:i], "\n"), Column: 1 + utf8.RuneCountInString(text[line:i])}
}

func eachScalar(n *Node, do func(*Node)) {
	if n.kind == Scalar {
		do(n)
	}
	for _, k := range n.keys {
		do(k)
	}
	for _, k := range n.kids {
		eachScalar(k, do)
	}
}

// No input may panic, and no finding may be without a place inside the file.
// A scalar's bytes must map to bytes of the source that can have produced them.
func FuzzParse(f *testing.F) {
	f.Add([]byte(samplePipeline))
	for _, s := range []string{
		"", "\x00", "a: \xff", "a: &x [*x]", "a: !b c", "a: 'x\n  y''z'", "a: >\n  b\n\n   c\n", "a: \"\\\n  \\u00e9\"", "---\n---\n",
		"? [a]\n: b\n", "a: {b: c", "a: [b\nc: d", "\t", "a:\n\t- b", "!", "a: |9\n x", "- - - -", "{{{{", "a: b: c", "*a", "a: |\n", "a: >\n\n\n", "a: |+\n\n", "a: \"x\\", "a: \"\\\n\r \\u00ed\"", "? bg]\n\n bg]\n::", "0: >\n 00\n ",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		r := new(Report)
		docs := ParseWith("f", raw, r, Options{Multiple: true})
		for _, doc := range docs {
			eachScalar(doc.Root, func(n *Node) {
				checkLayout(t, n)
				r.Add(LintExpression(Expr{n.Scalar()})...)
			})
			d := &Decoder{Report: r}
			d.Decode(doc.Root, new(testPipeline))
		}
		src := newSource("f", raw)
		for _, d := range r.Diagnostics() {
			if d.Line < 1 || d.Line > len(src.lines) || d.Column < 1 || d.Column > utf8.RuneCount(src.line(d.Line))+1 || d.File != "f" {
				t.Fatalf("%q: finding without a place: %+v", raw, d)
			}
			if d.Code == "" || d.Message == "" || strings.ContainsAny(d.Message, "\n") {
				t.Fatalf("%q: finding without a text: %+v", raw, d)
			}
		}
	})
}

func checkLayout(t *testing.T, n *Node) {
	offsets, _, ok := n.layout()
	if !ok {
		if n.y.Style&yaml.TaggedStyle == 0 && n.y.Anchor == "" && !n.broken && n.rawByte() != '!' && n.rawByte() != '&' {
			t.Fatalf("%q: the scalar %q at %v cannot be mapped", n.src.raw, n.Text(), n.Position())
		}
		return
	}
	for i := 1; i < len(offsets); i++ {
		if offsets[i] < offsets[i-1] {
			t.Fatalf("%q: offsets go back: %v", n.src.raw, offsets)
		}
	}
}
