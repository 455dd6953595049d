package decimal

import (
	"math/big"
	"math/bits"
)

// quo64 is Quo for coefficients within int64: the quotient grows in 128 bits,
// up to 18 digits at a time. ideal is the scale of a/b before a digit is drawn
// after the point.
func quo64(a, b int64, ideal int32) (Decimal, bool) {
	den := mag(b)
	lo, r := mag(a)/den, mag(a)%den
	hi, drawn := uint64(0), int32(0)
	for r != 0 {
		n := min(18, quoDigits-digits128(hi, lo))
		if n == 0 {
			break
		}
		var next uint64
		next, r = mulDiv(r, pow10[n], den)
		hi, lo = mulAdd128(hi, lo, pow10[n], next)
		drawn += int32(n)
	}
	neg := a^b < 0
	if r == 0 {
		hi, lo, drawn = trim128(hi, lo, drawn, max(0, -ideal))
		return from128(neg, hi, lo, ideal+drawn), false
	}
	// This cannot carry into a 35th digit: a fraction of two int64 is never as
	// close to a power of ten as 10^-34 of its value.
	if HalfEven.away(neg, lo&1 == 1, half64(r, den)) {
		hi, lo = mulAdd128(hi, lo, 1, 1)
	}
	return from128(neg, hi, lo, ideal+drawn), true
}

// mulDiv returns r*p/den and its remainder; r is less than den.
func mulDiv(r, p, den uint64) (quo, rem uint64) {
	hi, lo := bits.Mul64(r, p)
	return bits.Div64(hi, lo, den)
}

// mulAdd128 returns x*p + c, which the caller knows to fit.
func mulAdd128(hi, lo, p, c uint64) (uint64, uint64) {
	carry, low := bits.Mul64(lo, p)
	low, more := bits.Add64(low, c, 0)
	return hi*p + carry + more, low
}

// digits128 counts decimal digits; 0 has none, as leading zeros do not count.
func digits128(hi, lo uint64) int {
	if hi == 0 {
		if lo == 0 {
			return 0
		}
		return digits64(lo)
	}
	if hi >= pow10[19] {
		return 39 // beyond every quotient
	}
	q, _ := bits.Div64(hi, lo, pow10[19])
	return 19 + digits64(q)
}

// trim128 takes trailing zeros off while more than least digits are drawn.
func trim128(hi, lo uint64, drawn, least int32) (uint64, uint64, int32) {
	for drawn > least {
		h, r := hi/10, hi%10
		l, r := bits.Div64(r, lo, 10)
		if r != 0 {
			break
		}
		hi, lo, drawn = h, l, drawn-1
	}
	return hi, lo, drawn
}

func from128(neg bool, hi, lo uint64, scale int32) Decimal {
	if c, ok := signed(neg, lo); ok && hi == 0 {
		return New(c, scale)
	}
	z := new(big.Int).SetUint64(hi)
	z.Or(z.Lsh(z, 64), new(big.Int).SetUint64(lo))
	if neg {
		z.Neg(z)
	}
	return FromBig(z, scale)
}
