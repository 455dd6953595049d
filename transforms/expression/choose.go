package expression

import (
	"github.com/tieout/tieout/schemas/decimal"
	"github.com/tieout/tieout/schemas/record"
)

// choose takes the first operand that has a value.
func choose(kind record.Kind, os []*operand) *operand {
	o := &operand{kind: kind, scale: record.NoScale}
	switch kind {
	case record.Decimal:
		fns := closures(os, (*operand).dec)
		o.d = func(f *frame) (v decimal.Decimal, ok bool) {
			for _, fn := range fns {
				if v, ok = fn(f); ok || f.failed {
					return v, ok
				}
			}
			return v, false
		}
	case record.Boolean:
		fns := closures(os, func(o *operand) boolFn { return o.b })
		o.b = func(f *frame) Truth {
			for _, fn := range fns {
				if v := fn(f); v != Nil || f.failed {
					return v
				}
			}
			return Nil
		}
	case record.Text:
		fns := closures(os, func(o *operand) textFn { return o.s })
		o.s = func(f *frame) (v string, ok bool) {
			for _, fn := range fns {
				if v, ok = fn(f); ok || f.failed {
					return v, ok
				}
			}
			return "", false
		}
	default:
		fns := closures(os, func(o *operand) intFn { return o.i })
		o.i = func(f *frame) (v int64, ok bool) {
			for _, fn := range fns {
				if v, ok = fn(f); ok || f.failed {
					return v, ok
				}
			}
			return 0, false
		}
	}
	return o
}

// closures takes one closure of each operand that is not the literal nil.
func closures[T any](os []*operand, of func(*operand) T) []T {
	var fns []T
	for _, o := range os {
		if !o.isNil() {
			fns = append(fns, of(o))
		}
	}
	return fns
}

// branch is `if`: a nil condition gives nil.
func branch(kind record.Kind, cond boolFn, a, b *operand) *operand {
	o := &operand{kind: kind, scale: record.NoScale}
	switch kind {
	case record.Decimal:
		o.d = pick(cond, orNil(a, (*operand).dec), orNil(b, (*operand).dec))
	case record.Text:
		text := func(o *operand) func(*frame) (string, bool) { return o.s }
		o.s = pick(cond, orNil(a, text), orNil(b, text))
	case record.Boolean:
		o.b = pickTruth(cond, truthOrNil(a), truthOrNil(b))
	default:
		num := func(o *operand) func(*frame) (int64, bool) { return o.i }
		o.i = pick(cond, orNil(a, num), orNil(b, num))
	}
	return o
}

// orNil is the closure of an operand, or of the literal nil.
func orNil[T any, F ~func(*frame) (T, bool)](o *operand, of func(*operand) F) func(*frame) (T, bool) {
	if o.isNil() {
		return func(f *frame) (none T, ok bool) {
			f.nilAt = 0
			return none, false
		}
	}
	return of(o)
}

func truthOrNil(o *operand) boolFn {
	if o.isNil() {
		return func(f *frame) Truth {
			f.nilAt = 0
			return Nil
		}
	}
	return o.b
}

func pick[T any](cond boolFn, a, b func(*frame) (T, bool)) func(*frame) (T, bool) {
	return func(f *frame) (none T, ok bool) {
		switch cond(f) {
		case True:
			return a(f)
		case False:
			return b(f)
		}
		return none, false
	}
}

func pickTruth(cond, a, b boolFn) boolFn {
	return func(f *frame) Truth {
		switch cond(f) {
		case True:
			return a(f)
		case False:
			return b(f)
		}
		return Nil
	}
}
