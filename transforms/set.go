package transforms

import (
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
	"github.com/tieout/tieout/transforms/expression"
)

// Set computes fields one after the other: each expression sees the fields
// set before it. A name that exists is replaced, in its place.
type Set struct {
	Fields document.Map[document.Expr] // name: expression
}

type setPlan struct {
	shape  *record.Shape
	fields []setField
}

type setField struct {
	index   int
	shape   *record.Shape // after this field
	program *expression.Program
}

// Plan compiles each expression against the fields before it.
func (s *Set) Plan(in *record.Shape, c *Context) Plan {
	p := &setPlan{shape: in}
	before := c.Report.Errors()
	for _, e := range s.Fields.Entries {
		program := expression.Compile(e.Value, c.envFor(p.shape), e.Value.Path(), c.Report)
		field := record.NewField(e.Key.Value, c.Env.Assume)
		if program != nil {
			field = program.Field()
			field.Name = e.Key.Value
		}
		if field.Kind.Nested() {
			c.Report.ErrorAt(e.Value, document.CodeStepType, "compute a single value, or use lines or group to make lists", "field %q would be a %s", field.Name, field.Kind)
		}
		index, shape := withField(p.shape, field)
		p.fields = append(p.fields, setField{index: index, shape: shape, program: program})
		p.shape = shape
	}
	if c.Report.Errors() > before {
		return nil
	}
	return p
}

// withField returns the shape with a field replaced or added, and its index.
func withField(in *record.Shape, field record.Field) (int, *record.Shape) {
	fields := append([]record.Field(nil), in.Fields...)
	index := in.Index(field.Name)
	if index < 0 {
		index = len(fields)
		fields = append(fields, field)
	} else {
		fields[index] = field
	}
	shape := record.MustShape(fields...)
	shape.Open = in.Open
	return index, shape
}

func (p *setPlan) Shape() *record.Shape { return p.shape }

func (p *setPlan) Start() Work {
	w := &setWork{plan: p, columns: make([]record.Column, len(p.fields))}
	for i := range p.fields {
		w.evaluators = append(w.evaluators, p.fields[i].program.Evaluator())
	}
	return w
}

type setWork struct {
	plan       *setPlan
	evaluators []*expression.Evaluator
	columns    []record.Column
}

func (w *setWork) Apply(b *record.Batch, _ *Tally) (*record.Batch, error) {
	for i := range w.plan.fields {
		f := &w.plan.fields[i]
		name := f.shape.Fields[f.index].Name
		w.evaluators[i].Eval(b, &w.columns[i], func(row int32, failure expression.Failure) {
			holdFailure(b, row, "set", name, failure)
		})
		if f.index == len(b.Columns) {
			b.Columns = append(b.Columns, w.columns[i])
		} else {
			b.Columns[f.index] = w.columns[i]
		}
		b.Shape = f.shape
	}
	return b, nil
}

// holdFailure stops a row whose expression failed. The field is the one at
// fault if the failure knows it, else the one being computed.
func holdFailure(b *record.Batch, row int32, step, field string, f expression.Failure) {
	if f.Field != "" {
		field = f.Field
	}
	b.Hold(record.Hold{Row: row, Code: string(f.Code), Rule: step, Field: field, Message: f.Message})
}
