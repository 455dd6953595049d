package expression

import (
	"strings"
	"testing"
	"time"

	"github.com/tieout/tieout/schemas/decimal"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
	"github.com/tieout/tieout/transforms/calendar"
)

func dec(s string) decimal.Decimal {
	d, err := decimal.Parse(s)
	if err != nil {
		panic(err)
	}
	return d
}

func day(s string) calendar.Date {
	d, ok := calendar.ParseISO([]byte(s))
	if !ok {
		panic("bad date " + s)
	}
	return d
}

// lineShape is an invoice line with taxes of its own.
func lineShape() *record.Shape {
	tax := record.MustShape(record.NewField("rate", record.Decimal))
	return record.MustShape(
		record.NewField("amount", record.Decimal),
		record.NewField("code", record.Text),
		record.NewField("qty", record.Integer),
		record.NewField("paid_on", record.Date),
		record.NewField("open", record.Boolean),
		record.Field{Name: "taxes", Kind: record.List, Scale: record.NoScale, Child: tax},
	)
}

// sampleShape is the record of the reference page, and some more.
func sampleShape() *record.Shape {
	city := record.MustShape(record.NewField("city", record.Text), record.NewField("zip", record.Text))
	inexact := record.NewField("area", record.Decimal)
	inexact.Inexact = true
	scaled := record.NewField("deposit", record.Decimal)
	scaled.Scale = 2
	return record.MustShape(
		record.NewField("rent", record.Decimal),
		record.NewField("paid", record.Decimal),
		record.NewField("due", record.Date),
		record.NewField("unit", record.Text),
		record.NewField("created", record.Timestamp),
		record.Field{Name: "lines", Kind: record.List, Scale: record.NoScale, Child: lineShape()},
		record.NewField("qty", record.Integer),
		record.NewField("big", record.Integer),
		record.NewField("open", record.Boolean),
		record.NewField("period", record.Month),
		record.NewField("note", record.Text),
		record.NewField("moved_out", record.Date),
		record.NewField("gone", record.Text),
		record.NewField("Unit No", record.Text),
		record.Field{Name: "address", Kind: record.Record, Scale: record.NoScale, Child: city},
		record.Field{Name: "no_lines", Kind: record.List, Scale: record.NoScale, Child: lineShape()},
		record.Field{Name: "nil_lines", Kind: record.List, Scale: record.NoScale, Child: lineShape()},
		inexact,
		scaled,
		record.Field{Name: "raw", Kind: record.List, Scale: record.NoScale},
		record.NewField("flag", record.Boolean),
		record.NewField("maybe", record.Integer),
		record.NewField("gone_at", record.Timestamp),
	)
}

// sampleBatch has one record: nil are paid, note, moved_out, nil_lines, flag,
// maybe and the second line's paid_on; gone is absent.
func sampleBatch() *record.Batch {
	b := new(record.Batch)
	b.Reset(sampleShape(), 1)
	set := b.Column
	set("rent").SetDecimal(0, dec("1500.00"))
	set("due").SetInt(0, int64(day("2026-10-22")))
	set("unit").SetString(0, " 12b ")
	set("created").SetInt(0, time.Date(2026, 12, 1, 4, 59, 59, 0, time.UTC).UnixMicro())
	set("qty").SetInt(0, 7)
	set("big").SetInt(0, 9223372036854775807)
	set("open").SetBool(0, true)
	m, _ := calendar.FromYM(2026, 10)
	set("period").SetInt(0, int64(m))
	set("Unit No").SetString(0, "12B")
	set("area").SetDecimal(0, dec("81.30000000000001"))
	set("deposit").SetDecimal(0, dec("250.00"))
	for _, name := range []string{"paid", "note", "moved_out", "flag", "maybe"} {
		set(name).SetNil(0)
	}
	address := set("address")
	address.Presence[0] = record.Value
	address.Child.Column("city").SetString(0, "Oak Park")
	address.Child.Column("zip").SetNil(0)
	fillLines(set("lines"))
	set("no_lines").EndList(0, record.Value)
	set("nil_lines").EndList(0, record.Nil)
	return b
}

