package transforms

import (
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
	"github.com/tieout/tieout/transforms/expression"
)

// Group makes one document of the records that agree in some fields. In set,
// lines is the list of those records; lines says what of each is kept.
type Group struct {
	By    []document.Text             `yaml:"by,one_or_list" required:"true" doc:"Fields whose values make a group." example:"[customer, period]"`
	Set   document.Map[document.Expr] `yaml:"set" doc:"Fields of the document: expressions over the by fields and over lines." example:"{total: 'sum(lines, .amount)'}"`
	Lines document.Map[document.Expr] `yaml:"lines" doc:"Fields of each line: expressions over the record; the records as they are when not given." example:"{amount: amount}"`
}

// Summarize makes one record of the records that agree in some fields, and
// keeps no lines.
type Summarize struct {
	By  []document.Text             `yaml:"by,one_or_list" doc:"Fields whose values make a group; all records make one when not given."`
	Set document.Map[document.Expr] `yaml:"set" required:"true" doc:"Fields of the result: expressions over the by fields and over lines, the list of the records." example:"{total: 'sum(lines, .amount)'}"`
}

// linesField is the name of the list of a group's records.
const linesField = "lines"

type groupPlan struct {
	step    string
	in      *record.Shape
	by      []int
	nested  *record.Shape // by fields and the list of records
	set     []setField
	full    *record.Shape // nested and the set fields
	lines   []*expression.Program
	line    *record.Shape
	out     *record.Shape
	columns []int // of full, for each field of out but the lines
}

// Plan compiles the expressions over the group.
func (s *Group) Plan(in *record.Shape, c *Context) Plan {
	p := planGroup("group", in, s.By, s.Set, c)
	if p == nil {
		return nil
	}
	before := c.Report.Errors()
	p.line = in
	if s.Lines.Len() > 0 {
		p.planLines(in, s.Lines, c)
	}
	p.out = shapeWith(p.out, record.Field{Name: linesField, Kind: record.List, Scale: record.NoScale, Child: p.line})
	if c.Report.Errors() > before {
		return nil
	}
	return p
}

// Plan compiles the expressions over the records.
func (s *Summarize) Plan(in *record.Shape, c *Context) Plan {
	p := planGroup("summarize", in, s.By, s.Set, c)
	if p == nil {
		return nil
	}
	return p
}

func planGroup(step string, in *record.Shape, by []document.Text, set document.Map[document.Expr], c *Context) *groupPlan {
	before := c.Report.Errors()
	p := &groupPlan{step: step, in: in}
	columns, known := keyFields(in, by, c)
	if len(by) > 0 {
		incrementCheck(by[0], step, by, c)
	} else if set.Len() > 0 {
		incrementCheck(set.Entries[0].Key, step, by, c)
	}
	p.by = columns
	var fields []record.Field
	for _, name := range by {
		if i := in.Index(name.Value); i >= 0 {
			fields = append(fields, in.Fields[i])
		} else {
			fields = append(fields, assumedField(name.Value, c))
		}
	}
	lines := record.Field{Name: linesField, Kind: record.List, Scale: record.NoScale, Child: in}
	if !known && c.Report.Errors() > before {
		return nil
	}
	nested, err := record.NewShape(append(fields, lines)...)
	if err != nil {
		c.Report.ErrorAt(by[0], document.CodeStepDuplicateField, "name each field once; rename a field called lines first", "%v", err)
		return nil
	}
	p.nested = nested
	setPlan, ok := (&Set{Fields: set}).Plan(nested, c).(*setPlan)
	if !ok || setPlan == nil {
		return nil
	}
	p.set, p.full = setPlan.fields, setPlan.shape
	p.project()
	return p
}

// project lays out the result without the list of records.
func (p *groupPlan) project() {
	var fields []record.Field
	for i := range p.full.Fields {
		if f := p.full.Fields[i]; f.Name != linesField {
			p.columns, fields = append(p.columns, i), append(fields, f)
		}
	}
	p.out = record.MustShape(fields...)
}

func (p *groupPlan) planLines(in *record.Shape, lines document.Map[document.Expr], c *Context) {
	var fields []record.Field
	for _, e := range lines.Entries {
		program := expression.Compile(e.Value, c.envFor(in), e.Value.Path(), c.Report)
		if program == nil {
			continue
		}
		f := program.Field()
		f.Name = e.Key.Value
		p.lines, fields = append(p.lines, program), append(fields, f)
	}
	p.line = record.MustShape(fields...)
}

func shapeWith(in *record.Shape, f record.Field) *record.Shape {
	return record.MustShape(append(append([]record.Field(nil), in.Fields...), f)...)
}

func (p *groupPlan) Shape() *record.Shape { return p.out }

func (p *groupPlan) Guard() Work { return &keyGuard{step: p.step, columns: p.by} }

