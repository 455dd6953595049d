package pipelines

import (
	"slices"

	"github.com/tieout/tieout/schemas/document"
)

// decodeProject reads the project and its connections.
func (w *Workspace) decodeProject(doc *document.Document) {
	d := &document.Decoder{Report: w.Report}
	p := &Project{File: doc.File}
	d.Decode(doc.Root, p)
	w.Project = p
	for i := range p.Connections.Entries {
		e := &p.Connections.Entries[i]
		if e.Value.Node == nil || e.Value.Node.Kind() != document.Mapping {
			continue
		}
		base, over := w.settings(e.Key.Value)
		e.Value = *w.book.open(d, e.Key.Value, base, over)
		w.book.connections[e.Key.Value] = &e.Value
		w.book.names = append(w.book.names, e.Key.Value)
	}
	slices.Sort(w.book.names)
}

// check runs the static checks of one pipeline.
func (w *Workspace) check(p *Pipeline, r *document.Report) {
	p.zone = w.book.checkZone(p.Timezone, r)
	if w.Project != nil {
		p.vars = slices.Sorted(slices.Values(w.Project.Vars.Keys()))
	}
	p.Compile(p.SourceShape(), p.Context(Values{}, w.options.Tables, r))
}
