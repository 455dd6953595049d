package money

import (
	"errors"
	"testing"

	"github.com/tieout/tieout/schemas/decimal"
	"github.com/tieout/tieout/transforms/calendar"
)

func dec(t *testing.T, s string) decimal.Decimal {
	t.Helper()
	d, err := decimal.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// date reads a date; "" is an open start when first, an open end otherwise.
func date(t *testing.T, s string, open calendar.Date) calendar.Date {
	t.Helper()
	if s == "" {
		return open
	}
	d, ok := calendar.ParseISO([]byte(s))
	if !ok {
		t.Fatalf("%q is no date", s)
	}
	return d
}

func prorate(t *testing.T, amount, from, to, month, basis string) decimal.Decimal {
	t.Helper()
	b, err := ParseBasis(basis)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Prorate(dec(t, amount), date(t, from, OpenFrom), date(t, to, OpenTo), date(t, month, 0), b, 2, decimal.HalfUp)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// Section 2, the table of bases.
func TestProratedRent(t *testing.T) {
	for _, c := range []struct {
		rent, from, to, month string
		want                  map[string]string
	}{
		{"1500.00", "2026-02-17", "", "2026-02-01", map[string]string{"actual": "642.86", "30": "600.00", "365": "591.78", "year": "591.78", "30/360": "700.00"}},
		{"1500.00", "2028-02-17", "", "2028-02-20", map[string]string{"actual": "672.41", "30": "650.00", "365": "641.10", "year": "639.34", "30/360": "700.00"}},
		{"2000.00", "2026-03-15", "", "2026-03-31", map[string]string{"actual": "1096.77", "30": "1133.33", "365": "1117.81", "30/360": "1066.67"}},
		{"1850.00", "", "2026-03-10", "2026-03-01", map[string]string{"actual": "596.77", "30": "616.67", "365": "608.22", "30/360": "616.67"}},
		{"1850.00", "2025-01-01", "2026-03-10", "2026-03-01", map[string]string{
			"actual_nights": "537.10", "30_nights": "555.00", "365_nights": "547.40", "30/360_nights": "555.00"}},
		{"1350.00", "2026-06-10", "2026-06-20", "2026-06-01", map[string]string{"actual": "495.00", "30": "495.00", "365": "488.22", "30/360": "495.00"}},
		// a full month is the full rent on every basis
		{"1500.00", "2026-01-01", "2026-01-31", "2026-01-15", allBases("1500.00", false)},
		{"1500.00", "2026-02-01", "2026-02-28", "2026-02-15", allBases("1500.00", false)},
		{"1500.00", "", "", "2028-02-15", allBases("1500.00", true)},
		{"1500.00", "2026-01-01", "2026-02-01", "2026-01-15", allBases("1500.00", true)}, // the last night is in January
		// outside the month, before and after
		{"1500.00", "2026-04-01", "", "2026-03-31", allBases("0.00", true)},
		{"1500.00", "", "2026-02-28", "2026-03-01", allBases("0.00", true)},
		{"1500.00", "2026-03-05", "2026-03-05", "2026-03-01", map[string]string{"actual": "48.39", "actual_nights": "0.00"}},
		{"1500.00", "2025-01-01", "2026-03-01", "2026-03-01", map[string]string{"actual": "48.39", "actual_nights": "0.00"}},
		{"1500.00", "2026-03-31", "", "2026-03-01", map[string]string{"actual": "48.39", "30/360": "50.00"}},
		// thirty of thirty-one days is capped at the rent
		{"1500.00", "2026-01-02", "", "2026-01-01", map[string]string{"30": "1500.00", "actual": "1451.61", "30/360": "1450.00"}},
		{"1500.00", "", "2026-01-31", "2026-01-01", map[string]string{"30_nights": "1500.00", "30/360_nights": "1500.00", "actual_nights": "1451.61"}},
		// a credit is the negated charge
		{"-2000.00", "2026-03-15", "", "2026-03-01", map[string]string{"actual": "-1096.77", "30/360": "-1066.67"}},
		// the daily rate is not rounded first: 32.26 x 17 would be 548.42
		{"1000", "2026-03-15", "", "2026-03-01", map[string]string{"actual": "548.39"}},
		// half a cent: 1000.01 x 15/30
		{"1000.01", "2026-04-16", "", "2026-04-01", map[string]string{"actual": "500.01"}},
	} {
		for basis, want := range c.want {
			if got := prorate(t, c.rent, c.from, c.to, c.month, basis); got.String() != want {
				t.Errorf("%s from %q to %q in %s on %s: got %s, want %s", c.rent, c.from, c.to, c.month, basis, got, want)
			}
		}
	}
}

func allBases(want string, nights bool) map[string]string {
	m := map[string]string{}
	for i, name := range BasisNames() {
		if i < len(BasisNames())/2 || nights {
			m[name] = want
		}
	}
	return m
}

// Section 2: rate changes, transfers and several lines are sums of parts.
func TestProratedPartsAddUp(t *testing.T) {
	for name, c := range map[string]struct {
		parts [][4]string // rent, from, to, share
		total string
	}{
		"rate change in April":    {[][4]string{{"1400", "", "2026-04-15", "700.00"}, {"1450", "2026-04-16", "", "725.00"}}, "1425.00"},
		"rate change in July":     {[][4]string{{"1400", "", "2026-07-10", "451.61"}, {"1450", "2026-07-11", "", "982.26"}}, "1433.87"},
		"rent and parking":        {[][4]string{{"1450.00", "2026-03-15", "", "795.16"}, {"75.00", "2026-03-15", "", "41.13"}}, "836.29"},
		"transfer of equal rents": {[][4]string{{"1500", "", "2026-04-10", "500.00"}, {"1500", "2026-04-11", "", "1000.00"}}, "1500.00"},
	} {
		sum := decimal.Decimal{}
		months := map[string]string{"rate change in April": "2026-04-01", "rate change in July": "2026-07-01", "rent and parking": "2026-03-01", "transfer of equal rents": "2026-04-01"}
		for _, p := range c.parts {
			got := prorate(t, p[0], p[1], p[2], months[name], "actual")
			if got.String() != p[3] {
				t.Errorf("%s: %v gives %s", name, p, got)
			}
			sum = sum.Add(got)
		}
		if sum.String() != c.total {
			t.Errorf("%s: sum %s, want %s", name, sum, c.total)
		}
	}
}

func TestProrateRefusesAStayThatEndsBeforeItBegins(t *testing.T) {
	from, to := date(t, "2026-03-02", 0), date(t, "2026-03-01", 0)
	_, err1 := Prorate(dec(t, "1"), from, to, to, Basis{}, 2, decimal.HalfUp)
	_, err2 := ProrateOver(dec(t, "1"), from, to, to, from, 2, decimal.HalfUp)
	_, err3 := ProrateOver(dec(t, "1"), to, from, from, to, 2, decimal.HalfUp)
	for _, err := range []error{err1, err2, err3} {
		if !errors.Is(err, ErrStartAfterEnd) {
			t.Errorf("got %v", err)
		}
	}
	if _, err := ParseBasis("31"); err == nil {
		t.Error("basis 31 was accepted")
	}
}

func TestProrateOver(t *testing.T) {
	start, end := date(t, "2026-01-01", 0), date(t, "2026-03-31", 0) // 90 days
	for _, c := range []struct{ from, to, want string }{
		{"", "", "900.00"}, {"2026-01-01", "2026-03-31", "900.00"}, {"2026-03-31", "", "10.00"},
		{"2026-02-01", "2026-02-28", "280.00"}, {"", "2025-12-31", "0.00"}, {"2026-04-01", "", "0.00"},
	} {
		got, err := ProrateOver(dec(t, "900"), date(t, c.from, OpenFrom), date(t, c.to, OpenTo), start, end, 2, decimal.HalfUp)
		if err != nil || got.String() != c.want {
			t.Errorf("%q to %q: got %s, %v, want %s", c.from, c.to, got, err, c.want)
		}
	}
}

// The modes look at the magnitude, so a split month and its reversal cancel.
func TestProrateRoundsOnce(t *testing.T) {
	april := date(t, "2026-04-01", 0)
	for mode, want := range map[decimal.Mode]string{decimal.HalfUp: "500.01", decimal.HalfEven: "500.00", decimal.Down: "500.00", decimal.Up: "500.01"} {
		for sign, amount := range map[string]string{"": "1000.01", "-": "-1000.01"} {
			got, err := Prorate(dec(t, amount), april+15, OpenTo, april, Basis{}, 2, mode)
			if err != nil || got.String() != sign+want {
				t.Errorf("%s, %s: got %s, %v", amount, mode, got, err)
			}
		}
	}
	whole, _ := Prorate(dec(t, "1000"), april, OpenTo, april, Basis{}, 0, decimal.HalfUp)
	exact, _ := Prorate(dec(t, "10.005"), april, OpenTo, april, Basis{}, 2, decimal.HalfUp)
	if whole.String() != "1000" || exact.String() != "10.01" {
		t.Errorf("full months: got %s and %s", whole, exact)
	}
}

func BenchmarkProrate(b *testing.B) {
	march, _ := calendar.FromYMD(2026, 3, 1)
	rent := decimal.New(200000, 2)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Prorate(rent, march+14, OpenTo, march, Basis{}, 2, decimal.HalfUp); err != nil {
			b.Fatal(err)
		}
	}
}
