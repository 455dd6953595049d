package expression

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
)

// orders has n records; record i has i%4 lines of 0.50, 1.50, 2.50, and every
// fifth has no list at all.
func orders(n int) *record.Batch {
	b := new(record.Batch)
	b.Reset(record.MustShape(
		record.NewField("id", record.Integer), record.NewField("amount", record.Decimal), record.NewField("name", record.Text),
		record.Field{Name: "lines", Kind: record.List, Scale: record.NoScale, Child: lineShape()},
		record.Field{Name: "address", Kind: record.Record, Scale: record.NoScale, Child: record.MustShape(record.NewField("city", record.Text))},
	), n)
	lines, address := &b.Columns[3], &b.Columns[4]
	for i := range n {
		b.Columns[0].SetInt(i, int64(i))
		b.Columns[1].SetDecimal(i, dec(fmt.Sprintf("%d.%d", i, i%10)))
		b.Columns[2].SetString(i, fmt.Sprintf("N%d", i))
		if i%5 == 4 {
			lines.EndList(i, record.Nil)
			address.SetNil(i)
			continue
		}
		address.Presence[i] = record.Value
		address.Child.Columns[0].SetString(i, fmt.Sprintf("City %d", i))
		for k := range i % 4 {
			row := lines.Child.Rows
			lines.Child.SetRows(row + 1)
			lines.Child.Columns[0].SetCoef(row, int64(50+100*k), 2)
			lines.Child.Columns[1].SetString(row, string(rune('A'+k)))
		}
		lines.EndList(i, record.Value)
	}
	return b
}

func TestEvalKeepsToTheLiveRows(t *testing.T) {
	b := orders(20)
	b.Live = []int32{1, 3, 4, 7, 19}
	env := &Env{Shape: b.Shape}
	for expr, want := range map[string]string{
		"id * 2":                                 "2 6 8 14 38",
		"amount + 0.05":                          "1.15 3.35 4.45 7.75 19.95",
		`name + "!"`:                             "N1! N3! N4! N7! N19!",
		"id > 3":                                 "false false true true true",
		"sum(lines, .amount)":                    "0.50 4.50 nil 4.50 nil",
		"filter(lines, .amount > 1)":             " ## nil ## nil",
		"lines":                                  "# ### nil ### nil",
		"10 / (id - 3)":                          "-5.000 failed 10.000 2.500 0.625",
		"address.city":                           "City 1 City 3 nil City 7 nil",
		`if id == 4 { nil } else { upper(name)}`: "N1 N3 nil N7 N19",
	} {
		if got := strings.Join(evalLive(t, env, b, expr), " "); got != want {
			t.Errorf("%s: %s, want %s", expr, got, want)
		}
	}
}

func evalLive(t *testing.T, env *Env, b *record.Batch, expr string) []string {
	t.Helper()
	p, found := compileWith(env, expr)
	if p == nil {
		t.Fatal(found)
	}
	failed := map[int32]bool{}
	e, c := p.Evaluator(), new(record.Column)
	for range 2 { // a second time over the same storage
		e.Eval(b, c, func(row int32, _ Failure) { failed[row] = true })
	}
	if len(c.Presence) != b.Rows {
		t.Fatalf("%s: %d rows, want %d", expr, len(c.Presence), b.Rows)
	}
	var out []string
	live := map[int32]bool{}
	for _, row := range b.Live {
		live[row] = true
		if failed[row] {
			out = append(out, "failed")
		} else {
			out = append(out, show(c, int(row)))
		}
	}
	for row, p := range c.Presence {
		if !live[int32(row)] && p != record.Absent {
			t.Errorf("%s: row %d is not live and not absent", expr, row)
		}
	}
	return out
}

