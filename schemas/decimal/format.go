package decimal

import "strconv"

const zeros = "0000000000000000000000000000000000000000000000000000000000000000"

// String returns the plain notation with all digits of the scale: 1500.50.
func (d Decimal) String() string { return string(d.Append(nil)) }

// Append appends the plain notation to dst and returns it. There is never an
// exponent, and zero has no sign.
func (d Decimal) Append(dst []byte) []byte {
	if d.big == nil {
		return AppendCoef(dst, d.coef, d.scale)
	}
	if d.big.Sign() < 0 {
		dst = append(dst, '-')
	}
	text := d.big.Append(nil, 10)
	if text[0] == '-' {
		text = text[1:]
	}
	whole := len(text) - int(d.scale)
	if whole <= 0 {
		dst = append(dst, '0', '.')
		dst = appendZeros(dst, -whole)
		return append(dst, text...)
	}
	dst = append(dst, text[:whole]...)
	if d.scale == 0 {
		return dst
	}
	dst = append(dst, '.')
	return append(dst, text[whole:]...)
}

// AppendScaled appends the plain notation padded with zeros to at least scale
// digits after the point; no digit is taken away.
func (d Decimal) AppendScaled(dst []byte, scale int32) []byte {
	dst = d.Append(dst)
	if scale <= d.scale {
		return dst
	}
	if d.scale == 0 {
		dst = append(dst, '.')
	}
	return appendZeros(dst, int(scale-d.scale))
}

// AppendCanonical appends the shortest plain notation: no zeros at the end of
// the fraction and no point without one. Equal numbers have equal canonical
// text, so it serves as a key.
func (d Decimal) AppendCanonical(dst []byte) []byte {
	if d.big != nil {
		return appendTrimmed(dst, d)
	}
	coef, scale := d.coef, d.scale
	if coef == 0 {
		return append(dst, '0')
	}
	for scale > 0 && coef%10 == 0 {
		coef, scale = coef/10, scale-1
	}
	return AppendCoef(dst, coef, scale)
}

func appendTrimmed(dst []byte, d Decimal) []byte {
	dst = d.Append(dst)
	if d.scale == 0 {
		return dst
	}
	for dst[len(dst)-1] == '0' {
		dst = dst[:len(dst)-1]
	}
	if dst[len(dst)-1] == '.' {
		dst = dst[:len(dst)-1]
	}
	return dst
}

// AppendCoef appends coef x 10^-scale in plain notation, for columns that hold
// coefficients under one scale. It allocates nothing beyond dst.
func AppendCoef(dst []byte, coef int64, scale int32) []byte {
	if coef < 0 {
		dst = append(dst, '-')
	}
	u := mag(coef)
	if scale == 0 {
		return strconv.AppendUint(dst, u, 10)
	}
	if scale >= int32(len(pow10)) {
		dst = append(dst, '0', '.')
		dst = appendZeros(dst, int(scale)-digits64(u))
		return strconv.AppendUint(dst, u, 10)
	}
	p := pow10[scale]
	whole := u / p
	dst = strconv.AppendUint(dst, whole, 10)
	return appendFraction(dst, u-whole*p, int(scale))
}

// appendFraction appends a point and u in exactly width digits.
func appendFraction(dst []byte, u uint64, width int) []byte {
	if width == 2 {
		return append(dst, '.', byte('0'+u/10), byte('0'+u%10))
	}
	dst = append(dst, '.')
	dst = appendZeros(dst, width)
	for i := len(dst) - 1; u > 0; i-- {
		dst[i] = byte('0' + u%10)
		u /= 10
	}
	return dst
}

func appendZeros(dst []byte, n int) []byte {
	for n > len(zeros) {
		dst = append(dst, zeros...)
		n -= len(zeros)
	}
	return append(dst, zeros[:n]...)
}