func (p *groupPlan) Collect(spill Spill) Collector {
	c := &groupCollector{plan: p, buffer: newBuffer(p.in, spill)}
	for i := range p.set {
		c.set = append(c.set, p.set[i].program.Evaluator())
	}
	for _, program := range p.lines {
		c.lines = append(c.lines, program.Evaluator())
	}
	return c
}

type groupCollector struct {
	plan   *groupPlan
	buffer *buffer
	set    []*expression.Evaluator
	lines  []*expression.Evaluator
	waits  waiting // groups a held record belongs to
	key    []byte
}

func (g *groupCollector) Add(b *record.Batch) error {
	for _, row := range b.Live {
		g.key, _ = appendKey(g.key[:0], b, g.plan.by, int(row))
		if err := g.buffer.add(b, row, g.key); err != nil {
			return err
		}
	}
	return nil
}

func (g *groupCollector) Wait(b *record.Batch, unknown func(row int32)) {
	g.waits.take(b, g.plan.by, unknown)
}

func (g *groupCollector) Close() error { return g.buffer.Close() }

// Drain puts out the groups, some hundred at a time.
func (g *groupCollector) Drain(emit func(*record.Batch) error, t *Tally) error {
	return g.buffer.each(func(rows *record.Batch, keys []string) error {
		all := groups(keys)
		for from := 0; from < len(all); {
			to, size := from, 0
			for to < len(all) && to-from < record.BatchRows && size < 64*record.BatchRows {
				size += len(all[to])
				to++
			}
			t.Merged += int64(size - (to - from))
			if err := emit(g.documents(rows, keys, all[from:to])); err != nil {
				return err
			}
			from = to
		}
		return nil
	})
}

// documents builds one batch of groups.
func (g *groupCollector) documents(rows *record.Batch, keys []string, members [][]int32) *record.Batch {
	b := g.nest(rows, members)
	for i, ev := range g.set {
		f := &g.plan.set[i]
		var c record.Column
		ev.Eval(b, &c, func(row int32, failure expression.Failure) {
			holdFailure(b, row, g.plan.step, f.shape.Fields[f.index].Name, failure)
		})
		if f.index == len(b.Columns) {
			b.Columns = append(b.Columns, c)
		} else {
			b.Columns[f.index] = c
		}
		b.Shape = f.shape
	}
	list := b.Columns[g.plan.nested.Index(linesField)]
	out := &record.Batch{Shape: g.plan.out, Rows: b.Rows, Live: b.Live, Held: b.Held, Origin: b.Origin}
	for _, i := range g.plan.columns {
		out.Columns = append(out.Columns, b.Columns[i])
	}
	if g.plan.line != nil {
		out.Columns = append(out.Columns, g.project(list, out))
	}
	for row := range members {
		if g.waits.keys[keys[members[row][0]]] {
			out.Hold(record.Hold{Row: int32(row), Code: string(document.CodeRuleFailed), Rule: g.plan.step, Echo: true,
				Message: "a record of this group is held, and a document is whole or it waits"})
		}
	}
	return out
}

// nest makes a batch of the by fields and the list of each group's records.
func (g *groupCollector) nest(rows *record.Batch, members [][]int32) *record.Batch {
	first := make([]int32, len(members))
	var order []int32
	list := record.Column{Kind: record.List, Presence: make([]record.Presence, len(members)), Starts: []int32{0}, Child: new(record.Batch)}
	b := &record.Batch{Shape: g.plan.nested, Rows: len(members), Columns: make([]record.Column, len(g.plan.by))}
	for i, m := range members {
		first[i] = m[0]
		order = append(order, m...)
		list.Presence[i] = record.Value
		list.Starts = append(list.Starts, int32(len(order)))
	}
	for n, i := range g.plan.by {
		record.Gather(&b.Columns[n], &rows.Columns[i], first)
	}
	rows.Pick(list.Child, order)
	b.Columns = append(b.Columns, list)
	b.Origin.Input = rows.Origin.Input
	for _, row := range first {
		if int(row) < len(rows.Origin.Line) {
			b.Origin.Line = append(b.Origin.Line, rows.Origin.Line[row])
		}
	}
	b.AllLive()
	return b
}

// project computes the lines of each document.
func (g *groupCollector) project(list record.Column, out *record.Batch) record.Column {
	if len(g.lines) == 0 {
		return list
	}
	child := &record.Batch{Shape: g.plan.line, Rows: list.Child.Rows, Columns: make([]record.Column, len(g.lines))}
	owner := make([]int32, list.Child.Rows)
	for row := range out.Rows {
		for k := list.Starts[row]; k < list.Starts[row+1]; k++ {
			owner[k] = int32(row)
		}
	}
	for i, ev := range g.lines {
		name := g.plan.line.Fields[i].Name
		ev.Eval(list.Child, &child.Columns[i], func(row int32, failure expression.Failure) {
			holdFailure(out, owner[row], g.plan.step, linesField+"."+name, failure)
		})
	}
	child.AllLive()
	list.Child = child
	return list
}
