package service

import (
	"strings"
	"time"

	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
	"github.com/tieout/tieout/transforms/expression"
)

// Value is something to be sent: text as it is written, an expression behind
// an equals sign, or a mapping or list of values.
type Value struct {
	kind   valueKind
	text   string          // plain text, or a literal of JSON
	secret document.Secret // text with references
	expr   formula
	names  []string // of a mapping
	items  []*Value // of a mapping or list
}

type valueKind uint8

const (
	absent valueKind = iota
	plainText
	literal // a number, true, false or null without quotes
	referring
	computed
	mapping
	sequence
)

// formula is an expression and the paths of the reply it looks at.
type formula struct {
	document.Expr
	paths        [][]string
	each, parent [][]string // the same for what is read for each of many
	cursor       [][]string // and for the bounds
	inside       [][]string // what it asks the objects of lists for
	lists        [][]string // the paths of the reply it takes for lists
}

// set reports whether there is an expression.
func (f *formula) set() bool { return f.Value != "" }

// DecodeDocument reads one value of any shape.
func (v *Value) DecodeDocument(n *document.Node, d *document.Decoder) {
	switch n.Kind() {
	case document.Mapping:
		v.kind = mapping
		for i, key := range n.Keys() {
			v.names = append(v.names, key.Text())
			v.item(n.Children()[i], d)
		}
	case document.Sequence:
		v.kind = sequence
		for _, kid := range n.Children() {
			v.item(kid, d)
		}
	default:
		v.scalar(n, d)
	}
}

func (v *Value) item(n *document.Node, d *document.Decoder) {
	one := new(Value)
	v.items = append(v.items, one)
	one.DecodeDocument(n, d)
}

func (v *Value) scalar(n *document.Node, d *document.Decoder) {
	if text, ok := n.JSONLiteral(); ok {
		v.kind, v.text = literal, text
		return
	}
	switch text := n.Text(); {
	case strings.HasPrefix(text, "="):
		v.kind = computed
		v.expr.decode(n, d)
	case strings.Contains(text, "${"):
		v.kind = referring
		d.DecodeField(n, &v.secret, "")
	default:
		v.kind, v.text = plainText, text
	}
}

// decode checks an expression that stands behind an equals sign.
func (f *formula) decode(n *document.Node, d *document.Decoder) {
	var whole document.Expr
	d.DecodeField(n, &whole, "")
	text, ok := strings.CutPrefix(whole.Value, "=")
	if !ok {
		return
	}
	f.check(document.Expr{Text: whole.Slice(len(whole.Value)-len(text), len(whole.Value))}, n, d)
}

func (f *formula) check(x document.Expr, n *document.Node, d *document.Decoder) {
	f.Expr = x
	f.paths, f.cursor = pathsIn(x.Value, "reply"), pathsIn(x.Value, "cursor")
	f.each, f.parent = pathsIn(x.Value, "each"), pathsIn(x.Value, "parent")
	f.inside, f.lists = insideOf(x.Value), listsIn(x.Value)
	expression.Compile(x, &expression.Env{Shape: anyWorld(), Assume: record.Unknown, Zone: time.UTC, PlainRecord: true}, n.Path(), d.Report)
	f.checkEach(n, d.Report)
}

// flat reports values that no header or parameter can have.
func (v *Value) flat(n *document.Node, d *document.Decoder, lists bool) {
	switch {
	case v.kind == mapping, v.kind == sequence && !lists:
		d.Report.ErrorAt(n, document.CodeWrongShape, "", "%q takes a single value", n.Key().Text())
	case v.kind == literal && v.text == "null":
		d.Report.ErrorAt(n, document.CodeEmptyValue, "Give it a value or remove it.", "%q has no value", n.Key().Text())
	case v.kind == sequence:
		for i, one := range v.items {
			if one.kind == mapping || one.kind == sequence {
				d.Report.ErrorAt(n.Children()[i], document.CodeWrongShape, "", "an item of %q takes a single value", n.Key().Text())
			}
		}
	}
}

