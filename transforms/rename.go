package transforms

import (
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
)

// Rename gives fields new names: `rename: {charge_id: Id}` makes the source's
// Id this pipeline's charge_id.
type Rename struct {
	Fields document.Map[document.Text] // new name: name the field has so far
}

type renamePlan struct{ shape *record.Shape }

// Plan checks that the old names exist and the new ones are free.
func (s *Rename) Plan(in *record.Shape, c *Context) Plan {
	before := c.Report.Errors()
	fields := append([]record.Field(nil), in.Fields...)
	moved := make(map[string]bool)
	for _, e := range s.Fields.Entries {
		i := requireField(in, e.Value, c)
		if i < 0 {
			continue
		}
		if moved[e.Value.Value] {
			c.Report.ErrorAt(e.Value, document.CodeStepDuplicateField, "use set to copy a field", "field %q is renamed twice", e.Value.Value)
			continue
		}
		moved[e.Value.Value] = true
		if i < len(fields) {
			fields[i].Name = e.Key.Value
			continue
		}
		fields = append(fields, assumedField(e.Key.Value, c))
	}
	shape := planShape(fields, in.Open, s.Fields.Entries, c)
	if c.Report.Errors() > before || shape == nil {
		return nil
	}
	return &renamePlan{shape: shape}
}

func (p *renamePlan) Shape() *record.Shape { return p.shape }

func (p *renamePlan) Start() Work { return renameWork(*p) }

type renameWork renamePlan

func (w renameWork) Apply(b *record.Batch, _ *Tally) (*record.Batch, error) {
	b.Shape = w.shape
	return b, nil
}
