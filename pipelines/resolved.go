package pipelines

import "github.com/tieout/tieout/schemas/document"

// Resolved gives a checked pipeline with the references in its source and
// sink resolved. The error is a *document.InvalidError.
func (w *Workspace) Resolved(p *Pipeline) (*Pipeline, error) {
	var r document.Report
	out := &Pipeline{File: p.File, Each: p.Each, rows: p.rows, after: p.after, zone: p.zone, sinkZone: p.sinkZone, vars: p.vars}
	out.Source.book, out.Sink.book = w.book, w.book
	w.decoder(&r, p.Each).Decode(p.Root, out)
	out.Source.adopt(p.Source.schema)
	return out, r.Err()
}
