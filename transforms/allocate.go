package transforms

import (
	"fmt"
	"slices"

	"github.com/tieout/tieout/schemas/decimal"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
	"github.com/tieout/tieout/transforms/expression"
	"github.com/tieout/tieout/transforms/money"
)

// Allocate splits an amount to the penny: over the lines of a list in each
// record (of), or over the records that agree in some fields (within). The
// parts always add up to the amount.
type Allocate struct {
	Amount document.Expr   `yaml:"amount" required:"true" doc:"What is split; with within it must be the same on every record of the group." example:"total"`
	By     document.Expr   `yaml:"by" doc:"Weight of each part: an expression over the line (of) or the record (within); equal parts when not given." example:"square_feet"`
	Within []document.Text `yaml:"within,one_or_list" doc:"Fields that make a group of records." example:"[invoice]"`
	Of     document.Text   `yaml:"of" doc:"List field whose lines share the amount." example:"lines"`
	Set    document.Text   `yaml:"set" required:"true" doc:"Field that receives the part." example:"share"`
	Order  document.Expr   `yaml:"order" doc:"What decides who gets a left-over cent first when the remainders are equal; else the order of the lines." example:"unit"`
	Method string          `yaml:"method" enum:"largest_remainder,last,largest" default:"largest_remainder" doc:"Who gets the cents that equal rounding leaves over."`
}

type allocatePlan struct {
	spec   *Allocate
	in     *record.Shape
	shape  *record.Shape
	list   int // column of the list, or -1
	target int // column that receives the parts: of the list's child, or of the record
	field  record.Field
	within []int
	amount *expression.Program
	by     *expression.Program
	order  *expression.Program
	places int32
	method money.Method
}

// Plan compiles amount, weight and order, and says where the parts go. It is
// a rowwise step with of, and a gathering one with within.
func (s *Allocate) Plan(in *record.Shape, c *Context) Plan {
	before := c.Report.Errors()
	p := &allocatePlan{spec: s, in: in, list: -1, places: c.Env.Money.Places}
	p.method, _ = money.ParseMethod(s.Method)
	p.field = record.Field{Name: s.Set.Value, Kind: record.Decimal, Scale: p.places}
	part := in
	switch {
	case (s.Of.Value == "") == (len(s.Within) == 0):
		c.Report.ErrorAt(s.Set, document.CodeStepAllocate, "of: lines splits over the lines of each record, within: [invoice] over records", "allocate needs either of or within")
		return nil
	case s.Of.Value != "":
		part = p.planList(c)
	default:
		p.within, _ = keyFields(in, s.Within, c)
		incrementCheck(s.Within[0], "allocate", s.Within, c)
		p.target, p.shape = withField(in, p.field)
	}
	p.amount = s.numeric(s.Amount, in, "amount", c)
	if part != nil && s.By.Value != "" {
		p.by = s.numeric(s.By, part, "by", c)
	}
	if part != nil && s.Order.Value != "" {
		p.order = expression.Compile(s.Order, c.envFor(part), s.Order.Path(), c.Report)
	}
	if c.Report.Errors() > before {
		return nil
	}
	if p.list >= 0 || s.Of.Value != "" {
		return allocateLines{p}
	}
	return allocateRecords{p}
}

func (p *allocatePlan) planList(c *Context) *record.Shape {
	i := requireField(p.in, p.spec.Of, c)
	if i < 0 {
		return nil
	}
	if i == len(p.in.Fields) || p.in.Fields[i].Kind != record.List || p.in.Fields[i].Child == nil {
		c.Report.ErrorAt(p.spec.Of, document.CodeStepType, "name a list with its fields declared, or one made by group or lines", "%q is no list of records", p.spec.Of.Value)
		return nil
	}
	child := p.in.Fields[i].Child
	target, out := withField(child, p.field)
	list := p.in.Fields[i]
	list.Child = out
	p.list, p.target = i, target
	_, p.shape = withField(p.in, list)
	return child
}

func (s *Allocate) numeric(x document.Expr, in *record.Shape, what string, c *Context) *expression.Program {
	program := expression.Compile(x, c.envFor(in), x.Path(), c.Report)
	if program == nil {
		return nil
	}
	if k := program.Field().Kind; !numeric(k) && k != record.Unknown {
		c.Report.ErrorAt(x, document.CodeStepType, "give a number", "%s of allocate is %s", what, k)
	}
	return program
}

