package rows

import (
	"fmt"

	"github.com/go-faster/jx"

	"github.com/tieout/tieout/schemas/record"
)

// Filler fills rows of batches by a plan. It belongs to one reader.
type Filler struct {
	plan    *Plan
	place   func(Item) string
	decoder *jx.Decoder
	text    []byte
	bad     []memberError // values of the record that are not what was declared
	unknown map[string]int64
}

// NewFiller makes a filler. place words where a record is, for messages:
// "line 7".
func NewFiller(plan *Plan, place func(Item) string) *Filler {
	return &Filler{plan: plan, place: place, decoder: jx.DecodeBytes(nil), unknown: make(map[string]int64)}
}

// memberError is a value that does not fit its field.
type memberError struct {
	field string
	err   error
}

func (e *memberError) Error() string { return e.err.Error() }

func bad(field, format string, args ...any) error {
	return &memberError{field: field, err: fmt.Errorf(format, args...)}
}

// object fills one row of a level from the members of an object.
func (f *Filler) object(d *jx.Decoder, b *record.Batch, row int, n *node, depth int) error {
	if d.Next() != jx.Object {
		return errNotObject
	}
	if err := f.members(d, b, row, n, depth); err != nil {
		return err
	}
	f.settle(b, row)
	return nil
}

func (f *Filler) members(d *jx.Decoder, b *record.Batch, row int, n *node, depth int) error {
	if depth == 0 {
		return fmt.Errorf("the record is nested deeper than %d levels", f.plan.limits.Depth)
	}
	n.next = 0
	return d.ObjBytes(func(d *jx.Decoder, key []byte) error {
		m := n.find(key)
		if m == nil {
			if n == f.plan.root {
				f.noteUnknown(key)
			}
			return d.Skip()
		}
		if m.column < 0 {
			if d.Next() == jx.Object {
				return f.members(d, b, row, m, depth-1)
			}
			return d.Skip()
		}
		return f.value(d, b, row, m, depth)
	})
}

// noteUnknown counts members that the shape has no field for, unless the
// pipeline does not want them.
func (f *Filler) noteUnknown(key []byte) {
	if f.plan.pruned {
		return
	}
	if _, known := f.unknown[string(key)]; known || len(f.unknown) < 100 {
		f.unknown[string(key)]++
	}
}

func (f *Filler) value(d *jx.Decoder, b *record.Batch, row int, m *node, depth int) error {
	c := &b.Columns[m.column]
	if c.Presence[row] != record.Absent {
		return bad(m.name, "the record has two members %q", m.name)
	}
	kind := d.Next()
	switch {
	case kind == jx.Null:
		c.SetNil(row) // settle closes the list of a List column
		return d.Skip()
	case m.kind == record.List && m.shape != nil:
		return f.list(d, c, row, m, depth)
	case m.kind == record.Record && m.shape != nil:
		if kind != jx.Object {
			return bad(m.name, "field %q is %s, not an object", m.name, kind)
		}
		c.Presence[row] = record.Value
		return f.object(d, c.Child, row, m, depth-1)
	case m.kind.Nested(), m.caster == nil && (kind == jx.Object || kind == jx.Array):
		return f.raw(d, c, row)
	case kind == jx.Object || kind == jx.Array:
		return bad(m.name, "field %q is %s, not a single value", m.name, kind)
	}
	return f.scalar(d, c, row, m, kind)
}

func (f *Filler) raw(d *jx.Decoder, c *record.Column, row int) error {
	raw, err := d.Raw()
	if err != nil {
		return err
	}
	c.SetText(row, raw)
	return nil
}

// scalar keeps a number's own text; only strings are unescaped.
func (f *Filler) scalar(d *jx.Decoder, c *record.Column, row int, m *node, kind jx.Type) error {
	if kind != jx.String {
		raw, err := d.Raw()
		if err != nil {
			return err
		}
		return f.cast(c, row, m, raw)
	}
	if m.caster == nil {
		from := len(c.Bytes)
		text, err := d.StrAppend(c.Bytes)
		if err != nil {
			return err
		}
		c.Bytes = text
		c.SetSpan(row, record.Span{Off: uint32(from), Len: uint32(len(text) - from)})
		return nil
	}
	text, err := d.StrAppend(f.text[:0])
	if err != nil {
		return err
	}
	f.text = text
	if len(text) == 0 {
		c.SetNil(row)
		return nil
	}
	return f.cast(c, row, m, text)
}

func (f *Filler) cast(c *record.Column, row int, m *node, text []byte) error {
	if m.caster == nil {
		c.SetText(row, text)
		return nil
	}
	if _, err := m.caster.Cast(c, row, text); err != nil {
		f.bad = append(f.bad, memberError{field: m.name, err: err})
	}
	return nil
}

// list appends the elements of an array to the child batch.
func (f *Filler) list(d *jx.Decoder, c *record.Column, row int, m *node, depth int) error {
	if d.Next() != jx.Array {
		return bad(m.name, "field %q is %s, not a list", m.name, d.Next())
	}
	f.settleLists(c, row)
	err := d.Arr(func(d *jx.Decoder) error {
		n := c.Child.Rows
		c.Child.SetRows(n + 1)
		c.Child.Live = append(c.Child.Live, int32(n))
		if d.Next() != jx.Object {
			return bad(m.name, "an element of %q is %s, not an object", m.name, d.Next())
		}
		return f.object(d, c.Child, n, m, depth-1)
	})
	if err != nil {
		return err
	}
	c.EndList(row, record.Value)
	return nil
}

// settle closes the lists of a row that had none, since the lists of a column
// are written row by row.
func (f *Filler) settle(b *record.Batch, row int) {
	for i := range b.Columns {
		c := &b.Columns[i]
		switch {
		case c.Kind == record.List && c.Child != nil && b.Shape.Fields[i].Child != nil:
			f.settleLists(c, row+1)
		case c.Kind == record.Record && c.Child != nil && b.Shape.Fields[i].Child != nil:
			f.settle(c.Child, row)
		}
	}
}

func (f *Filler) settleLists(c *record.Column, until int) {
	for at := len(c.Starts) - 1; at < until; at++ {
		c.EndList(at, c.Presence[at])
	}
}
