package rows

import (
	"slices"
	"strings"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/record"
)

// NewXMLPlan is NewPlan for the records of an XMLCutter. Paths name elements
// and, with @ before them, attributes: Amount is the text of an element,
// Amount.@currencyID an attribute of it. A field declared a list takes a lone
// element as a list of one. Elements nobody declared are text when they hold
// nothing but text (their attributes are then left out), else records or
// lists.
func NewXMLPlan(read connectors.Read, samples [][]byte, limits connectors.Limits) (*Plan, error) {
	return newPlan(read, samples, limits, true)
}

// settleMarkup decides what the elements seen are: the same element may stand
// alone in one record and many times in the next, with attributes or without.
func (n *node) settleMarkup() {
	for _, m := range n.nodes {
		m.settleMarkup()
	}
	const text, object, list = 1 << record.Text, 1 << record.Record, 1 << record.List
	own := n.find([]byte(textMember))
	texts := n.met&text != 0 || own != nil && own.met != 0
	switch {
	case n.met&list != 0 && n.met&object != 0 && n.met&text == 0:
		n.kind = record.List
	case n.met&list == 0 && n.met&object != 0 && n.bare() && texts:
		n.kind, n.texted = record.Text, true
	case n.met&list == 0 && n.met&object != 0:
		n.kind = record.Record
	}
	if own != nil && own.met == 0 && !n.texted {
		n.drop(own)
	}
}

// bare reports whether there is nothing in an element but text and attributes.
func (n *node) bare() bool {
	return !slices.ContainsFunc(n.nodes, func(m *node) bool { return m.name != textMember && !strings.HasPrefix(m.name, "@") })
}

func (n *node) drop(m *node) {
	n.nodes = slices.DeleteFunc(n.nodes, func(one *node) bool { return one == m })
	delete(n.index, m.name)
}

// addTexts gives every single value the member its text is in when the
// element has attributes beside it.
func (n *node) addTexts() {
	for _, m := range n.nodes {
		m.addTexts()
		if m.column >= 0 && !m.kind.Nested() && m.name != textMember && m.find([]byte(textMember)) == nil {
			m.add(&node{name: textMember, column: m.column, kind: m.kind, caster: m.caster})
		}
		m.next = 0
	}
}

// textOf fills a single value from an element that has attributes.
func (f *Filler) textOf(s *scan, b *record.Batch, row int, m *node, depth int) error {
	if err := f.members(s, b, row, m, depth-1); err != nil {
		return err
	}
	if b.Columns[m.column].Presence[row] == record.Absent {
		return bad(m.name, "the element %q holds elements, not a single value", m.name)
	}
	return nil
}

// loneText fills a row of a level from an element that is nothing but text,
// or empty.
func (f *Filler) loneText(s *scan, b *record.Batch, row int, m *node, depth int) error {
	kind := s.peek()
	if kind == 'n' {
		_, err := s.word("null")
		return err
	}
	text := m.find([]byte(textMember))
	if kind != '"' || text == nil {
		return bad(m.name, "the element %q is %s, not elements", m.name, kindOf(kind))
	}
	return f.value(s, b, row, text, depth)
}
