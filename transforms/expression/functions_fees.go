package expression

import (
	"github.com/tieout/tieout/schemas/decimal"
	"github.com/tieout/tieout/transforms/calendar"
	"github.com/tieout/tieout/transforms/money"
)

// orZero reads a number that may be left out.
func orZero(o *operand) decFn {
	if o == nil {
		return func(*frame) (decimal.Decimal, bool) { return decimal.Decimal{}, true }
	}
	return o.dec()
}

// values evaluates several numbers into dst; ok is false when one is nil.
func values(f *frame, fns []decFn, dst []decimal.Decimal) (ok bool) {
	for i, fn := range fns {
		if dst[i], ok = fn(f); !ok {
			return false
		}
	}
	return true
}

func buildLateFee(c *compiler, a args) *operand {
	due, on, grace := a[0].i, a[1].i, a[3].i
	fns := []decFn{a[2].dec(), a[4].dec(), orZero(a.at(5)), orZero(a.at(6)), orZero(a.at(7))}
	places, mode := c.env.Money.places(), c.env.Money.Mode
	return decOperand(max(places, 0), func(f *frame) (decimal.Decimal, bool) {
		var v [5]decimal.Decimal
		var day [3]int64
		for i, fn := range [...]intFn{due, on, grace} {
			x, ok := fn(f)
			if !ok {
				return decimal.Decimal{}, false
			}
			day[i] = x
		}
		if !values(f, fns, v[:]) {
			return decimal.Decimal{}, false
		}
		rule := money.LateFeeRule{Grace: day[2], Flat: v[1], Rate: v[2], Daily: v[3], Cap: v[4]}
		fee, err := money.LateFee(calendar.Date(day[0]), calendar.Date(day[1]), v[0], v[0], rule, places, mode)
		if err != nil {
			return fee, f.valueError(err)
		}
		return f.exact(fee)
	})
}

func buildRetainage(c *compiler, a args) *operand {
	places, mode := c.env.Money.places(), c.env.Money.Mode
	stepped := a.at(2) != nil
	beyond := a.at(3)
	if beyond == nil {
		beyond = a[1]
	}
	fns := []decFn{a[0].dec(), a[1].dec(), orZero(a.at(2)), beyond.dec()}
	return decOperand(max(places, 0), func(f *frame) (decimal.Decimal, bool) {
		var v [4]decimal.Decimal
		if !values(f, fns, v[:]) {
			return decimal.Decimal{}, false
		}
		if !stepped {
			return f.exact(money.Retainage(v[0], v[1], places, mode))
		}
		return f.exact(money.RetainageStepped(v[0], v[2], v[1], v[3], places, mode))
	})
}
