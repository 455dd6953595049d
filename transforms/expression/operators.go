package expression

import (
	"github.com/expr-lang/expr/ast"

	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
)

func (c *compiler) unary(n *ast.UnaryNode) *operand {
	o := c.expr(n.Node)
	if o.unknown() {
		return unknownOperand()
	}
	switch n.Operator {
	case "not", "!":
		if o.kind != record.Boolean {
			return c.errorf(n.Node, document.CodeExprType, "", "not needs true or false, and this is %s", kindName(o.kind))
		}
		b := o.b
		return c.like(boolOperand(func(f *frame) Truth { return b(f).not() }), o)
	}
	if !o.number() && o.kind != kindSpan {
		return c.errorf(n.Node, document.CodeExprType, textHint(o, nil), "%s needs a number, and this is %s", n.Operator, kindName(o.kind))
	}
	if n.Operator == "+" {
		same := *o
		same.ref = nil
		return &same
	}
	return c.like(negate(o), o)
}

// like gives a result the stability and inexactness of its operands.
func (c *compiler) like(o *operand, of ...*operand) *operand {
	o.stable = stabilityOf(of...)
	for _, x := range of {
		o.inexact = o.inexact || x.inexact
	}
	return o
}

func (c *compiler) binary(n *ast.BinaryNode) *operand {
	switch n.Operator {
	case "and", "&&", "or", "||":
		return c.logic(n)
	case "==", "!=":
		return c.equality(n)
	case "<", "<=", ">", ">=":
		return c.ordering(n)
	case "in":
		return c.membership(n)
	case "contains", "startsWith", "endsWith", "matches":
		return c.textOperator(n)
	case "??":
		a, b := c.expr(n.Left), c.expr(n.Right)
		return c.firstOf(n, []*operand{a, b})
	case "..":
		return c.errorf(n, document.CodeExprSyntax, "write x >= 1 and x <= 5", "ranges are not part of the language")
	}
	return c.arithmetic(n)
}

func (c *compiler) arithmetic(n *ast.BinaryNode) *operand {
	a, b := c.expr(n.Left), c.expr(n.Right)
	if n.Operator == "+" || n.Operator == "-" {
		if o := c.additiveByKind(n, a, b); o != nil {
			return o
		}
	}
	if !a.number() || !b.number() {
		return c.numbersOnly(n, a, b)
	}
	if a.unknown() || b.unknown() {
		return c.unknownNumber(n.Operator, a, b)
	}
	switch n.Operator {
	case "+", "-", "*":
		return c.like(ring(n.Operator, a, b), a, b)
	case "/":
		return c.like(quotient(a, b), a, b)
	case "%":
		return c.like(remainder(a, b), a, b)
	case "**", "^":
		return c.power(n, a, b)
	}
	return c.errorf(n, document.CodeExprSyntax, "", "%s is not part of the language", n.Operator)
}

// unknownNumber is the kind of a number operator over an assumed field.
func (c *compiler) unknownNumber(operator string, a, b *operand) *operand {
	o := unknownOperand()
	if operator == "/" || a.kind == record.Decimal || b.kind == record.Decimal {
		o.kind = record.Decimal
	}
	return c.like(o, a, b)
}

func (c *compiler) numbersOnly(n *ast.BinaryNode, a, b *operand) *operand {
	wrong, node, other := a, n.Left, b
	if a.number() {
		wrong, node, other = b, n.Right, a
	}
	hint := textHint(wrong, other)
	if wrong.isNil() {
		hint = "a missing value makes the result nil by itself; replace it with (x ?? 0)"
	}
	return c.errorf(node, document.CodeExprType, hint, "%s needs numbers, and this is %s", n.Operator, kindName(wrong.kind))
}

// additiveByKind handles + and - of what is no number. It returns nil when
// both sides may be numbers.
func (c *compiler) additiveByKind(n *ast.BinaryNode, a, b *operand) *operand {
	switch {
	case a.kind == kindSpan || b.kind == kindSpan:
		return c.shift(n, a, b)
	case a.kind == record.Text || b.kind == record.Text:
		return c.addText(n, a, b)
	case calendarKind(a.kind) && calendarKind(b.kind):
		return c.difference(n, a, b)
	case calendarKind(a.kind) && b.kind == record.Integer:
		return c.errorf(n.Right, document.CodeExprType, "write days(5) or months(1)", "a %s and a plain number do not add up", a.kind)
	}
	return nil
}

