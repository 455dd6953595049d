package expression

import (
	"github.com/expr-lang/expr/ast"

	"github.com/tieout/tieout/schemas/decimal"
	"github.com/tieout/tieout/schemas/record"
)

// Two kinds exist in expressions only.
const (
	kindNil  record.Kind = 100 + iota // the literal nil
	kindSpan                          // days(5), months(1)
	kindSet                           // ["a", "b"]
)

// operand is a checked expression: its static type and the closure that
// belongs to its kind. An operand of kind Unknown has no closure.
type operand struct {
	kind    record.Kind
	scale   int32 // digits after the point when known for every row, or NoScale
	inexact bool
	child   *record.Shape // of a List or Record
	node    ast.Node

	stable stability
	months bool // a kindSpan counts months, not days

	i     intFn // integer, date, month, timestamp, span
	d     decFn
	b     boolFn
	s     textFn
	app   appendFn   // a text made anew, appended to where it is wanted
	parts []*operand // of a concatenation
	list  *list
	ref   *fieldRef // when the operand is a field as it stands
	set   []*operand
}

// stability says whether an operand has one value for all records.
type stability uint8

const (
	varies stability = iota // it depends on the record
	unset                   // it does not, but its value is not known yet
	fixed                   // it is known while compiling
)

// stabilityOf is that of an operator over the operands.
func stabilityOf(os ...*operand) stability {
	s := fixed
	for _, o := range os {
		s = min(s, o.stable)
	}
	return s
}

func (o *operand) unknown() bool { return o.kind == record.Unknown }

func (o *operand) number() bool {
	return o.kind == record.Integer || o.kind == record.Decimal || o.unknown()
}

// isNil reports whether the operand is the literal nil.
func (o *operand) isNil() bool { return o.kind == kindNil }

func intOperand(kind record.Kind, fn intFn) *operand {
	return &operand{kind: kind, scale: record.NoScale, i: fn}
}

func decOperand(scale int32, fn decFn) *operand {
	return &operand{kind: record.Decimal, scale: scale, d: fn}
}

func boolOperand(fn boolFn) *operand {
	return &operand{kind: record.Boolean, scale: record.NoScale, b: fn}
}

func textOperand(fn textFn) *operand {
	return &operand{kind: record.Text, scale: record.NoScale, s: fn}
}

func unknownOperand() *operand { return &operand{kind: record.Unknown, scale: record.NoScale} }

func nilOperand() *operand {
	return &operand{kind: kindNil, scale: record.NoScale, stable: fixed}
}

func constInt(kind record.Kind, v int64) *operand {
	o := intOperand(kind, func(*frame) (int64, bool) { return v, true })
	o.stable = fixed
	return o
}

func constDec(v decimal.Decimal) *operand {
	o := decOperand(v.Scale(), func(*frame) (decimal.Decimal, bool) { return v, true })
	o.stable = fixed
	return o
}

func constBool(v Truth) *operand {
	o := boolOperand(func(*frame) Truth { return v })
	o.stable = fixed
	return o
}

func constText(v string) *operand {
	o := textOperand(func(*frame) (string, bool) { return v, true })
	o.stable = fixed
	return o
}

// nilText is a text that is never there.
func nilText() *operand {
	o := textOperand(func(*frame) (string, bool) { return "", false })
	o.stable = fixed
	return o
}

// dec reads any number as a decimal.
func (o *operand) dec() decFn {
	if o.kind != record.Integer {
		return o.d
	}
	if o.ref != nil && o.ref.direct() {
		return o.ref.intDec()
	}
	i := o.i
	return func(f *frame) (decimal.Decimal, bool) {
		v, ok := i(f)
		return decimal.FromInt(v), ok
	}
}

// places is the static scale of a number; integers have none after the point.
func (o *operand) places() int32 {
	if o.kind == record.Integer {
		return 0
	}
	return o.scale
}

// present tests for a value of any kind, nil being the answer false.
func (o *operand) present() func(*frame) bool {
	switch {
	case o.isNil():
		return func(*frame) bool { return false }
	case o.d != nil:
		return func(f *frame) bool { _, ok := o.d(f); return ok }
	case o.i != nil:
		return func(f *frame) bool { _, ok := o.i(f); return ok }
	case o.s != nil:
		return func(f *frame) bool { _, ok := o.s(f); return ok }
	case o.b != nil:
		return func(f *frame) bool { return o.b(f) != Nil }
	case o.list != nil:
		return func(f *frame) bool { _, _, _, ok := o.list.rows(f); return ok }
	case o.ref != nil:
		return o.ref.present()
	}
	return func(*frame) bool { return false }
}

// value evaluates any scalar into a slot.
func (o *operand) value() func(*frame) slot {
	switch {
	case o.d != nil:
		return func(f *frame) (v slot) { v.dec, v.ok = o.d(f); return v }
	case o.i != nil:
		return func(f *frame) (v slot) { v.num, v.ok = o.i(f); return v }
	case o.s != nil:
		return func(f *frame) (v slot) { v.text, v.ok = o.s(f); return v }
	case o.b != nil:
		return func(f *frame) (v slot) { v.truth = o.b(f); v.ok = v.truth != Nil; return v }
	}
	return func(*frame) slot { return slot{} }
}

// kindName is the name of a kind in messages.
func kindName(k record.Kind) string {
	switch k {
	case kindNil:
		return "nil"
	case kindSpan:
		return "days(…) or months(…)"
	case kindSet:
		return "[…]"
	}
	return k.String()
}

// madeText is a text that did not exist before.
func madeText(app appendFn) *operand {
	o := textOperand(func(f *frame) (string, bool) { return f.make(app) })
	o.app = app
	return o
}
