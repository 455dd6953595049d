package expression

import (
	"fmt"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"

	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
)

// theRecord is the name under which a field of any name is read:
// record["Unit No"].
const theRecord = "record"

// scope is the element a list function stands on: what . and # mean.
type scope struct {
	slot   int
	shape  *record.Shape
	mapped *operand // after map(), # is this value
	name   string   // of the list, for messages
}

// binding is a `let`.
type binding struct {
	name  string
	value *operand
}

func (c *compiler) identifier(n *ast.IdentifierNode) *operand {
	for i := len(c.lets) - 1; i >= 0; i-- {
		if c.lets[i].name == n.Value {
			o := *c.lets[i].value
			return &o
		}
	}
	if o := c.rootField(n, n.Value); o != nil {
		return o
	}
	if o := c.constant(n.Value); o != nil {
		return o
	}
	if n.Value == theRecord {
		return c.errorf(n, document.CodeExprType, `write record["Unit No"]`, "record alone is no value")
	}
	return c.unknownField(n, n.Value)
}

// rootField reads a field of the record, nil when there is none of the name.
func (c *compiler) rootField(n ast.Node, name string) *operand {
	shape := c.env.Shape
	if shape == nil {
		return nil
	}
	i := shape.Index(name)
	if i < 0 {
		if !shape.Open || c.constant(name) != nil || c.namespace(name) {
			return nil
		}
		return c.assume(name)
	}
	if !slices.Contains(c.program.uses, name) {
		c.program.uses = append(c.program.uses, name)
	}
	return c.field(n, &shape.Fields[i], &fieldRef{path: []int{i}, at: c.named(name)})
}

// field makes an operand of a declared field.
func (c *compiler) field(n ast.Node, f *record.Field, ref *fieldRef) *operand {
	o := ref.operand(f)
	switch {
	case f.Kind == record.Unknown:
		c.program.hollow = true
	case f.Opaque():
		return c.errorf(n, document.CodeExprType, "declare its fields under fields", "%q is kept as one piece of JSON and cannot be read", c.program.names[ref.at-1])
	case f.Kind == record.List:
		o.list = &list{base: ref, slot: c.program.lists, shape: f.Child, name: c.program.names[ref.at-1]}
		c.program.lists++
	}
	return o
}

// assume notes a name an open shape does not declare.
func (c *compiler) assume(name string) *operand {
	p := c.program
	if !slices.Contains(p.assumed, name) {
		p.assumed = append(p.assumed, name)
	}
	if !slices.Contains(p.uses, name) && !strings.HasPrefix(name, ".") {
		p.uses = append(p.uses, name)
	}
	p.hollow = true
	return &operand{kind: c.env.Assume, scale: record.NoScale}
}

// constant finds a named value of the run.
func (c *compiler) constant(name string) *operand {
	for i := range c.env.Names {
		if k := &c.env.Names[i]; k.Name == name {
			return c.constantOperand(k)
		}
	}
	return nil
}

func (c *compiler) constantOperand(k *Constant) *operand {
	if !k.set {
		c.program.hollow = true
		return &operand{kind: k.Kind, scale: record.NoScale, stable: unset}
	}
	switch k.Kind {
	case record.Text:
		if k.none {
			return nilText()
		}
		return constText(k.text)
	case record.Decimal:
		return constDec(k.dec)
	case record.Boolean:
		return constBool(truth(k.num != 0))
	}
	return constInt(k.Kind, k.num)
}

// namespace reports whether constants begin with the name and a dot.
func (c *compiler) namespace(name string) bool {
	return slices.ContainsFunc(c.env.Names, func(k Constant) bool { return strings.HasPrefix(k.Name, name+".") })
}