func (c *compiler) addText(n *ast.BinaryNode, a, b *operand) *operand {
	if n.Operator == "-" {
		return c.errorf(n, document.CodeExprType, "use replace(text, part, \"\") to take a part away", "- needs numbers, and this is text")
	}
	for _, side := range []*operand{a, b} {
		if side.kind == record.Text || side.unknown() {
			continue
		}
		if side.isNil() {
			return c.errorf(side.node, document.CodeExprType, "write (x ?? \"\")", "text + nil is always nil")
		}
		return c.errorf(side.node, document.CodeExprType, c.addTextHint(side, a, b), "text and %s do not add up", kindName(side.kind))
	}
	return c.like(concat(a, b), a, b)
}

// addTextHint offers both ways out, unless the text is a literal.
func (c *compiler) addTextHint(side, a, b *operand) string {
	hint := "write text(" + c.source(side.node) + ")"
	other := a
	if side == a {
		other = b
	}
	if _, literal := other.node.(*ast.StringNode); literal || !side.number() || other.stable != varies {
		return hint
	}
	return hint + " to make one text, or parse_decimal(" + c.source(other.node) + ") to add numbers"
}

// source is the text of a node.
func (c *compiler) source(n ast.Node) string {
	from, to := c.syn.bytes(c.syn.span(n))
	return c.syn.text[from:to]
}

// firstOf is ?? and coalesce: the first value there is.
func (c *compiler) firstOf(n ast.Node, os []*operand) *operand {
	kind, ok := c.unify(n, os...)
	if !ok {
		return unknownOperand()
	}
	o := c.like(choose(kind, os), os...)
	o.scale = commonScale(os)
	return o
}

func (c *compiler) conditional(n *ast.ConditionalNode) *operand {
	cond := c.condition(n.Cond)
	a, b := c.expr(n.Exp1), c.expr(n.Exp2)
	kind, ok := c.unify(n, a, b)
	if !ok || cond.unknown() {
		o := unknownOperand()
		o.kind = kind
		return o
	}
	o := c.like(branch(kind, cond.b, a, b), a, b)
	o.stable = stabilityOf(cond, a, b)
	o.scale = commonScale([]*operand{a, b})
	return o
}

// condition checks what must be true or false.
func (c *compiler) condition(n ast.Node) *operand {
	o := c.expr(n)
	if o.kind == record.Boolean || o.unknown() {
		return o
	}
	hint := ""
	switch {
	case o.number():
		hint = "compare it: x != 0"
	case o.kind == record.Text:
		hint = `compare it: x != "", or write not blank(x)`
	}
	return c.errorf(n, document.CodeExprType, hint, "true or false is needed, and this is %s", kindName(o.kind))
}

// unify finds the one kind of several values, nil aside. ok is false when
// there is none or it is not known; what is wrong has been reported.
func (c *compiler) unify(n ast.Node, os ...*operand) (record.Kind, bool) {
	kind, unknown := kindNil, false
	for _, o := range os {
		switch {
		case o.isNil():
		case o.unknown():
			unknown = true
		case kind == kindNil:
			kind = o.kind
		case kind == o.kind:
		case kind == record.Integer && o.kind == record.Decimal, kind == record.Decimal && o.kind == record.Integer:
			kind = record.Decimal
		default:
			c.errorf(o.node, document.CodeExprType, textHint(o, nil), "%s here and %s there: the result needs one kind", kindName(kind), kindName(o.kind))
			return record.Unknown, false
		}
	}
	switch {
	case kind == kindNil && !unknown:
		c.errorf(n, document.CodeExprType, "", "the result is always nil")
		return record.Unknown, false
	case unknown:
		if kind == kindNil {
			kind = record.Unknown
		}
		return kind, false
	case kind.Nested() || kind >= kindNil:
		c.errorf(n, document.CodeExprType, "choose inside the list function, or filter the list", "a %s cannot be chosen", kindName(kind))
		return record.Unknown, false
	}
	return kind, true
}

// commonScale is the largest static scale, or none.
func commonScale(os []*operand) int32 {
	scale := int32(0)
	for _, o := range os {
		if o.isNil() {
			continue
		}
		s := o.places()
		if s == record.NoScale {
			return record.NoScale
		}
		scale = max(scale, s)
	}
	return scale
}
