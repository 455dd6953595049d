package expression

import (
	"cmp"
	"strings"

	"github.com/expr-lang/expr/ast"

	"github.com/tieout/tieout/schemas/decimal"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
)

// A mask says for which outcomes of a comparison an operator is true: bit 0
// for less, bit 1 for equal, bit 2 for greater.
type mask uint8

func maskOf(operator string) mask {
	return map[string]mask{"<": 1, "<=": 3, "==": 2, "!=": 5, ">=": 6, ">": 4}[operator]
}

func (m mask) truth(c int) Truth { return Truth(m>>(c+1)) & 1 }

// equality is == and !=. Against the literal nil it tells whether there is a
// value, and is never nil itself.
func (c *compiler) equality(n *ast.BinaryNode) *operand {
	if operandNode, ok := nilComparison(n); ok {
		o := c.expr(operandNode)
		if o.unknown() {
			return c.hollow(record.Boolean)
		}
		has, want := o.present(), n.Operator == "!="
		return c.like(boolOperand(func(f *frame) Truth { return truth(has(f) == want) }), o)
	}
	return c.comparison(n)
}

// nilComparison gives the side that is compared with nil.
func nilComparison(n *ast.BinaryNode) (ast.Node, bool) {
	if _, ok := n.Right.(*ast.NilNode); ok {
		return n.Left, true
	}
	_, ok := n.Left.(*ast.NilNode)
	return n.Right, ok
}

// hollow is a value of a known kind that can only be checked.
func (c *compiler) hollow(kind record.Kind) *operand {
	return &operand{kind: kind, scale: record.NoScale}
}

func (c *compiler) ordering(n *ast.BinaryNode) *operand {
	for _, side := range []ast.Node{n.Left, n.Right} {
		if _, ok := side.(*ast.NilNode); ok {
			return c.errorf(n, document.CodeExprType, "write == nil or != nil", "nil is neither larger nor smaller than anything")
		}
	}
	return c.comparison(n)
}

func (c *compiler) comparison(n *ast.BinaryNode) *operand {
	a, b := c.expr(n.Left), c.expr(n.Right)
	if !c.comparable(n, a, b) || a.unknown() || b.unknown() {
		return c.hollow(record.Boolean)
	}
	o := boolOperand(compare(maskOf(n.Operator), a, b))
	o.stable = stabilityOf(a, b)
	return o
}

// comparable reports whether two kinds can be compared, and says why not.
func (c *compiler) comparable(n *ast.BinaryNode, a, b *operand) bool {
	ordered := n.Operator != "==" && n.Operator != "!="
	switch {
	case a.unknown() || b.unknown():
		return true
	case a.number() && b.number():
		return true
	case a.kind != b.kind:
		hint := textHint(a, b)
		if b.kind == record.Text || hint == "" {
			hint = cmp.Or(textHint(b, a), hint)
		}
		c.errorf(n, document.CodeExprType, hint, "%s and %s cannot be compared", kindName(a.kind), kindName(b.kind))
		return false
	case a.kind == record.Boolean && ordered, a.kind.Nested(), a.kind >= kindNil:
		c.errorf(n, document.CodeExprType, "", "%s cannot be compared with %s", kindName(a.kind), n.Operator)
		return false
	}
	return true
}

// compare makes the closure for two operands of comparable kinds.
func compare(m mask, a, b *operand) boolFn {
	switch {
	case a.kind == record.Integer && b.kind == record.Integer, calendarKind(a.kind):
		return compareInt(m, a.i, b.i)
	case a.number():
		if a.kind == record.Decimal && a.ref != nil && a.ref.direct() && b.stable == fixed {
			v, _ := b.dec()(nil) // a literal looks at no frame
			return compareField(m, a.ref, v)
		}
		return compareDec(m, a.dec(), b.dec())
	case a.kind == record.Boolean:
		x, y := a.b, b.b
		return func(f *frame) Truth {
			p := x(f)
			if p == Nil {
				return Nil
			}
			q := y(f)
			if q == Nil {
				return Nil
			}
			return m.truth(cmp.Compare(p, q))
		}
	}
	return compareText(m, a.s, b.s)
}

func compareInt(m mask, a, b intFn) boolFn {
	return func(f *frame) Truth {
		x, ok := a(f)
		if !ok {
			return Nil
		}
		y, ok := b(f)
		if !ok {
			return Nil
		}
		return m.truth(cmp.Compare(x, y))
	}
}

func compareDec(m mask, a, b decFn) boolFn {
	return func(f *frame) Truth {
		x, y, ok := both(f, a, b)
		if !ok {
			return Nil
		}
		return m.truth(x.Cmp(y))
	}
}

// hotScales is how many scales a constant is prepared for: amounts have two
// digits after the point, quantities and rates a few more.
const hotScales = 8

// compareField compares a decimal field with a constant, coefficient with
// coefficient where the column's scale allows it.
func compareField(m mask, r *fieldRef, v decimal.Decimal) boolFn {
	var at [hotScales]int64
	var fits [hotScales]bool
	for s := range at {
		if d, ok := v.Rescale(int32(s)); ok {
			at[s], fits[s] = d.Coefficient()
		}
	}
	i, name := r.path[0], r.at
	return func(f *frame) Truth {
		c := &f.cols[i]
		if c.Presence[f.row] != record.Value {
			f.nilAt = name
			return Nil
		}
		if uint32(c.Scale) < hotScales && fits[c.Scale] && c.Over == nil {
			return m.truth(cmp.Compare(c.Ints[f.row], at[c.Scale]))
		}
		return m.truth(c.Decimal(int(f.row)).Cmp(v))
	}
}

func compareText(m mask, a, b textFn) boolFn {
	equality := m == maskOf("==") || m == maskOf("!=")
	want := m == maskOf("==")
	return func(f *frame) Truth {
		x, ok := a(f)
		if !ok {
			return Nil
		}
		y, ok := b(f)
		if !ok || !f.scan(min(len(x), len(y))) {
			return Nil
		}
		if equality {
			return truth((x == y) == want)
		}
		return m.truth(strings.Compare(x, y))
	}
}

// logic is and, or: left to right, and the right side is looked at only when
// the left one has not decided.
func (c *compiler) logic(n *ast.BinaryNode) *operand {
	a, b := c.condition(n.Left), c.condition(n.Right)
	if a.unknown() || b.unknown() {
		return c.hollow(record.Boolean)
	}
	decided := False
	if n.Operator == "or" || n.Operator == "||" {
		decided = True
	}
	x, y := a.b, b.b
	return c.like(boolOperand(func(f *frame) Truth {
		if v := x(f); v == decided || v == Nil {
			return v
		}
		return y(f)
	}), a, b)
}