// DocumentType says what is written.
func (v *Value) DocumentType() string {
	return "text, or an expression behind `=`, or a mapping or list of them"
}

// DocumentSchema allows everything.
func (v *Value) DocumentSchema(func(any) any) any { return map[string]any{} }

// Values are named values: headers, query parameters, settings of one's own.
type Values struct {
	names  []string
	values []*Value
}

// Header is Values of single values; Query one whose values may be lists.
type (
	Header struct{ Values }
	Query  struct{ Values }
)

// DecodeDocument reads a mapping of single values.
func (h *Header) DecodeDocument(n *document.Node, d *document.Decoder) { h.decode(n, d, false) }

// DecodeDocument reads a mapping of single values or lists of them.
func (q *Query) DecodeDocument(n *document.Node, d *document.Decoder) { q.decode(n, d, true) }

func (v *Values) decode(n *document.Node, d *document.Decoder, lists bool) {
	if n.Kind() != document.Mapping {
		d.Report.ErrorAt(n, document.CodeWrongShape, "", "%q takes keys and values", n.Key().Text())
		return
	}
	for i, key := range n.Keys() {
		one := new(Value)
		one.DecodeDocument(n.Children()[i], d)
		one.flat(n.Children()[i], d, lists)
		v.names, v.values = append(v.names, key.Text()), append(v.values, one)
	}
}

// DocumentType says what is written.
func (v *Values) DocumentType() string { return "a mapping of names and values" }

// DocumentSchema is a mapping of anything.
func (v *Values) DocumentSchema(func(any) any) any { return map[string]any{"type": "object"} }

// Formula is an expression behind an equals sign.
type Formula struct{ formula }

// DecodeDocument reads and checks it.
func (f *Formula) DecodeDocument(n *document.Node, d *document.Decoder) {
	if n.Kind() != document.Scalar || !strings.HasPrefix(n.Text(), "=") {
		d.Report.ErrorAt(n, document.CodeWrongType, "Begin it with =, as in a spreadsheet: =page.number >= reply.body.pages", "%q is an expression", n.Key().Text())
		return
	}
	f.decode(n, d)
}

// DocumentType says what is written.
func (f *Formula) DocumentType() string { return "an expression behind `=`" }

// DocumentSchema is a text.
func (f *Formula) DocumentSchema(func(any) any) any { return map[string]any{"type": "string"} }

// Path is the path of a request: text with values in braces.
type Path struct {
	parts []pathPart
}

// pathPart is text, or an expression whose value is inserted escaped.
type pathPart struct {
	text string
	expr formula
}

// DecodeDocument takes the path apart.
func (p *Path) DecodeDocument(n *document.Node, d *document.Decoder) {
	var text document.Text
	d.DecodeField(n, &text, "")
	for at := 0; at < len(text.Value); {
		open := strings.IndexByte(text.Value[at:], '{')
		if open < 0 {
			p.parts = append(p.parts, pathPart{text: text.Value[at:]})
			return
		}
		p.parts = append(p.parts, pathPart{text: text.Value[at : at+open]})
		size := strings.IndexByte(text.Value[at+open:], '}')
		if size < 0 {
			d.Report.ErrorAt(text, document.CodeUnclosedBracket, "Close it: /companies/{config.company}/invoices", "a value in the path is opened with { and never closed")
			return
		}
		part := pathPart{}
		part.expr.check(document.Expr{Text: text.Slice(at+open+1, at+open+size)}, n, d)
		p.parts = append(p.parts, part)
		at += open + size + 1
	}
}

// DocumentType says what is written.
func (p *Path) DocumentType() string { return "text, with values in braces" }

// DocumentSchema is a text.
func (p *Path) DocumentSchema(func(any) any) any { return map[string]any{"type": "string"} }
