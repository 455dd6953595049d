package money

import (
	"strings"
	"testing"

	"github.com/tieout/tieout/schemas/decimal"
)

// Section 3.
func TestLateFee(t *testing.T) {
	five := LateFeeRule{Grace: 4, Rate: decimal.New(5, 2)}
	daily := LateFeeRule{Grace: 4, Flat: decimal.New(50, 0), Daily: decimal.New(5, 0), CapRate: decimal.New(10, 2)}
	capped := LateFeeRule{Grace: 4, Flat: decimal.New(50, 0), Daily: decimal.New(5, 0), Cap: decimal.New(7250, 2)}
	least := LateFeeRule{Rate: decimal.New(5, 2), Minimum: decimal.New(50, 0)}
	for _, c := range []struct {
		on, base string
		rule     LateFeeRule
		want     string
	}{
		{"2026-11-12", "1450.00", five, "72.50"}, // 5 % of the rent
		{"2026-11-12", "612.37", five, "30.62"},  // 5 % of what is unpaid
		{"2026-11-12", "1450.10", five, "72.51"}, // 72.505, half up
		{"2026-11-05", "1450.00", five, "0.00"},  // the last day of grace
		{"2026-11-06", "1450.00", five, "72.50"}, // the fee date: due + grace + 1
		{"2026-11-12", "0.00", five, "0.00"},
		{"2026-11-12", "-20.00", five, "0.00"},
		{"2026-11-06", "1450.00", daily, "50.00"},
		{"2026-11-12", "1450.00", daily, "80.00"},  // 50 + 6 x 5, below 10 % of the rent
		{"2026-12-12", "1450.00", daily, "145.00"}, // the cap
		{"2026-11-12", "1450.00", capped, "72.50"},
		{"2026-11-02", "49.99", least, "0.00"},
		{"2026-11-02", "50.00", least, "2.50"},
	} {
		got, err := LateFee(date(t, "2026-11-01", 0), date(t, c.on, 0), dec(t, c.base), dec(t, "1450.00"), c.rule, 2, decimal.HalfUp)
		if err != nil || got.String() != c.want {
			t.Errorf("%s of %s by %+v: got %s, %v, want %s", c.on, c.base, c.rule, got, err, c.want)
		}
	}
	for _, rule := range []LateFeeRule{{Grace: -1}, {Flat: decimal.New(-1, 0)}, {CapRate: decimal.New(-1, 2)}} {
		if _, err := LateFee(0, 9, dec(t, "1"), dec(t, "1"), rule, 2, decimal.HalfUp); err == nil {
			t.Errorf("%+v was accepted", rule)
		}
	}
}

// Section 9: a certificate of payment, and a rate that falls at half of the
// contract.
func TestRetainage(t *testing.T) {
	completed := Retainage(dec(t, "258000"), dec(t, "0.10"), 2, decimal.HalfUp)
	stored := Retainage(dec(t, "12000"), dec(t, "0.05"), 2, decimal.HalfUp)
	held := completed.Add(stored)
	earned := dec(t, "270000").Sub(held)
	before := dec(t, "210000").Sub(Retainage(dec(t, "210000"), dec(t, "0.10"), 2, decimal.HalfUp))
	for _, c := range []struct {
		line string
		got  decimal.Decimal
		want string
	}{
		{"5a", completed, "25800.00"}, {"5b", stored, "600.00"}, {"5", held, "26400.00"}, {"6", earned, "243600.00"},
		{"7", before, "189000.00"}, {"8", earned.Sub(before), "54600.00"}, {"9", dec(t, "525000").Sub(earned), "281400.00"},
		{"stepped", RetainageStepped(dec(t, "240000"), dec(t, "200000"), dec(t, "0.10"), dec(t, "0.05"), 2, decimal.HalfUp), "22000.00"},
		{"below the step", RetainageStepped(dec(t, "200000"), dec(t, "200000"), dec(t, "0.10"), dec(t, "0.05"), 2, decimal.HalfUp), "20000.00"},
		{"second vector", dec(t, "53000").Sub(Retainage(dec(t, "53000.00"), dec(t, "0.10"), 2, decimal.HalfUp)), "47700.00"},
		{"correction", Retainage(dec(t, "-100.05"), dec(t, "0.10"), 2, decimal.HalfUp), "-10.01"},
	} {
		if c.got.String() != c.want {
			t.Errorf("line %s: got %s, want %s", c.line, c.got, c.want)
		}
	}
}

