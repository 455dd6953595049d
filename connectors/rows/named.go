package rows

import (
	"bytes"

	"github.com/go-faster/jx"

	"github.com/tieout/tieout/schemas/record"
)

// What is held is kept under the names of the pipeline's fields, as a record
// of any other source is, so that it can be corrected and read again without
// the paths it came by.

// asFields writes a record as an object of its fields. Members that no field
// is read from are kept beside them as they are.
func (f *Filler) asFields(raw []byte) []byte {
	if !f.plan.renames() || len(raw) == 0 || raw[0] != '{' || !jx.Valid(raw) {
		return asReceived(raw)
	}
	s := scan{b: raw}
	out, err := f.named([]byte{'{'}, &s, f.plan.root, f.plan.root.shape, true)
	if err != nil {
		return asReceived(raw)
	}
	return append(out, '}')
}

// renames reports whether a field is called otherwise than its member, here
// or further in.
func (p *Plan) renames() bool { return p.markup || p.root.renames() }

func (n *node) renames() bool {
	for _, m := range n.nodes {
		if m.column < 0 || m.column < len(n.fields()) && n.shape.Fields[m.column].Name != m.name || m.renames() {
			return true
		}
	}
	return false
}

func (n *node) fields() []record.Field {
	if n.shape == nil {
		return nil
	}
	return n.shape.Fields
}

// named writes the members of an object as members of the level whose shape
// is given; all keeps those that no field is read from.
func (f *Filler) named(dst []byte, s *scan, n *node, shape *record.Shape, all bool) ([]byte, error) {
	n.next = 0
	err := s.each('{', '}', maxSkip, func() error {
		key, err := s.name()
		if err != nil {
			return err
		}
		m, name := n.find(key), bytes.Clone(key)
		switch {
		case m == nil && !all:
			return s.skip(maxSkip)
		case m == nil:
		case m.column >= 0 && s.peek() == '{' && !m.kind.Nested() && f.plan.markup, m.column < 0 && s.peek() == '{':
			dst, err = f.named(dst, s, m, shape, false)
			return err
		case m.column >= 0:
			name = []byte(shape.Fields[m.column].Name)
		}
		dst = append(record.AppendJSONString(comma(dst), name), ':')
		dst, err = f.namedValue(dst, s, m)
		return err
	})
	return dst, err
}

// namedValue writes the value of a member, whose own members may be fields
// too.
func (f *Filler) namedValue(dst []byte, s *scan, m *node) ([]byte, error) {
	kind := s.peek()
	nested := m != nil && m.column >= 0 && m.shape != nil
	switch {
	case nested && m.kind == record.List && kind == '[':
		dst = append(dst, '[')
		err := s.each('[', ']', maxSkip, func() (err error) {
			if dst[len(dst)-1] != '[' {
				dst = append(dst, ',')
			}
			dst, err = f.namedElement(dst, s, m)
			return err
		})
		return append(dst, ']'), err
	case nested && m.kind == record.List && f.plan.markup && kind != 'n':
		dst, err := f.namedElement(append(dst, '['), s, m)
		return append(dst, ']'), err
	case nested && m.kind == record.Record:
		return f.namedElement(dst, s, m)
	}
	raw, err := s.raw()
	return append(dst, raw...), err
}

func (f *Filler) namedElement(dst []byte, s *scan, m *node) ([]byte, error) {
	if s.peek() != '{' {
		raw, err := s.raw()
		return append(dst, raw...), err
	}
	dst, err := f.named(append(dst, '{'), s, m, m.shape, true)
	return append(dst, '}'), err
}
