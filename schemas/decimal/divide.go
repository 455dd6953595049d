package decimal

import (
	"fmt"
	"math"
	"math/big"
	"math/bits"
)

// quoDigits is how many significant digits a quotient carries: those of
// decimal128, more than twice what any amount needs.
const quoDigits = 34

// Quo returns a/b to 34 significant digits, rounded half to even, and whether
// digits were lost. An exact result has the scale max(0, a.Scale()-b.Scale()),
// or the shortest longer one that holds it: 2.40/2 is 1.20 and 1/8 is 0.125.
func Quo(a, b Decimal) (q Decimal, inexact bool, err error) {
	if b.IsZero() {
		return Decimal{}, false, ErrDivisionByZero
	}
	ideal := a.scale - b.scale
	if a.IsZero() {
		return Decimal{scale: max(ideal, 0)}, false, nil
	}
	if a.big == nil && b.big == nil {
		q, inexact = quo64(a.coef, b.coef, ideal)
		return q, inexact, nil
	}
	z, scale, inexact := quoDigitsBig(a, b)
	if !inexact {
		z, scale = trim(z, scale, max(ideal, 0))
	}
	if !inexact && scale < ideal {
		z, scale = padWithin(z, scale, ideal)
	}
	return FromBig(z, scale), inexact, nil
}

// quoDigitsBig returns the coefficient and scale of a/b with quoDigits digits.
func quoDigitsBig(a, b Decimal) (z *big.Int, scale int32, inexact bool) {
	x, y := a.coefficient(), b.coefficient()
	shift := int32(quoDigits - bigDigits(x) + bigDigits(y))
	num, den := shifted(x, y, shift)
	if new(big.Int).Quo(num, den).CmpAbs(bigPow10(quoDigits)) >= 0 {
		shift-- // the guess from the digit counts may be one digit long
		num, den = shifted(x, y, shift)
	}
	inexact = new(big.Int).Rem(num, den).Sign() != 0
	z = quoBig(num, den, HalfEven)
	if bigDigits(z) > quoDigits { // 99…9 was rounded up to 100…0
		z, shift = z.Quo(z, big.NewInt(10)), shift-1
	}
	return z, a.scale - b.scale + shift, inexact
}

// shifted returns a fraction equal to x/y x 10^shift.
func shifted(x, y *big.Int, shift int32) (num, den *big.Int) {
	if shift >= 0 {
		return new(big.Int).Mul(x, bigPow10(shift)), y
	}
	return x, new(big.Int).Mul(y, bigPow10(-shift))
}

// trim takes trailing zeros off while the scale is above least.
func trim(z *big.Int, scale, least int32) (*big.Int, int32) {
	ten, r := big.NewInt(10), new(big.Int)
	for scale > least {
		q, _ := new(big.Int).QuoRem(z, ten, r)
		if r.Sign() != 0 {
			return z, scale
		}
		z, scale = q, scale-1
	}
	return z, scale
}

// padWithin adds zeros up to the wanted scale as far as quoDigits allow.
func padWithin(z *big.Int, scale, want int32) (*big.Int, int32) {
	n := min(want-scale, int32(quoDigits-bigDigits(z)))
	if n <= 0 {
		return z, scale
	}
	return new(big.Int).Mul(z, bigPow10(n)), scale + n
}

// QuoRound returns a/b rounded once to the given places; the result has exactly
// max(places, 0) digits after the point. Negative places round to tens,
// hundreds and so on.
func QuoRound(a, b Decimal, places int32, mode Mode) (Decimal, error) {
	return MulQuoRound(a, Decimal{coef: 1}, b, places, mode)
}