func TestNestedResults(t *testing.T) {
	b := orders(12)
	b.Live = []int32{2, 4, 7}
	p, found := compileWith(&Env{Shape: b.Shape}, "filter(lines, .amount > 1)")
	if p == nil {
		t.Fatal(found)
	}
	if f := p.Field(); f.Kind != record.List || !f.Child.Equal(lineShape()) {
		t.Errorf("field %v", f)
	}
	var c record.Column
	p.Evaluator().Eval(b, &c, nil)
	got := fmt.Sprint(c.Starts, c.Child.Rows, string(c.Child.Columns[1].Text(0)), c.Child.Columns[0].Decimal(2))
	if want := "[0 0 0 1 1 1 1 1 3 3 3 3 3] 3B2.50"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	// The result serves as a list field like any other.
	d := new(record.Batch)
	d.Reset(record.MustShape(record.Field{Name: "large", Kind: record.List, Scale: record.NoScale, Child: lineShape()}), b.Rows)
	d.Columns[0], d.Live = c, b.Live
	if got := strings.Join(evalLive(t, &Env{Shape: d.Shape}, d, "sum(large, .amount)"), " "); got != "1.50 nil 4.00" {
		t.Error(got)
	}
	p, _ = compileWith(&Env{Shape: b.Shape}, "address")
	p.Evaluator().Eval(b, &c, nil)
	if c.Presence[2] != record.Value || c.Presence[4] != record.Nil || c.Presence[0] != record.Absent || string(c.Child.Columns[0].Text(7)) != "City 7" {
		t.Error(c.Presence)
	}
}

func TestTest(t *testing.T) {
	b := orders(10)
	p, _ := compileWith(&Env{Shape: b.Shape}, "sum(lines, .amount) > 1 and 1 / (id - 6) < 100")
	e := p.Evaluator()
	var got []string
	e.Test(b, func(row int32, v Truth) {
		got = append(got, fmt.Sprintf("%d:%d%s", row, v, map[bool]string{true: " " + e.NilField()}[v == Nil]))
	}, func(row int32, f Failure) { got = append(got, fmt.Sprintf("%d:%s", row, f.Code)) })
	want := "0:0 1:0 2:1 3:1 4:2 lines 5:0 6:expr.division_by_zero 7:1 8:0 9:2 lines"
	if strings.Join(got, " ") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, " "), want)
	}
}

func TestManyLanesShareAProgram(t *testing.T) {
	b := orders(200)
	p, _ := compileWith(&Env{Shape: b.Shape}, `name + "-" + text(sum(lines, .amount) ?? 0) + join(lines, .code, ",")`)
	var lanes sync.WaitGroup
	results := make([]string, 8)
	for i := range results {
		lanes.Go(func() {
			e, c := p.Evaluator(), new(record.Column)
			for range 20 {
				e.Eval(b, c, nil)
			}
			for row := range b.Rows {
				results[i] += show(c, row) + "\n"
			}
		})
	}
	lanes.Wait()
	for _, r := range results {
		if r != results[0] || !strings.Contains(r, "N7-4.50A,B,C\n") {
			t.Fatal("lanes differ", r)
		}
	}
}

func TestStaticField(t *testing.T) {
	env := sampleEnv()
	env.Money = Money{Currency: "KWD", Places: 3}
	for _, c := range []struct {
		expr  string
		kind  record.Kind
		scale int32
		rough bool
	}{
		{"rent", record.Decimal, record.NoScale, false}, {"deposit", record.Decimal, 2, false}, {"deposit + 1", record.Decimal, 2, false}, {"deposit * qty", record.Decimal, 2, false},
		{"deposit * deposit", record.Decimal, record.NoScale, false}, {"deposit / 2", record.Decimal, record.NoScale, false}, {"round(rent, 4)", record.Decimal, 4, false}, {"round(rent, -2)", record.Decimal, 0, false},
		{"prorate(rent, due, nil, due)", record.Decimal, 3, false}, {"round_to_currency(rent)", record.Decimal, 3, false}, {`round_to_currency(rent, "JPY")`, record.Decimal, 0, false},
		{"area * 2 + rent", record.Decimal, record.NoScale, true}, {"round(area * 2, 2)", record.Decimal, 2, false}, {"if open { area } else { 1 }", record.Decimal, record.NoScale, true}, {"-area", record.Decimal, record.NoScale, true},
		{"area ?? 1", record.Decimal, record.NoScale, true}, {"let a = area; a + 1", record.Decimal, record.NoScale, true}, {"sum(lines, .amount * area)", record.Decimal, record.NoScale, true}, {"max(area, 2)", record.Decimal, record.NoScale, true},
		{"area > 5", record.Boolean, record.NoScale, false}, {"due - due", record.Integer, record.NoScale, false}, {"qty / 2", record.Decimal, record.NoScale, false}, {"if open { deposit } else { 0 }", record.Decimal, 2, false},
		{"month_of(due)", record.Month, record.NoScale, false}, {"sum(lines, round(.amount, 2))", record.Decimal, 2, false}, {"abs(area)", record.Decimal, record.NoScale, true}, {"floor(area)", record.Decimal, 0, false},
	} {
		p, found := compileWith(env, c.expr)
		if p == nil {
			t.Errorf("%s: %v", c.expr, found)
			continue
		}
		if f := p.Field(); f.Kind != c.kind || f.Kind == record.Decimal && f.Scale != c.scale || f.Inexact != c.rough {
			t.Errorf("%s: %s scale %d inexact %v", c.expr, f.Kind, f.Scale, f.Inexact)
		}
	}
}

