package transforms

import (
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
	"github.com/tieout/tieout/transforms/expression"
)

// Lines makes several lines of one record, such as the debit and the credit
// of a journal entry.
type Lines struct {
	As   document.Text `yaml:"as" default:"lines" doc:"Name of the list field."`
	Each []Line        `yaml:"each" required:"true" doc:"The lines, in order; all set the same fields."`
}

// Line is one line of each record.
type Line struct {
	When document.Expr               `yaml:"when" doc:"Make the line only where this is true." example:"parking != 0"`
	Set  document.Map[document.Expr] `yaml:"set" required:"true" doc:"Fields of the line: expressions over the record."`
}

type linesPlan struct {
	shape *record.Shape
	index int
	child *record.Shape
	each  []linePlan
}

type linePlan struct {
	when *expression.Program
	set  []*expression.Program // in the order of the child shape
}

// Plan compiles every line and makes sure that they have the same fields.
func (s *Lines) Plan(in *record.Shape, c *Context) Plan {
	before := c.Report.Errors()
	p := &linesPlan{}
	var fields []record.Field
	for n := range s.Each {
		line, kinds := s.planLine(n, in, c)
		if n == 0 {
			fields = kinds
		}
		if line != nil && s.agree(n, fields, kinds, c) {
			p.each = append(p.each, *line)
		}
	}
	if c.Report.Errors() > before {
		return nil
	}
	p.child = record.MustShape(fields...)
	p.index, p.shape = withField(in, record.Field{Name: s.As.Value, Kind: record.List, Scale: record.NoScale, Child: p.child})
	return p
}

func (s *Lines) planLine(n int, in *record.Shape, c *Context) (*linePlan, []record.Field) {
	before := c.Report.Errors()
	line := &linePlan{}
	spec := &s.Each[n]
	if spec.When.Value != "" {
		line.when = expression.Compile(spec.When, c.envFor(in), spec.When.Path(), c.Report)
		if line.when != nil && line.when.Field().Kind != record.Boolean && line.when.Field().Kind != record.Unknown {
			c.Report.ErrorAt(spec.When, document.CodeExprType, "write a comparison", "when must be true or false")
		}
	}
	var fields []record.Field
	for _, e := range spec.Set.Entries {
		program := expression.Compile(e.Value, c.envFor(in), e.Value.Path(), c.Report)
		f := record.NewField(e.Key.Value, record.Unknown)
		if program != nil {
			f = program.Field()
			f.Name = e.Key.Value
		}
		line.set, fields = append(line.set, program), append(fields, f)
	}
	if c.Report.Errors() > before {
		return nil, fields
	}
	return line, fields
}

// agree makes a line's fields those of the first line, in its order. An
// integer widens to a decimal, and scales to the larger.
func (s *Lines) agree(n int, fields, kinds []record.Field, c *Context) bool {
	keys := s.Each[n].Set.Entries
	if len(fields) != len(kinds) {
		c.Report.ErrorAt(keys[0].Key, document.CodeStepType, "give every line the same fields; nil is a value", "line %d sets %d fields, the first line %d", n+1, len(kinds), len(fields))
		return false
	}
	for i := range kinds {
		f, k := &fields[i], &kinds[i]
		if f.Name != k.Name {
			c.Report.ErrorAt(keys[i].Key, document.CodeStepType, "set the fields of every line in the same order", "line %d sets %q where the first line sets %q", n+1, k.Name, f.Name)
			return false
		}
		switch {
		case f.Kind == k.Kind && f.Scale != k.Scale:
			f.Scale = record.NoScale
		case f.Kind == k.Kind, k.Kind == record.Unknown:
		case f.Kind == record.Unknown:
			*f = *k
		case numeric(f.Kind) && numeric(k.Kind):
			f.Kind, f.Scale = record.Decimal, record.NoScale
		default:
			c.Report.ErrorAt(keys[i].Value, document.CodeStepType, "make both the same type", "%q is %s here and %s in the first line", k.Name, k.Kind, f.Kind)
			return false
		}
	}
	return true
}

func numeric(k record.Kind) bool { return k == record.Integer || k == record.Decimal }

func (p *linesPlan) Shape() *record.Shape { return p.shape }

func (p *linesPlan) Start() Work {
	w := &linesWork{plan: p}
	for i := range p.each {
		var line lineWork
		if p.each[i].when != nil {
			line.when = p.each[i].when.Evaluator()
		}
		for _, program := range p.each[i].set {
			line.set = append(line.set, program.Evaluator())
		}
		line.columns = make([]record.Column, len(line.set))
		w.each = append(w.each, line)
	}
	return w
}

type linesWork struct {
	plan *linesPlan
	each []lineWork
	list record.Column
}

type lineWork struct {
	when    *expression.Evaluator
	set     []*expression.Evaluator
	columns []record.Column
	made    []bool
}

func (w *linesWork) Apply(b *record.Batch, _ *Tally) (*record.Batch, error) {
	for i := range w.each {
		w.each[i].compute(b, w.plan.child)
	}
	if w.list.Child == nil {
		w.list.Child = new(record.Batch)
	}
	child := w.list.Child
	w.list.Reset(record.List, b.Rows)
	child.Reset(w.plan.child, 0)
	next := 0
	for _, row := range b.Live {
		for ; next < int(row); next++ {
			w.list.EndList(next, record.Absent)
		}
		for i := range w.each {
			if w.each[i].made[row] {
				w.each[i].emit(child, int(row))
			}
		}
		w.list.EndList(next, record.Value)
		next++
	}
	for ; next < b.Rows; next++ {
		w.list.EndList(next, record.Absent)
	}
	if w.plan.index == len(b.Columns) {
		b.Columns = append(b.Columns, w.list)
	} else {
		b.Columns[w.plan.index] = w.list
	}
	b.Shape = w.plan.shape
	return b, nil
}

// compute evaluates one line for all rows. A line whose condition cannot be
// decided holds the record.
func (l *lineWork) compute(b *record.Batch, child *record.Shape) {
	l.made = append(l.made[:0], make([]bool, b.Rows)...)
	fail := func(field string) func(int32, expression.Failure) {
		return func(row int32, f expression.Failure) { holdFailure(b, row, "lines", field, f) }
	}
	if l.when == nil {
		for i := range l.made {
			l.made[i] = true
		}
	} else {
		l.when.Test(b, func(row int32, truth expression.Truth) {
			l.made[row] = truth == expression.True
			if truth == expression.Nil {
				holdFailure(b, row, "lines", l.when.NilField(), expression.Failure{Code: document.CodeRuleNil, Message: "the condition of a line cannot be decided"})
			}
		}, fail("when"))
	}
	for i, ev := range l.set {
		ev.Eval(b, &l.columns[i], fail(child.Fields[i].Name))
	}
}

func (l *lineWork) emit(child *record.Batch, row int) {
	n := child.Rows
	child.SetRows(n + 1)
	child.Live = append(child.Live, int32(n))
	for i := range l.columns {
		copyScalar(&child.Columns[i], n, &l.columns[i], row)
	}
}

// copyScalar copies one value; an integer may go where decimals are kept.
func copyScalar(dst *record.Column, to int, src *record.Column, from int) {
	if src.Presence[from] != record.Value {
		dst.SetNil(to)
		return
	}
	switch {
	case src.Kind == record.Text:
		dst.SetText(to, src.Text(from))
	case src.Kind == record.Decimal:
		dst.SetDecimal(to, src.Decimal(from))
	case dst.Kind == record.Decimal:
		dst.SetCoef(to, src.Ints[from], 0)
	default:
		dst.SetInt(to, src.Ints[from])
	}
}