func fillLines(c *record.Column) {
	c.Child.SetRows(2)
	c.Child.AllLive()
	amount, code, qty := c.Child.Column("amount"), c.Child.Column("code"), c.Child.Column("qty")
	amount.SetDecimal(0, dec("100.00"))
	amount.SetDecimal(1, dec("50.00"))
	code.SetString(0, "A")
	code.SetString(1, "B")
	qty.SetInt(0, 2)
	qty.SetInt(1, 3)
	c.Child.Column("paid_on").SetInt(0, int64(day("2026-10-01")))
	c.Child.Column("paid_on").SetNil(1)
	c.Child.Column("open").SetBool(0, true)
	c.Child.Column("open").SetBool(1, false)
	taxes := c.Child.Column("taxes")
	taxes.Child.SetRows(3)
	for i, r := range []string{"0.05", "0.02", "0.10"} {
		taxes.Child.Column("rate").SetDecimal(i, dec(r))
	}
	taxes.Starts = append(taxes.Starts, 2, 3)
	taxes.Presence[0], taxes.Presence[1] = record.Value, record.Value
	c.EndList(0, record.Value)
}

func sampleEnv() *Env {
	chicago, err := time.LoadLocation("America/Chicago")
	if err != nil {
		panic(err)
	}
	return &Env{
		Shape: sampleShape(),
		Names: []Constant{
			DateConstant("run.date", day("2026-11-21")), TextConstant("var.code", "A"),
			DecimalConstant("company.rate", dec("0.0875")), IntegerConstant("var.n", 3),
			UnsetConstant("var.later", record.Text), UnsetConstant("var.amount", record.Decimal),
		},
		Zone: chicago,
	}
}

func compileWith(env *Env, text string) (*Program, document.Diagnostics) {
	var r document.Report
	p := Compile(document.ExprAt(text, document.Position{File: "p.yaml", Line: 1, Column: 1}), env, "/filter", &r)
	return p, r.Diagnostics()
}

// evaluate gives the result as text: "nil" for none, "failed: …" for a
// failure.
func evaluate(t testing.TB, env *Env, b *record.Batch, text string) string {
	t.Helper()
	p, found := compileWith(env, text)
	if p == nil {
		t.Fatalf("%s: %v", text, found)
	}
	var c record.Column
	failure := ""
	p.Evaluator().Eval(b, &c, func(_ int32, f Failure) { failure = "failed: " + string(f.Code) + " " + f.Message })
	if failure != "" {
		if c.Presence[0] != record.Nil {
			t.Errorf("%s: a failing row is not nil", text)
		}
		return failure
	}
	return show(&c, 0)
}

func show(c *record.Column, row int) string {
	if c.Presence[row] != record.Value {
		return "nil"
	}
	switch c.Kind {
	case record.Text:
		return string(c.Text(row))
	case record.Decimal:
		return c.Decimal(row).String()
	case record.Boolean:
		return map[int64]string{0: "false", 1: "true"}[c.Ints[row]]
	case record.List:
		from, to := c.ListRange(row)
		return strings.Repeat("#", int(to-from))
	}
	return string(writerOf(c.Kind)(nil, c.Ints[row]))
}

func TestExamples(t *testing.T) {
	env := sampleEnv()
	for _, a := range areas() {
		for _, fn := range a.functions {
			if len(fn.examples) == 0 || fn.doc == "" {
				t.Errorf("%s has no example or no line of documentation", fn.name())
			}
			for _, e := range fn.examples {
				if got := evaluate(t, env, sampleBatch(), e.Expr); got != e.Want {
					t.Errorf("%s = %s, want %s", e.Expr, got, e.Want)
				}
			}
		}
	}
}