// splitter splits one amount over some rows.
type splitter struct {
	plan    *allocatePlan
	weights []decimal.Decimal
	parts   []decimal.Decimal
	rows    []int32
}

// split writes the parts of total to the rows of dst. by and order hold the
// weights and what rows are ordered by; either may be nil.
func (s *splitter) split(dst *record.Column, rows []int32, total decimal.Decimal, by, order *record.Column) error {
	s.rows = append(s.rows[:0], rows...)
	if order != nil {
		slices.SortStableFunc(s.rows, func(a, b int32) int { return compareCells(order, int(a), int(b)) })
	}
	s.weights = s.weights[:0]
	for _, row := range s.rows {
		w := decimal.FromInt(1)
		if by != nil {
			if by.Presence[row] != record.Value {
				return fmt.Errorf("a line has no weight")
			}
			w = numberAt(by, int(row))
		}
		s.weights = append(s.weights, w)
	}
	var err error
	s.parts, err = money.AppendAllocate(s.parts[:0], total, s.weights, s.plan.places, s.plan.method)
	if err != nil {
		return err
	}
	for i, row := range s.rows {
		dst.SetDecimal(int(row), s.parts[i])
	}
	return nil
}

func numberAt(c *record.Column, row int) decimal.Decimal {
	if c.Kind == record.Integer {
		return decimal.FromInt(c.Ints[row])
	}
	return c.Decimal(row)
}

func holdAllocate(b *record.Batch, row int32, err error) {
	b.Hold(record.Hold{Row: row, Code: string(document.CodeStepAllocate), Rule: "allocate", Message: fmt.Sprintf("the amount cannot be split: %v", err)})
}

// allocateLines is allocate over the lines of each record.
type allocateLines struct{ *allocatePlan }

func (p allocateLines) Shape() *record.Shape { return p.shape }

func (p allocateLines) Start() Work {
	w := &allocateWork{plan: p.allocatePlan, amount: p.amount.Evaluator(), splitter: splitter{plan: p.allocatePlan}}
	if p.by != nil {
		w.by = p.by.Evaluator()
	}
	if p.order != nil {
		w.order = p.order.Evaluator()
	}
	return w
}

type allocateWork struct {
	plan              *allocatePlan
	splitter          splitter
	amount, by, order *expression.Evaluator

	total, weight, rank, parts record.Column
	child                      record.Batch
	rows                       []int32
}

func (w *allocateWork) Apply(b *record.Batch, _ *Tally) (*record.Batch, error) {
	list := b.Columns[w.plan.list]
	failed := make(map[int32]bool)
	w.amount.Eval(b, &w.total, func(row int32, f expression.Failure) {
		failed[row] = true
		holdFailure(b, row, "allocate", "amount", f)
	})
	weight := w.evalLines(w.by, &w.weight, list.Child)
	rank := w.evalLines(w.order, &w.rank, list.Child)
	w.parts.Reset(record.Decimal, list.Child.Rows)
	w.parts.Scale = max(w.plan.places, 0)
	for _, row := range b.Live {
		if failed[row] || list.Presence[row] != record.Value {
			continue
		}
		if err := w.row(&list, row, weight, rank); err != nil {
			holdAllocate(b, row, err)
		}
	}
	w.place(b, list)
	return b, nil
}

// evalLines evaluates an expression over all lines of the batch. A line
// whose weight fails has none, which holds its record.
func (w *allocateWork) evalLines(ev *expression.Evaluator, dst *record.Column, child *record.Batch) *record.Column {
	if ev == nil {
		return nil
	}
	ev.Eval(child, dst, func(int32, expression.Failure) {})
	return dst
}

func (w *allocateWork) row(list *record.Column, row int32, weight, rank *record.Column) error {
	from, to := list.ListRange(int(row))
	if w.total.Presence[row] != record.Value {
		return fmt.Errorf("it has no value")
	}
	if from == to {
		return fmt.Errorf("there are no lines")
	}
	w.rows = w.rows[:0]
	for k := from; k < to; k++ {
		w.rows = append(w.rows, k)
	}
	return w.splitter.split(&w.parts, w.rows, numberAt(&w.total, int(row)), weight, rank)
}

