package expression

import (
	"fmt"
	"math"

	"github.com/expr-lang/expr/ast"

	"github.com/tieout/tieout/schemas/decimal"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
)

func numberFunctions() []function {
	return []function{
		{
			signature: "round(x: number, places?: const integer, mode?: const text) -> decimal",
			doc: "Rounds to the places after the point (0 unless said), half away from zero unless the mode is half_even, half_down, up, down, ceiling or floor." +
				" A product or quotient inside is computed exactly and rounded once.",
			examples: []Example{{"round(2.345, 2)", "2.35"}, {`round(2.345, 2, "half_even")`, "2.34"}, {"round(rent * 17 / 31, 2)", "822.58"}, {"round(1, 2)", "1.00"}, {"round(1250, -2)", "1300"}},
			special:  func(c *compiler, k *call) *operand { return c.round(k) },
		},
		{
			signature: "floor(x: number) -> decimal",
			doc:       "The next whole number below.",
			examples:  []Example{{"floor(2.9)", "2"}, {"floor(-2.1)", "-3"}, {"floor(10 / 3 * 3)", "10"}},
			special:   func(c *compiler, k *call) *operand { return c.whole(k, decimal.Floor) },
		},
		{
			signature: "ceil(x: number) -> decimal",
			doc:       "The next whole number above.",
			examples:  []Example{{"ceil(2.1)", "3"}, {"ceil(1248.6 * 1.07 / 33.3)", "41"}},
			special:   func(c *compiler, k *call) *operand { return c.whole(k, decimal.Ceiling) },
		},
		{
			signature: "abs(x: number) -> number",
			doc:       "The value without its sign.",
			examples:  []Example{{"abs(-2.50)", "2.50"}, {"abs(3)", "3"}},
			build:     buildAbs,
		},
	}
}

// rational is a chain of * and /: the product of num over the product of den.
// Rounding it once loses nothing on the way.
type rational struct{ num, den []*operand }

// rationalOf takes a chain apart. Other nodes are one numerator.
func (c *compiler) rationalOf(n ast.Node, r *rational, inverse bool) {
	b, ok := n.(*ast.BinaryNode)
	if ok && (b.Operator == "*" || b.Operator == "/") && c.depth < maxDepth {
		c.depth++
		c.rationalOf(b.Left, r, inverse)
		c.rationalOf(b.Right, r, inverse != (b.Operator == "/"))
		c.depth--
		return
	}
	o := c.expr(n)
	if inverse {
		r.den = append(r.den, o)
	} else {
		r.num = append(r.num, o)
	}
}

// rounding checks x and gives the function that rounds it once. ok is false
// for what cannot be built.
func (c *compiler) rounding(k *call) (r rational, ok bool) {
	c.rationalOf(k.args[0], &r, false)
	ok = true
	for _, o := range append(append([]*operand{}, r.num...), r.den...) {
		if o.number() {
			ok = ok && !o.unknown()
			continue
		}
		c.errorf(o.node, document.CodeExprType, textHint(o, &operand{kind: record.Decimal}), "%s needs a number, and this is %s", k.name, kindName(o.kind))
		ok = false
	}
	return r, ok
}

func (r *rational) stability() stability { return min(stabilityOf(r.num...), stabilityOf(r.den...)) }

// rounded is the chain rounded to places, padded to them.
func (r *rational) rounded(places int32, mode decimal.Mode) decFn {
	if len(r.den) == 0 {
		return rounded(productOf(r.num), places, mode)
	}
	last := len(r.num) - 1
	a, b, den := productOf(r.num[:last]), r.num[last].dec(), productOf(r.den)
	if last == 0 {
		return roundedQuotient(b, den, places, mode)
	}
	return func(f *frame) (decimal.Decimal, bool) {
		x, y, ok := both(f, a, b)
		if !ok {
			return x, false
		}
		z, ok := den(f)
		if !ok {
			return z, false
		}
		v, err := decimal.MulQuoRound(x, y, z, places, mode)
		if err != nil {
			return v, f.divisionByZero()
		}
		return f.exact(v)
	}
}

