package service

import (
	"slices"
	"strings"

	"github.com/tieout/tieout/connectors/rows"
	"github.com/tieout/tieout/schemas/document"
)

// RecordPath is a path in a document: names with dots or slashes between them.
// Where there are slashes, names may hold dots.
type RecordPath struct{ document.Text }

// DecodeDocument reads it.
func (p *RecordPath) DecodeDocument(n *document.Node, d *document.Decoder) {
	d.DecodeField(n, &p.Text, "")
	if p.Value != "" && slices.Contains(p.parts(), "") || slices.Contains(p.parts(), "..") {
		d.Report.ErrorAt(p, document.CodeWrongShape, "Write names with dots or slashes between them, such as data.items.", "%q is no path to records", p.Value)
	}
}

// DocumentType says what is written.
func (p *RecordPath) DocumentType() string { return "a path" }

// DocumentSchema is a text.
func (p *RecordPath) DocumentSchema(func(any) any) any { return map[string]any{"type": "string"} }

func (p *RecordPath) parts() []string { return pathParts(p.Value) }

func pathParts(path string) []string {
	if path == "" {
		return nil
	}
	if strings.Contains(path, "/") {
		return strings.Split(strings.TrimPrefix(path, "/"), "/")
	}
	return strings.Split(path, ".")
}

// Carried is a value that is copied into each record: a path that goes up, or
// an expression.
type Carried struct {
	up   int
	path []string // empty for the name
	expr formula
}

// DecodeDocument reads either form.
func (c *Carried) DecodeDocument(n *document.Node, d *document.Decoder) {
	if n.Kind() == document.Scalar && strings.HasPrefix(n.Text(), "=") {
		c.expr.decode(n, d)
		return
	}
	var text document.Text
	d.DecodeField(n, &text, "")
	if text.Value == "" {
		return
	}
	rest := text.Value
	for strings.HasPrefix(rest, "../") {
		c.up++
		rest = rest[len("../"):]
	}
	switch {
	case rest == ".name", rest == "..name":
		c.up += len(rest) - len(".name")
		return
	case strings.HasPrefix(rest, ".."), c.up == 0, rest == "":
		d.Report.ErrorAt(text, document.CodeWrongShape, "Write ../../CustomerID for a value around the record, ..name for the name of what it stands in, or =each.property for a value it was asked for with.", "%q leads to nothing around a record", text.Value)
		return
	}
	if c.path = pathParts(rest); slices.Contains(c.path, "") || slices.Contains(c.path, "..") {
		d.Report.ErrorAt(text, document.CodeWrongShape, "Go up first and then down: ../../Unit/UnitID.", "%q is no path", text.Value)
	}
}

// DocumentType says what is written.
func (c *Carried) DocumentType() string { return "a path that goes up, or an expression behind `=`" }

// DocumentSchema is a text.
func (c *Carried) DocumentSchema(func(any) any) any { return map[string]any{"type": "string"} }

// carries lists what is copied out of documents.
func (r *Reading) carries() []rows.Carry {
	var out []rows.Carry
	for i := range r.Carry.Entries {
		e := &r.Carry.Entries[i]
		if !e.Value.expr.set() {
			out = append(out, rows.Carry{Name: e.Key.Value, Up: e.Value.up, Path: e.Value.path})
		}
	}
	return out
}
