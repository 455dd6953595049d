package expression

import (
	"github.com/tieout/tieout/schemas/decimal"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
	"github.com/tieout/tieout/transforms/calendar"
	"github.com/tieout/tieout/transforms/money"
)

func moneyFunctions() []function {
	return []function{
		{
			signature: "prorate(amount: amount, from: date|nil, to: date|nil, month: month|date, method?: const text) -> decimal",
			doc: "The part of a month's amount that falls on the days from and to, both counted; nil is open. Rounded once to the currency." +
				" method is actual (default), 30, 365, year or 30/360; with _nights behind it the last day is not counted.",
			examples: []Example{
				{`prorate(2000.00, date("2026-03-15"), nil, date("2026-03-01"))`, "1096.77"},
				{`prorate(1500.00, date("2026-02-17"), nil, date("2026-02-01"), "30/360")`, "700.00"},
				{`prorate(1850.00, nil, date("2026-03-10"), month_of(date("2026-03-10")), "actual_nights")`, "537.10"},
				{`prorate(rent, date("2026-04-01"), nil, date("2026-03-01"))`, "0.00"},
			},
			build: buildProrate,
		},
		{
			signature: "prorate_over(amount: amount, from: date|nil, to: date|nil, period_start: date, period_end: date) -> decimal",
			doc:       "The part of the amount of any period that falls on the days from and to, by actual days. Rounded once to the currency.",
			examples:  []Example{{`prorate_over(15208.38, date("2026-04-01"), nil, date("2026-01-01"), date("2026-12-31"))`, "11458.37"}},
			build:     buildProrateOver,
		},
		{
			signature: "allocate(amount: amount, parts: integer, part: integer) -> decimal",
			doc:       "The part-th of so many equal parts of an amount, to the currency's smallest unit: all parts add up to the amount. To split by weights use the step allocate.",
			examples:  []Example{{"allocate(100.00, 3, 1)", "33.34"}, {"allocate(100.00, 3, 3)", "33.33"}, {"allocate(-0.05, 3, 2)", "-0.02"}},
			build:     buildAllocate,
		},
		{
			signature: "round_to_currency(amount: number, currency?: text) -> decimal",
			doc:       "Rounds to the smallest unit of the currency: of the pipeline when none is named.",
			examples:  []Example{{"round_to_currency(72.505)", "72.51"}, {`round_to_currency(186711.15, "JPY")`, "186711"}, {`round_to_currency(10, "KWD")`, "10.000"}},
			build:     buildRoundToCurrency,
		},
		{
			signature: "convert(amount: amount, rate: number, currency?: text) -> decimal",
			doc:       "amount x rate, rounded once to the currency that is named, else to that of the pipeline.",
			examples:  []Example{{`convert(1234.56, 151.237, "JPY")`, "186711"}, {`convert(1234.56, 0.30745, "KWD")`, "379.565"}},
			build:     buildConvert,
		},
		{
			signature: "age_bucket(due: date, as_of: date, scheme?: const text) -> text",
			doc:       "The aging bucket of a charge: current, 1-30, 31-60, 61-90, >90; with scheme 0_30_60_90: 0-30, 31-60, 61-90, 90+.",
			examples:  []Example{{`age_bucket(due, date("2026-11-21"))`, "1-30"}, {`age_bucket(due, date("2026-11-22"))`, "31-60"}, {`age_bucket(due, date("2027-01-21"), "0_30_60_90")`, "90+"}},
			build:     buildAgeBucket,
		},
		{
			signature: "late_fee(due: date, on: date, base: amount, grace: integer, flat: amount, rate?: number, daily?: amount, cap?: amount) -> decimal",
			doc: "The fee for a charge open or paid on a day: nothing before due + grace + 1 day; then flat + rate x base, and daily for each further day, at most cap." +
				" Leave out the last ones or write 0.",
			examples: []Example{
				{`late_fee(date("2026-10-01"), date("2026-10-06"), 1450.00, 5, 0, 0.05)`, "0.00"},
				{`late_fee(date("2026-10-01"), date("2026-10-07"), 1450.00, 5, 0, 0.05)`, "72.50"},
				{`late_fee(date("2026-10-01"), date("2026-10-12"), 1450.00, 4, 50.00, 0, 5.00, 145.00)`, "80.00"},
			},
			build: buildLateFee,
		},
		{
			signature: "retainage(work: amount, rate: number, threshold?: amount, rate_beyond?: number) -> decimal",
			doc:       "The part of billed work that is held back; beyond the threshold, if there is one, at the second rate.",
			examples:  []Example{{"retainage(258000, 0.10)", "25800.00"}, {"retainage(240000, 0.10, 200000, 0.05)", "22000.00"}},
			build:     buildRetainage,
		},
	}
}

// openDate reads a bound that may be nil: open.
func openDate(o *operand, open calendar.Date) func(*frame) calendar.Date {
	if o.isNil() {
		return func(*frame) calendar.Date { return open }
	}
	i := o.i
	return func(f *frame) calendar.Date {
		if v, ok := i(f); ok {
			return calendar.Date(v)
		}
		return open
	}
}

// monthStart reads a month, or a date inside it, as its first day.
func monthStart(o *operand) intFn {
	i := o.i
	if o.kind != record.Month {
		return i
	}
	return func(f *frame) (int64, bool) {
		v, ok := i(f)
		return int64(calendar.Month(v).Start()), ok
	}
}

