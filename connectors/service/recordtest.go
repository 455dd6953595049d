package service

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/rows"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
	"github.com/tieout/tieout/transforms/expression"
)

// RecordFormula is an expression over the fields of a record, behind an equals
// sign.
type RecordFormula struct {
	document.Expr
	names []string // fields it looks at
}

// DecodeDocument reads and checks it.
func (f *RecordFormula) DecodeDocument(n *document.Node, d *document.Decoder) {
	if n.Kind() != document.Scalar || !strings.HasPrefix(n.Text(), "=") {
		d.Report.ErrorAt(n, document.CodeWrongType, "Begin it with =, as in a spreadsheet: =status != \"void\"", "%q is an expression", n.Key().Text())
		return
	}
	var whole document.Expr
	d.DecodeField(n, &whole, "")
	f.Expr = document.Expr{Text: whole.Slice(1, len(whole.Value))}
	anything := record.MustShape()
	anything.Open = true
	p := expression.Compile(f.Expr, &expression.Env{Shape: anything, Assume: record.Unknown}, n.Path(), d.Report)
	if p == nil {
		return
	}
	f.names = nil
	for _, name := range p.Assumed() {
		inside := regexp.MustCompile(`(?:^|[^.\w"])`+regexp.QuoteMeta(name)+`((?:\.[A-Za-z_]\w*)+)`).FindAllStringSubmatch(f.Value, -1)
		for _, m := range inside {
			f.names = append(f.names, name+m[1])
		}
		if len(inside) == 0 {
			f.names = append(f.names, name)
		}
	}
	if kind := p.Field().Kind; kind != record.Boolean && kind != record.Unknown {
		d.Report.ErrorAt(f.Expr, document.CodeExprType, "Compare it with something.", "%q is neither true nor false, but %s", n.Key().Text(), kind)
	}
}

// DocumentType says what is written.
func (f *RecordFormula) DocumentType() string { return "an expression behind `=`" }

// DocumentSchema is a text.
func (f *RecordFormula) DocumentSchema(func(any) any) any { return map[string]any{"type": "string"} }

func (f *RecordFormula) set() bool { return f.Value != "" }

// recordTest asks a yes-or-no expression about records as they arrive.
type recordTest struct {
	fill *rows.Filler
	plan *rows.Plan
	test *expression.Evaluator
	b    record.Batch
}

// newRecordTest compiles an expression for the types the fields are declared
// with; others are text.
func newRecordTest(f *RecordFormula, read *connectors.Read, format string, limits connectors.Limits) (*recordTest, error) {
	only := connectors.Read{Stream: read.Stream, Zone: read.Zone, Wanted: []string{}}
	for _, name := range f.names {
		only.Fields = addPath(only.Fields, strings.Split(name, "."), read.Fields)
	}
	t := new(recordTest)
	var err error
	if format == inXML {
		t.plan, err = rows.NewXMLPlan(only, nil, limits)
	} else {
		t.plan, err = rows.NewPlan(only, nil, limits)
	}
	if err != nil {
		return nil, err
	}
	var r document.Report
	p := expression.Compile(f.Expr, &expression.Env{Shape: t.plan.Shape(), Zone: read.Zone}, f.Path(), &r)
	if p == nil {
		return nil, fmt.Errorf("%w: %w; declare the types of its fields under fields: of the stream", connectors.ErrConfig, r.Err())
	}
	if !p.Evaluable() || p.Field().Kind != record.Boolean {
		return nil, fmt.Errorf("%w: %s: the expression is neither true nor false", connectors.ErrConfig, f.Position(0))
	}
	t.fill, t.test = rows.NewFiller(t.plan, place), p.Evaluator()
	return t, nil
}

// addPath adds a field, or what stands in a record, to a list of fields.
func addPath(specs []connectors.FieldSpec, path []string, declared []connectors.FieldSpec) []connectors.FieldSpec {
	for i := range specs {
		if specs[i].Name == path[0] {
			if len(path) > 1 && specs[i].Kind == record.Record {
				specs[i].Fields = addPath(specs[i].Fields, path[1:], nil)
			}
			return specs
		}
	}
	for _, f := range declared {
		if f.Name == path[0] {
			f.Optional = true
			return append(specs, f)
		}
	}
	f := connectors.FieldSpec{Name: path[0], Kind: record.Text, Scale: record.NoScale, Optional: true}
	if len(path) > 1 {
		f.Kind, f.Fields = record.Record, addPath(nil, path[1:], nil)
	}
	return append(specs, f)
}

// ask tells whether the expression is true, false, or cannot be told for a
// record.
func (t *recordTest) ask(it rows.Item) expression.Truth {
	t.b.Reset(t.plan.Shape(), 1)
	if it.Err != nil || t.fill.Row(&t.b, 0, rows.Item{Raw: bytes.TrimSpace(it.Raw)}) != nil || len(t.b.Held) > 0 {
		return expression.Nil
	}
	t.b.SetRows(1)
	t.b.AllLive()
	out := expression.Nil
	t.test.Test(&t.b, func(_ int32, v expression.Truth) { out = v }, nil)
	return out
}
