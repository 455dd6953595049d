package expression

import (
	"time"

	"github.com/expr-lang/expr/ast"

	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
	"github.com/tieout/tieout/transforms/calendar"
)

// shift is a date, month or instant + or - days(n), months(n).
func (c *compiler) shift(n *ast.BinaryNode, a, b *operand) *operand {
	switch {
	case b.kind != kindSpan:
		return c.errorf(n, document.CodeExprType, "write date + days(5)", "%s stands on the right side of + and -", kindName(kindSpan))
	case a.unknown():
		return c.hollow(record.Unknown)
	case !calendarKind(a.kind):
		return c.errorf(n.Left, document.CodeExprType, textHint(a, &operand{kind: record.Date}), "days and months are added to dates, and this is %s", kindName(a.kind))
	case a.kind == record.Month && !b.months:
		return c.errorf(n.Right, document.CodeExprType, "write month_start(m) + days(5)", "days cannot be added to a month")
	}
	if by, ok := c.fixedSpan(b); ok && a.kind == record.Date && !b.months {
		if n.Operator == "-" {
			by = -by
		}
		return c.like(intOperand(a.kind, daysLater(a.i, by)), a, b)
	}
	return c.like(intOperand(a.kind, shifted(c.mover(a.kind, b.months), n.Operator == "-", a.i, b.i)), a, b)
}

func shifted(move func(v, n int64) (int64, bool), back bool, a, b intFn) intFn {
	return func(f *frame) (int64, bool) {
		v, ok := a(f)
		if !ok {
			return 0, false
		}
		n, ok := b(f)
		if !ok {
			return 0, false
		}
		// A step this far leaves the calendar anyway.
		n = max(-farSpan, min(n, farSpan))
		if back {
			n = -n
		}
		if v, ok = move(v, n); !ok {
			return 0, f.outsideCalendar()
		}
		return v, true
	}
}

// fixedSpan is a number of days known while compiling, within the calendar.
func (c *compiler) fixedSpan(o *operand) (int64, bool) {
	if o.stable != fixed {
		return 0, false
	}
	n, ok := o.i(nil)
	return n, ok && -farSpan < n && n < farSpan
}

// daysLater is shifted for the commonest case.
func daysLater(a intFn, n int64) intFn {
	return func(f *frame) (int64, bool) {
		v, ok := a(f)
		if v += n; ok && !calendar.Date(v).Valid() {
			return 0, f.outsideCalendar()
		}
		return v, ok
	}
}

const farSpan = 1 << 40

func (f *frame) outsideCalendar() bool {
	f.fail(document.CodeExprValue, "a date outside the years 1 to 9999")
	return false
}

func (c *compiler) mover(kind record.Kind, months bool) func(v, n int64) (int64, bool) {
	switch {
	case kind == record.Month:
		return func(v, n int64) (int64, bool) {
			m := calendar.Month(v).AddMonths(n)
			return int64(m), m.Valid()
		}
	case kind == record.Timestamp:
		return moveInstant(c.env.Zone, months)
	case months:
		return func(v, n int64) (int64, bool) {
			d := calendar.AddMonths(calendar.Date(v), n)
			return int64(d), d.Valid()
		}
	}
	return func(v, n int64) (int64, bool) {
		d := calendar.Date(v).AddDays(n)
		return int64(d), d.Valid()
	}
}

// moveInstant moves the local date and keeps the local time of day, so that a
// day may last 23 or 25 hours. Without a zone the calendar is that of UTC.
func moveInstant(zone *time.Location, months bool) func(v, n int64) (int64, bool) {
	if zone == nil {
		zone = time.UTC
	}
	return func(v, n int64) (int64, bool) {
		d := calendar.LocalDate(v, zone)
		to := d.AddDays(n)
		if months {
			to = calendar.AddMonths(d, n)
		}
		if !to.Valid() {
			return 0, false
		}
		t := time.UnixMicro(v).In(zone)
		y, m, day := to.YMD()
		moved := time.Date(y, time.Month(m), day, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), zone)
		return moved.UnixMicro(), true
	}
}

// difference is date - date in days and month - month in months.
func (c *compiler) difference(n *ast.BinaryNode, a, b *operand) *operand {
	switch {
	case n.Operator == "+":
		return c.errorf(n, document.CodeExprType, "write date + days(5)", "a %s and a %s do not add up", a.kind, b.kind)
	case a.kind != b.kind:
		return c.errorf(n, document.CodeExprType, "make both dates: local_date(timestamp), month_start(month)", "a %s and a %s have no difference", a.kind, b.kind)
	case a.kind == record.Timestamp:
		return c.errorf(n, document.CodeExprType, "write local_date(a) - local_date(b) for the days", "the time between two timestamps has no kind of its own")
	}
	return c.like(intOperand(record.Integer, ringInt("-", a.i, b.i)), a, b)
}
