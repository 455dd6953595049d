package expression

import (
	"github.com/tieout/tieout/schemas/decimal"
)

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
func (c *compiler) after(body *operand, at int, value func(*frame) slot) *operand {
	o := *body
	o.ref, o.app = nil, nil
	store := func(f *frame) {
		v := value(f)
		v.nilAt = f.nilAt
		f.slots[at] = v
	}
	if l := body.list; l != nil {
		late := *l
		late.before = append([]func(*frame){store}, l.before...)
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
