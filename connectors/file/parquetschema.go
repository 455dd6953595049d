package file

import (
	"fmt"
	"slices"
	"strings"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/format"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/record"
)

// parquetNode is one field of a Parquet file: a value, a record or a list.
type parquetNode struct {
	name     string
	column   int // of a value; else the first one below
	def      int // definition level at which it is there
	rep      int // of a list: repetition level of its further elements
	filled   int // of a list: definition level at which it has elements
	kind     record.Kind
	children []*parquetNode // of a record, and of the records of a list
	element  *parquetNode   // of a list
	leaf     parquetLeaf
}

// parquetLeaf says how a value is stored.
type parquetLeaf struct {
	kind     parquet.Kind
	logical  format.LogicalTypeValue
	scale    int32
	free     bool // a decimal whose scale means nothing: (38, 18) is what is written for want of one
	unsigned bool
	local    bool  // a stamp without a zone
	unit     int64 // of a stamp or time: parts of a second
	inexact  bool  // a binary float
}

// parquetTree reads the fields of a file.
func parquetTree(root *parquet.Column) (*parquetNode, error) {
	n := &parquetNode{kind: record.Record}
	return n, n.addChildren(root, 0)
}

func (n *parquetNode) addChildren(c *parquet.Column, depth int) error {
	const most = 32
	if depth > most {
		return fmt.Errorf("it is nested deeper than %d levels", most)
	}
	for _, child := range c.Columns() {
		m, err := parquetField(child, depth+1)
		if err != nil {
			return err
		}
		n.children = append(n.children, m)
	}
	if len(n.children) > 0 {
		n.column = n.children[0].column
	}
	return nil
}

// parquetField reads one field.
func parquetField(c *parquet.Column, depth int) (*parquetNode, error) {
	if c.Repeated() {
		return parquetList(c.Name(), c, c, depth)
	}
	if !c.Leaf() {
		if inner := c.Columns(); len(inner) == 1 && inner[0].Repeated() && listed(c) {
			return parquetList(c.Name(), c, inner[0], depth)
		}
	}
	return parquetSingle(c, depth)
}

// parquetSingle reads a value or a record, of a list's element too.
func parquetSingle(c *parquet.Column, depth int) (*parquetNode, error) {
	n := &parquetNode{name: c.Name(), def: c.MaxDefinitionLevel(), kind: record.Record}
	if !c.Leaf() {
		return n, n.addChildren(c, depth)
	}
	n.column = c.Index()
	n.kind, n.leaf = parquetLeafOf(c.Type())
	return n, nil
}

// listed reports whether a group is marked as a list or a map.
func listed(c *parquet.Column) bool {
	if t := c.Type().LogicalType(); t != nil {
		switch t.Value.(type) {
		case *format.ListType, *format.MapType:
			return true
		}
	}
	if t := c.Type().ConvertedType(); t != nil {
		return *t == deprecated.List || *t == deprecated.Map || *t == deprecated.MapKeyValue
	}
	return false
}

// parquetList reads a list, whose elements are what repeats, or the one field
// inside of that.
func parquetList(name string, outer, repeated *parquet.Column, depth int) (*parquetNode, error) {
	n := &parquetNode{name: name, kind: record.List, rep: repeated.MaxRepetitionLevel(), filled: repeated.MaxDefinitionLevel()}
	n.def = n.filled
	if outer != repeated {
		n.def = outer.MaxDefinitionLevel()
	} else {
		n.def--
	}
	inner := repeated.Columns()
	legacy := repeated.Name() == "array" || strings.HasSuffix(repeated.Name(), "_tuple")
	var err error
	if outer != repeated && !repeated.Leaf() && len(inner) == 1 && !legacy {
		n.element, err = parquetField(inner[0], depth+1)
	} else {
		n.element, err = parquetSingle(repeated, depth+1)
	}
	if err != nil {
		return nil, err
	}
	n.column, n.children = n.element.column, n.element.children
	return n, nil
}

// parquetLeafOf says what a stored value is.
func parquetLeafOf(t parquet.Type) (record.Kind, parquetLeaf) {
	leaf := parquetLeaf{kind: t.Kind()}
	if logical := t.LogicalType(); logical != nil {
		leaf.logical = logical.Value
		switch v := logical.Value.(type) {
		case *format.DecimalType:
			leaf.scale = v.Scale
			leaf.free = v.Scale == parquetScale && v.Precision == parquetDigits
			return record.Decimal, leaf
		case *format.DateType:
			return record.Date, leaf
		case *format.TimestampType:
			leaf.local, leaf.unit = !v.IsAdjustedToUTC, unitOf(v.Unit)
			return record.Timestamp, leaf
		case *format.TimeType:
			leaf.unit = unitOf(v.Unit)
			return record.Text, leaf
		case *format.IntType:
			leaf.unsigned = !v.IsSigned
			return record.Integer, leaf
		case *format.Float16Type:
			return record.Text, leaf
		}
	}
	switch leaf.kind {
	case parquet.Boolean:
		return record.Boolean, leaf
	case parquet.Int32, parquet.Int64:
		return record.Integer, leaf
	case parquet.Int96:
		leaf.local = false
		return record.Timestamp, leaf
	case parquet.Float, parquet.Double:
		leaf.inexact = true
		return record.Decimal, leaf
	}
	return record.Text, leaf
}

