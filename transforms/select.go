package transforms

import (
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
)

// Select keeps the named fields, in the order written, and drops the rest.
type Select struct {
	Fields []document.Text
}

type selectPlan struct {
	shape *record.Shape
	from  []int
}

// Plan checks that the fields exist, each once.
func (s *Select) Plan(in *record.Shape, c *Context) Plan {
	p := &selectPlan{}
	var fields []record.Field
	seen := make(map[string]bool)
	before := c.Report.Errors()
	for _, name := range s.Fields {
		i := requireField(in, name, c)
		if i < 0 {
			continue
		}
		if seen[name.Value] {
			c.Report.ErrorAt(name, document.CodeStepDuplicateField, "name it once", "field %q is selected twice", name.Value)
			continue
		}
		seen[name.Value] = true
		p.from = append(p.from, i)
		if i < len(in.Fields) {
			fields = append(fields, in.Fields[i])
		} else {
			fields = append(fields, assumedField(name.Value, c))
		}
	}
	if len(fields) == 0 && c.Report.Errors() == before {
		c.Report.Errorf(document.CodeStepMissingField, document.Position{}, "", "name at least one field", "select keeps no field")
	}
	if c.Report.Errors() > before {
		return nil
	}
	p.shape = record.MustShape(fields...)
	return p
}

func (p *selectPlan) Shape() *record.Shape { return p.shape }

func (p *selectPlan) Start() Work { return &selectWork{plan: p} }

type selectWork struct {
	plan    *selectPlan
	columns []record.Column
}

func (w *selectWork) Apply(b *record.Batch, _ *Tally) (*record.Batch, error) {
	w.columns = w.columns[:0]
	for _, i := range w.plan.from {
		w.columns = append(w.columns, b.Columns[i])
	}
	b.Columns = append(b.Columns[:0], w.columns...)
	b.Shape = w.plan.shape
	return b, nil
}
