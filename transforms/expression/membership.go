package expression

import (
	"github.com/expr-lang/expr/ast"

	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
)

// array is ["a", "b"], the right side of `in`.
func (c *compiler) array(n *ast.ArrayNode) *operand {
	o := &operand{kind: kindSet, scale: record.NoScale}
	for _, child := range n.Nodes {
		o.set = append(o.set, c.expr(child))
	}
	o.stable = stabilityOf(o.set...)
	return o
}

// membership is x in [a, b] and x in map(lines, .code).
func (c *compiler) membership(n *ast.BinaryNode) *operand {
	x, in := c.expr(n.Left), c.expr(n.Right)
	switch {
	case x.unknown() || in.unknown():
		return c.hollow(record.Boolean)
	case in.kind == record.List && in.list.mapped != nil:
		return c.memberOfList(n, x, in.list)
	case in.kind == record.List:
		return c.errorf(n.Right, document.CodeExprType, "write x in map("+in.list.name+", .field)", "a list of records holds no plain values")
	case in.kind == record.Text && x.kind == record.Text:
		return c.errorf(n, document.CodeExprType, "write text contains part", "in needs a list")
	case in.kind != kindSet:
		return c.errorf(n.Right, document.CodeExprType, `write x in ["a", "b"]`, "in needs a list, and this is %s", kindName(in.kind))
	}
	for _, o := range in.set {
		if o.isNil() {
			return c.errorf(o.node, document.CodeExprType, "write x == nil or x in […]", "nil cannot be found by in")
		}
		if !c.comparable(&ast.BinaryNode{Operator: "==", Left: n.Left, Right: o.node}, x, o) || o.unknown() {
			return c.hollow(record.Boolean)
		}
	}
	return c.like(boolOperand(c.oneOf(x, in)), x, in)
}

func (c *compiler) oneOf(x, in *operand) boolFn {
	if x.kind == record.Text && in.stable == fixed && !c.program.hollow {
		return c.oneOfTexts(x.s, in.set)
	}
	tests := make([]boolFn, len(in.set))
	for i, o := range in.set {
		tests[i] = compare(maskOf("=="), x, o)
	}
	has := x.present()
	return func(f *frame) Truth {
		if !has(f) {
			return Nil
		}
		missing := false
		for _, test := range tests {
			switch test(f) {
			case True:
				return True
			case Nil:
				missing = true
			}
		}
		if missing {
			return Nil
		}
		return False
	}
}

// fewTexts is up to how many a walk beats a hash.
const fewTexts = 6

func (c *compiler) oneOfTexts(x textFn, set []*operand) boolFn {
	f := c.scratch()
	var list []string
	index := make(map[string]bool, len(set))
	for _, o := range set {
		if v, ok := o.s(f); ok && !index[v] {
			index[v] = true
			list = append(list, v)
		}
	}
	if len(list) > fewTexts {
		return func(f *frame) Truth {
			v, ok := x(f)
			if !ok {
				return Nil
			}
			return truth(index[v])
		}
	}
	return func(f *frame) Truth {
		v, ok := x(f)
		if !ok {
			return Nil
		}
		for _, s := range list {
			if s == v {
				return True
			}
		}
		return False
	}
}

// memberOfList looks for a value among those of map(lines, .code).
func (c *compiler) memberOfList(n *ast.BinaryNode, x *operand, l *list) *operand {
	m := l.mapped
	if !c.comparable(&ast.BinaryNode{Operator: "==", Left: n.Left, Right: n.Right}, x, m) || m.unknown() {
		return c.hollow(record.Boolean)
	}
	// The value is computed once and compared with each element.
	slot, value := c.program.slots, x.value()
	c.program.slots++
	test := compare(maskOf("=="), c.letOperand(x, slot), m)
	return boolOperand(func(f *frame) Truth {
		v := value(f)
		if !v.ok {
			return Nil
		}
		f.slots[slot] = v
		result := False
		done := l.each(f, 1, func() bool {
			result = test(f)
			return result == False
		})
		if !done {
			return Nil
		}
		return result
	})
}
