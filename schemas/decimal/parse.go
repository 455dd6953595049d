package decimal

import (
	"fmt"
	"math/big"
)

// Parse reads [+-]digits[.digits][(e|E)[+-]digits]; .5 and 5. are accepted,
// blanks, thousands marks, inf and nan are not. The scale is the number of
// digits written after the point, so 1500.50 keeps scale 2; an exponent moves
// it, and never below 0. Errors wrap ErrSyntax or ErrTooLarge.
func Parse(s string) (Decimal, error) { return parse(s) }

// ParseBytes is Parse for bytes. It keeps no reference to b and does not
// allocate when the coefficient fits an int64.
func ParseBytes(b []byte) (Decimal, error) { return parse(b) }

// ParseFixed reads a plain number such as -123.45 into a coefficient and a
// scale. ok is false for everything else, long numbers and exponents included:
// ask ParseBytes then.
func ParseFixed(b []byte) (coef int64, scale int32, ok bool) { return fixed(b) }

func fixed[T string | []byte](b T) (coef int64, scale int32, ok bool) {
	i, neg := 0, false
	if len(b) > 0 && (b[0] == '-' || b[0] == '+') {
		i, neg = 1, b[0] == '-'
	}
	// 18 digits and a point always fit, so the loop needs no overflow check.
	if n := len(b) - i; n == 0 || n > 19 {
		return 0, 0, false
	}
	point := -1
	for ; i < len(b); i++ {
		c := b[i] - '0'
		if c > 9 {
			if b[i] != '.' || point >= 0 {
				return 0, 0, false
			}
			point = i
			continue
		}
		coef = coef*10 + int64(c)
	}
	return finishFixed(b, coef, point, neg)
}

func finishFixed[T string | []byte](b T, coef int64, point int, neg bool) (int64, int32, bool) {
	digits := len(b)
	if b[0] == '-' || b[0] == '+' {
		digits--
	}
	scale := int32(0)
	if point >= 0 {
		digits--
		scale = int32(len(b) - point - 1)
	}
	if digits == 0 || digits > 18 {
		return 0, 0, false
	}
	if neg {
		coef = -coef
	}
	return coef, scale, true
}

// number is the written form of a decimal, before its value is built.
type number struct {
	neg         bool
	first, last int // the digits and the point are s[first:last]
	point       int // index of the point, or -1
	digits      int // digits written, leading zeros included
	exp         int
}

func parse[T string | []byte](s T) (Decimal, error) {
	if coef, scale, ok := fixed(s); ok {
		return Decimal{coef: coef, scale: scale}, nil
	}
	n, err := scan(s)
	if err != nil {
		return Decimal{}, fmt.Errorf("parse %q: %w", clip(s), err)
	}
	scale := -n.exp
	if n.point >= 0 {
		scale += n.last - n.point - 1
	}
	d, ok := build(s, n, scale)
	if !ok {
		return Decimal{}, fmt.Errorf("parse %q: %w", clip(s), ErrTooLarge)
	}
	return d, nil
}

// clip keeps error texts short when the input is hostile.
func clip[T string | []byte](s T) string {
	if len(s) > 60 {
		return string(s[:60]) + "…"
	}
	return string(s)
}

func scan[T string | []byte](s T) (number, error) {
	n := number{point: -1}
	i := 0
	if len(s) > 0 && (s[0] == '-' || s[0] == '+') {
		n.neg = s[0] == '-'
		i = 1
	}
	n.first = i
	for ; i < len(s); i++ {
		if s[i] == '.' && n.point < 0 {
			n.point = i
			continue
		}
		if s[i]-'0' > 9 {
			break
		}
		n.digits++
	}
	n.last = i
	switch {
	case n.digits == 0:
		return n, ErrSyntax
	case i == len(s):
		return n, nil
	case s[i] != 'e' && s[i] != 'E':
		return n, ErrSyntax
	}
	exp, err := scanExponent(s[i+1:])
	n.exp = exp
	return n, err
}

func scanExponent[T string | []byte](s T) (int, error) {
	neg := false
	if len(s) > 0 && (s[0] == '-' || s[0] == '+') {
		neg = s[0] == '-'
		s = s[1:]
	}
	if len(s) == 0 {
		return 0, ErrSyntax
	}
	v := 0
	for i := 0; i < len(s); i++ {
		c := s[i] - '0'
		if c > 9 {
			return 0, ErrSyntax
		}
		v = min(v*10+int(c), 3*MaxDigits) // far outside whatever the digits are
	}
	if neg {
		v = -v
	}
	return v, nil
}

// build returns the value, and false when it is beyond MaxDigits.
func build[T string | []byte](s T, n number, scale int) (Decimal, bool) {
	// One digit more than the ceiling: the zero before the point of 0.123…
	if n.digits > MaxDigits+1 || scale > MaxDigits || n.digits-scale > 2*MaxDigits {
		return Decimal{}, false
	}
	u, ok := mantissa(s, n)
	coef, fits := signed(n.neg, u)
	if !ok || !fits {
		return buildBig(s, n, int32(scale))
	}
	d := New(coef, int32(scale))
	return d, !d.TooLarge()
}

// mantissa returns the digits as an integer, and false above 19 significant
// digits; 19 digits always fit a uint64.
func mantissa[T string | []byte](s T, n number) (u uint64, ok bool) {
	significant := 0
	for i := n.first; i < n.last; i++ {
		if i == n.point {
			continue
		}
		if u != 0 || s[i] != '0' {
			significant++
		}
		if significant > 19 {
			return 0, false
		}
		u = u*10 + uint64(s[i]-'0')
	}
	return u, true
}

func buildBig[T string | []byte](s T, n number, scale int32) (Decimal, bool) {
	text := make([]byte, 0, n.digits+1)
	for i := n.first; i < n.last; i++ {
		if i != n.point {
			text = append(text, s[i])
		}
	}
	z, ok := new(big.Int).SetString(string(text), 10)
	if !ok {
		return Decimal{}, false
	}
	if n.neg {
		z.Neg(z)
	}
	d := FromBig(z, scale)
	return d, !d.TooLarge()
}
