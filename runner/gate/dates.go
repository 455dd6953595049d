package gate

import (
	"fmt"
	"time"

	"github.com/tieout/tieout/pipelines"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
	"github.com/tieout/tieout/transforms"
	"github.com/tieout/tieout/transforms/calendar"
	"github.com/tieout/tieout/transforms/expression"
)

// fresh wants the newest record to be recent. A date is as new as its whole
// day: it is fresh as long as the earliest allowed instant lies on it or
// before it.
type fresh struct {
	verdict
	counter
	spec   *pipelines.FreshCondition
	column int
	zone   *time.Location
	any    bool
	newest int64
	kind   record.Kind
}

func zoneOf(c *transforms.Context) *time.Location {
	if c.Env.Zone == nil {
		return time.UTC
	}
	return c.Env.Zone
}

func newFresh(v verdict, spec *pipelines.FreshCondition, shape *record.Shape, c *transforms.Context) *fresh {
	i := shape.Index(spec.Field.Value)
	return &fresh{verdict: v, spec: spec, column: i, zone: zoneOf(c), kind: shape.Fields[i].Kind}
}

func (m *fresh) Add(b *record.Batch) error {
	c := &b.Columns[m.column]
	for _, row := range b.Live {
		if c.Presence[row] == record.Value && (!m.any || c.Ints[row] > m.newest) {
			m.any, m.newest = true, c.Ints[row]
		}
	}
	return m.counter.Add(b)
}

func (m *fresh) Judge(f Facts) (Finding, error) {
	earliest := f.AsOf.Add(-m.spec.Within.Std())
	limit := fmt.Sprintf("newest %s within %s of %s", m.spec.Field.Value, m.spec.Within, f.AsOf.In(m.zone).Format(time.RFC3339))
	var newest string
	late := false
	switch {
	case m.n == 0:
		return m.passed(limit, "no records", "no records to judge by"), nil
	case !m.any:
		return m.failed(limit, "no value", fmt.Sprintf("no record has a %s; check the source", m.spec.Field.Value)), nil
	case m.kind == record.Date:
		newest = calendar.Date(m.newest).String()
		late = calendar.Date(m.newest) < calendar.LocalDate(earliest.UnixMicro(), m.zone)
	default:
		newest = time.UnixMicro(m.newest).In(m.zone).Format(time.RFC3339)
		late = m.newest < earliest.UnixMicro()
	}
	if !late {
		return m.passed(limit, newest, "the newest is "+newest), nil
	}
	return m.failed(limit, newest, fmt.Sprintf("the newest %s is %s, older than %s; ask whether the source still delivers", m.spec.Field.Value, newest, m.spec.Within)), nil
}

// openPeriod wants every date between two days.
type openPeriod struct {
	verdict
	field    string
	column   int
	stamp    bool
	zone     *time.Location
	from, to calendar.Date
	limit    string
	outside  int64
	examples examples
}

func newOpenPeriod(v verdict, spec *pipelines.OpenPeriodCondition, shape *record.Shape, c *transforms.Context) Meter {
	i := shape.Index(spec.Field.Value)
	m := &openPeriod{verdict: v, field: spec.Field.Value, column: i, stamp: shape.Fields[i].Kind == record.Timestamp, zone: zoneOf(c)}
	from, to := spec.Bounds(c)
	var ok bool
	if m.from, ok = day(from, calendar.MinDate); !ok {
		return noDay(v, spec.From, c)
	}
	if m.to, ok = day(to, calendar.MaxDate); !ok {
		return noDay(v, spec.To, c)
	}
	m.limit = fmt.Sprintf("%s from %s", m.field, m.from)
	if !spec.To.IsZero() {
		m.limit += fmt.Sprintf(" to %s", m.to)
	}
	return m
}

func noDay(v verdict, at document.Text, c *transforms.Context) Meter {
	c.Report.ErrorAt(at, v.code, "Write a date such as 2026-11-01.", "%q gives no date", at.Value)
	return nil
}

// day computes one end of the period; open is the day when there is none.
func day(b pipelines.Bound, open calendar.Date) (calendar.Date, bool) {
	switch {
	case b.Set:
		return b.Day, true
	case b.Program == nil:
		return open, true
	}
	c, ok := constant(b.Program)
	if !ok {
		return open, false
	}
	return calendar.Date(c.Ints[0]), true
}

// constant evaluates a program that reads no field, over one empty record.
// ok is false when it has no value.
func constant(p *expression.Program) (c record.Column, ok bool) {
	var b record.Batch
	b.Reset(record.MustShape(), 1)
	ok = p.Evaluable()
	if ok {
		p.Evaluator().Eval(&b, &c, func(int32, expression.Failure) { ok = false })
	}
	return c, ok && c.Presence[0] == record.Value
}

func (m *openPeriod) Add(b *record.Batch) error {
	c := &b.Columns[m.column]
	for _, row := range b.Live {
		if c.Presence[row] == record.Value {
			d := calendar.Date(c.Ints[row])
			if m.stamp {
				d = calendar.LocalDate(c.Ints[row], m.zone)
			}
			if m.from <= d && d <= m.to {
				continue
			}
		}
		m.outside++
		rank, text := place(b, row)
		if text != "" {
			text += ": "
		}
		m.examples.add(rank, text+string(appendValue(nil, b, m.column, row)))
	}
	return nil
}

func (m *openPeriod) Judge(Facts) (Finding, error) {
	if m.outside == 0 {
		return m.passed(m.limit, "all inside", "all inside"), nil
	}
	found := m.failed(m.limit, fmt.Sprintf("%d outside", m.outside),
		fmt.Sprintf("%s outside the open period, such as %s; book them into an open period, or have the period opened", have(m.outside, "a "+m.field), m.examples.kept[0].text))
	found.Count, found.Examples = m.outside, m.examples.texts()
	return found, nil
}
