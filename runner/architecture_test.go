package runner_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The rules of the house, held by machine: who may import whom, where floats
// may stand, and how long things may be. ARCHITECTURE.md says why.

const module = "github.com/tieout/tieout/"

// allowedImports lists, for each folder, the folders it may import; the
// longest prefix that matches counts.
var allowedImports = map[string][]string{
	"schemas":     {"schemas"},
	"transforms":  {"schemas", "transforms"},
	"connectors":  {"schemas", "transforms", "connectors"},
	"pipelines":   {"schemas", "transforms", "pipelines"},
	"runner/gate": {"schemas", "transforms", "pipelines"},
	"runner":      {"schemas", "transforms", "connectors", "pipelines", "runner"},
}

// onlyIn lists packages that one folder alone may import.
var onlyIn = map[string][]string{
	"gopkg.in/yaml.v3": {"schemas/document"},
}

// floatFiles are the files that may name a float, each far from any amount.
var floatFiles = map[string]string{
	"connectors/sql/inexact.go":           "a binary float column from outside becomes its shortest decimal here",
	"connectors/file/inexact.go":          "a binary float of a Parquet file becomes its shortest decimal here",
	"runner/schedule/bench_test.go":       "testing.B.ReportMetric takes a float",
	"connectors/sql/bench_test.go":        "testing.B.ReportMetric takes a float",
	"transforms/expression/bench_test.go": "testing.B.ReportMetric takes a float",
	"runner/serve/meters.go":              "Prometheus metrics are floats; no amount is among them",
}

type goFile struct {
	path, dir string
	test      bool
	text      []byte
	tree      *ast.File
	fset      *token.FileSet
}

func goFiles(t *testing.T) []goFile {
	t.Helper()
	var files []goFile
	err := filepath.WalkDir("..", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := filepath.ToSlash(strings.TrimPrefix(p, "../"))
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") && d.Name() != ".." || d.Name() == "testdata") {
			return fs.SkipDir
		}
		if d.IsDir() || path.Ext(name) != ".go" {
			return nil
		}
		text, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		fset := token.NewFileSet()
		tree, err := parser.ParseFile(fset, name, text, parser.ParseComments)
		if err != nil {
			return err
		}
		files = append(files, goFile{path: name, dir: path.Dir(name), test: strings.HasSuffix(name, "_test.go"), text: text, tree: tree, fset: fset})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 50 {
		t.Fatalf("only %d Go files were found", len(files))
	}
	return files
}

func TestImports(t *testing.T) {
	for _, f := range goFiles(t) {
		for _, spec := range f.tree.Imports {
			imported := strings.Trim(spec.Path.Value, `"`)
			if owners, limited := onlyIn[imported]; limited && !slices.Contains(owners, f.dir) {
				t.Errorf("%s imports %s, which only %v may", f.path, imported, owners)
			}
			if target, ours := strings.CutPrefix(imported, module); ours && !f.test {
				checkImport(t, f, target)
			}
		}
	}
}

func checkImport(t *testing.T, f goFile, target string) {
	t.Helper()
	folder := f.dir
	for allowedImports[folder] == nil && folder != "." {
		folder = path.Dir(folder)
	}
	ok := slices.ContainsFunc(allowedImports[folder], func(a string) bool {
		return target == a || strings.HasPrefix(target, a+"/")
	})
	switch {
	case !ok:
		t.Errorf("%s imports %s, which %s may not", f.path, target, folder)
	case f.dir == "runner" && strings.HasPrefix(target, "runner/") && target != "runner/gate":
		t.Errorf("%s: the root of runner imports only gate, not %s", f.path, target)
	case protocol(f.dir) != "" && protocol(target) != "" && protocol(f.dir) != protocol(target):
		t.Errorf("%s: protocol folders do not import each other: %s", f.path, target)
	}
}

// protocol names the connector folder a package is in, if it is one.
func protocol(dir string) string {
	parts := strings.Split(dir, "/")
	if len(parts) < 2 || parts[0] != "connectors" || slices.Contains([]string{"builtin", "connectortest", "web", "auth", "rows", "service", "spool"}, parts[1]) {
		return ""
	}
	return parts[1]
}

// httpNames are the names of net/http that send requests. A client is built,
// and its limits are kept, in connectors/web alone.
var httpNames = []string{"Client", "Transport", "RoundTripper", "DefaultClient", "DefaultTransport", "NewFileTransport", "ProxyFromEnvironment", "Get", "Head", "Post", "PostForm"}

