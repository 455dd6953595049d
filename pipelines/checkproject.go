package pipelines

import (
	"regexp"
	"slices"
	"strings"

	"github.com/tieout/tieout/schemas/document"
)

// Names become parts of tables, folders and log lines, so they are plain.
var (
	plainName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,99}$`)
	varName   = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,99}$`)
)

func checkName(name document.Text, what string, pattern *regexp.Regexp, r *document.Report) {
	if name.IsZero() || pattern.MatchString(name.Value) {
		return
	}
	signs := "letters, digits, - and _"
	if pattern == varName {
		signs = "letters, digits and _"
	}
	r.ErrorAt(name, document.CodeWrongType, "Write it in "+signs+", beginning with a letter, such as rent_roll.", "%q is no name of a %s", name.Value, what)
}

// decodeProject reads the project with its connections.
func (w *Workspace) decodeProject(doc *document.Document) {
	d := &document.Decoder{Report: new(document.Report)}
	p := &Project{File: doc.File}
	d.Decode(doc.Root, p)
	w.Project = p
	w.openConnections(d)
	w.checkProject(d.Report)
	w.checkEnvironments(d.Report)
	passOn(d.Report, w.Report)
}

// openConnections decodes the connections with the settings of the chosen
// environment, so that pipelines are checked against what would run.
func (w *Workspace) openConnections(d *document.Decoder) {
	for i := range w.Project.Connections.Entries {
		e := &w.Project.Connections.Entries[i]
		checkName(e.Key, "connection", plainName, d.Report)
		base, over := w.settings(e.Key.Value)
		w.book.names = append(w.book.names, e.Key.Value)
		if base == nil || base.Kind() != document.Mapping {
			d.Decode(base, new(connectionKeys)) // says what is wrong with it
			continue
		}
		e.Value = *w.book.open(d, e.Key.Value, base, over)
		w.book.connections[e.Key.Value] = &e.Value
	}
	slices.Sort(w.book.names)
}

func (w *Workspace) checkProject(r *document.Report) {
	p := w.Project
	checkName(p.Project, "project", plainName, r)
	w.book.checkZone(p.Timezone, r)
	w.checkServe(r)
	w.checkAlerts(r)
	for i := range p.Vars.Entries {
		checkName(p.Vars.Entries[i].Key, "var", varName, r)
	}
	for i := range p.Environments.Entries {
		checkName(p.Environments.Entries[i].Key, "environment", plainName, r)
	}
}

// checkEnvironments tries the settings of every environment, not only of the
// chosen one.
func (w *Workspace) checkEnvironments(r *document.Report) {
	chosen := w.Environment == ""
	for i := range w.Project.Environments.Entries {
		e := &w.Project.Environments.Entries[i]
		chosen = chosen || e.Key.Value == w.Environment
		for _, over := range e.Value.Connections.Entries {
			w.checkOverlay(over.Key, over.Value, r)
		}
	}
	if !chosen {
		at := document.Place(w.Project.Root.Keys()[0])
		if n := w.Project.Root.KeyNode("environments"); n != nil {
			at = n
		}
		r.ErrorAt(at, document.CodeUnknownKey, document.Suggest(w.Environment, w.Project.Environments.Keys()).Hint, "there is no environment %q", w.Environment)
	}
}

func (w *Workspace) checkOverlay(name document.Text, over *document.Node, r *document.Report) {
	base, ok := w.Project.Connections.Get(name.Value)
	if !ok {
		s := document.Suggest(name.Value, w.book.names)
		d := document.DiagnosticAt(name, document.CodeUnknownKey, s.Hint, "there is no connection %q", name.Value)
		d.Fix = s.Fix
		r.Add(d)
		return
	}
	if over == nil || over.Kind() != document.Mapping {
		(&document.Decoder{Report: r}).Decode(over, new(connectionKeys))
		return
	}
	if base.Node == nil || base.Node.Kind() != document.Mapping {
		return
	}
	var found document.Report
	w.book.open(&document.Decoder{Report: &found}, name.Value, base.Node, over)
	for _, d := range found.Diagnostics() {
		if strings.HasPrefix(d.Path, "/environments/") {
			r.Add(d)
		}
	}
}
