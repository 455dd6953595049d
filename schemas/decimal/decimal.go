package decimal

import (
	"errors"
	"math"
	"math/big"
	"math/bits"
)

// MaxDigits is the ceiling of what Parse accepts and of what TooLarge lets
// pass: digits of the coefficient and digits after the point, each.
const MaxDigits = 1000

// Errors of this package; callers test them with errors.Is.
var (
	ErrDivisionByZero = errors.New("division by zero")
	ErrTooLarge       = errors.New("more than 1,000 digits")
	ErrSyntax         = errors.New("not a decimal number")
)

// Decimal is coefficient x 10^-scale. The zero value is 0. Values are
// immutable and may be copied; compare with Equal or Cmp, never with ==,
// because 1.0 and 1.00 are the same number.
type Decimal struct {
	coef  int64
	big   *big.Int // set only when the coefficient is outside int64; never changed after creation
	scale int32    // digits after the point, never negative
}

// New returns coef x 10^-scale. A negative scale multiplies: New(5, -3) is
// 5000 with scale 0.
func New(coef int64, scale int32) Decimal {
	if scale >= 0 {
		return Decimal{coef: coef, scale: scale}
	}
	if c, ok := scaleUp(coef, -scale); ok {
		return Decimal{coef: c}
	}
	return FromBig(big.NewInt(coef), scale)
}

// FromInt returns v with scale 0.
func FromInt(v int64) Decimal { return Decimal{coef: v} }

// FromBig returns coef x 10^-scale; coef is copied. A negative scale
// multiplies as in New.
func FromBig(coef *big.Int, scale int32) Decimal {
	if scale < 0 {
		return norm(new(big.Int).Mul(coef, bigPow10(-scale)), 0)
	}
	return norm(new(big.Int).Set(coef), scale)
}

// norm takes ownership of z and returns the smallest representation.
func norm(z *big.Int, scale int32) Decimal {
	if z.IsInt64() {
		return Decimal{coef: z.Int64(), scale: scale}
	}
	return Decimal{big: z, scale: scale}
}

// fromMag returns the value of sign and magnitude u at the given scale.
func fromMag(neg bool, u uint64, scale int32) Decimal {
	if c, ok := signed(neg, u); ok {
		return Decimal{coef: c, scale: scale}
	}
	z := new(big.Int).SetUint64(u)
	if neg {
		z.Neg(z)
	}
	return Decimal{big: z, scale: scale}
}

// signed returns the int64 of sign and magnitude, if there is one.
func signed(neg bool, u uint64) (int64, bool) {
	if neg {
		return -int64(u), u <= 1<<63
	}
	return int64(u), u <= math.MaxInt64
}

// mag returns |c|; it is right for the smallest int64 too, which has no
// absolute value within int64.
func mag(c int64) uint64 {
	if c < 0 {
		return -uint64(c)
	}
	return uint64(c)
}

// coefficient returns the coefficient as a big.Int that must not be changed.
func (d Decimal) coefficient() *big.Int {
	if d.big != nil {
		return d.big
	}
	return big.NewInt(d.coef)
}

// Coefficient returns the coefficient, and false when it is outside int64.
func (d Decimal) Coefficient() (int64, bool) { return d.coef, d.big == nil }

// Big returns a copy of the coefficient.
func (d Decimal) Big() *big.Int { return new(big.Int).Set(d.coefficient()) }

// Scale returns the number of digits after the point.
func (d Decimal) Scale() int32 { return d.scale }

// Sign returns -1, 0 or 1.
func (d Decimal) Sign() int {
	switch {
	case d.big != nil:
		return d.big.Sign()
	case d.coef < 0:
		return -1
	case d.coef > 0:
		return 1
	}
	return 0
}

// IsZero reports whether the value is 0, at any scale.
func (d Decimal) IsZero() bool { return d.big == nil && d.coef == 0 }

// Digits returns the number of digits of the coefficient; 0 has one.
func (d Decimal) Digits() int {
	if d.big != nil {
		return bigDigits(d.big)
	}
	return digits64(mag(d.coef))
}

// IntDigits returns the number of digits before the point, 0 for a value
// between -1 and 1. A SQL column numeric(p, s) holds the value when
// Scale() <= s and IntDigits() <= p-s.
func (d Decimal) IntDigits() int {
	if d.IsZero() {
		return 0
	}
	return max(d.Digits()-int(d.scale), 0)
}

// TooLarge reports whether the value has more than MaxDigits digits in its
// coefficient or after its point. Add, Sub and Mul never refuse and never lose
// a digit, so whoever evaluates a formula written by somebody else calls
// TooLarge on each result and stops with ErrTooLarge; one step grows a value
// to at most twice the ceiling.
func (d Decimal) TooLarge() bool {
	return d.scale > MaxDigits || d.big != nil && bigDigits(d.big) > MaxDigits
}

// IsInt reports whether the value is a whole number: 5.00 is.
func (d Decimal) IsInt() bool {
	if d.scale == 0 || d.IsZero() {
		return true
	}
	if d.big != nil {
		return new(big.Int).Rem(d.big, bigPow10(d.scale)).Sign() == 0
	}
	return d.scale < int32(len(pow10)) && mag(d.coef)%pow10[d.scale] == 0
}

// Int64 returns the value as an integer, and false when it is not a whole
// number or is outside int64.
func (d Decimal) Int64() (int64, bool) {
	if !d.IsInt() {
		return 0, false
	}
	w := d.Round(0, Down)
	return w.coef, w.big == nil
}

// pow10 holds the powers of ten that fit a uint64; it is only read.
var pow10 = [20]uint64{
	1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9,
	1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
}

func bigPow10(n int32) *big.Int {
	if n < int32(len(pow10)) {
		return new(big.Int).SetUint64(pow10[n])
	}
	return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil)
}

// digits64 counts decimal digits: the bit length gives the answer but for one.
func digits64(u uint64) int {
	n := bits.Len64(u|1) * 1233 >> 12
	if n < len(pow10) && u >= pow10[n] {
		n++
	}
	return max(n, 1)
}

// bigDigits counts decimal digits from the bit length and settles the one
// doubtful digit by comparison. 30103/100000 is just above log10(2), so the
// estimate is exact or one too large up to far beyond MaxDigits.
func bigDigits(z *big.Int) int {
	n := (z.BitLen()-1)*30103/100000 + 1
	if z.CmpAbs(bigPow10(int32(n))) >= 0 {
		return n + 1
	}
	if n > 1 && z.CmpAbs(bigPow10(int32(n-1))) < 0 {
		return n - 1
	}
	return n
}