func (c *compiler) member(n *ast.MemberNode) *operand {
	if name, ok := dotted(n); ok {
		if o := c.constant(name); o != nil {
			return o
		}
	}
	property, ok := n.Property.(*ast.StringNode)
	if !ok {
		return c.errorf(n.Property, document.CodeExprType, "use first(lines, .amount), or filter by a field", "an element cannot be picked by number")
	}
	switch base := n.Node.(type) {
	case *ast.PointerNode:
		return c.elementField(n, base, property.Value)
	case *ast.IdentifierNode:
		if base.Value == theRecord && !c.env.PlainRecord && c.letIndex(theRecord) < 0 {
			if o := c.rootField(n, property.Value); o != nil {
				return o
			}
			return c.unknownField(n, property.Value)
		}
		if c.namespace(base.Value) && (c.env.Shape == nil || c.env.Shape.Index(base.Value) < 0) {
			return c.unknownField(n, base.Value+"."+property.Value)
		}
	}
	return c.inside(n, c.expr(n.Node), property.Value)
}

func (c *compiler) letIndex(name string) int {
	return slices.IndexFunc(c.lets, func(b binding) bool { return b.name == name })
}

// dotted gives a chain of plain names as text.
func dotted(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.IdentifierNode:
		return n.Value, true
	case *ast.MemberNode:
		property, isText := n.Property.(*ast.StringNode)
		base, ok := dotted(n.Node)
		if !ok || !isText {
			return "", false
		}
		return base + "." + property.Value, true
	}
	return "", false
}

// inside reads a field of a nested record.
func (c *compiler) inside(n ast.Node, base *operand, name string) *operand {
	switch {
	case base.unknown():
		return unknownOperand()
	case base.kind == record.List:
		return c.errorf(n, document.CodeExprType, fmt.Sprintf("write map(%s, .%s), sum(%s, .%s) and so on", base.list.name, name, base.list.name, name), "%q is a list: its elements have the field, not the list", base.list.name)
	case base.kind != record.Record && unknownVar(n):
		return c.errorf(n, document.CodeExprUnknownField, "Declare it under vars in tieout.yaml: vars: { "+name+": … }", "there is no var %q", name)
	case base.kind != record.Record || base.ref == nil:
		return c.errorf(n, document.CodeExprType, "", "a value of kind %s has no fields", kindName(base.kind))
	}
	prefix := c.program.names[base.ref.at-1]
	return c.nested(n, base.child, base.ref, prefix, name)
}

// unknownVar reports var.x where no such variable is declared.
func unknownVar(n ast.Node) bool {
	text, ok := dotted(n)
	return ok && strings.HasPrefix(text, "var.")
}

// nested reads a field of a shape below a reference.
func (c *compiler) nested(n ast.Node, shape *record.Shape, base *fieldRef, prefix, name string) *operand {
	full := prefix + "." + name
	i := shape.Index(name)
	if i < 0 {
		if shape.Open {
			return c.assume(full)
		}
		return c.notThere(n, full, name, shape.Names())
	}
	ref := &fieldRef{slot: base.slot, path: append(slices.Clone(base.path), i), at: c.named(full)}
	return c.field(n, &shape.Fields[i], ref)
}

// elementField reads .name or #.name.
func (c *compiler) elementField(n ast.Node, p *ast.PointerNode, name string) *operand {
	switch s := c.scope; {
	case s == nil:
		return c.errorf(n, document.CodeExprType, "write sum(lines, ."+name+"), or "+name+" for a field of the record", ".%s stands inside list functions only", name)
	case p.Name != "":
		return c.pointer(p)
	case s.mapped != nil:
		return c.inside(n, s.mapped, name)
	default:
		return c.nested(n, s.shape, &fieldRef{slot: s.slot}, s.name, name)
	}
}

// pointer is # alone.
func (c *compiler) pointer(n *ast.PointerNode) *operand {
	switch {
	case n.Name != "":
		return c.errorf(n, document.CodeExprSyntax, "the element is #, its fields are .name", "#%s is not part of the language", n.Name)
	case c.scope == nil:
		return c.errorf(n, document.CodeExprType, "", "# stands inside list functions only")
	case c.scope.mapped == nil:
		return c.errorf(n, document.CodeExprType, "write .field", "# is a whole record here")
	}
	return c.stepped(c.scope.mapped)
}
