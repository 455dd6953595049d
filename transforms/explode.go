package transforms

import (
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
)

// Explode makes one record of each element of a list. The parent's other
// fields are kept on every one of them.
type Explode struct {
	List      document.Text `yaml:"list" required:"true" doc:"The list field." example:"lines"`
	As        document.Text `yaml:"as" doc:"Name of a record field that holds the element; its fields stand beside the parent's when not given." example:"line"`
	KeepEmpty bool          `yaml:"keep_empty" doc:"Keep a record whose list is empty, without an element."`
}

type explodePlan struct {
	shape  *record.Shape
	list   int
	kept   []int // columns of the parent
	nested bool
	empty  bool
}

// Plan checks that the field is a list and that no name is there twice.
func (s *Explode) Plan(in *record.Shape, c *Context) Plan {
	i := requireField(in, s.List, c)
	if i < 0 {
		return nil
	}
	if i == len(in.Fields) || in.Fields[i].Kind == record.Unknown {
		return &explodePlan{shape: &record.Shape{Open: true}}
	}
	f := in.Fields[i]
	if f.Kind != record.List || f.Child == nil {
		c.Report.ErrorAt(s.List, document.CodeStepType, "declare it as a list with its fields under source.fields", "%q is %s, not a list of records", f.Name, f.Kind)
		return nil
	}
	p := &explodePlan{list: i, nested: s.As.Value != "", empty: s.KeepEmpty}
	var fields []record.Field
	for k := range in.Fields {
		if k != i {
			p.kept, fields = append(p.kept, k), append(fields, in.Fields[k])
		}
	}
	if p.nested {
		fields = append(fields, record.Field{Name: s.As.Value, Kind: record.Record, Scale: record.NoScale, Child: f.Child})
	} else {
		fields = append(fields, f.Child.Fields...)
	}
	shape, err := record.NewShape(fields...)
	if err != nil {
		c.Report.ErrorAt(s.List, document.CodeStepDuplicateField, "say as: line to keep the element's fields apart, or rename one of the two", "%v after the list is exploded", err)
		return nil
	}
	shape.Open = in.Open
	p.shape = shape
	return p
}

func (p *explodePlan) Shape() *record.Shape { return p.shape }

func (p *explodePlan) Start() Work { return &explodeWork{plan: p} }

// Shadow keeps a record whose list could not be read, without an element.
func (p *explodePlan) Shadow() Work { return &explodeWork{plan: p, unread: true} }

type explodeWork struct {
	plan    *explodePlan
	unread  bool // records without a list are kept
	out     record.Batch
	columns []record.Column // of out as made here; steps behind move those of out about
	parents []int32         // parent row of each output row
	child   []int32         // row of the list's child batch, or -1
}

func (w *explodeWork) Apply(b *record.Batch, t *Tally) (*record.Batch, error) {
	w.parents, w.child = w.parents[:0], w.child[:0]
	list := &b.Columns[w.plan.list]
	for _, row := range b.Live {
		from, to := int32(0), int32(0)
		if list.Presence[row] == record.Value {
			from, to = list.ListRange(int(row))
		}
		for k := from; k < to; k++ {
			w.parents, w.child = append(w.parents, row), append(w.child, k)
		}
		switch {
		case from < to:
			t.Created += int64(to-from) - 1
		case w.plan.empty, w.unread && list.Presence[row] == record.Absent:
			w.parents, w.child = append(w.parents, row), append(w.child, -1)
		default:
			t.Dropped++
		}
	}
	w.build(b, list.Child)
	return &w.out, nil
}

func (w *explodeWork) build(b, child *record.Batch) {
	o := &w.out
	o.Shape, o.Rows, o.Seq, o.Origin = w.plan.shape, len(w.parents), b.Seq, b.Origin
	if w.columns == nil {
		w.columns = make([]record.Column, len(o.Shape.Fields))
	}
	for n, i := range w.plan.kept {
		record.Gather(&w.columns[n], &b.Columns[i], w.parents)
	}
	base := len(w.plan.kept)
	if w.plan.nested {
		w.element(&w.columns[base], child)
	} else {
		for k := range child.Columns {
			gatherOrNil(&w.columns[base+k], &child.Columns[k], w.child)
		}
	}
	o.Columns = append(o.Columns[:0], w.columns...)
	o.Held, o.Stopped, o.Doc = o.Held[:0], o.Stopped[:0], o.Doc[:0]
	for _, row := range w.parents {
		o.Doc = append(o.Doc, b.Entry(row))
	}
	o.AllLive()
}

// element makes the record column of an element under its own name.
func (w *explodeWork) element(c *record.Column, child *record.Batch) {
	if c.Child == nil {
		c.Child = new(record.Batch)
	}
	held := c.Child
	c.Reset(record.Record, len(w.child))
	c.Child = held
	held.Shape, held.Rows = child.Shape, len(w.child)
	if cap(held.Columns) < len(child.Columns) {
		held.Columns = make([]record.Column, len(child.Columns))
	}
	held.Columns = held.Columns[:len(child.Columns)]
	for k := range child.Columns {
		gatherOrNil(&held.Columns[k], &child.Columns[k], w.child)
	}
	for row, k := range w.child {
		c.Presence[row] = record.Value
		if k < 0 {
			c.Presence[row] = record.Nil
		}
	}
}

// gatherOrNil gathers rows, with nil for the ones that are -1.
func gatherOrNil(dst, src *record.Column, rows []int32) {
	whole := true
	for _, r := range rows {
		whole = whole && r >= 0
	}
	if whole {
		record.Gather(dst, src, rows)
		return
	}
	var one record.Batch
	shape := record.MustShape(record.Field{Name: "x", Kind: src.Kind, Scale: record.NoScale, Child: childShape(src)})
	one.Reset(shape, 0)
	from := record.Batch{Shape: shape, Columns: []record.Column{*src}, Rows: len(src.Presence)}
	for _, r := range rows {
		if r >= 0 {
			one.Append(&from, []int32{r})
			continue
		}
		n := one.Rows
		one.SetRows(n + 1)
		if src.Kind == record.List && childShape(src) != nil {
			one.Columns[0].EndList(n, record.Nil)
		} else {
			one.Columns[0].SetNil(n)
		}
	}
	*dst = one.Columns[0]
}

func childShape(c *record.Column) *record.Shape {
	if c.Kind.Nested() && c.Child != nil {
		return c.Child.Shape
	}
	return nil
}