func unitOf(u format.TimeUnit) int64 {
	switch u.Value.(type) {
	case *format.MilliSeconds:
		return 1_000
	case *format.MicroSeconds:
		return 1_000_000
	}
	return 1_000_000_000
}

// find gives a field by name, nil when there is none.
func (n *parquetNode) find(name string) *parquetNode {
	for _, c := range n.children {
		if c.name == name {
			return c
		}
	}
	return nil
}

// at gives the field at a dotted path, unless a field has that very name.
func (n *parquetNode) at(path string) *parquetNode {
	if c := n.find(path); c != nil {
		return c
	}
	for _, part := range strings.Split(path, ".") {
		if n = n.find(part); n == nil {
			return nil
		}
	}
	return n
}

// declares adds what the file says of its fields to what the pipeline says:
// those nobody declared come under the kinds they are stored as.
func (n *parquetNode) declares(specs []connectors.FieldSpec, zoned bool) []connectors.FieldSpec {
	specs = slices.Clone(specs)
	used := make(map[string]bool)
	for i := range specs {
		paths := specs[i].Columns
		if len(paths) == 0 {
			paths = []string{specs[i].Name}
		}
		used[specs[i].Name] = true
		for _, path := range paths {
			if c := n.at(path); c != nil {
				if first, _, dotted := strings.Cut(path, "."); dotted && n.find(path) == nil {
					used[first] = true
				}
				used[path] = true
				if specs[i].Kind.Nested() && len(c.children) > 0 {
					specs[i].Fields = c.declares(specs[i].Fields, zoned)
				}
				break
			}
		}
	}
	for _, c := range n.children {
		if !used[c.name] {
			specs = append(specs, c.spec(zoned))
		}
	}
	return specs
}

// spec declares a field as it is stored.
func (n *parquetNode) spec(zoned bool) connectors.FieldSpec {
	s := connectors.FieldSpec{Name: n.name, Columns: []string{n.name}, Kind: n.kind, Scale: record.NoScale, Optional: true}
	switch {
	case n.kind == record.Decimal && !n.leaf.inexact && !n.leaf.free:
		s.Scale = n.leaf.scale
	case n.kind == record.Timestamp && n.leaf.local && !zoned:
		s.Kind = record.Text
	case n.kind.Nested() && len(n.children) > 0:
		s.Fields = n.declares(nil, zoned)
	}
	return s
}

// signature tells two files of one stream apart.
func (n *parquetNode) signature() string {
	var parts []string
	for _, c := range n.children {
		text := c.name + " " + c.kind.String()
		if c.kind == record.Decimal && c.leaf.inexact {
			text += " float"
		}
		if len(c.children) > 0 {
			text += " (" + c.signature() + ")"
		}
		parts = append(parts, text)
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}

// sample is a record with every field, from which a plan learns the names.
func (n *parquetNode) sample(dst []byte) []byte {
	dst = append(dst, '{')
	for i, c := range n.children {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(record.AppendJSONString(dst, []byte(c.name)), ':')
		switch {
		case c.kind == record.Record:
			dst = c.sample(dst)
		case c.kind == record.List && len(c.children) > 0:
			dst = append(c.sample(append(dst, '[')), ']')
		case c.kind == record.List:
			dst = append(dst, `[""]`...)
		default:
			dst = append(dst, `""`...)
		}
	}
	return append(dst, '}')
}

// markInexact marks the fields of a shape that are read from binary floats.
func (n *parquetNode) markInexact(shape *record.Shape, specs []connectors.FieldSpec) {
	for i := range specs {
		f := shape.Index(specs[i].Name)
		paths := specs[i].Columns
		if len(paths) == 0 {
			paths = []string{specs[i].Name}
		}
		for _, path := range paths {
			c := n.at(path)
			if c == nil || f < 0 {
				continue
			}
			if field := &shape.Fields[f]; field.Kind == record.Decimal {
				field.Inexact = c.leaf.inexact
			} else if field.Child != nil {
				c.markInexact(field.Child, specs[i].Fields)
			}
			break
		}
	}
}
