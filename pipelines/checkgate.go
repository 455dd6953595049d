package pipelines

import (
	"strings"

	"github.com/tieout/tieout/schemas/decimal"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
	"github.com/tieout/tieout/transforms"
	"github.com/tieout/tieout/transforms/calendar"
	"github.com/tieout/tieout/transforms/expression"
)

// CheckGate reports what does not fit the records of a shape. It is used by
// the static checks, where the shape may be open, and again by each run.
func CheckGate(conditions []Condition, shape *record.Shape, c *transforms.Context) {
	for i := range conditions {
		g := gateCheck{code: document.Code("gate." + conditions[i].Name), at: conditions[i].At, shape: shape, c: c}
		switch spec := conditions[i].Spec.(type) {
		case *RecordsCondition:
			g.records(spec)
		case *QuarantinedCondition:
			g.quarantined(spec)
		case *UniqueCondition:
			g.fields(spec.Fields, false)
		case *NotNullCondition:
			g.fields(spec.Fields, true)
		case *ReferencesCondition:
			g.references(spec)
		case *FreshCondition:
			g.fresh(spec)
		case *TotalsCondition:
			g.totals(spec)
		case *BalancedCondition:
			g.balanced(spec)
		case *ChangeCondition:
			g.change(spec)
		case *OpenPeriodCondition:
			g.openPeriod(spec)
		}
	}
}

// gateCheck checks one condition.
type gateCheck struct {
	code  document.Code
	at    document.Position
	shape *record.Shape
	c     *transforms.Context
}

func (g *gateCheck) errorf(hint, format string, args ...any) {
	g.c.Report.Errorf(g.code, g.at, "", hint, format, args...)
}

// field finds a field. known is false for one that was reported, or of which
// nothing is known yet.
func (g *gateCheck) field(name document.Text) (f record.Field, known bool) {
	if i := g.shape.Index(name.Value); i >= 0 {
		return g.shape.Fields[i], g.shape.Fields[i].Kind != record.Unknown
	}
	if g.shape.Open {
		if g.c.Env.Assumed != nil {
			g.c.Env.Assumed(name.Value, name)
		}
		return f, false
	}
	g.c.Report.ErrorAt(name, g.code, document.Suggest(name.Value, g.shape.Names()).Hint, "no field %q reaches the sink", name.Value)
	return f, false
}

func (g *gateCheck) wrongKind(at document.Text, f record.Field, want string) {
	g.c.Report.ErrorAt(at, g.code, "Name a field of that type, or make one in a step.", "%q is %s, not %s", at.Value, f.Kind, want)
}

func (g *gateCheck) records(spec *RecordsCondition) {
	switch {
	case spec.Min == nil && spec.Max == nil:
		g.errorf("Write records: {min: 1}.", "records says neither min nor max")
	case spec.Min != nil && *spec.Min < 0 || spec.Max != nil && *spec.Max < 0:
		g.errorf("Write a number of records from 0 on.", "records cannot be less than 0")
	case spec.Min != nil && spec.Max != nil && *spec.Min > *spec.Max:
		g.errorf("Exchange the two.", "min %d is above max %d", *spec.Min, *spec.Max)
	}
}

func (g *gateCheck) quarantined(spec *QuarantinedCondition) {
	if spec.Max != nil && (spec.Max.Sign() < 0 || decimal.FromInt(100).Less(spec.Max.Decimal)) {
		g.errorf("Write a percentage from 0% to 100%.", "max of quarantined cannot be %s", spec.Max)
	}
	if spec.Allow != nil && *spec.Allow < 0 {
		g.errorf("Write a number of records from 0 on.", "allow of quarantined cannot be %d", *spec.Allow)
	}
}

// fields checks a list of fields; unless nested ones are fine, they must have
// single values.
func (g *gateCheck) fields(names []document.Text, nested bool) {
	if len(names) == 0 {
		g.errorf("Name the fields: [property, unit].", "the condition names no field")
	}
	seen := make(map[string]bool)
	for _, name := range names {
		if seen[name.Value] {
			g.c.Report.ErrorAt(name, g.code, "Name it once.", "%q is named twice", name.Value)
			continue
		}
		seen[name.Value] = true
		if f, known := g.field(name); known && !nested && f.Kind.Nested() {
			g.wrongKind(name, f, "a single value")
		}
	}
}

func (g *gateCheck) references(spec *ReferencesCondition) {
	if f, known := g.field(spec.Field); known && f.Kind.Nested() {
		g.wrongKind(spec.Field, f, "a single value")
	}
	if g.c.Tables == nil || spec.In.IsZero() || spec.To.IsZero() {
		return
	}
	shape, err := g.c.Tables.Shape(spec.In.Value)
	switch {
	case err != nil:
		g.c.Report.ErrorAt(spec.In, g.code, "Name a file of the project, or connection.stream.", "%s: %v", spec.In.Value, err)
	case shape != nil && shape.Index(spec.To.Value) < 0:
		g.c.Report.ErrorAt(spec.To, g.code, document.Suggest(spec.To.Value, shape.Names()).Hint, "%s has no column %q", spec.In.Value, spec.To.Value)
	}
}

func (g *gateCheck) fresh(spec *FreshCondition) {
	if f, known := g.field(spec.Field); known && f.Kind != record.Date && f.Kind != record.Timestamp {
		g.wrongKind(spec.Field, f, "a date or timestamp")
	}
	if spec.Within <= 0 {
		g.errorf("Write how old the newest record may be: within: 26h.", "within of fresh must be above 0")
	}
}