// place puts the parts into a copy of the list's lines.
func (w *allocateWork) place(b *record.Batch, list record.Column) {
	list.Child.Derive(&w.child)
	w.child.Shape = w.plan.shape.Fields[w.plan.list].Child
	if w.plan.target == len(w.child.Columns) {
		w.child.Columns = append(w.child.Columns, w.parts)
	} else {
		w.child.Columns[w.plan.target] = w.parts
	}
	list.Child = &w.child
	b.Columns[w.plan.list] = list
	b.Shape = w.plan.shape
}

// allocateRecords is allocate over records.
type allocateRecords struct{ *allocatePlan }

func (p allocateRecords) Shape() *record.Shape { return p.shape }

func (p allocateRecords) Guard() Work { return &keyGuard{step: "allocate", columns: p.within} }

func (p allocateRecords) Collect(spill Spill) Collector {
	a := &allocateCollector{plan: p.allocatePlan, buffer: newBuffer(p.in, spill),
		amount: p.amount.Evaluator(), splitter: splitter{plan: p.allocatePlan}}
	if p.by != nil {
		a.by = p.by.Evaluator()
	}
	if p.order != nil {
		a.order = p.order.Evaluator()
	}
	return a
}

type allocateCollector struct {
	plan              *allocatePlan
	buffer            *buffer
	splitter          splitter
	amount, by, order *expression.Evaluator
	waits             waiting
	key               []byte
}

func (a *allocateCollector) Add(b *record.Batch) error {
	for _, row := range b.Live {
		a.key, _ = appendKey(a.key[:0], b, a.plan.within, int(row))
		if err := a.buffer.add(b, row, a.key); err != nil {
			return err
		}
	}
	return nil
}

func (a *allocateCollector) Wait(b *record.Batch, unknown func(row int32)) {
	a.waits.take(b, a.plan.within, unknown)
}

func (a *allocateCollector) Close() error { return a.buffer.Close() }

// Drain splits each group's amount and puts its records out, group by group.
func (a *allocateCollector) Drain(emit func(*record.Batch) error, _ *Tally) error {
	return a.buffer.each(func(rows *record.Batch, keys []string) error {
		var total, weight, rank, parts record.Column
		a.amount.Eval(rows, &total, func(int32, expression.Failure) {})
		by, order := evalRows(a.by, &weight, rows), evalRows(a.order, &rank, rows)
		parts.Reset(record.Decimal, rows.Rows)
		parts.Scale = max(a.plan.places, 0)
		var out []int32
		problems := make(map[int32]error)
		for _, members := range groups(keys) {
			out = append(out, members...)
			if err := a.group(&parts, members, keys, &total, by, order); err != nil {
				for _, row := range members {
					problems[row] = err
				}
			}
		}
		work := new(record.Batch)
		rows.Derive(work)
		work.Shape = a.plan.shape
		if a.plan.target == len(work.Columns) {
			work.Columns = append(work.Columns, parts)
		} else {
			work.Columns[a.plan.target] = parts
		}
		return emitParts(work, out, problems, emit)
	})
}

func evalRows(ev *expression.Evaluator, dst *record.Column, rows *record.Batch) *record.Column {
	if ev == nil {
		return nil
	}
	ev.Eval(rows, dst, func(int32, expression.Failure) {})
	return dst
}

func (a *allocateCollector) group(parts *record.Column, members []int32, keys []string, total, by, order *record.Column) error {
	if a.waits.keys[keys[members[0]]] {
		return fmt.Errorf("a record of the same group is held, and the parts must add up")
	}
	for _, row := range members {
		if total.Presence[row] != record.Value {
			return fmt.Errorf("it has no value on one of the records")
		}
		if !numberAt(total, int(row)).Equal(numberAt(total, int(members[0]))) {
			return fmt.Errorf("the records of the group name different amounts, %s and %s", numberAt(total, int(members[0])), numberAt(total, int(row)))
		}
	}
	return a.splitter.split(parts, members, numberAt(total, int(members[0])), by, order)
}

func emitParts(rows *record.Batch, order []int32, problems map[int32]error, emit func(*record.Batch) error) error {
	for from := 0; from < len(order); from += record.BatchRows {
		part := order[from:min(len(order), from+record.BatchRows)]
		out := new(record.Batch)
		rows.Pick(out, part)
		for i, row := range part {
			if err := problems[row]; err != nil {
				holdAllocate(out, int32(i), err)
			}
		}
		if err := emit(out); err != nil {
			return err
		}
	}
	return nil
}
