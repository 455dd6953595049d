package pipelines

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/tieout/tieout/schemas/document"
)

// ProjectFile is the name of the project document.
const ProjectFile = "tieout.yaml"

// Limits of a project, far above what people have.
const (
	maxFiles = 20_000
	maxBytes = 512 << 20
)

// Workspace is a loaded project: its documents, decoded and checked.
type Workspace struct {
	Dir         string
	Environment string
	// Project is nil when there is no tieout.yaml that can be used.
	Project *Project
	// Pipelines are sorted by name. Those with mistakes are among them.
	Pipelines []*Pipeline
	// Report holds every finding of every file.
	Report *document.Report

	options Options
	root    fs.FS // while it is loaded
	book    *book
	schemas []*Schema   // by stream
	cache   *tableCache // nil without tables
}

// Load reads tieout.yaml and every other *.yaml file below it, folders whose
// names begin with a dot excepted, and checks them all in one pass. It always
// gives a workspace; what is wrong is in its Report.
func Load(root fs.FS, o Options) *Workspace {
	w := &Workspace{Dir: o.Dir, Environment: o.Environment, Report: new(document.Report), options: o, root: root}
	w.book = &book{connectors: o.Connectors, connections: make(map[string]*Connection)}
	if o.Tables != nil {
		w.cache = &tableCache{from: o.Tables, known: make(map[string]tableShape)}
	}
	files := w.list(root)
	w.loadProject(root)
	w.loadPipelines(root, files)
	w.checkNames()
	w.expandAfter()
	w.checkAfter()
	w.root = nil
	return w
}

// list finds the files to read but for tieout.yaml, sorted.
func (w *Workspace) list(root fs.FS) []string {
	var files []string
	var total int64
	err := fs.WalkDir(root, ".", func(name string, e fs.DirEntry, err error) error {
		switch {
		case err != nil && name == ".":
			return err
		case err != nil:
			w.unreadable(name, err)
			return nil
		case e.IsDir() && name != "." && strings.HasPrefix(e.Name(), "."):
			return fs.SkipDir
		case e.IsDir() || path.Ext(name) != ".yaml" || name == ProjectFile:
			return nil
		}
		if info, err := e.Info(); err == nil {
			total += info.Size()
		}
		if files = append(files, name); len(files) > maxFiles || total > maxBytes {
			w.Report.Errorf(document.CodeTooLarge, document.Position{File: name, Line: 1, Column: 1}, "",
				"Begin the names of folders that are no part of the project with a dot.", "more than %d files or %d MiB of YAML in one project", maxFiles, maxBytes>>20)
			return fs.SkipAll
		}
		return nil
	})
	if err != nil {
		w.unreadable(ProjectFile, err)
	}
	slices.Sort(files)
	return files
}

// readFile reads one file, no more of it than a document may have.
func (w *Workspace) readFile(root fs.FS, name string, r *document.Report) ([]byte, bool) {
	info, err := fs.Stat(root, name)
	if err == nil && info.Size() > document.MaxBytes {
		r.Errorf(document.CodeTooLarge, document.Position{File: name, Line: 1, Column: 1}, "", "Divide it.", "the file is larger than %d MiB", document.MaxBytes>>20)
		return nil, false
	}
	raw, err := fs.ReadFile(root, name)
	if err != nil {
		r.Errorf(document.CodeEmptyDocument, document.Position{File: name, Line: 1, Column: 1}, "", "Check the file and its permissions.", "the file cannot be read: %v", reason(err))
		return nil, false
	}
	return raw, true
}

func (w *Workspace) unreadable(name string, err error) {
	w.Report.Errorf(document.CodeEmptyDocument, document.Position{File: name, Line: 1, Column: 1}, "", "Check the folder and its permissions.", "it cannot be read: %v", reason(err))
}

// reason is an error of the file system without the path, which is shown
// already.
func reason(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// loadProject reads tieout.yaml.
func (w *Workspace) loadProject(root fs.FS) {
	if _, err := fs.Stat(root, ProjectFile); err != nil {
		w.Report.Errorf(document.CodeMissingKey, document.Position{File: ProjectFile, Line: 1, Column: 1}, "",
			"Create it with `tieout init`, or name the project's folder with -C.", "there is no tieout.yaml in this folder")
		return
	}
	raw, ok := w.readFile(root, ProjectFile, w.Report)
	if !ok {
		return
	}
	for _, doc := range document.Parse(ProjectFile, raw, w.Report) {
		if doc.Kind != "tieout" {
			w.Report.ErrorAt(doc.Root.Keys()[0], document.CodeUnknownKey, "Begin it with `tieout: 1` and `project: NAME`.", "tieout.yaml is the project and begins with \"tieout\", not %q", doc.Kind)
			return
		}
		w.decodeProject(doc)
	}
}

// loadPipelines reads the other files, several at once.
func (w *Workspace) loadPipelines(root fs.FS, files []string) {
	type result struct {
		pipeline *Pipeline
		schema   *Schema
		report   document.Report
	}
	results := make([]result, len(files))
	eachOf(len(files), func(i int, d *document.Decoder) {
		one := &results[i]
		d.Report = new(document.Report)
		one.pipeline, one.schema = w.loadFile(root, files[i], d, &one.report)
	})
	for i := range results {
		if s := results[i].schema; s != nil {
			w.schemas = append(w.schemas, s)
		}
	}
	w.checkSchemas()
	eachOf(len(files), func(i int, _ *document.Decoder) {
		if p := results[i].pipeline; p != nil {
			p.Source.adopt(w.schemaOf(p))
			w.readRows(p, &results[i].report)
			w.checkInto(p, &results[i].report)
		}
	})
	for i := range results {
		w.Report.Merge(&results[i].report)
		if p := results[i].pipeline; p != nil {
			w.Pipelines = append(w.Pipelines, p.spread()...)
		}
	}
	slices.SortStableFunc(w.Pipelines, func(a, b *Pipeline) int {
		return cmp.Or(cmp.Compare(a.Name(), b.Name()), cmp.Compare(a.File, b.File))
	})
}

// eachOf does something for each number below n, several at once.
func eachOf(n int, do func(i int, d *document.Decoder)) {
	var next atomic.Int64
	var lanes sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), n) {
		lanes.Go(func() {
			var d document.Decoder
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				do(int(i), &d)
			}
		})
	}
	lanes.Wait()
}

