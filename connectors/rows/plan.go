package rows

import (
	"slices"
	"strings"

	"github.com/go-faster/jx"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/record"
)

// node says what to do with one member of a JSON object: which column of the
// level it fills, and what to do with its own members.
type node struct {
	name    string
	column  int // -1 for a member only passed through on the way to a column
	kind    record.Kind
	caster  *connectors.Caster // nil for text
	shape   *record.Shape      // of a list's or record's children
	nodes   []*node            // members of the children, or of the members passed through
	listed  bool               // declared by the pipeline
	listing bool               // there are lists among its children's columns
	index   map[string]*node   // of nodes, when they are many
	next    int                // the node likely to be asked for: members keep their order
	met     uint16             // kinds seen, a bit for each
	samples [][]byte           // of the root of what was seen: the records looked at
	texted  bool               // an XML element with text and attributes
}

// manyNodes is the number of members from which an index is worth its keep.
const manyNodes = 16

// find gives the node of a member, nil when there is none. It remembers where
// it was, so a node belongs to one reader.
func (n *node) find(key []byte) *node {
	if n.next < len(n.nodes) && string(key) == n.nodes[n.next].name {
		n.next++
		return n.nodes[n.next-1]
	}
	if n.index != nil {
		return n.index[string(key)]
	}
	for i, m := range n.nodes {
		if string(key) == m.name {
			n.next = i + 1
			return m
		}
	}
	return nil
}

// add appends a node.
func (n *node) add(m *node) {
	n.nodes = append(n.nodes, m)
	if len(n.nodes) < manyNodes {
		return
	}
	if n.index == nil {
		n.index = make(map[string]*node)
		for _, one := range n.nodes {
			n.index[one.name] = one
		}
	}
	n.index[m.name] = m
}

func (n *node) member(name string) *node {
	if m := n.find([]byte(name)); m != nil {
		return m
	}
	m := &node{name: name, column: -1}
	n.add(m)
	return m
}

// Plan says which member of a record fills which column.
type Plan struct {
	root   *node
	limits connectors.Limits
	pruned bool // the pipeline named the fields it wants
	markup bool // the records were XML
	// declared are the fields that records should have; in XML there are none,
	// as what is not there is how no value is written.
	declared []connectors.FieldSpec
}

// NewPlan builds the plan of a stream from the declared fields and from the
// members its first records have. The error wraps connectors.ErrConfig, or is
// a *connectors.MissingColumnError.
func NewPlan(read connectors.Read, samples [][]byte, limits connectors.Limits) (*Plan, error) {
	return newPlan(read, samples, limits, false)
}

func newPlan(read connectors.Read, samples [][]byte, limits connectors.Limits, markup bool) (*Plan, error) {
	seen := &node{column: -1}
	for _, raw := range samples {
		if !jx.Valid(raw) {
			continue // what it lacks behind the fault says nothing
		}
		if err := inspect(seen, jx.DecodeBytes(raw), limits, limits.Depth); err != nil {
			continue // the record is held when it is read
		}
	}
	seen.samples = samples
	p := &Plan{root: &node{column: -1, kind: record.Record}, limits: limits, pruned: read.Wanted != nil, markup: markup}
	if markup {
		seen.settleMarkup()
	}
	if err := p.root.lay(read.Fields, seen, wanted(read), read); err != nil {
		return nil, err
	}
	if markup {
		p.root.addTexts()
		return p, nil
	}
	p.declared = read.Fields
	return p, nil
}

// Shape is the declared fields and the other members seen.
func (p *Plan) Shape() *record.Shape { return p.root.shape }

// wanted is the set of names to keep, nil for all.
func wanted(read connectors.Read) map[string]bool {
	if read.Wanted == nil {
		return nil
	}
	set := make(map[string]bool, len(read.Wanted))
	for _, name := range read.Wanted {
		set[name] = true
	}
	return set
}

// inspect takes note of the members of an object and of their kinds.
func inspect(n *node, d *jx.Decoder, limits connectors.Limits, depth int) error {
	if depth == 0 {
		return errTooDeep
	}
	n.next = 0
	return d.ObjBytes(func(d *jx.Decoder, key []byte) error {
		m := n.find(key)
		if m == nil {
			if len(key) == 0 || len(n.nodes) >= limits.FieldCount {
				return d.Skip() // no field can be called ""
			}
			m = n.member(string(key))
		}
		switch d.Next() {
		case jx.Object:
			m.meet(record.Record)
			return inspect(m, d, limits, depth-1)
		case jx.Array:
			m.meet(record.List)
			return inspectList(m, d, limits, depth)
		case jx.Null:
			return d.Skip()
		}
		m.meet(record.Text)
		return d.Skip()
	})
}

func inspectList(m *node, d *jx.Decoder, limits connectors.Limits, depth int) error {
	return d.Arr(func(d *jx.Decoder) error {
		if d.Next() == jx.Object {
			return inspect(m, d, limits, depth-1)
		}
		m.listed = true // here: elements that are no objects, kept as JSON
		return d.Skip()
	})
}

// meet takes note of a kind; members of changing kinds are kept as text.
func (n *node) meet(kind record.Kind) {
	n.met |= 1 << kind
	if n.kind == record.Unknown {
		n.kind = kind
	} else if n.kind != kind {
		n.kind = record.Text
	}
}

// lay gives the level its columns: the declared fields in their order, then
// the other members seen, as what they looked like.
func (n *node) lay(specs []connectors.FieldSpec, seen *node, keep map[string]bool, read connectors.Read) error {
	var fields []record.Field
	for i := range specs {
		f, err := n.declare(&specs[i], len(fields), seen, read)
		if err != nil {
			return err
		}
		fields = append(fields, f)
	}
	declared := make(map[string]bool)
	for _, f := range fields {
		declared[f.Name] = true
	}
	for _, m := range seen.nodes {
		passed := n.find([]byte(m.name)) // on the way to a declared one
		if passed != nil && !(passed.column < 0 && m.texted) || declared[m.name] || keep != nil && !keep[m.name] {
			continue
		}
		if passed != nil {
			passed.column, passed.kind = len(fields), record.Text
			fields = append(fields, record.NewField(m.name, record.Text))
			continue
		}
		child := &node{name: m.name, column: len(fields), kind: m.kind}
		if child.kind == record.Unknown {
			child.kind = record.Text
		}
		f := record.NewField(m.name, child.kind)
		if child.kind.Nested() && !m.listed {
			if err := child.lay(nil, m, nil, read); err != nil {
				return err
			}
			f.Child = child.shape
		}
		n.add(child)
		fields = append(fields, f)
	}
	n.listing = slices.ContainsFunc(fields, func(f record.Field) bool { return f.Kind.Nested() && f.Child != nil })
	var err error
	n.shape, err = record.NewShape(fields...)
	return err
}

// pathParts splits a path at its dots, unless a member has that very name.
func pathParts(seen *node, path string) []string {
	if seen.find([]byte(path)) != nil {
		return []string{path}
	}
	return strings.Split(path, ".")
}

func (n *node) has(path string) bool {
	for _, part := range pathParts(n, path) {
		if n = n.find([]byte(part)); n == nil {
			return false
		}
	}
	return true
}

func (n *node) names() []string {
	var names []string
	for _, m := range n.nodes {
		names = append(names, m.name)
	}
	return names
}