func roundedQuotient(a, b decFn, places int32, mode decimal.Mode) decFn {
	return func(f *frame) (decimal.Decimal, bool) {
		x, y, ok := both(f, a, b)
		if !ok {
			return x, false
		}
		v, err := decimal.QuoRound(x, y, places, mode)
		if err != nil {
			return v, f.divisionByZero()
		}
		return f.exact(v)
	}
}

func rounded(d decFn, places int32, mode decimal.Mode) decFn {
	return func(f *frame) (decimal.Decimal, bool) {
		v, ok := d(f)
		if !ok {
			return v, false
		}
		v = v.Round(places, mode)
		if v.Scale() < places {
			v, _ = v.Rescale(places)
		}
		return f.exact(v)
	}
}

// productOf multiplies exactly.
func productOf(os []*operand) decFn {
	if len(os) == 0 {
		return func(*frame) (decimal.Decimal, bool) { return decimal.FromInt(1), true }
	}
	d := os[0].dec()
	for _, o := range os[1:] {
		d = ringDec("*", d, o.dec())
	}
	return d
}

// maxPlaces bounds round in both directions.
const maxPlaces = 100

func (c *compiler) round(k *call) *operand {
	if !c.argumentCount(k, k.fn.params()) {
		return c.hollow(record.Decimal)
	}
	r, ok := c.rounding(k)
	ps := k.fn.params()
	places, mode := int64(0), decimal.HalfUp
	for i, n := range k.args[1:] {
		o := c.expr(n)
		if !c.argument(k, &ps[i+1], o) {
			ok = false
			continue
		}
		switch v, isInt := c.fixedInt(o); {
		case isInt && (v < -maxPlaces || v > maxPlaces):
			c.errorf(n, document.CodeExprArguments, "", "places from -%d to %d, not %d", maxPlaces, maxPlaces, v)
			ok = false
		case isInt:
			places = v
		default:
			mode, ok = c.mode(o, ok)
		}
	}
	if !ok {
		return c.hollow(record.Decimal)
	}
	scale := int32(max(places, 0))
	o := decOperand(scale, r.rounded(int32(places), mode))
	o.stable = r.stability()
	return o
}

// mode reads a rounding mode.
func (c *compiler) mode(o *operand, ok bool) (decimal.Mode, bool) {
	name, _ := c.fixedText(o)
	mode, err := decimal.ParseMode(name)
	if err != nil {
		s := document.Suggest(name, decimal.ModeNames())
		c.errorf(o.node, document.CodeExprArguments, s.Hint, "there is no rounding mode %q", name)
		return mode, false
	}
	return mode, ok
}

func (c *compiler) whole(k *call, mode decimal.Mode) *operand {
	if !c.argumentCount(k, k.fn.params()) {
		return c.hollow(record.Decimal)
	}
	r, ok := c.rounding(k)
	if !ok {
		return c.hollow(record.Decimal)
	}
	o := decOperand(0, r.rounded(0, mode))
	o.stable = r.stability()
	return o
}

func buildAbs(c *compiler, a args) *operand {
	x := a[0]
	if x.kind == record.Decimal {
		d := x.d
		return c.like(decOperand(x.scale, func(f *frame) (decimal.Decimal, bool) {
			v, ok := d(f)
			return v.Abs(), ok
		}), x)
	}
	i := x.i
	return c.like(intOperand(record.Integer, func(f *frame) (int64, bool) {
		v, ok := i(f)
		if ok && v == math.MinInt64 {
			return 0, f.overflow()
		}
		return max(v, -v), ok
	}), x)
}

// valueError fails a record whose value a function cannot take.
func (f *frame) valueError(err error) bool {
	f.fail(document.CodeExprValue, "%s", fmt.Sprint(err))
	return false
}