func TestOneClient(t *testing.T) {
	for _, f := range goFiles(t) {
		if f.test || f.dir == "connectors/web" {
			continue
		}
		for _, name := range sendsHTTP(f.tree) {
			t.Errorf("%s uses http.%s; connectors/web sends requests", f.path, name)
		}
	}
}

// sendsHTTP lists the names of httpNames that a file uses, whatever it calls
// the package.
func sendsHTTP(file *ast.File) []string {
	called := ""
	for _, spec := range file.Imports {
		if spec.Path.Value != `"net/http"` {
			continue
		}
		if called = "http"; spec.Name != nil {
			called = spec.Name.Name
		}
	}
	if called == "." {
		return []string{". (imported without a name)"}
	}
	var used []string
	ast.Inspect(file, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok && slices.Contains(httpNames, s.Sel.Name) {
			if id, ok := s.X.(*ast.Ident); ok && id.Name == called && called != "" {
				used = append(used, s.Sel.Name)
			}
		}
		return true
	})
	return used
}

func TestSendsHTTPFinds(t *testing.T) {
	for text, want := range map[string]int{
		`package a; import "net/http"; var c = &http.Client{}`:                                        1,
		`package a; import web "net/http"; var c = new(web.Transport); var d = web.DefaultClient`:     2,
		`package a; import . "net/http"; var c Client`:                                                1,
		`package a; import "net/http"; func f() { http.Get("x"); http.Post("x", "", nil) }`:           2,
		`package a; import "net/http"; func f(w http.ResponseWriter, r *http.Request) { w.Header() }`: 0,
		`package a; import http "example.com/other"; var c http.Client`:                               0,
	} {
		tree, err := parser.ParseFile(token.NewFileSet(), "a.go", text, 0)
		if err != nil {
			t.Fatal(err)
		}
		if got := sendsHTTP(tree); len(got) != want {
			t.Errorf("%s: found %v, want %d", text, got, want)
		}
	}
}

func TestNoFloats(t *testing.T) {
	for _, f := range goFiles(t) {
		if _, allowed := floatFiles[f.path]; allowed {
			continue
		}
		ast.Inspect(f.tree, func(n ast.Node) bool {
			id, ok := n.(*ast.Ident)
			if ok && (id.Name == "float64" || id.Name == "float32" || id.Name == "ParseFloat") {
				t.Errorf("%s: %s; amounts are decimals, tests included", f.fset.Position(id.Pos()), id.Name)
			}
			return true
		})
	}
}

func TestSizes(t *testing.T) {
	const fileLines, functionLines = 500, 70
	for _, f := range goFiles(t) {
		if n := bytes.Count(f.text, []byte("\n")); n > fileLines {
			t.Errorf("%s has %d lines, more than %d", f.path, n, fileLines)
		}
		for _, d := range f.tree.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Body == nil {
				continue
			}
			n := f.fset.Position(fn.End()).Line - f.fset.Position(fn.Pos()).Line + 1
			if n > functionLines && !f.test {
				t.Errorf("%s: %s has %d lines, more than %d", f.fset.Position(fn.Pos()), fn.Name.Name, n, functionLines)
			}
			if fn.Name.Name == "init" && fn.Recv == nil {
				t.Errorf("%s: no init functions", f.fset.Position(fn.Pos()))
			}
			if f.dir == "runner/cmd/tieout" && fn.Name.Name == "main" && n > 30 {
				t.Errorf("main has %d lines", n)
			}
		}
	}
}

func TestPackageDocs(t *testing.T) {
	documented, packages := map[string]bool{}, map[string]bool{}
	for _, f := range goFiles(t) {
		if !f.test {
			packages[f.dir] = true
			documented[f.dir] = documented[f.dir] || f.tree.Doc != nil
		}
	}
	for dir := range packages {
		if !documented[dir] {
			t.Errorf("package %s has no doc comment", dir)
		}
	}
}

func TestTopLevelFolders(t *testing.T) {
	want := []string{"connectors", "docs", "pipelines", "runner", "schemas", "transforms"}
	entries, err := os.ReadDir("..")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.IsDir() && !strings.HasPrefix(e.Name(), ".") && !slices.Contains(append(want, "bin", "demo"), e.Name()) {
			t.Errorf("there is a folder %s beside %v", e.Name(), want)
		}
	}
}