// MulQuoRound returns a*b/c rounded once to the given places; the shape of the
// result is that of QuoRound. It is the arithmetic of prorating: no digit is
// lost between the product and the quotient.
func MulQuoRound(a, b, c Decimal, places int32, mode Mode) (Decimal, error) {
	if c.IsZero() {
		return Decimal{}, ErrDivisionByZero
	}
	if places < -MaxDigits || places > MaxDigits {
		return Decimal{}, fmt.Errorf("round to %d places: %w", places, ErrTooLarge)
	}
	if a.big == nil && b.big == nil && c.big == nil && places >= 0 {
		shift := int64(places) + int64(c.scale) - int64(a.scale) - int64(b.scale)
		if q, ok := mulQuo64(a.coef, b.coef, c.coef, shift, mode); ok {
			return Decimal{coef: q, scale: places}, nil
		}
	}
	return mulQuoBig(a, b, c, places, mode), nil
}

// mulQuo64 returns a*b/c x 10^shift rounded, and false when a 128-bit dividend,
// a 64-bit divisor or an int64 result would not hold it.
func mulQuo64(a, b, c int64, shift int64, mode Mode) (int64, bool) {
	hi, lo := bits.Mul64(mag(a), mag(b))
	den := mag(c)
	if shift != 0 {
		var ok bool
		if hi, lo, den, ok = shift128(hi, lo, den, shift); !ok {
			return 0, false
		}
	}
	if hi >= den {
		return 0, false
	}
	var q, r uint64
	if hi == 0 {
		q, r = lo/den, lo%den
	} else {
		q, r = bits.Div64(hi, lo, den)
	}
	neg := (a ^ b ^ c) < 0
	if r != 0 && mode.away(neg, q&1 == 1, half64(r, den)) {
		q++
	}
	if q > math.MaxInt64 {
		return 0, false
	}
	if neg {
		return -int64(q), true
	}
	return int64(q), true
}

// shift128 multiplies the dividend by 10^shift, or the divisor by 10^-shift.
func shift128(hi, lo, den uint64, shift int64) (uint64, uint64, uint64, bool) {
	if shift <= -int64(len(pow10)) || shift >= int64(len(pow10)) {
		return 0, 0, 0, false
	}
	if shift > 0 {
		over, low := bits.Mul64(hi, pow10[shift])
		carry, lo := bits.Mul64(lo, pow10[shift])
		hi, c := bits.Add64(low, carry, 0)
		return hi, lo, den, over == 0 && c == 0
	}
	over, den := bits.Mul64(den, pow10[-shift])
	return hi, lo, den, over == 0
}

func mulQuoBig(a, b, c Decimal, places int32, mode Mode) Decimal {
	num := new(big.Int).Mul(a.coefficient(), b.coefficient())
	shift := int64(places) + int64(c.scale) - int64(a.scale) - int64(b.scale)
	num, den := shifted(num, c.coefficient(), int32(shift))
	q := quoBig(num, den, mode)
	if places < 0 {
		return norm(q.Mul(q, bigPow10(-places)), 0)
	}
	return norm(q, places)
}

// QuoInt returns a/b cut to an integer towards zero, with scale 0.
func QuoInt(a, b Decimal) (Decimal, error) {
	if b.IsZero() {
		return Decimal{}, ErrDivisionByZero
	}
	if x, y, ok := align64(a, b); ok && y != -1 {
		return Decimal{coef: x / y}, nil
	}
	x, y := alignBig(a, b)
	return norm(new(big.Int).Quo(x, y), 0), nil
}

// Mod returns a - b*QuoInt(a, b): the remainder has the sign of a, and the
// larger of the two scales.
func Mod(a, b Decimal) (Decimal, error) {
	if b.IsZero() {
		return Decimal{}, ErrDivisionByZero
	}
	scale := max(a.scale, b.scale)
	if x, y, ok := align64(a, b); ok {
		if y == -1 {
			return Decimal{scale: scale}, nil
		}
		return Decimal{coef: x % y, scale: scale}, nil
	}
	x, y := alignBig(a, b)
	return norm(new(big.Int).Rem(x, y), scale), nil
}
