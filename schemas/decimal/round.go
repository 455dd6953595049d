package decimal

import (
	"fmt"
	"math/big"
)

// Mode says what happens to digits that do not fit.
type Mode uint8

// The modes. Half modes look at the distance to both neighbours; "up" is away
// from zero and "down" towards it, so a reversal always cancels its original.
const (
	HalfUp   Mode = iota // ties away from zero; the default of money
	HalfEven             // ties to the even neighbour
	HalfDown             // ties towards zero
	Up                   // away from zero
	Down                 // towards zero: cut
	Ceiling              // towards plus infinity
	Floor                // towards minus infinity
)

var modeNames = [...]string{"half_up", "half_even", "half_down", "up", "down", "ceiling", "floor"}

// ModeNames returns the names ParseMode knows, in the order of the constants.
func ModeNames() []string { return append([]string(nil), modeNames[:]...) }

// ParseMode returns the mode of a name such as "half_up".
func ParseMode(name string) (Mode, error) {
	for i, n := range modeNames {
		if n == name {
			return Mode(i), nil
		}
	}
	return 0, fmt.Errorf("unknown rounding mode %q: use one of %v", name, modeNames)
}

// String returns the name of the mode.
func (m Mode) String() string {
	if int(m) < len(modeNames) {
		return modeNames[m]
	}
	return fmt.Sprintf("mode(%d)", uint8(m))
}

// away reports whether a quotient that is cut towards zero moves one unit away
// from zero. half is -1, 0 or 1: the lost part against one half; it is never
// called when nothing was lost.
func (m Mode) away(neg, odd bool, half int) bool {
	switch m {
	case HalfUp:
		return half >= 0
	case HalfEven:
		return half > 0 || half == 0 && odd
	case HalfDown:
		return half > 0
	case Up:
		return true
	case Ceiling:
		return !neg
	case Floor:
		return neg
	}
	return false
}

// Round returns d with at most places digits after the point. It only takes
// digits away: 1.5 rounded to 2 places stays 1.5 (Rescale pads). Negative
// places round to tens, hundreds and so on, at scale 0.
func (d Decimal) Round(places int32, mode Mode) Decimal {
	if d.scale <= places {
		return d
	}
	// Beyond the ceiling every result is 0 or TooLarge, whatever the distance.
	places = max(places, -MaxDigits-1)
	drop := d.scale - places
	if d.big != nil || drop >= int32(len(pow10)) {
		return d.roundBig(drop, places, mode)
	}
	u, p := mag(d.coef), pow10[drop]
	q, r := u/p, u%p
	if r != 0 && mode.away(d.coef < 0, q&1 == 1, half64(r, p)) {
		q++
	}
	if places < 0 {
		whole := fromMag(d.coef < 0, q, 0).pad(-places) // the digits of q x 10^-places
		return Decimal{coef: whole.coef, big: whole.big}
	}
	return fromMag(d.coef < 0, q, places)
}

func (d Decimal) roundBig(drop, places int32, mode Mode) Decimal {
	q := quoBig(d.coefficient(), bigPow10(drop), mode)
	if places < 0 {
		return norm(q.Mul(q, bigPow10(-places)), 0)
	}
	return norm(q, places)
}

// half64 compares r with one half of den by way of den-r: doubling r could
// leave the word.
func half64(r, den uint64) int {
	rest := den - r
	switch {
	case r < rest:
		return -1
	case r > rest:
		return 1
	}
	return 0
}

// quoBig returns num/den as an integer, rounded once. den is not zero.
func quoBig(num, den *big.Int, mode Mode) *big.Int {
	q, r := new(big.Int).QuoRem(num, den, new(big.Int))
	if r.Sign() == 0 {
		return q
	}
	neg := num.Sign() != den.Sign()
	rest := new(big.Int).Abs(den)
	rest.Sub(rest, r.Abs(r))
	if mode.away(neg, q.Bit(0) == 1, r.Cmp(rest)) {
		if neg {
			return q.Sub(q, big.NewInt(1))
		}
		return q.Add(q, big.NewInt(1))
	}
	return q
}

// Rescale returns d with exactly scale digits after the point, and false when
// digits other than zeros would be lost or scale is outside 0..MaxDigits.
func (d Decimal) Rescale(scale int32) (Decimal, bool) {
	switch {
	case scale == d.scale:
		return d, true
	case scale < 0 || scale > MaxDigits:
		return d, false
	case scale > d.scale:
		return d.pad(scale), true
	}
	r := d.Round(scale, Down)
	return r, r.Equal(d)
}

// pad returns d at a larger scale.
func (d Decimal) pad(scale int32) Decimal {
	if d.big == nil {
		if c, ok := scaleUp(d.coef, scale-d.scale); ok {
			return Decimal{coef: c, scale: scale}
		}
	}
	return norm(new(big.Int).Mul(d.coefficient(), bigPow10(scale-d.scale)), scale)
}