func TestUses(t *testing.T) {
	p, _ := compileWith(sampleEnv(), `sum(lines, .amount * rent) + address.city.x ?? 1`)
	if p != nil {
		t.Error("a text has fields")
	}
	p, _ = compileWith(sampleEnv(), `record["Unit No"] + address.city + text(sum(lines, .amount * rent)) + text(rent) + var.code`)
	if got := fmt.Sprint(p.Uses()); got != "[Unit No address lines rent]" {
		t.Error(got)
	}
}

// Quotes that YAML takes, positions in folded and quoted scalars.
func TestInDocument(t *testing.T) {
	raw := `pipeline: p
set:
  a: "Rent"
  b: 'rent +
    rnet'
  c: >
    rent
    + note
  d: |
    if open {
      missing
    } else { 1 }
  e: rent # 2
  f: "due >\u0020duee"
`
	var r document.Report
	docs := document.Parse("p.yaml", []byte(raw), &r)
	var doc struct {
		Pipeline string                      `yaml:"pipeline"`
		Set      document.Map[document.Expr] `yaml:"set"`
	}
	d := document.Decoder{Report: &r}
	d.Decode(docs[0].Root, &doc)
	for _, e := range doc.Set.Entries {
		Compile(e.Value, sampleEnv(), e.Value.Path(), &r)
	}
	var got []string
	for _, f := range r.Diagnostics() {
		got = append(got, fmt.Sprintf("%d:%d-%d %s %s", f.Line, f.Column, f.EndColumn, f.Code, f.Path))
	}
	want := []string{
		"3:6-12 expr.quotes_eaten /set/a",
		"5:5-9 expr.unknown_field /set/b",
		"7:5-9 expr.type /set/c",
		"11:7-14 expr.unknown_field /set/d",
		"14:18-22 expr.unknown_field /set/f",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// The hot forms allocate nothing once the scratch has grown, and scratch text
// is that of one record.
func TestNoAllocations(t *testing.T) {
	b := leaseBatch()
	for _, expr := range []string{
		"round(rent * days / days_in_month, 2)", `upper(name) + "-" + unit`, `amount >= 0 && currency in ["USD", "CAD"]`, "due + days(30)", "prorate(rent, move_in, nil, due)",
		`upper(trim(lower(name) + "x")) == unit`, `replace(upper(name), "T", lower(unit)) + text(amount)`, `if amount > 5 { rent * 2 } else { -rent }`, "amount ?? rent", `hash(name) != ""`, "let x = rent + amount; x * x > 0",
	} {
		p, found := compileWith(&Env{Shape: b.Shape}, expr)
		if p == nil {
			t.Fatal(found)
		}
		e, c := p.Evaluator(), new(record.Column)
		e.Eval(b, c, nil)
		if n := testing.AllocsPerRun(3, func() { e.Eval(b, c, nil) }); n > 0 {
			t.Errorf("%s allocates %.0f times for a batch", expr, n)
		}
		if len(e.f.arena) > 200 {
			t.Errorf("%s keeps %d bytes of text", expr, len(e.f.arena))
		}
	}
}
