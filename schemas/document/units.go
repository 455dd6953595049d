package document

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/tieout/tieout/schemas/decimal"
)

// Percent is an exact share written "1%" or "0.5%". The embedded Decimal holds
// the number before the sign: 1 for "1%".
type Percent struct{ decimal.Decimal }

// Fraction gives the share as a factor: exactly 0.01 for 1%.
func (p Percent) Fraction() decimal.Decimal { return p.Mul(decimal.New(1, 2)) }

// String gives the number with its sign, "1%".
func (p Percent) String() string { return p.Decimal.String() + "%" }

// ParsePercent reads "1%".
func ParsePercent(s string) (Percent, error) {
	number, ok := strings.CutSuffix(s, "%")
	if !ok {
		return Percent{}, fmt.Errorf("%q is not a percentage such as 1%%", s)
	}
	d, err := decimal.Parse(strings.TrimSpace(number))
	if err != nil {
		return Percent{}, fmt.Errorf("%q is not a percentage such as 1%%", s)
	}
	return Percent{d}, nil
}

// unit is one suffix of a duration or size, with what one of it is worth.
type unit struct {
	suffix string
	worth  int64
}

func durationUnits() []unit {
	return []unit{
		{"d", int64(24 * time.Hour)}, {"h", int64(time.Hour)}, {"ms", int64(time.Millisecond)},
		{"m", int64(time.Minute)}, {"s", int64(time.Second)},
	}
}

func sizeUnits() []unit {
	return []unit{
		{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40},
		{"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12}, {"B", 1},
	}
}

// ParseDuration reads a whole number and a unit: 250ms, 90s, 15m, 2h or 3d.
func ParseDuration(s string) (Duration, error) {
	v, ok := parseUnits(s, durationUnits())
	if !ok {
		return 0, fmt.Errorf("%q is not a duration such as 90s, 15m, 2h or 3d", s)
	}
	return Duration(v), nil
}

// ParseSize reads a whole number and a unit: 512B, 64KiB, 64MiB, 1GiB or 10MB.
func ParseSize(s string) (Size, error) {
	v, ok := parseUnits(s, sizeUnits())
	if !ok {
		return 0, fmt.Errorf("%q is not a size such as 64MiB, 1GiB or 512B", s)
	}
	return Size(v), nil
}

// String gives the shortest form that ParseDuration reads back.
func (d Duration) String() string {
	for _, u := range durationUnits() {
		if int64(d)%u.worth == 0 && d != 0 && (u.suffix != "ms" || int64(d)%int64(time.Second) != 0) {
			return strconv.FormatInt(int64(d)/u.worth, 10) + u.suffix
		}
	}
	if d == 0 {
		return "0s"
	}
	return time.Duration(d).String()
}

// String gives the largest binary unit that divides the size.
func (s Size) String() string {
	for _, u := range []unit{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
		if s != 0 && int64(s)%u.worth == 0 {
			return strconv.FormatInt(int64(s)/u.worth, 10) + u.suffix
		}
	}
	return strconv.FormatInt(int64(s), 10) + "B"
}

// parseUnits reads digits and one suffix; a value beyond int64 is refused.
func parseUnits(s string, units []unit) (int64, bool) {
	digits := 0
	for digits < len(s) && s[digits] >= '0' && s[digits] <= '9' {
		digits++
	}
	v, err := strconv.ParseInt(s[:digits], 10, 64)
	if err != nil {
		return 0, false
	}
	for _, u := range units {
		if s[digits:] == u.suffix {
			return v * u.worth, v <= (1<<63-1)/u.worth
		}
	}
	return 0, false
}