// Section 5: buckets and their totals.
func TestAging(t *testing.T) {
	asOf := date(t, "2026-11-21", 0)
	totals := map[string]decimal.Decimal{}
	for _, c := range []struct{ due, open, a, b string }{
		{"2026-12-01", "1450.00", "current", "0-30"}, {"2026-11-21", "500.00", "current", "0-30"},
		{"2026-11-20", "0", "1-30", "0-30"},
		{"2026-10-22", "300.00", "1-30", "0-30"}, {"2026-10-21", "250.00", "31-60", "31-60"},
		{"2026-09-22", "125.50", "31-60", "31-60"}, {"2026-09-21", "80.00", "61-90", "61-90"},
		{"2026-08-23", "60.00", "61-90", "61-90"}, {"2026-08-22", "40.25", ">90", "90+"},
	} {
		due := date(t, c.due, 0)
		a, b := AgeBucket(due, asOf, Current306090), AgeBucket(due, asOf, Zero306090)
		if a != c.a || b != c.b {
			t.Errorf("due %s: got %s and %s", c.due, a, b)
		}
		totals["a "+a] = totals["a "+a].Add(dec(t, c.open))
		if due <= asOf {
			totals["b "+b] = totals["b "+b].Add(dec(t, c.open))
		}
	}
	for bucket, want := range map[string]string{
		"a current": "1950.00", "a 1-30": "300.00", "a 31-60": "375.50", "a 61-90": "140.00", "a >90": "40.25",
		"b 0-30": "800.00", "b 31-60": "375.50", "b 61-90": "140.00", "b 90+": "40.25",
	} {
		if got := totals[bucket].String(); got != want {
			t.Errorf("%s: got %s, want %s", bucket, got, want)
		}
	}
	for i, name := range SchemeNames() {
		if s, err := ParseScheme(name); err != nil || int(s) != i {
			t.Errorf("%s: got %v, %v", name, s, err)
		}
	}
	if _, err := ParseScheme("30_60"); err == nil || !strings.Contains(err.Error(), `"30_60"`) {
		t.Errorf("got %v", err)
	}
}

// Section 12.
func TestCurrencies(t *testing.T) {
	for currency, want := range map[string]int32{"USD": 2, "EUR": 2, "JPY": 0, "UGX": 0, "KWD": 3, "TND": 3, "CLF": 4, "UYW": 4} {
		if got, ok := MinorUnits(currency); !ok || got != want {
			t.Errorf("%s: got %d, %v", currency, got, ok)
		}
	}
	for _, code := range []string{"", "usd", "XXX", "US", "DOLLAR"} {
		if places, ok := MinorUnits(code); ok || places != 0 {
			t.Errorf("%q is taken for a currency", code)
		}
	}
	for _, c := range []struct{ amount, rate, currency, want string }{
		{"1234.56", "151.237", "JPY", "186711"}, {"1234.56", "0.30745", "KWD", "379.565"},
		{"10.00", "1.0837", "USD", "10.84"}, {"30.00", "1.0837", "USD", "32.51"},
		{"10000", "1.0850", "USD", "10850.00"}, {"10000", "1.0712", "USD", "10712.00"},
	} {
		places, _ := MinorUnits(c.currency)
		if got := Convert(dec(t, c.amount), dec(t, c.rate), places, decimal.HalfUp).String(); got != c.want {
			t.Errorf("%s at %s: got %s %s, want %s", c.amount, c.rate, got, c.currency, c.want)
		}
	}
}

// Sections 0, 11 and 12: rounding to the minor unit, tax by line and on the
// total, and the net of a price with tax.
func TestRoundToCurrency(t *testing.T) {
	for _, c := range []struct{ amount, currency, up, even string }{
		{"2.345", "USD", "2.35", "2.34"}, {"2.355", "EUR", "2.36", "2.36"}, {"0.125", "", "0.13", "0.12"},
		{"1.005", "", "1.01", "1.00"}, {"-2.345", "USD", "-2.35", "-2.34"}, {"72.505", "USD", "72.51", "72.50"},
		{"3.905", "USD", "3.91", "3.90"}, {"10", "USD", "10.00", "10.00"}, {"0.5", "JPY", "1", "0"}, {"1.0005", "KWD", "1.001", "1.000"},
		{"3.998", "GBP", "4.00", "4.00"}, {"11.994", "GBP", "11.99", "11.99"}, // 20 % of 19.99, and of three of them
		{"2.024", "GBP", "2.02", "2.02"}, {"6.072", "GBP", "6.07", "6.07"}, // 20 % of 10.12, and of three
	} {
		up, err1 := RoundToCurrency(dec(t, c.amount), c.currency, decimal.HalfUp)
		even, err2 := RoundToCurrency(dec(t, c.amount), c.currency, decimal.HalfEven)
		if err1 != nil || err2 != nil || up.String() != c.up || even.String() != c.even {
			t.Errorf("%s %s: got %s and %s, %v", c.amount, c.currency, up, even, err1)
		}
	}
	if _, err := RoundToCurrency(dec(t, "1"), "dollars", decimal.HalfUp); err == nil || !strings.Contains(err.Error(), `"dollars"`) {
		t.Errorf("got %v", err)
	}
	gross := dec(t, "99.99")
	net, err := decimal.QuoRound(gross, dec(t, "1.20"), 2, decimal.HalfUp)
	if err != nil || net.String() != "83.33" || gross.Sub(net).String() != "16.66" {
		t.Errorf("net of 99.99: got %s, %v", net, err)
	}
}