func buildProrate(c *compiler, a args) *operand {
	basis := money.Basis{}
	if o := a.at(4); o != nil {
		name, _ := c.fixedText(o)
		var err error
		if basis, err = money.ParseBasis(name); err != nil {
			s := document.Suggest(name, money.BasisNames())
			return c.errorf(o.node, document.CodeExprArguments, s.Hint, "%s", err)
		}
	}
	amount, month := a[0].dec(), monthStart(a[3])
	from, to := openDate(a[1], money.OpenFrom), openDate(a[2], money.OpenTo)
	places, mode := c.env.Money.places(), c.env.Money.Mode
	return decOperand(max(places, 0), func(f *frame) (decimal.Decimal, bool) {
		x, ok := amount(f)
		if !ok {
			return x, false
		}
		m, ok := month(f)
		if !ok {
			return x, false
		}
		v, err := money.Prorate(x, from(f), to(f), calendar.Date(m), basis, places, mode)
		if err != nil {
			return v, f.valueError(err)
		}
		return f.exact(v)
	})
}

func buildAllocate(c *compiler, a args) *operand {
	amount, parts, part := a[0].dec(), a[1].i, a[2].i
	places := max(c.env.Money.places(), 0)
	return decOperand(places, func(f *frame) (decimal.Decimal, bool) {
		x, ok := amount(f)
		if !ok {
			return x, false
		}
		n, ok := parts(f)
		if !ok {
			return x, false
		}
		k, ok := part(f)
		if !ok {
			return x, false
		}
		v, err := money.EqualPart(x, n, k, places)
		if err != nil {
			return v, f.valueError(err)
		}
		return f.exact(v)
	})
}

func buildProrateOver(c *compiler, a args) *operand {
	amount, start, end := a[0].dec(), a[3].i, a[4].i
	from, to := openDate(a[1], money.OpenFrom), openDate(a[2], money.OpenTo)
	places, mode := c.env.Money.places(), c.env.Money.Mode
	return decOperand(max(places, 0), func(f *frame) (decimal.Decimal, bool) {
		x, ok := amount(f)
		if !ok {
			return x, false
		}
		first, ok := start(f)
		if !ok {
			return x, false
		}
		last, ok := end(f)
		if !ok {
			return x, false
		}
		v, err := money.ProrateOver(x, from(f), to(f), calendar.Date(first), calendar.Date(last), places, mode)
		if err != nil {
			return v, f.valueError(err)
		}
		return f.exact(v)
	})
}

// placesOf finds the minor units of a currency argument: known while
// compiling when it is written there, looked up for each record otherwise.
func (c *compiler) placesOf(o *operand) (func(*frame) (int32, bool), int32) {
	if o == nil {
		places := c.env.Money.places()
		return func(*frame) (int32, bool) { return places, true }, places
	}
	if name, ok := c.fixedText(o); ok {
		places, known := money.MinorUnits(name)
		if !known {
			c.errorf(o.node, document.CodeExprArguments, "write an ISO 4217 code such as USD", "there is no currency %q", name)
		}
		return func(*frame) (int32, bool) { return places, true }, places
	}
	s := o.s
	return func(f *frame) (int32, bool) {
		name, ok := s(f)
		if !ok {
			return 0, false
		}
		places, known := money.MinorUnits(name)
		if !known {
			f.fail(document.CodeExprValue, "there is no currency %q; write an ISO 4217 code such as USD", clip(name))
		}
		return places, known
	}, record.NoScale
}

func buildRoundToCurrency(c *compiler, a args) *operand {
	x, mode := a[0].dec(), c.env.Money.Mode
	places, scale := c.placesOf(a.at(1))
	return decOperand(scale, func(f *frame) (decimal.Decimal, bool) {
		v, ok := x(f)
		if !ok {
			return v, false
		}
		p, ok := places(f)
		if !ok {
			return v, false
		}
		v, _ = v.Round(p, mode).Rescale(p)
		return f.exact(v)
	})
}

func buildConvert(c *compiler, a args) *operand {
	x, rate, mode := a[0].dec(), a[1].dec(), c.env.Money.Mode
	places, scale := c.placesOf(a.at(2))
	return decOperand(scale, func(f *frame) (decimal.Decimal, bool) {
		v, r, ok := both(f, x, rate)
		if !ok {
			return v, false
		}
		p, ok := places(f)
		if !ok {
			return v, false
		}
		return f.exact(money.Convert(v, r, p, mode))
	})
}

func buildAgeBucket(c *compiler, a args) *operand {
	scheme := money.Current306090
	if o := a.at(2); o != nil {
		name, _ := c.fixedText(o)
		var err error
		if scheme, err = money.ParseScheme(name); err != nil {
			return c.errorf(o.node, document.CodeExprArguments, document.Suggest(name, money.SchemeNames()).Hint, "%s", err)
		}
	}
	due, asOf := a[0].i, a[1].i
	return textOperand(func(f *frame) (string, bool) {
		d, ok := due(f)
		if !ok {
			return "", false
		}
		on, ok := asOf(f)
		if !ok {
			return "", false
		}
		return money.AgeBucket(calendar.Date(d), calendar.Date(on), scheme), true
	})
}
