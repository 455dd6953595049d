package expression

import (
	"time"

	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
	"github.com/tieout/tieout/transforms/calendar"
)

func dateFunctions() []function {
	return append(dateArithmetic(), dateParts()...)
}

func dateArithmetic() []function {
	return []function{
		{
			signature: "date(text: const text) -> date",
			doc:       "A date written in the expression.",
			examples:  []Example{{`date("2026-01-31") + days(1)`, "2026-02-01"}},
			build:     buildDate,
		},
		{
			signature: "timestamp(text: const text) -> timestamp",
			doc:       "An instant written in the expression; without an offset it is local time of the pipeline's zone.",
			examples:  []Example{{`timestamp("2026-01-31T23:59:59-05:00")`, "2026-02-01T04:59:59Z"}},
			build:     buildTimestamp,
		},
		{
			signature: "days(n: integer) -> span",
			doc:       "A number of days, to add to a date or timestamp or to take off. On a timestamp the local time of day stays.",
			examples:  []Example{{"due - days(30)", "2026-09-22"}, {"due - date(\"2026-10-01\")", "21"}},
			build:     func(c *compiler, a args) *operand { return intOperand(kindSpan, a[0].i) },
		},
		{
			signature: "months(n: integer) -> span",
			doc:       "A number of months, to add to a date, month or timestamp or to take off. A shorter month ends on its last day.",
			examples:  []Example{{`date("2026-01-31") + months(1)`, "2026-02-28"}, {"month_of(due) + months(3)", "2027-01"}},
			build:     buildMonths,
		},
		dateToDate("month_start", "The first day of the month.", "month_start(due)", "2026-10-01", calendar.MonthStart),
		dateToDate("month_end", "The last day of the month.", "month_end(due)", "2026-10-31", calendar.MonthEnd),
		{
			signature: "month_of(date: date) -> month",
			doc:       "The month that holds the date.",
			examples:  []Example{{"month_of(due)", "2026-10"}},
			build: func(c *compiler, a args) *operand {
				return mapDate(record.Month, a[0].i, func(d calendar.Date) int64 { return int64(calendar.MonthOf(d)) })
			},
		},
		{
			signature: "add_days(date: date, n: integer) -> date",
			doc:       "The date n days later.",
			examples:  []Example{{"add_days(due, 10)", "2026-11-01"}},
			build: func(c *compiler, a args) *operand {
				return intOperand(record.Date, shifted(c.mover(record.Date, false), false, a[0].i, a[1].i))
			},
		},
		{
			signature: "add_months(date: date|month, n: integer) -> unknown",
			doc:       "The same day n months later, or the last day of a shorter month; for a month the month.",
			examples:  []Example{{`add_months(date("2026-01-31"), 1)`, "2026-02-28"}, {"add_months(month_of(due), -10)", "2025-12"}},
			build: func(c *compiler, a args) *operand {
				return intOperand(a[0].kind, shifted(c.mover(a[0].kind, true), false, a[0].i, a[1].i))
			},
		},
		{
			signature: "days_inclusive(first: date, last: date) -> integer",
			doc:       "The number of days from first to last, both counted.",
			examples:  []Example{{`days_inclusive(date("2026-02-17"), date("2026-02-28"))`, "12"}},
			build:     buildDaysInclusive,
		},
	}
}

// dateParts take a part of a date, or place it in a calendar.
func dateParts() []function {
	return []function{
		datePart("year", "The year.", "year(due)", "2026", func(d calendar.Date) int64 { y, _, _ := d.YMD(); return int64(y) }),
		datePart("month", "The month of the year, 1 to 12.", "month(due)", "10", func(d calendar.Date) int64 { _, m, _ := d.YMD(); return int64(m) }),
		{
			signature: "day(date: date) -> integer",
			doc:       "The day of the month.",
			examples:  []Example{{"day(due)", "22"}},
			build: func(c *compiler, a args) *operand {
				return mapDate(record.Integer, a[0].i, func(d calendar.Date) int64 { _, _, day := d.YMD(); return int64(day) })
			},
		},
		{
			signature: "weekday(date: date) -> integer",
			doc:       "The day of the week: 1 is Monday, 7 is Sunday.",
			examples:  []Example{{"weekday(due)", "4"}},
			build: func(c *compiler, a args) *operand {
				return mapDate(record.Integer, a[0].i, func(d calendar.Date) int64 { return (int64(d.Weekday())+6)%7 + 1 })
			},
		},
		{
			signature: "business_day(date: date, offset?: integer) -> date",
			doc:       "The date itself, or the next business day when it is a weekend or holiday; with an offset, that many business days later or earlier.",
			examples:  []Example{{`business_day(date("2026-10-24"))`, "2026-10-26"}, {"business_day(due, 2)", "2026-10-26"}, {"business_day(due, -1)", "2026-10-21"}},
			build:     buildBusinessDay,
		},
		{
			signature: "fiscal_period(date: date, first_month: integer) -> text",
			doc:       "Year and period of a fiscal year that begins in first_month and is named by the year in which it ends.",
			examples:  []Example{{"fiscal_period(due, 1)", "2026-P10"}, {"fiscal_period(due, 7)", "2027-P04"}},
			build:     buildFiscalPeriod,
		},
		{
			signature: "local_date(at: timestamp, zone?: const text) -> date",
			doc:       "The date a calendar on the wall shows at the instant, in the zone named or else that of the pipeline.",
			examples:  []Example{{`local_date(created, "America/New_York")`, "2026-11-30"}, {`local_date(created, "UTC")`, "2026-12-01"}},
			build:     buildLocalDate,
		},
	}
}

