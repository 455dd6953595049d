package format

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tieout/tieout/pipelines/catalog"
	"github.com/tieout/tieout/schemas/document"
)

// scalars treats every scalar value of a file as an expression, which asks
// the most of the rewriting.
func scalars(t testing.TB, raw []byte) []document.Position {
	t.Helper()
	var r document.Report
	var places []document.Position
	var walk func(n *document.Node)
	walk = func(n *document.Node) {
		if n.Kind() == document.Scalar {
			places = append(places, n.Position())
		}
		for _, c := range n.Children() {
			walk(c)
		}
	}
	for _, doc := range document.ParseWith("a.yaml", raw, &r, document.Options{Multiple: true}) {
		walk(doc.Root)
	}
	return places
}

func TestDocument(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"nothing to do":         {"a: 1\nb: { c: d }\n", "a: 1\nb: { c: d }\n"},
		"a comma":               {"a: { b: 'f(x, y)' }\n", "a:\n  b: f(x, y)\n"},
		"a quote":               {"a: { b: '\"x\"' }\n", "a:\n  b: '\"x\"'\n"},
		"brackets":              {"a: { b: 'x in [1]' }\n", "a:\n  b: x in [1]\n"},
		"parentheses alone":     {"a: { b: f(x) }\n", "a: { b: f(x) }\n"},
		"item of a list":        {"a:\n  - { b: 'f(x, y)', c: d }\n  - e\n", "a:\n  - b: f(x, y)\n    c: d\n  - e\n"},
		"key behind a dash":     {"a:\n  - b: { c: 'f(x, y)' }\n", "a:\n  - b:\n      c: f(x, y)\n"},
		"list of mappings":      {"a: [ { b: 'f(x, y)' }, { c: d } ]\n", "a:\n  - b: f(x, y)\n  - { c: d }\n"},
		"list of scalars":       {"a: [ 'f(x, y)', z ]\n", "a:\n  - f(x, y)\n  - z\n"},
		"nested":                {"a: { b: { c: 'f(x, y)' }, d: { e: f } }\n", "a:\n  b:\n    c: f(x, y)\n  d: { e: f }\n"},
		"comment behind":        {"a: { b: 'f(x, y)' } # why\n", "a: # why\n  b: f(x, y)\n"},
		"comments within":       {"a: { b: 'f(x, y)', # one\n  # two\n  c: d # three\n  }\n", "a:\n  # one\n  b: f(x, y)\n  # two\n  c: d\n  # three\n"},
		"an empty value":        {"a: { b: 'f(x, y)', c: }\n", "a:\n  b: f(x, y)\n  c:\n"},
		"quotes that must stay": {"a: { b: 'f(x, \": \")' }\n", "a:\n  b: 'f(x, \": \")'\n"},
		"escapes that stay":     {"a: { b: \"f(x, \\\"\\\\n\\\")\" }\n", "a:\n  b: \"f(x, \\\"\\\\n\\\")\"\n"},
		"a hash":                {"a: { b: 'f(x, y) #z' }\n", "a:\n  b: 'f(x, y) #z'\n"},
		"a quoted key":          {"a: { 'b c': 'f(x, y)' }\n", "a:\n  'b c': f(x, y)\n"},
		"letters beyond ASCII":  {"ä: { ö: 'f(ü, y)' } # ß\n", "ä: # ß\n  ö: f(ü, y)\n"},
		"block scalars":         {"a: |\n  b: { c: 'f(x, y)' }\nd: { e: 'f(x, y)' }\n", "a: |\n  b: { c: 'f(x, y)' }\nd:\n  e: f(x, y)\n"},
		"quoted over lines":     {"a: \"x\n  b: { c: 'd, e' }\"\nf: { g: 'h, i' }\n", "a: \"x\n  b: { c: 'd, e' }\"\nf:\n  g: h, i\n"},
		"blanks at the end":     {"a: 1   \n\n\n", "a: 1\n"},
		"no end of line":        {"a: 1", "a: 1\n"},
		"lines of Windows":      {"a: { b: 'f(x, y)' }\r\nc: d\r\n", "a:\r\n  b: f(x, y)\r\nc: d\r\n"},
		"braces over lines":     {"a: {\n  b: 'f(x, y)',\n  c: d,\n}\ne: f\n", "a:\n  b: f(x, y)\n  c: d\ne: f\n"},
		"quotes nobody needs":   {"a: { b: 'f(x, y)', c: 'true' }\n", "a:\n  b: f(x, y)\n  c: true\n"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Document("a.yaml", []byte(c.in), scalars(t, []byte(c.in)))
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
			again, err := Document("a.yaml", got, scalars(t, got))
			if err != nil || string(again) != string(got) {
				t.Errorf("formatted twice it is\n%s(%v)", again, err)
			}
		})
	}
}

// What cannot be rewritten stays, with an error.
func TestRefusals(t *testing.T) {
	for name, in := range map[string]string{
		"no YAML":               "a: { b: 'f(x, y)'\n",
		"a pair without braces": "a: [ b: 'f(x, y)' ]\n",
		"alone on its line":     "a:\n  { b: 'f(x, y)' }\n",
		"no key":                "a: { : 'f(x, y)' }\n",
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := Document("a.yaml", []byte(in), scalars(t, []byte(in))); err == nil {
				t.Errorf("it became\n%s", got)
			}
		})
	}
}

// Every file of the catalog, and of the bad ones, comes out meaning the same
// and stays as it is the second time.
func TestFiles(t *testing.T) {
	files := 0
	each := func(name string, raw []byte) {
		files++
		check(t, name, raw)
	}
	err := fs.WalkDir(catalog.FS(), ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasSuffix(name, ".yaml") {
			return err
		}
		raw, err := fs.ReadFile(catalog.FS(), name)
		each(name, raw)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	bad, err := filepath.Glob("../../../pipelines/testdata/bad/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range bad {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		each(name, raw)
	}
	if files < 40 {
		t.Fatalf("only %d files were found", files)
	}
}

// check holds the promises of Document for one file.
func check(t *testing.T, name string, raw []byte) {
	t.Helper()
	before, err := parse(name, raw)
	if err != nil {
		return
	}
	got, err := Document(name, raw, scalars(t, raw))
	if err != nil {
		return // refused, and so left as it is
	}
	if !same(name, before, got) {
		t.Fatalf("%s means something else now:\n%s", name, got)
	}
	if comments(raw) > comments(got) {
		t.Errorf("%s lost a comment:\n%s\nis now\n%s", name, raw, got)
	}
	again, err := Document(name, got, scalars(t, got))
	if err != nil || string(again) != string(got) {
		t.Errorf("%s changes again (%v):\n%q\n%q", name, err, got, again)
	}
}

func comments(raw []byte) int { return strings.Count(string(raw), "#") }

func FuzzDocument(f *testing.F) {
	for _, seed := range []string{"a: { b: 'f(x, y)' } # c\n", "a: [ 'x, y', { z: \"[]\" } ]\r\n", "a: |\n  b\nc: {d: 'e,f'}", "- a", "a: { b: 'f(x, y)', # one\n  c: d }", "a: b\n  c{]\nd: [}"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if len(raw) < 1<<12 {
			check(t, "a.yaml", raw)
		}
	})
}
