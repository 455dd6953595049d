package decimal

import (
	"math"
	"math/big"
	"math/bits"
)

// Add returns d + e exactly, at the larger of the two scales.
func (d Decimal) Add(e Decimal) Decimal {
	if d.scale == e.scale && d.big == nil && e.big == nil {
		if s := d.coef + e.coef; (s > d.coef) == (e.coef > 0) {
			return Decimal{coef: s, scale: d.scale}
		}
	}
	return addSlow(d, e)
}

// Sub returns d - e exactly, at the larger of the two scales.
func (d Decimal) Sub(e Decimal) Decimal {
	if d.scale == e.scale && d.big == nil && e.big == nil {
		if s := d.coef - e.coef; (s < d.coef) == (e.coef > 0) {
			return Decimal{coef: s, scale: d.scale}
		}
	}
	return addSlow(d, e.Neg())
}

func addSlow(d, e Decimal) Decimal {
	if x, y, ok := align64(d, e); ok {
		if s := x + y; (s > x) == (y > 0) {
			return Decimal{coef: s, scale: max(d.scale, e.scale)}
		}
	}
	x, y := alignBig(d, e)
	return norm(new(big.Int).Add(x, y), max(d.scale, e.scale))
}

// align64 brings both coefficients to the larger scale, if int64 can hold them.
func align64(d, e Decimal) (x, y int64, ok bool) {
	if d.big != nil || e.big != nil {
		return 0, 0, false
	}
	if d.scale < e.scale {
		x, ok = scaleUp(d.coef, e.scale-d.scale)
		return x, e.coef, ok
	}
	y, ok = scaleUp(e.coef, d.scale-e.scale)
	return d.coef, y, ok
}

// alignBig is align64 for any size; the results must not be changed.
func alignBig(d, e Decimal) (x, y *big.Int) {
	x, y = d.coefficient(), e.coefficient()
	if d.scale < e.scale {
		x = new(big.Int).Mul(x, bigPow10(e.scale-d.scale))
	} else if e.scale < d.scale {
		y = new(big.Int).Mul(y, bigPow10(d.scale-e.scale))
	}
	return x, y
}

// scaleUp returns c x 10^n, and false when that leaves int64.
func scaleUp(c int64, n int32) (int64, bool) {
	if c == 0 {
		return 0, true
	}
	if n > 18 {
		return 0, false
	}
	return mul64(c, int64(pow10[n]))
}

// mul64 returns a x b, and false when it leaves int64: the signed upper half
// must be the sign extension of the lower half.
func mul64(a, b int64) (int64, bool) {
	hi, lo := bits.Mul64(uint64(a), uint64(b))
	hi -= uint64(a>>63)&uint64(b) + uint64(b>>63)&uint64(a)
	return int64(lo), int64(hi) == int64(lo)>>63
}

// Mul returns d x e exactly; the scale is the sum of both scales.
func (d Decimal) Mul(e Decimal) Decimal {
	if d.big == nil && e.big == nil {
		if c, ok := mul64(d.coef, e.coef); ok {
			return Decimal{coef: c, scale: sumScale(d.scale, e.scale)}
		}
	}
	return norm(new(big.Int).Mul(d.coefficient(), e.coefficient()), sumScale(d.scale, e.scale))
}

// maxScale is where the scale of a product stops growing: such a value is
// TooLarge a million times over, and a scale that wrapped would pass for a
// small one.
const maxScale = 1 << 30

func sumScale(a, b int32) int32 {
	return int32(min(int64(a)+int64(b), maxScale))
}

// Neg returns -d.
func (d Decimal) Neg() Decimal {
	if d.big == nil && d.coef != math.MinInt64 {
		return Decimal{coef: -d.coef, scale: d.scale}
	}
	return norm(new(big.Int).Neg(d.coefficient()), d.scale)
}

// Abs returns |d|.
func (d Decimal) Abs() Decimal {
	if d.Sign() < 0 {
		return d.Neg()
	}
	return d
}

// Cmp returns -1, 0 or 1 as d is less than, equal to or greater than e. It
// compares numbers: 1.0 and 1.00 are equal.
func (d Decimal) Cmp(e Decimal) int {
	if d.big != nil || e.big != nil {
		return cmpBig(d, e)
	}
	if d.scale == e.scale {
		return cmp64(d.coef, e.coef)
	}
	x, y, ok := align64(d, e)
	if ok {
		return cmp64(x, y)
	}
	// The side that left int64 is the larger in magnitude, so its sign decides.
	if d.scale < e.scale {
		return cmp64(d.coef, 0)
	}
	return cmp64(0, e.coef)
}

func cmpBig(d, e Decimal) int {
	if s, t := d.Sign(), e.Sign(); s != t {
		return cmp64(int64(s), int64(t))
	}
	x, y := alignBig(d, e)
	return x.Cmp(y)
}

func cmp64(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// Equal reports whether d and e are the same number, whatever their scales.
func (d Decimal) Equal(e Decimal) bool { return d.Cmp(e) == 0 }

// Less reports whether d is less than e.
func (d Decimal) Less(e Decimal) bool { return d.Cmp(e) < 0 }