func mapDate(kind record.Kind, i intFn, fn func(calendar.Date) int64) *operand {
	return intOperand(kind, func(f *frame) (int64, bool) {
		v, ok := i(f)
		if !ok {
			return 0, false
		}
		return fn(calendar.Date(v)), true
	})
}

// dateToDate is a function of a date or a month that gives a date.
func dateToDate(name, doc, expr, want string, fn func(calendar.Date) calendar.Date) function {
	return function{
		signature: name + "(date: date|month) -> date",
		doc:       doc,
		examples:  []Example{{expr, want}},
		build: func(c *compiler, a args) *operand {
			return mapDate(record.Date, monthStart(a[0]), func(d calendar.Date) int64 { return int64(fn(d)) })
		},
	}
}

// datePart is a function of a date or a month that gives a number.
func datePart(name, doc, expr, want string, fn func(calendar.Date) int64) function {
	return function{
		signature: name + "(date: date|month) -> integer",
		doc:       doc,
		examples:  []Example{{expr, want}},
		build: func(c *compiler, a args) *operand {
			return mapDate(record.Integer, monthStart(a[0]), fn)
		},
	}
}

func buildDate(c *compiler, a args) *operand {
	text, _ := c.fixedText(a[0])
	d, ok := calendar.ParseISO([]byte(text))
	if !ok {
		c.errorf(a[0].node, document.CodeExprArguments, `write date("2026-01-31")`, "%q is no date of the form YYYY-MM-DD", clip(text))
	}
	return constInt(record.Date, int64(d))
}

func buildTimestamp(c *compiler, a args) *operand {
	text, _ := c.fixedText(a[0])
	at, err := calendar.ParseTimestamp([]byte(text), c.env.Zone)
	if err != nil {
		c.errorf(a[0].node, document.CodeExprArguments, `write timestamp("2026-01-31T23:59:59Z")`, "%s", err)
	}
	return constInt(record.Timestamp, at)
}

func buildMonths(c *compiler, a args) *operand {
	o := intOperand(kindSpan, a[0].i)
	o.months = true
	return o
}

func buildDaysInclusive(c *compiler, a args) *operand {
	first, last := a[0].i, a[1].i
	return intOperand(record.Integer, func(f *frame) (int64, bool) {
		x, ok := first(f)
		if !ok {
			return 0, false
		}
		y, ok := last(f)
		return calendar.DaysInclusive(calendar.Date(x), calendar.Date(y)), ok
	})
}

func buildBusinessDay(c *compiler, a args) *operand {
	date, holidays := a[0].i, c.env.Holidays
	if a.at(1) == nil {
		return mapDate(record.Date, date, func(d calendar.Date) int64 {
			return int64(calendar.BusinessDay(d, calendar.Following, holidays))
		})
	}
	move := func(v, n int64) (int64, bool) {
		d := calendar.AddBusinessDays(calendar.Date(v), n, holidays)
		return int64(d), d.Valid()
	}
	return intOperand(record.Date, shifted(move, false, date, a[1].i))
}

func buildFiscalPeriod(c *compiler, a args) *operand {
	date, first := a[0].i, a[1].i
	return madeText(func(f *frame, dst []byte) ([]byte, bool) {
		d, ok := date(f)
		if !ok {
			return dst, false
		}
		m, ok := first(f)
		if !ok {
			return dst, false
		}
		if m < 1 || m > 12 {
			f.fail(document.CodeExprValue, "a fiscal year begins in month 1 to 12, not %d", m)
			return dst, false
		}
		year, period := calendar.FiscalPeriod(calendar.Date(d), int(m))
		// A fiscal year is written like the years of dates.
		start, _ := calendar.FromYM(min(year, 9999), period)
		dst = start.AppendISO(dst)
		return append(dst[:len(dst)-2], 'P', byte('0'+period/10), byte('0'+period%10)), true
	})
}

func buildLocalDate(c *compiler, a args) *operand {
	zone := c.env.Zone
	if o := a.at(1); o != nil {
		name, _ := c.fixedText(o)
		var err error
		// The empty name and "Local" would mean this machine's zone.
		if zone, err = time.LoadLocation(name); err != nil || name == "" || name == "Local" {
			return c.errorf(o.node, document.CodeExprArguments, `write a name such as "America/Chicago"`, "there is no time zone %q", name)
		}
	}
	if zone == nil {
		return c.errorf(a[0].node, document.CodeExprArguments, "set timezone: on the pipeline or the project, or write local_date(at, \"America/Chicago\")", "local_date has no time zone")
	}
	i := a[0].i
	return intOperand(record.Date, func(f *frame) (int64, bool) {
		v, ok := i(f)
		if !ok {
			return 0, false
		}
		return int64(calendar.LocalDate(v, zone)), true
	})
}
