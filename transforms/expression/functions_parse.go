package expression

import (
	"github.com/tieout/tieout/schemas/decimal"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
	"github.com/tieout/tieout/transforms/calendar"
)

func parseFunctions() []function {
	return []function{
		{
			signature: "parse_amount(text: text, decimal_mark?: const text) -> decimal",
			doc: "Reads an amount as people write it: thousands marks, a currency, a minus behind or brackets for negative. Where a text can mean" +
				" two amounts (1,234) the record fails unless the decimal mark is given.",
			examples: []Example{{`parse_amount("(1,234.50)")`, "-1234.50"}, {`parse_amount("$ 99.90-")`, "-99.90"}, {`parse_amount("1.234,50 EUR")`, "1234.50"}, {`parse_amount("1,234", ".")`, "1234"}},
			build:    buildParseAmount,
		},
		{
			signature: "parse_decimal(text: text) -> decimal",
			doc:       "Reads a plain number: digits, one point, an exponent.",
			examples:  []Example{{`parse_decimal("-12.50")`, "-12.50"}},
			build:     buildParseDecimal,
		},
		{
			signature: "parse_integer(text: text) -> integer",
			doc:       "Reads a whole number.",
			examples:  []Example{{`parse_integer("0042")`, "42"}},
			build:     buildParseInteger,
		},
		{
			signature: "parse_date(text: text, pattern: const text) -> date",
			doc:       "Reads a date by a pattern of YYYY, MM, DD, M, D, MMM, YY.",
			examples:  []Example{{`parse_date("31/01/2026", "DD/MM/YYYY")`, "2026-01-31"}, {`parse_date("Jan 5, 2026", "MMM D, YYYY")`, "2026-01-05"}},
			build:     buildParseDate,
		},
		{
			signature: "format_date(date: date|month|timestamp, pattern: const text) -> text",
			doc:       "Writes a date, month or timestamp by a pattern; a timestamp in the zone of the pipeline.",
			examples:  []Example{{`format_date(due, "MMM YYYY")`, "Oct 2026"}, {`format_date(month_of(due), "YYYY-MM")`, "2026-10"}},
			build:     buildFormatDate,
		},
	}
}

// badValue fails a record whose text cannot be read.
func (f *frame) badValue(format string, args ...any) bool {
	f.fail(document.CodeSourceBadValue, format, args...)
	return false
}

func buildParseAmount(c *compiler, a args) *operand {
	mark := byte(0)
	if o := a.at(1); o != nil {
		text, _ := c.fixedText(o)
		if text != "." && text != "," {
			return c.errorf(o.node, document.CodeExprArguments, `write "." or ","`, "%q is no decimal mark", clip(text))
		}
		mark = text[0]
	}
	s := a[0].s
	return decOperand(record.NoScale, func(f *frame) (decimal.Decimal, bool) {
		v, ok := s(f)
		if !ok {
			return decimal.Decimal{}, false
		}
		d, problem := parseAmount(v, mark)
		if problem != "" {
			return d, f.badValue("%q %s", clip(v), problem)
		}
		return d, true
	})
}

func buildParseDecimal(c *compiler, a args) *operand {
	s := a[0].s
	return decOperand(record.NoScale, func(f *frame) (decimal.Decimal, bool) {
		v, ok := s(f)
		if !ok || !f.scan(len(v)) {
			return decimal.Decimal{}, false
		}
		d, err := decimal.Parse(v)
		if err != nil {
			return d, f.badValue("%q is not a plain number", clip(v))
		}
		return f.exact(d)
	})
}

func buildParseInteger(c *compiler, a args) *operand {
	s := a[0].s
	return intOperand(record.Integer, func(f *frame) (int64, bool) {
		v, ok := s(f)
		if !ok || !f.scan(len(v)) {
			return 0, false
		}
		d, err := decimal.Parse(v)
		n, whole := d.Int64()
		if err != nil || !whole || d.Scale() != 0 {
			return 0, f.badValue("%q is not a whole number", clip(v))
		}
		return n, true
	})
}

func (c *compiler) pattern(o *operand) *calendar.Pattern {
	text, _ := c.fixedText(o)
	p, err := calendar.CompilePattern(text)
	if err != nil {
		c.errorf(o.node, document.CodeExprArguments, "", "%s", err)
		return nil
	}
	return p
}

func buildParseDate(c *compiler, a args) *operand {
	p := c.pattern(a[1])
	if p == nil {
		return c.hollow(record.Date)
	}
	if !p.HasDate() {
		return c.errorf(a[1].node, document.CodeExprArguments, "add YYYY, MM and DD", "the pattern lacks year, month or day")
	}
	s := a[0].s
	return intOperand(record.Date, func(f *frame) (int64, bool) {
		v, ok := s(f)
		if !ok {
			return 0, false
		}
		d, err := p.ParseDate(bytesOf(v))
		if err != nil {
			return 0, f.badValue("%s", err)
		}
		return int64(d), true
	})
}

func buildFormatDate(c *compiler, a args) *operand {
	p := c.pattern(a[1])
	if p == nil {
		return c.hollow(record.Text)
	}
	kind, zone := a[0].kind, c.env.Zone
	switch {
	case kind == record.Timestamp && zone == nil:
		return c.errorf(a[0].node, document.CodeExprArguments, "set timezone: on the pipeline or the project", "format_date of a timestamp has no time zone")
	case kind != record.Timestamp && (p.HasTime() || p.HasOffset()):
		return c.errorf(a[1].node, document.CodeExprArguments, "", "a %s has no time of day", kind)
	case kind == record.Month && p.HasDate():
		return c.errorf(a[1].node, document.CodeExprArguments, "write month_end(m) or month_start(m)", "a month has no day")
	}
	i := a[0].i
	return madeText(func(f *frame, dst []byte) ([]byte, bool) {
		v, ok := i(f)
		if !ok || !f.room(len(p.String())+16) {
			return dst, false
		}
		switch kind {
		case record.Date:
			return p.AppendDate(dst, calendar.Date(v)), true
		case record.Month:
			return p.AppendMonth(dst, calendar.Month(v)), true
		}
		return p.AppendTimestamp(dst, v, zone), true
	})
}
