package rows

import (
	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/record"
)

// need is a declared field, and how many of the records or elements that
// should have it have it not.
type need struct {
	column   int
	name     string // with those of the fields it stands in
	inner    bool   // it stands in another field
	optional bool
	lacking  int64
	within   []need
	rows     []int32
}

// needs lists the declared fields of a level that have to be there, or have
// such ones within.
func needs(specs []connectors.FieldSpec, shape *record.Shape, prefix string) (list []need) {
	for i := range specs {
		spec := &specs[i]
		n := need{column: shape.Index(spec.Name), name: prefix + spec.Name, inner: prefix != "", optional: spec.Optional}
		if n.column < 0 {
			continue
		}
		if child := shape.Fields[n.column].Child; child != nil {
			n.within = needs(spec.Fields, child, n.name+".")
		}
		if !n.optional || len(n.within) > 0 {
			list = append(list, n)
		}
	}
	return list
}

// count looks at rows of a level.
func (n *need) count(b *record.Batch, rows []int32) {
	c := &b.Columns[n.column]
	if !n.optional {
		for _, row := range rows {
			if c.Presence[row] == record.Absent {
				n.lacking++
			}
		}
	}
	if len(n.within) == 0 || c.Child == nil {
		return
	}
	n.rows = c.AppendChildren(n.rows[:0], rows)
	for i := range n.within {
		n.within[i].count(c.Child, n.rows)
	}
}

// each gives the fields that something lacked.
func (n *need) each(tell func(*need)) {
	if n.lacking > 0 {
		tell(n)
	}
	for i := range n.within {
		n.within[i].each(tell)
	}
}