// loadFile reads one file and decodes the pipeline or schema in it. d has a
// report of its own, whose findings pass through the list of what this version
// lacks.
func (w *Workspace) loadFile(root fs.FS, name string, d *document.Decoder, r *document.Report) (found *Pipeline, schema *Schema) {
	raw, ok := w.readFile(root, name, r)
	if !ok {
		return nil, nil
	}
	for _, doc := range document.Parse(name, raw, r) {
		if doc.Kind == "schema" {
			schema = &Schema{File: name}
			d.Decode(doc.Root, schema)
			r.Merge(d.Report)
			d.Report = new(document.Report)
			continue
		}
		if !w.checkKind(doc, r) {
			continue
		}
		p := &Pipeline{File: name}
		p.Source.book, p.Sink.book = w.book, w.book
		d.Decode(doc.Root, p)
		checkBlank(doc.Root.Get("transforms"), d.Report)
		passOn(d.Report, r)
		p.spoilt = p.spoiltSteps(r)
		found = p
	}
	return found, schema
}

// checkInto runs the checks. One that stumbles over a value decoding already
// reported has no place to point at, and says nothing new.
func (w *Workspace) checkInto(p *Pipeline, r *document.Report) {
	var found document.Report
	w.check(p, &found, r.Line)
	broken := r.Errors() > 0
	for _, d := range found.Diagnostics() {
		switch {
		case d.Known():
		case broken:
			continue
		default:
			d.Position = p.Root.Position()
		}
		r.Add(d)
	}
}

// checkKind reports documents that are no pipelines.
func (w *Workspace) checkKind(doc *document.Document, r *document.Report) bool {
	at := doc.Root.Keys()[0]
	switch doc.Kind {
	case "pipeline":
		return true
	case "tieout":
		r.ErrorAt(at, document.CodeSecondDocument, "Keep one of the two; a folder with a project of its own is loaded with -C.", "this is a second project; the first is tieout.yaml")
	case "sync", "reconcile", "connector", "test":
		r.ErrorAt(at, document.CodeUnknownKey, "Move the file into a folder whose name begins with a dot until a version of tieout runs it.",
			"this version of tieout does not run documents of the kind %q yet", doc.Kind)
	default:
		s := document.Suggest(doc.Kind, []string{"pipeline", "schema"})
		d := document.DiagnosticAt(at, document.CodeUnknownKey, "Begin with `pipeline: NAME`, or move the file into a folder whose name begins with a dot.",
			"there is no kind of document %q; the first key says what a file is", doc.Kind)
		d.Fix = s.Fix
		r.Add(d)
	}
	return false
}

// checkNames reports pipelines of one name.
func (w *Workspace) checkNames() {
	for i := 1; i < len(w.Pipelines); i++ {
		a, b := w.Pipelines[i-1], w.Pipelines[i]
		if a.Name() == b.Name() && a.Name() != "" && (b.Each == nil || b.Each == &b.rows[0]) {
			w.Report.ErrorAt(b.Pipeline, document.CodeDuplicateKey, "Give one of them another name; state and ledger go by it.",
				"two pipelines have the name %q: %s and %s", b.Name(), placeOf(a), placeOf(b))
		}
	}
}

// placeOf is where a pipeline's name stands.
func placeOf(p *Pipeline) string {
	return fmt.Sprintf("%s:%d", p.File, p.Pipeline.Span().Line)
}

// Problems are the findings that concern one pipeline: those of its file and
// of tieout.yaml.
func (w *Workspace) Problems(p *Pipeline) document.Diagnostics {
	var out document.Diagnostics
	for _, d := range w.Report.Diagnostics() {
		if d.File == p.File || d.File == ProjectFile {
			out.Add(d)
		}
	}
	return out
}

// Find gives the one pipeline of a name or of a path, relative to the
// project's folder or absolute.
func (w *Workspace) Find(nameOrPath string) (*Pipeline, error) {
	list, err := w.FindAll(nameOrPath)
	if err == nil && len(list) > 1 {
		return nil, notOne(nameOrPath, list)
	}
	if err != nil {
		return nil, err
	}
	return list[0], nil
}

// FindAll is Find, where the name or path of a for_each file stands for all of
// its pipelines.
func (w *Workspace) FindAll(nameOrPath string) ([]*Pipeline, error) {
	file := strings.TrimPrefix(strings.ReplaceAll(nameOrPath, "\\", "/"), strings.TrimSuffix(w.Dir, "/")+"/")
	file = path.Clean(file)
	var names []string
	var found []*Pipeline
	for _, p := range w.Pipelines {
		if p.Name() == nameOrPath {
			return []*Pipeline{p}, nil
		}
		if p.Pipeline.Value == nameOrPath || p.File == file {
			found = append(found, p)
		}
		names = append(names, p.Name())
	}
	if len(found) > 0 {
		return found, nil
	}
	return nil, fmt.Errorf("there is no pipeline %q%s", nameOrPath, didYouMean(nameOrPath, names))
}
