package runner

import (
	"fmt"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
	"github.com/tieout/tieout/transforms"
)

// scope is the part of the target that a load may touch.
type scope struct {
	conditions []connectors.Condition
	columns    []int // of the records that reach the sink
	keys       *Keyer
}

// planScope reads the sink's `where` over the records that reach it.
func (e *execution) planScope(out *record.Shape, c *transforms.Context) (*scope, error) {
	s := &scope{keys: NewKeyer(out, e.job.Load.Key)}
	for _, part := range e.job.Pipeline.Scope(out, c) {
		if part.Values == nil {
			return nil, fmt.Errorf("%s: what %q is compared with is not known", document.CodeSinkWhere, part.Field)
		}
		s.conditions = append(s.conditions, connectors.Condition{Field: part.Field, Op: connectors.Op(part.Op), Values: part.Values})
		s.columns = append(s.columns, out.Index(part.Field))
	}
	return s, nil
}

// check fails the run at the first record that lies outside.
func (s *scope) check(b *record.Batch) error {
	for i := range s.conditions {
		c := &s.conditions[i]
		column := &b.Columns[s.columns[i]]
		for _, row := range b.Live {
			if !c.Holds(column, int(row)) {
				return s.outside(b, row, c, column)
			}
		}
	}
	return nil
}

func (s *scope) outside(b *record.Batch, row int32, c *connectors.Condition, column *record.Column) error {
	value := "no value"
	if column.Presence[row] == record.Value {
		value = fmt.Sprintf("%q", record.AppendValue(nil, &record.Field{Kind: column.Kind, Scale: record.NoScale}, column, int(row)))
	}
	return fmt.Errorf("%s: record %q (%s line %d) has %s in %q and lies outside of `where: %s`; keep it out with a filter, or correct where",
		document.CodeSinkWhere, s.keys.Key(b, int(row)), b.Origin.Input, lineOf(b, row), value, c.Field, c)
}