func (g *gateCheck) totals(spec *TotalsCondition) {
	spec.Compile(g.shape, g.c)
	if len(spec.By) > 0 {
		g.fields(spec.By, false)
	}
}

// Compile makes programs of the two sums; one that is wrong is reported and
// nil.
func (t *TotalsCondition) Compile(shape *record.Shape, c *transforms.Context) (of, equal *expression.Program) {
	return numeric(t.Of, "of", shape, c), numeric(t.Equal, "equal", shape, c)
}

func numeric(x document.Expr, key string, shape *record.Shape, c *transforms.Context) *expression.Program {
	if x.IsZero() {
		return nil
	}
	env := c.Env
	env.Shape = shape
	p := expression.Compile(x, &env, x.Path(), c.Report)
	if p == nil {
		return nil
	}
	switch f := p.Field(); {
	case f.Kind == record.Unknown:
	case f.Kind != record.Decimal && f.Kind != record.Integer:
		c.Report.ErrorAt(x, document.CodeGateTotals, "Name an amount, or compute one.", "%s of totals is %s, not a number", key, f.Kind)
		return nil
	case f.Inexact:
		c.Report.ErrorAt(x, document.CodeSourceFloatAmount, "Round it first: round(x, 2).", "%s of totals comes from a binary float", key)
		return nil
	}
	return p
}

func (g *gateCheck) balanced(spec *BalancedCondition) {
	if !spec.Total.IsZero() {
		if f, known := g.field(spec.Total); known && f.Kind != record.Decimal && f.Kind != record.Integer {
			g.wrongKind(spec.Total, f, "a number")
		}
	}
	list, amount, ok := spec.Parts()
	if !ok {
		if !spec.List.IsZero() {
			g.c.Report.ErrorAt(spec.List, g.code, "Write the list and the field of its lines: lines.amount.", "%q names no field of a list", spec.List.Value)
		}
		return
	}
	f, known := g.field(list)
	switch {
	case !known:
	case f.Kind != record.List:
		g.wrongKind(list, f, "a list")
	case f.Child == nil:
		g.c.Report.ErrorAt(list, g.code, "Declare its fields under source.fields.", "%q is kept as one piece of JSON and cannot be added up", list.Value)
	case f.Child.Index(amount.Value) < 0:
		if !f.Child.Open {
			g.c.Report.ErrorAt(amount, g.code, document.Suggest(amount.Value, f.Child.Names()).Hint, "the lines of %q have no field %q", list.Value, amount.Value)
		}
	default:
		if k := f.Child.Fields[f.Child.Index(amount.Value)]; k.Kind != record.Decimal && k.Kind != record.Integer && k.Kind != record.Unknown {
			g.wrongKind(amount, k, "a number")
		}
	}
}

// Parts divides lines.amount.
func (b *BalancedCondition) Parts() (list, amount document.Text, ok bool) {
	at := strings.LastIndexByte(b.List.Value, '.')
	if at <= 0 || at == len(b.List.Value)-1 {
		return list, amount, false
	}
	return b.List.Slice(0, at), b.List.Slice(at+1, len(b.List.Value)), true
}

// CountsRecords reports whether the number of records is compared, not a sum.
func (c *ChangeCondition) CountsRecords() bool { return c.Of.Value == "records" }

// maxHistory bounds how many runs are compared with.
const maxHistory = 1000

func (g *gateCheck) change(spec *ChangeCondition) {
	if !spec.CountsRecords() && !spec.Of.IsZero() {
		if f, known := g.field(spec.Of); known && f.Kind != record.Decimal && f.Kind != record.Integer {
			g.wrongKind(spec.Of, f, "a number")
		}
	}
	if spec.Within.Sign() < 0 {
		g.errorf("Write how far it may move: within: 20%.", "within of change cannot be %s", spec.Within)
	}
	if spec.Against.Runs < 1 || spec.Against.Runs > maxHistory {
		g.errorf("Write against: {runs: 5}.", "change compares with 1 to %d runs, not %d", maxHistory, spec.Against.Runs)
	}
}

func (g *gateCheck) openPeriod(spec *OpenPeriodCondition) {
	if f, known := g.field(spec.Field); known && f.Kind != record.Date && f.Kind != record.Timestamp {
		g.wrongKind(spec.Field, f, "a date or timestamp")
	}
	from, to := spec.Bounds(g.c)
	if from.Set && to.Set && from.Day > to.Day {
		g.c.Report.ErrorAt(spec.To, g.code, "Exchange the two.", "the period ends on %s, before it begins on %s", to.Day, from.Day)
	}
}

// Bound is one end of an open period: the day itself when Set, else the
// program that computes it, nil when there is none.
type Bound struct {
	Day     calendar.Date
	Set     bool
	Program *expression.Program
}

// Bounds reads both ends. What is wrong is reported.
func (o *OpenPeriodCondition) Bounds(c *transforms.Context) (from, to Bound) {
	return bound(o.From, c), bound(o.To, c)
}

func bound(t document.Text, c *transforms.Context) Bound {
	if t.IsZero() {
		return Bound{}
	}
	if d, ok := calendar.ParseISO([]byte(t.Value)); ok {
		return Bound{Day: d, Set: true}
	}
	env := c.Env
	env.Shape = record.MustShape()
	p := expression.Compile(document.Expr{Text: t}, &env, t.Path(), c.Report)
	if p == nil {
		return Bound{}
	}
	if k := p.Field().Kind; k != record.Date {
		c.Report.ErrorAt(t, document.CodeGateOpenPeriod, "Write a date such as 2026-11-01, or month_start(run.date).", "an open period begins and ends on a date, not on %s", k)
		return Bound{}
	}
	return Bound{Program: p}
}
