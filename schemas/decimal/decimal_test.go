package decimal

import (
	"math"
	"math/big"
	"strings"
	"testing"
)

// MustParse stops the test process at a number that does not parse.
func MustParse(s string) Decimal {
	d, err := Parse(s)
	if err != nil {
		panic(err)
	}
	return d
}

func TestTheSmallestIntegerHasNoAbsoluteValueInInt64(t *testing.T) {
	min := FromInt(math.MinInt64)
	for name, c := range map[string]struct {
		got  Decimal
		want string
	}{
		"abs":        {min.Abs(), "9223372036854775808"},
		"neg":        {min.Neg(), "9223372036854775808"},
		"neg twice":  {min.Neg().Neg(), "-9223372036854775808"},
		"sub":        {FromInt(0).Sub(min), "9223372036854775808"},
		"sub itself": {min.Sub(min), "0"},
		"mul -1":     {min.Mul(FromInt(-1)), "9223372036854775808"},
		"round":      {min.Round(-1, HalfUp), "-9223372036854775810"},
		"print":      {New(math.MinInt64, 4), "-922337203685477.5808"},
	} {
		if got := c.got.String(); got != c.want {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
	}
	for _, f := range []func(a, b Decimal) (Decimal, error){
		QuoInt,
		func(a, b Decimal) (Decimal, error) { return QuoRound(a, b, 0, HalfUp) },
		func(a, b Decimal) (Decimal, error) { q, _, err := Quo(a, b); return q, err },
	} {
		if q, err := f(min, FromInt(-1)); err != nil || q.String() != "9223372036854775808" {
			t.Errorf("quotient by -1: got %s, %v", q, err)
		}
	}
	if m, err := Mod(min, FromInt(-1)); err != nil || !m.IsZero() {
		t.Errorf("mod -1: got %s, %v", m, err)
	}
}

func TestResultsComeBackToInt64WhenTheyFit(t *testing.T) {
	huge := FromInt(math.MaxInt64).Add(FromInt(1))
	if _, ok := huge.Coefficient(); ok {
		t.Fatal("2^63 claims to fit an int64")
	}
	back := huge.Sub(FromInt(1))
	if c, ok := back.Coefficient(); !ok || c != math.MaxInt64 {
		t.Errorf("2^63-1: got %d, %v", c, ok)
	}
	if c, ok := huge.Neg().Coefficient(); !ok || c != math.MinInt64 {
		t.Errorf("-2^63: got %d, %v", c, ok)
	}
}

func TestLargeScalesPrintInFull(t *testing.T) {
	for _, scale := range []int32{18, 19, 20, 21, 63, 64, 65, 128, 129, 500} {
		want := "0." + strings.Repeat("0", int(scale)-1) + "1"
		if got := New(1, scale).String(); got != want {
			t.Errorf("scale %d: got %s", scale, got)
		}
		d := MustParse("-" + want)
		if got := d.Mul(New(math.MaxInt64, 0)).Mul(FromInt(10)); MustParse(got.String()).Cmp(got) != 0 {
			t.Errorf("scale %d: %s does not read back", scale, got)
		}
	}
}

func TestZeroIsNeverNegative(t *testing.T) {
	for _, d := range []Decimal{
		MustParse("-0"), MustParse("-0.00"), MustParse("-0.4").Round(0, HalfUp),
		FromInt(0).Neg(), MustParse("-1e-30").Round(2, Down), MustParse("-0e5"),
	} {
		if s := d.String() + string(d.AppendCanonical(nil)); strings.Contains(s, "-") || d.Sign() != 0 {
			t.Errorf("got %q with sign %d", s, d.Sign())
		}
	}
}

func TestPrinting(t *testing.T) {
	for _, c := range []struct {
		in                       string
		plain, scaled4, shortest string
	}{
		{"1500.50", "1500.50", "1500.5000", "1500.5"},
		{"1500", "1500", "1500.0000", "1500"},
		{"-0.05", "-0.05", "-0.0500", "-0.05"},
		{"0.000", "0.000", "0.0000", "0"},
		{"1.23456", "1.23456", "1.23456", "1.23456"},
		{"100.000", "100.000", "100.0000", "100"},
		{".5", "0.5", "0.5000", "0.5"},
		{"5.", "5", "5.0000", "5"},
		{"1.5e3", "1500", "1500.0000", "1500"},
		{"1.5e-3", "0.0015", "0.0015", "0.0015"},
		{"12345678901234567890.10", "12345678901234567890.10", "12345678901234567890.1000", "12345678901234567890.1"},
		{"-12345678901234567890.00", "-12345678901234567890.00", "-12345678901234567890.0000", "-12345678901234567890"},
		{"0.00012345678901234567890", "0.00012345678901234567890", "0.00012345678901234567890", "0.0001234567890123456789"},
	} {
		d := MustParse(c.in)
		got := [3]string{d.String(), string(d.AppendScaled(nil, 4)), string(d.AppendCanonical(nil))}
		if want := [3]string{c.plain, c.scaled4, c.shortest}; got != want {
			t.Errorf("%s: got %q, want %q", c.in, got, want)
		}
	}
}

func TestSizes(t *testing.T) {
	for _, c := range []struct {
		in             string
		digits, before int
		isInt          bool
	}{
		{"0", 1, 0, true}, {"0.00", 1, 0, true}, {"0.05", 1, 0, false}, {"9.99", 3, 1, false},
		{"10.00", 4, 2, true}, {"-1000", 4, 4, true}, {"9223372036854775807", 19, 19, true},
		{"9223372036854775808", 19, 19, true}, {"99999999999999999999", 20, 20, true},
		{"100000000000000000000", 21, 21, true}, {"1000000000000000000.00", 21, 19, true},
		{"1000000000000000000.01", 21, 19, false}, {"0.00000000000000000000001", 1, 0, false},
	} {
		d := MustParse(c.in)
		if d.Digits() != c.digits || d.IntDigits() != c.before || d.IsInt() != c.isInt {
			t.Errorf("%s: got %d digits, %d before the point, whole %v", c.in, d.Digits(), d.IntDigits(), d.IsInt())
		}
	}
}

func TestDigitCountsAtEveryPowerOfTen(t *testing.T) {
	for n := int32(1); n <= 1200; n++ {
		z := bigPow10(n)
		if got := FromBig(z, 0).Digits(); got != int(n)+1 {
			t.Fatalf("10^%d: got %d digits", n, got)
		}
		if got := FromBig(z.Sub(z, big.NewInt(1)), 0).Digits(); got != int(n) {
			t.Fatalf("10^%d - 1: got %d digits", n, got)
		}
	}
}

func TestInt64(t *testing.T) {
	for in, want := range map[string]int64{"5.00": 5, "-7": -7, "9223372036854775807.0": math.MaxInt64, "1e3": 1000} {
		if got, ok := MustParse(in).Int64(); !ok || got != want {
			t.Errorf("%s: got %d, %v", in, got, ok)
		}
	}
	for _, in := range []string{"5.01", "9223372036854775808", "-1e30"} {
		if got, ok := MustParse(in).Int64(); ok {
			t.Errorf("%s: got %d", in, got)
		}
	}
}

func TestCeiling(t *testing.T) {
	nines := MustParse(strings.Repeat("9", MaxDigits))
	if nines.TooLarge() {
		t.Error("1,000 digits are allowed")
	}
	if !nines.Add(FromInt(1)).TooLarge() {
		t.Error("1,001 digits pass")
	}
	tiny := New(1, MaxDigits)
	if tiny.TooLarge() || !tiny.Mul(New(1, 1)).TooLarge() {
		t.Error("the scale is not bounded at 1,000")
	}
	for range 40 {
		tiny = tiny.Mul(tiny) // nobody looked; the scale must not wrap
	}
	if !tiny.TooLarge() {
		t.Errorf("a wrapped scale %d passes", tiny.Scale())
	}
}

func TestValuesDoNotShareTheirCoefficient(t *testing.T) {
	z, _ := new(big.Int).SetString("123456789012345678901234567890", 10)
	d := FromBig(z, 2)
	z.SetInt64(0)
	d.Big().SetInt64(0)
	d.Neg().Abs().Round(0, HalfUp)
	if got := d.String(); got != "1234567890123456789012345678.90" {
		t.Errorf("got %s", got)
	}
}
