package expression

import (
	"github.com/expr-lang/expr/ast"

	"github.com/tieout/tieout/schemas/decimal"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
)

// let binds a name for the expression behind the semicolon.
func (c *compiler) let(n *ast.VariableDeclaratorNode) *operand {
	before := c.nodes
	value := c.expr(n.Value)
	cost := 1 + (c.nodes-before)/16
	switch {
	case c.env.Shape != nil && c.env.Shape.Index(n.Name) >= 0:
		c.errorf(n.Value, document.CodeExprSyntax, "choose another name", "let %s hides the field %q", n.Name, n.Name)
	case value.isNil():
		c.errorf(n.Value, document.CodeExprType, "", "let %s = nil has no kind", n.Name)
	case value.stable != fixed && !value.unknown() && value.kind != record.List && value.kind != record.Record && value.kind != kindSet:
		slot, store := c.program.slots, value.value()
		c.program.slots++
		c.lets = append(c.lets, binding{n.Name, c.letOperand(value, slot)})
		body := c.expr(n.Expr)
		c.lets = c.lets[:len(c.lets)-1]
		return c.after(body, slot, cost, store)
	}
	c.lets = append(c.lets, binding{n.Name, value})
	body := c.expr(n.Expr)
	c.lets = c.lets[:len(c.lets)-1]
	o := *body
	return &o
}

// letOperand reads the slot of a let; its value is computed once for each
// record or element that reaches it.
func (c *compiler) letOperand(o *operand, at int) *operand {
	r := &operand{kind: o.kind, scale: o.scale, inexact: o.inexact, months: o.months}
	switch {
	case o.d != nil:
		r.d = func(f *frame) (decimal.Decimal, bool) { v := &f.slots[at]; f.nilAt = v.nilAt; return v.dec, v.ok }
	case o.i != nil:
		r.i = func(f *frame) (int64, bool) { v := &f.slots[at]; f.nilAt = v.nilAt; return v.num, v.ok }
	case o.s != nil:
		r.s = func(f *frame) (string, bool) { v := &f.slots[at]; f.nilAt = v.nilAt; return v.text, v.ok }
	case o.b != nil:
		r.b = func(f *frame) Truth {
			v := &f.slots[at]
			f.nilAt = v.nilAt
			if !v.ok {
				return Nil
			}
			return v.truth
		}
	}
	return r
}

// after evaluates the let before the body.
func (c *compiler) after(body *operand, at, cost int, value func(*frame) slot) *operand {
	o := *body
	o.ref, o.app = nil, nil
	store := func(f *frame) {
		v := value(f)
		v.nilAt = f.nilAt
		f.slots[at] = v
	}
	if l := body.list; l != nil {
		late := *l
		// A list may be walked many times, and the let is computed each time.
		counted := func(f *frame) {
			if f.step(cost) {
				store(f)
			}
		}
		late.before = append([]func(*frame){counted}, l.before...)
		o.list = &late
	}
	if d := body.d; d != nil {
		o.d = func(f *frame) (decimal.Decimal, bool) { store(f); return d(f) }
	}
	if i := body.i; i != nil {
		o.i = func(f *frame) (int64, bool) { store(f); return i(f) }
	}
	if s := body.s; s != nil {
		o.s = func(f *frame) (string, bool) { store(f); return s(f) }
	}
	if b := body.b; b != nil {
		o.b = func(f *frame) Truth { store(f); return b(f) }
	}
	return &o
}

// stepped is the operand with a step counted for each evaluation: after
// several map() one # stands for a whole formula.
func (c *compiler) stepped(o *operand) *operand {
	s := *o
	s.ref, s.app = nil, nil
	if i := o.i; i != nil {
		s.i = func(f *frame) (v int64, ok bool) {
			if f.step(1) {
				v, ok = i(f)
			}
			return v, ok
		}
	}
	if d := o.d; d != nil {
		s.d = func(f *frame) (v decimal.Decimal, ok bool) {
			if f.step(1) {
				v, ok = d(f)
			}
			return v, ok
		}
	}
	if b := o.b; b != nil {
		s.b = func(f *frame) Truth {
			if f.step(1) {
				return b(f)
			}
			return Nil
		}
	}
	if t := o.s; t != nil {
		s.s = func(f *frame) (v string, ok bool) {
			if f.step(1) {
				v, ok = t(f)
			}
			return v, ok
		}
	}
	return &s
}
