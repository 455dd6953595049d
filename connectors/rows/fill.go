package rows

import (
	"fmt"

	"github.com/tieout/tieout/schemas/record"
)

// Filler fills rows of batches by a plan. It belongs to one reader.
type Filler struct {
	plan    *Plan
	place   func(Item) string
	text    []byte
	name    []byte        // of a member within another
	bad     []memberError // values of the record that are not what was declared
	unknown map[string]int64
	needs   []need
	batches int64
}

// NewFiller makes a filler. place words where a record is, for messages:
// "line 7".
func NewFiller(plan *Plan, place func(Item) string) *Filler {
	return &Filler{plan: plan, place: place, unknown: make(map[string]int64), needs: needs(plan.declared, plan.root.shape, "")}
}

// Done ends a batch whose first n rows were filled: those that were not held
// are live, and it has its place in the order of batches.
func (f *Filler) Done(b *record.Batch, n int) {
	b.SetRows(n)
	b.AllLive()
	b.DropHeld(0)
	for i := range f.needs {
		f.needs[i].count(b, b.Live)
	}
	b.Seq = f.batches
	f.batches++
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
func (f *Filler) object(s *scan, b *record.Batch, row int, n *node, depth int) error {
	if s.peek() != '{' {
		return errNotObject
	}
	if err := f.members(s, b, row, n, depth); err != nil {
		return err
	}
	if n.listing {
		f.settle(b, row)
	}
	return nil
}

func (f *Filler) members(s *scan, b *record.Batch, row int, n *node, depth int) error {
	if depth == 0 {
		return fmt.Errorf("the record is nested deeper than %d levels", f.plan.limits.Depth)
	}
	n.next = 0
	s.at++
	if s.take('}') {
		return nil
	}
	for {
		if err := f.member(s, b, row, n, depth); err != nil {
			return err
		}
		if s.take(',') {
			continue
		}
		if s.take('}') {
			return nil
		}
		return errUnsound
	}
}

// member takes one member of an object.
func (f *Filler) member(s *scan, b *record.Batch, row int, n *node, depth int) error {
	key, err := s.name()
	if err != nil {
		return err
	}
	m := n.find(key)
	switch {
	case m == nil:
		f.noteUnknown(n, key)
		return s.skip(maxSkip)
	case m.column >= 0:
		return f.value(s, b, row, m, depth)
	case s.peek() == '{':
		return f.members(s, b, row, m, depth-1)
	case f.plan.markup && s.peek() == '[':
		return f.notObject(m, '[')
	}
	return s.skip(maxSkip)
}

// noteUnknown counts members that the shape of their level has no field for,
// unless the pipeline does not want them: it names its fields, or only the
// text of an element, or only some members of an object it passes through.
func (f *Filler) noteUnknown(n *node, key []byte) {
	switch {
	case f.plan.pruned, n.shape == nil:
		return
	case n != f.plan.root:
		f.name = append(append(append(f.name[:0], n.name...), '.'), key...)
		key = f.name
	}
	if _, known := f.unknown[string(key)]; known || len(f.unknown) < 100 {
		f.unknown[string(key)]++
	}
}

func (f *Filler) value(s *scan, b *record.Batch, row int, m *node, depth int) error {
	c := &b.Columns[m.column]
	if c.Presence[row] != record.Absent {
		return bad(m.name, "the record has two members %q", m.name)
	}
	kind := s.peek()
	nested := kind == '{' || kind == '['
	switch {
	case kind == 'n':
		c.SetNil(row) // settle closes the list of a List column
		_, err := s.word("null")
		return err
	case m.kind == record.List && m.shape != nil:
		return f.list(s, c, row, m, depth)
	case f.plan.markup && kind == '{' && !m.kind.Nested():
		return f.textOf(s, b, row, m, depth)
	case m.kind == record.Record && m.shape != nil:
		if f.plan.markup && kind == '"' {
			c.Presence[row] = record.Value
			return f.loneText(s, c.Child, row, m, depth)
		}
		if kind != '{' {
			return f.notObject(m, kind)
		}
		c.Presence[row] = record.Value
		return f.object(s, c.Child, row, m, depth-1)
	case m.kind.Nested(), m.caster == nil && nested && !m.listed:
		return f.nested(s, c, row)
	case m.caster == nil && nested:
		return f.raw(s, c, row)
	case nested && f.plan.markup:
		return f.notObject(m, kind)
	case nested:
		return bad(m.name, "field %q is %s, not a single value", m.name, kindOf(kind))
	case kind == '"':
		return f.string(s, c, row, m)
	}
	text, err := s.plain()
	if err != nil {
		return err
	}
	return f.cast(c, row, m, text)
}

// notObject is the fault of a value that is no object.
func (f *Filler) notObject(m *node, kind byte) error {
	if f.plan.markup && kind == '[' {
		return bad(m.name, "the record has several elements %q; declare a list to read them", m.name)
	}
	return bad(m.name, "field %q is %s, not an object", m.name, kindOf(kind))
}

// kindOf names the kind of value that a byte begins.
func kindOf(first byte) string {
	switch first {
	case '{':
		return "object"
	case '[':
		return "array"
	case '"':
		return "string"
	case 't', 'f':
		return "bool"
	case 'n':
		return "null"
	}
	return "number"
}

// nested keeps a value that no field takes apart in its one form.
func (f *Filler) nested(s *scan, c *record.Column, row int) (err error) {
	f.text, err = appendNested(f.text[:0], s)
	if err == nil {
		c.SetText(row, f.text)
	}
	return err
}

// raw keeps a value as received, as a field declared as text does.
func (f *Filler) raw(s *scan, c *record.Column, row int) error {
	raw, err := s.raw()
	if err != nil {
		return err
	}
	c.SetText(row, raw)
	return nil
}

// string takes a string; only one with escapes is rewritten.
func (f *Filler) string(s *scan, c *record.Column, row int, m *node) error {
	text, escaped, err := s.text()
	if err != nil {
		return err
	}
	if escaped {
		f.text = unescape(f.text[:0], text)
		text = f.text
	}
	if len(text) == 0 && m.caster != nil {
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
		f.bad = append(f.bad, memberError{field: m.caster.Field().Name, err: err})
	}
	return nil
}

// list appends the elements of an array to the child batch.
func (f *Filler) list(s *scan, c *record.Column, row int, m *node, depth int) error {
	kind := s.peek()
	if kind != '[' && !f.plan.markup {
		return bad(m.name, "field %q is %s, not a list", m.name, kindOf(kind))
	}
	f.settleLists(c, row)
	element := func() error { return f.element(s, c, m, depth) }
	var err error
	if kind == '[' {
		err = s.each('[', ']', maxSkip, element)
	} else {
		err = element() // a lone element of XML is a list of one
	}
	if err != nil {
		return err
	}
	c.EndList(row, record.Value)
	return nil
}

// element takes one element of a list.
func (f *Filler) element(s *scan, c *record.Column, m *node, depth int) error {
	n := c.Child.Rows
	c.Child.SetRows(n + 1)
	c.Child.Live = append(c.Child.Live, int32(n))
	kind := s.peek()
	if f.plan.markup && kind != '{' {
		return f.loneText(s, c.Child, n, m, depth)
	}
	if kind != '{' {
		return bad(m.name, "an element of %q is %s, not an object", m.name, kindOf(kind))
	}
	return f.object(s, c.Child, n, m, depth-1)
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
