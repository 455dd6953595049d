package expression

import (
	"strings"

	"github.com/tieout/tieout/schemas/decimal"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
)

// extreme is min (sign -1) and max (sign 1), over values or over a list.
func (c *compiler) extreme(k *call, sign int) *operand {
	if len(k.args) == 0 {
		return c.errorf(k.node, document.CodeExprArguments, "write "+k.fn.examples[0].Expr, "%s lacks values", k.name)
	}
	first := c.expr(k.args[0])
	if first.kind == record.List {
		return c.extremeOf(k, first, sign)
	}
	os := []*operand{first}
	for _, n := range k.args[1:] {
		os = append(os, c.expr(n))
	}
	kind, ok := c.unify(k.node, os...)
	if !ok {
		o := unknownOperand()
		o.kind = kind
		return o
	}
	if kind == record.Boolean || hasNil(os) {
		return c.errorf(k.node, document.CodeExprType, "", "%s needs values that have an order", k.name)
	}
	o := c.like(extremes(kind, os, sign), os...)
	o.scale = commonScale(os)
	return o
}

func hasNil(os []*operand) bool {
	for _, o := range os {
		if o.isNil() {
			return true
		}
	}
	return false
}

// extremeOf walks a list.
func (c *compiler) extremeOf(k *call, in *operand, sign int) *operand {
	// The list has been checked already: its node must not be checked twice.
	o, ok := c.checkedList(k, in)
	if !ok {
		return unknownOperand()
	}
	if o.body.kind == record.Boolean {
		return c.errorf(o.body.node, document.CodeExprType, "", "%s needs values that have an order", k.name)
	}
	r := &operand{kind: o.body.kind, scale: o.body.scale, inexact: o.body.inexact}
	at := o.base.at
	switch {
	case o.body.d != nil:
		r.d = reduce(o, at, o.body.d, func(a, b decimal.Decimal) bool { return a.Cmp(b) == sign })
	case o.body.s != nil:
		r.s = reduce(o, at, o.body.s, func(a, b string) bool { return strings.Compare(a, b) == sign })
	default:
		r.i = reduce(o, at, o.body.i, func(a, b int64) bool { return a != b && (a > b) == (sign > 0) })
	}
	return r
}

// checkedList is plainValue for a list that is checked already.
func (c *compiler) checkedList(k *call, in *operand) (o over, ok bool) {
	if in.list == nil {
		return o, false
	}
	o.list, o.body = in.list, in.list.mapped
	switch {
	case len(k.args) > 2:
		c.errorf(k.node, document.CodeExprArguments, "write "+k.name+"("+o.name+", .field)", "%s takes one value of each element", k.name)
		return o, false
	case len(k.args) == 2:
		o.body, o.cost = c.each(in.list, k.args[1])
	}
	switch {
	case o.body == nil:
		c.errorf(k.node, document.CodeExprArguments, "write "+k.name+"("+o.name+", .field)", "%s needs a value of each element", k.name)
	case o.body.unknown():
	case o.body.kind.Nested() || o.body.kind >= kindNil:
		c.errorf(o.body.node, document.CodeExprType, "", "%s needs a plain value of each element, and this is %s", k.name, kindName(o.body.kind))
	default:
		return o, true
	}
	return o, false
}

// reduce keeps the value that wins over all others. An empty list has none.
func reduce[T any](o over, at int32, body func(*frame) (T, bool), wins func(a, b T) bool) func(*frame) (T, bool) {
	return func(f *frame) (best T, found bool) {
		missing := false
		done := o.each(f, o.cost, func() bool {
			v, ok := body(f)
			if !ok {
				missing = true
				return false
			}
			if !found || wins(v, best) {
				best, found = v, true
			}
			return true
		})
		if done && !missing && !found {
			f.nilAt = at
		}
		return best, done && found && !missing
	}
}

// extremes compares values of one kind.
func extremes(kind record.Kind, os []*operand, sign int) *operand {
	o := &operand{kind: kind, scale: record.NoScale}
	switch kind {
	case record.Decimal:
		o.d = winner(closures(os, (*operand).dec), func(a, b decimal.Decimal) bool { return a.Cmp(b) == sign })
	case record.Text:
		o.s = winner(closures(os, func(o *operand) textFn { return o.s }), func(a, b string) bool { return strings.Compare(a, b) == sign })
	default:
		o.i = winner(closures(os, func(o *operand) intFn { return o.i }), func(a, b int64) bool { return a != b && (a > b) == (sign > 0) })
	}
	return o
}

func winner[T any, F ~func(*frame) (T, bool)](fns []F, wins func(a, b T) bool) func(*frame) (T, bool) {
	return func(f *frame) (best T, ok bool) {
		for i, fn := range fns {
			v, ok := fn(f)
			if !ok {
				return best, false
			}
			if i == 0 || wins(v, best) {
				best = v
			}
		}
		return best, true
	}
}

// end is first and last.
func (c *compiler) end(k *call, last bool) *operand {
	o, ok := c.plainValue(k)
	if !ok {
		return unknownOperand()
	}
	r := &operand{kind: o.body.kind, scale: o.body.scale, inexact: o.body.inexact}
	switch {
	case o.body.d != nil:
		r.d = edge(o, last, o.body.d)
	case o.body.s != nil:
		r.s = edge(o, last, o.body.s)
	case o.body.b != nil:
		r.b = edgeTruth(o, last, o.body.b)
	default:
		r.i = edge(o, last, o.body.i)
	}
	return r
}

func edge[T any, F ~func(*frame) (T, bool)](o over, last bool, body F) func(*frame) (T, bool) {
	return func(f *frame) (v T, ok bool) {
		f.nilAt = o.base.at
		done := o.each(f, o.cost, func() bool {
			v, ok = body(f)
			return last
		})
		return v, ok && done
	}
}

func edgeTruth(o over, last bool, body boolFn) boolFn {
	return func(f *frame) Truth {
		v := Nil
		f.nilAt = o.base.at
		if !o.each(f, o.cost, func() bool { v = body(f); return last }) {
			return Nil
		}
		return v
	}
}
