package money

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/tieout/tieout/schemas/decimal"
	"github.com/tieout/tieout/transforms/calendar"
)

// OpenFrom and OpenTo stand for a stay without a known first day or without a
// last one: the tenant was always there, or still lives there.
const (
	OpenFrom calendar.Date = math.MinInt64
	OpenTo   calendar.Date = math.MaxInt64
)

// ErrStartAfterEnd says that a stay ends before it begins.
var ErrStartAfterEnd = errors.New("start after end")

// DayCount says what one day of rent is.
type DayCount uint8

// The day counts (section 2).
const (
	Actual    DayCount = iota // 1 / days of the month
	Thirty                    // 1 / 30
	Fixed365                  // 12 / 365: the annual rent by 365 days
	Year                      // 12 / 365 or 366, by the year of the day
	Thirty360                 // days and month both have at most 30 days, February too
)

// Basis is a day count, and whether the move-out day is counted.
type Basis struct {
	Days   DayCount
	Nights bool // the move-out day is not charged, as in a hotel
}

const nightsSuffix = "_nights"

var dayCountNames = [...]string{"actual", "30", "365", "year", "30/360"}

// BasisNames returns the names ParseBasis knows.
func BasisNames() []string {
	var names []string
	for _, suffix := range []string{"", nightsSuffix} {
		for _, n := range dayCountNames {
			names = append(names, n+suffix)
		}
	}
	return names
}

// ParseBasis returns the basis of a name: actual, 30, 365, year or 30/360, with
// _nights behind it when the move-out day is free (actual_nights).
func ParseBasis(name string) (Basis, error) {
	plain, nights := strings.CutSuffix(name, nightsSuffix)
	for i, n := range dayCountNames {
		if n == plain {
			return Basis{Days: DayCount(i), Nights: nights}, nil
		}
	}
	return Basis{}, fmt.Errorf("unknown way to count days %q: use one of %s", name, strings.Join(BasisNames(), ", "))
}

// Prorate returns the part of one month's amount that falls on a stay from the
// day from to the day to, both included (section 2). month is any day of the
// month charged. The result has exactly max(places, 0) digits after the point.
//
// A full month is the full amount on every basis, no part exceeds it, and a
// stay outside the month is 0. The error wraps ErrStartAfterEnd.
func Prorate(amount decimal.Decimal, from, to, month calendar.Date, basis Basis, places int32, mode decimal.Mode) (decimal.Decimal, error) {
	if from > to {
		return decimal.Decimal{}, startAfterEnd(from, to)
	}
	if basis.Nights && to != OpenTo {
		to--
	}
	start := calendar.MonthStart(month)
	end := calendar.MonthEnd(month)
	first, last := max(from, start), min(to, end)
	switch {
	case first > last:
		return post(decimal.Decimal{}, places, mode), nil
	case first == start && last == end:
		return post(amount, places, mode), nil
	}
	num, den := basis.Days.fraction(first, last, start, end)
	if num >= den {
		return post(amount, places, mode), nil
	}
	return decimal.MulQuoRound(amount, decimal.FromInt(num), decimal.FromInt(den), places, mode)
}

// fraction returns the share of one month's amount for first..last within the
// month start..end.
func (c DayCount) fraction(first, last, start, end calendar.Date) (num, den int64) {
	days := calendar.DaysInclusive(first, last)
	switch c {
	case Thirty:
		return days, 30
	case Fixed365:
		return 12 * days, 365
	case Year:
		year, _, _ := start.YMD()
		return 12 * days, int64(calendar.DaysInYear(year))
	case Thirty360:
		return closing30(last, start, end) - day30(first, start) + 1, 30
	}
	return days, calendar.DaysInclusive(start, end)
}

// day30 returns the number of a day in a month of thirty days: day 31 is day
// 30.
func day30(d, start calendar.Date) int64 { return min(calendar.DaysInclusive(start, d), 30) }

// closing30 is day30 for the last day of a stay: the end of a shorter month is
// day 30 too, so that a stay to the end of February is charged to the full.
func closing30(d, start, end calendar.Date) int64 {
	if d == end {
		return 30
	}
	return day30(d, start)
}

// ProrateOver returns the part of the amount of an arbitrary period that falls
// on a stay, by actual days with both ends included: for quarters, lease years
// and service periods. Its limits and errors are those of Prorate.
func ProrateOver(amount decimal.Decimal, from, to, periodStart, periodEnd calendar.Date, places int32, mode decimal.Mode) (decimal.Decimal, error) {
	if from > to {
		return decimal.Decimal{}, startAfterEnd(from, to)
	}
	if periodStart > periodEnd {
		return decimal.Decimal{}, startAfterEnd(periodStart, periodEnd)
	}
	first, last := max(from, periodStart), min(to, periodEnd)
	if first > last {
		return post(decimal.Decimal{}, places, mode), nil
	}
	if first == periodStart && last == periodEnd {
		return post(amount, places, mode), nil
	}
	days, all := calendar.DaysInclusive(first, last), calendar.DaysInclusive(periodStart, periodEnd)
	return decimal.MulQuoRound(amount, decimal.FromInt(days), decimal.FromInt(all), places, mode)
}

func startAfterEnd(from, to calendar.Date) error {
	return fmt.Errorf("prorate from %s to %s: %w", bound(from), bound(to), ErrStartAfterEnd)
}

func bound(d calendar.Date) string {
	if d == OpenFrom || d == OpenTo {
		return "open"
	}
	return d.String()
}

// post rounds an amount once and pads it to the places.
func post(amount decimal.Decimal, places int32, mode decimal.Mode) decimal.Decimal {
	r := amount.Round(places, mode)
	padded, _ := r.Rescale(max(places, 0))
	return padded
}
