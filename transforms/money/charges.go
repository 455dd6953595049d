package money

import (
	"fmt"

	"github.com/tieout/tieout/schemas/decimal"
	"github.com/tieout/tieout/transforms/calendar"
)

// LateFeeRule says what a late payment costs (section 3). Rates are fractions:
// 0.05 is 5 %. A cap or minimum of zero is none.
type LateFeeRule struct {
	Grace   int64           // days after the due date without a fee
	Flat    decimal.Decimal // charged once, on the fee date
	Rate    decimal.Decimal // of the base, charged once, on the fee date
	Daily   decimal.Decimal // for each day after the fee date
	Cap     decimal.Decimal // largest fee
	CapRate decimal.Decimal // largest fee as a fraction of the rent
	Minimum decimal.Decimal // a smaller base costs nothing
}

// LateFee returns the fee for a charge due on one day and still open, or paid,
// on another. base is what the rate applies to: the unpaid rent, all unpaid
// charges or the full rent. The fee date is due + grace + 1 day; before it, and
// for a base of zero or less, the fee is 0. The percentage is rounded once; so
// is a cap by rate.
func LateFee(due, on calendar.Date, base, rent decimal.Decimal, rule LateFeeRule, places int32, mode decimal.Mode) (decimal.Decimal, error) {
	if err := rule.check(); err != nil {
		return decimal.Decimal{}, err
	}
	feeDate := due.AddDays(rule.Grace).AddDays(1)
	if on < feeDate || base.Sign() <= 0 || base.Less(rule.Minimum) {
		return post(decimal.Decimal{}, places, mode), nil
	}
	fee := rule.Flat.Add(base.Mul(rule.Rate).Round(places, mode))
	fee = fee.Add(rule.Daily.Mul(decimal.FromInt(int64(on - feeDate))))
	if rule.Cap.Sign() > 0 && rule.Cap.Less(fee) {
		fee = rule.Cap
	}
	if limit := rent.Mul(rule.CapRate).Round(places, mode); rule.CapRate.Sign() > 0 && limit.Less(fee) {
		fee = limit
	}
	return post(fee, places, mode), nil
}

func (r LateFeeRule) check() error {
	if r.Grace < 0 {
		return fmt.Errorf("late fee with a grace of %d days: grace must not be negative", r.Grace)
	}
	for _, part := range [...]struct {
		name  string
		value decimal.Decimal
	}{
		{"flat", r.Flat}, {"rate", r.Rate}, {"daily", r.Daily},
		{"cap", r.Cap}, {"cap_rate", r.CapRate}, {"minimum", r.Minimum},
	} {
		if part.value.Sign() < 0 {
			return fmt.Errorf("late fee with %s %s: %s must not be negative", part.name, part.value, part.name)
		}
	}
	return nil
}

// Retainage returns the part of billed work that is held back, rounded once
// (section 9). Completed work and stored material have rates of their own: add
// two results. Per line or on the total give different cents; the total of a
// certificate is the sum of its lines.
func Retainage(work, rate decimal.Decimal, places int32, mode decimal.Mode) decimal.Decimal {
	return post(work.Mul(rate), places, mode)
}

// RetainageStepped returns the retainage where work up to threshold is held at
// one rate and work beyond it at another: 10 % until half of the contract, 5 %
// after.
func RetainageStepped(work, threshold, rate, rateBeyond decimal.Decimal, places int32, mode decimal.Mode) decimal.Decimal {
	if !threshold.Less(work) {
		return Retainage(work, rate, places, mode)
	}
	held := threshold.Mul(rate).Add(work.Sub(threshold).Mul(rateBeyond))
	return post(held, places, mode)
}

// Scheme is a set of aging buckets (section 5).
type Scheme uint8

// The schemes. Bounds are inclusive and each day belongs to exactly one bucket.
const (
	Current306090 Scheme = iota // current (not overdue), 1-30, 31-60, 61-90, >90
	Zero306090                  // 0-30 (not overdue too), 31-60, 61-90, 90+ (91 and more)
)

var schemeNames = [...]string{"current_30_60_90", "0_30_60_90"}

// SchemeNames returns the names ParseScheme knows.
func SchemeNames() []string { return append([]string(nil), schemeNames[:]...) }

// ParseScheme returns the scheme of a name such as "current_30_60_90".
func ParseScheme(name string) (Scheme, error) {
	for i, n := range schemeNames {
		if n == name {
			return Scheme(i), nil
		}
	}
	return 0, fmt.Errorf("unknown aging scheme %q: use %s or %s", name, schemeNames[0], schemeNames[1])
}

// AgeBucket returns the label of the bucket for a charge due on one day, seen
// on another.
func AgeBucket(due, asOf calendar.Date, scheme Scheme) string {
	age := asOf - due
	switch {
	case age <= 0 && scheme == Current306090:
		return "current"
	case age <= 30 && scheme == Current306090:
		return "1-30"
	case age <= 30:
		return "0-30"
	case age <= 60:
		return "31-60"
	case age <= 90:
		return "61-90"
	case scheme == Current306090:
		return ">90"
	}
	return "90+"
}
