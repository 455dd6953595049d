package expression

import (
	"math"
	"math/bits"

	"github.com/expr-lang/expr/ast"

	"github.com/tieout/tieout/schemas/decimal"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
)

func negate(o *operand) *operand {
	if o.kind == record.Decimal {
		d := o.d
		return decOperand(o.scale, func(f *frame) (decimal.Decimal, bool) {
			v, ok := d(f)
			return v.Neg(), ok
		})
	}
	i := o.i
	n := intOperand(o.kind, func(f *frame) (int64, bool) {
		v, ok := i(f)
		if ok && v == math.MinInt64 {
			return 0, f.overflow()
		}
		return -v, ok
	})
	n.months = o.months
	return n
}

// overflow fails the record whose integer left 64 bits.
func (f *frame) overflow() bool {
	f.fail(document.CodeExprTooLarge, "an integer beyond 9223372036854775807; add 0.0 to compute with decimals")
	return false
}

// ring is + - * over two integers, or over decimals when one side is one.
func ring(operator string, a, b *operand) *operand {
	if a.kind == record.Integer && b.kind == record.Integer {
		return intOperand(record.Integer, ringInt(operator, a.i, b.i))
	}
	scale := commonScale([]*operand{a, b})
	if operator == "*" && a.places() != 0 && b.places() != 0 {
		scale = record.NoScale
	}
	return decOperand(scale, ringDec(operator, a.dec(), b.dec()))
}

func ringInt(operator string, a, b intFn) intFn {
	compute := map[string]func(x, y int64) (int64, bool){"+": addInt, "-": subInt, "*": mulInt}[operator]
	return func(f *frame) (int64, bool) {
		x, ok := a(f)
		if !ok {
			return 0, false
		}
		y, ok := b(f)
		if !ok {
			return 0, false
		}
		v, ok := compute(x, y)
		if !ok {
			return 0, f.overflow()
		}
		return v, true
	}
}

func addInt(x, y int64) (int64, bool) { s := x + y; return s, (s > x) == (y > 0) }
func subInt(x, y int64) (int64, bool) { s := x - y; return s, (s < x) == (y > 0) }

func mulInt(x, y int64) (int64, bool) {
	hi, lo := bits.Mul64(magnitude(x), magnitude(y))
	if hi != 0 || lo > math.MaxInt64 {
		return x * y, hi == 0 && lo == 1<<63 && (x < 0) != (y < 0)
	}
	return x * y, true
}

func magnitude(x int64) uint64 {
	if x < 0 {
		return -uint64(x)
	}
	return uint64(x)
}

func ringDec(operator string, a, b decFn) decFn {
	switch operator {
	case "+":
		return func(f *frame) (decimal.Decimal, bool) {
			x, y, ok := both(f, a, b)
			if !ok {
				return x, false
			}
			return f.exact(x.Add(y))
		}
	case "-":
		return func(f *frame) (decimal.Decimal, bool) {
			x, y, ok := both(f, a, b)
			if !ok {
				return x, false
			}
			return f.exact(x.Sub(y))
		}
	}
	return func(f *frame) (decimal.Decimal, bool) {
		x, y, ok := both(f, a, b)
		if !ok {
			return x, false
		}
		return f.exact(x.Mul(y))
	}
}

func both(f *frame, a, b decFn) (x, y decimal.Decimal, ok bool) {
	if x, ok = a(f); ok {
		y, ok = b(f)
	}
	return x, y, ok
}

// quotient carries 34 digits; round(a / b, n) is made of the chain instead.
func quotient(a, b *operand) *operand {
	x, y := a.dec(), b.dec()
	return decOperand(record.NoScale, func(f *frame) (decimal.Decimal, bool) {
		p, q, ok := both(f, x, y)
		if !ok {
			return p, false
		}
		v, _, err := decimal.Quo(p, q)
		if err != nil {
			return p, f.divisionByZero()
		}
		return f.exact(v)
	})
}

func (f *frame) divisionByZero() bool {
	f.fail(document.CodeExprDivision, "division by zero")
	return false
}

func remainder(a, b *operand) *operand {
	if a.kind == record.Integer && b.kind == record.Integer {
		x, y := a.i, b.i
		return intOperand(record.Integer, func(f *frame) (int64, bool) {
			p, ok := x(f)
			if !ok {
				return 0, false
			}
			q, ok := y(f)
			switch {
			case !ok:
				return 0, false
			case q == 0:
				return 0, f.divisionByZero()
			case q == -1:
				return 0, true
			}
			return p % q, true
		})
	}
	x, y := a.dec(), b.dec()
	return decOperand(commonScale([]*operand{a, b}), func(f *frame) (decimal.Decimal, bool) {
		p, q, ok := both(f, x, y)
		if !ok {
			return p, false
		}
		v, err := decimal.Mod(p, q)
		if err != nil {
			return p, f.divisionByZero()
		}
		return f.exact(v)
	})
}

const maxPower = 64

// power multiplies; the exponent is a small integer in the text.
func (c *compiler) power(n *ast.BinaryNode, a, b *operand) *operand {
	if b.stable == unset {
		return &operand{kind: a.kind, scale: record.NoScale, stable: unset}
	}
	e, ok := c.fixedInt(b)
	if !ok || e < -maxPower || e > maxPower {
		return c.errorf(n.Right, document.CodeExprType, "multiply step by step, or write the exponent as a number", "the exponent of ** is a whole number from -%d to %d in the text", maxPower, maxPower)
	}
	if a.kind == record.Integer && e >= 0 {
		return c.like(intOperand(record.Integer, powerInt(a.i, e)), a)
	}
	x := a.dec()
	return c.like(decOperand(record.NoScale, func(f *frame) (decimal.Decimal, bool) {
		v, ok := x(f)
		if !ok {
			return v, false
		}
		return f.power(v, e)
	}), a)
}

// fixedInt is the value of an integer known while compiling.
func (c *compiler) fixedInt(o *operand) (int64, bool) {
	if o.stable != fixed || o.kind != record.Integer {
		return 0, false
	}
	return o.i(c.scratch())
}

func powerInt(x intFn, e int64) intFn {
	return func(f *frame) (int64, bool) {
		base, ok := x(f)
		if !ok {
			return 0, false
		}
		v := int64(1)
		for range e {
			if v, ok = mulInt(v, base); !ok {
				return 0, f.overflow()
			}
		}
		return v, true
	}
}

func (f *frame) power(base decimal.Decimal, e int64) (decimal.Decimal, bool) {
	v := decimal.FromInt(1)
	for range max(e, -e) {
		var ok bool
		if v, ok = f.exact(v.Mul(base)); !ok {
			return v, false
		}
	}
	if e >= 0 {
		return v, true
	}
	q, _, err := decimal.Quo(decimal.FromInt(1), v)
	if err != nil {
		return v, f.divisionByZero()
	}
	return f.exact(q)
}
