package transforms

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tieout/tieout/schemas/decimal"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
	"github.com/tieout/tieout/transforms/expression"
)

// table is a set of rows for tests: a shape and its rows as text, where an
// empty text is nil.
type table struct {
	fields []record.Field
	rows   [][]string
}

func (tb table) batch(t testing.TB) *record.Batch {
	t.Helper()
	b := new(record.Batch)
	b.Reset(record.MustShape(tb.fields...), len(tb.rows))
	for i, row := range tb.rows {
		for k, text := range row {
			setCell(t, &b.Columns[k], i, text)
		}
		b.Origin.Line = append(b.Origin.Line, int64(i+1))
	}
	return b
}

func setCell(t testing.TB, c *record.Column, row int, text string) {
	t.Helper()
	if text == "" {
		c.SetNil(row)
		return
	}
	switch c.Kind {
	case record.Text:
		c.SetString(row, text)
	case record.Decimal:
		d, err := decimal.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		c.SetDecimal(row, d)
	case record.Integer:
		var v int64
		fmt.Sscan(text, &v)
		c.SetInt(row, v)
	default:
		t.Fatalf("no %s in tables", c.Kind)
	}
}

func steps(t testing.TB, yaml string) []Step {
	t.Helper()
	var report document.Report
	docs := document.Parse("steps.yaml", []byte("transforms:\n"+yaml), &report)
	var doc struct {
		Transforms []Step `yaml:"transforms"`
	}
	if len(docs) == 1 {
		(&document.Decoder{Report: &report}).Decode(docs[0].Root, &doc)
	}
	if err := report.Err(); err != nil {
		t.Fatal(report.Diagnostics())
	}
	return doc.Transforms
}

// memorySpill spills to temporary files beyond a few bytes, or never.
type memorySpill struct {
	dir    string
	memory int64
}

func (s memorySpill) Memory() int64              { return s.memory }
func (s memorySpill) Create() (SpillFile, error) { return os.CreateTemp(s.dir, "spill") }

type mapTables map[string]*record.Batch

func (m mapTables) Shape(ref string) (*record.Shape, error) {
	if m[ref] == nil {
		return nil, fmt.Errorf("there is no table %q", ref)
	}
	return m[ref].Shape, nil
}

func (m mapTables) Rows(ref string) (*record.Batch, error) { return m[ref], nil }

func context(report *document.Report, tables Tables) *Context {
	return &Context{Report: report, Tables: tables, Reading: tables != nil,
		Env: expression.Env{Assume: record.Text, Money: expression.Money{Currency: "USD", Places: 2}}}
}

// apply runs steps over one batch and returns the records and the holds.
func apply(t testing.TB, list []Step, in *record.Batch, tables Tables, spill Spill) (out, held []string, tallies []Tally) {
	t.Helper()
	var report document.Report
	shape := in.Shape
	batches := []*record.Batch{in}
	for i := range list {
		plan := list[i].Spec.Plan(shape, context(&report, tables))
		if err := report.Err(); err != nil {
			t.Fatal(report.Diagnostics())
		}
		shape = plan.Shape()
		var next []*record.Batch
		var tally Tally
		take := func(b *record.Batch) error {
			before := int64(len(b.Live))
			b.DropHeld(0)
			for _, h := range b.Held {
				held = append(held, fmt.Sprintf("%s %s: %s", h.Code, h.Field, h.Message))
			}
			b.Held = nil
			tally.Held += before - int64(len(b.Live))
			tally.Out += int64(len(b.Live))
			next = append(next, b)
			return nil
		}
		for _, b := range batches {
			work := new(record.Batch)
			b.Derive(work)
			tally.In += int64(len(work.Live))
			next = runStep(t, plan, work, &tally, spill, take, next)
		}
		if !tally.Balanced() {
			t.Errorf("step %d does not balance: %+v", i+1, tally)
		}
		batches, tallies = next, append(tallies, tally)
	}
	for _, b := range batches {
		if !b.Shape.Equal(shape) {
			t.Errorf("the batch has shape %s, the plan said %s", b.Shape, shape)
		}
		for _, row := range b.Live {
			out = append(out, string(record.AppendRowJSON(nil, b, int(row))))
		}
	}
	return out, held, tallies
}

func runStep(t testing.TB, plan Plan, work *record.Batch, tally *Tally, spill Spill, take func(*record.Batch) error, next []*record.Batch) []*record.Batch {
	t.Helper()
	if p, ok := plan.(Rowwise); ok {
		got, err := p.Start().Apply(work, tally)
		if err != nil {
			t.Fatal(err)
		}
		take(got)
		return append(next, got)
	}
	g := plan.(Gathering)
	c := g.Collect(spill)
	defer c.Close()
	guarded, err := g.Guard().Apply(work, tally)
	if err != nil {
		t.Fatal(err)
	}
	var out []*record.Batch
	before := *tally
	take(guarded)
	tally.Out = before.Out
	if err := c.Add(guarded); err != nil {
		t.Fatal(err)
	}
	if err := c.Drain(func(b *record.Batch) error {
		out = append(out, b)
		return take(b)
	}, tally); err != nil {
		t.Fatal(err)
	}
	return append(next, out...)
}

func text(name string) record.Field   { return record.NewField(name, record.Text) }
func amount(name string) record.Field { return record.NewField(name, record.Decimal) }

var charges = table{
	fields: []record.Field{text("id"), text("unit"), amount("rent"), text("customer")},
	rows:   [][]string{{"1", "A", "100.00", "c1"}, {"2", "B", "50.5", "c2"}, {"3", "A", "-1", "c1"}, {"4", "", "7", ""}},
}

func TestSteps(t *testing.T) {
	mapping := mapTables{"mappings/units.csv": table{
		fields: []record.Field{text("unit"), text("account"), text("from")},
		rows:   [][]string{{"A", "4000", "2026-01-01"}, {"C", "4020", "2026-01-01"}, {"D", "1", "2026-01-01"}, {"D", "2", "2026-02-01"}},
	}.batch(t)}
	tests := map[string]struct {
		steps      string
		want, held []string
	}{
		"rename": {"- rename: {unit_no: unit, amount: rent}", []string{
			`{"id":"1","unit_no":"A","amount":"100","customer":"c1"}`, `{"id":"2","unit_no":"B","amount":"50.5","customer":"c2"}`,
			`{"id":"3","unit_no":"A","amount":"-1","customer":"c1"}`, `{"id":"4","unit_no":null,"amount":"7","customer":null}`}, nil},
		"rename swaps": {"- rename: {id: unit, unit: id}\n- filter: rent > 60", []string{`{"unit":"1","id":"A","rent":"100","customer":"c1"}`}, nil},
		"select":       {"- select: [rent, id]\n- filter: rent > 60", []string{`{"rent":"100","id":"1"}`}, nil},
		"set sees the field before": {"- filter: rent > 60\n- set:\n    double: rent * 2\n    rent: double + 1", []string{
			`{"id":"1","unit":"A","rent":"201","customer":"c1","double":"200"}`}, nil},
		"filter holds what it cannot decide": {"- filter: unit == \"A\"\n- select: [id]", []string{`{"id":"1"}`, `{"id":"3"}`},
			[]string{`rule.nil unit: the filter cannot be decided: "unit" has no value`}},
		"lookup": {"- filter: rent > 0\n- lookup: {in: mappings/units.csv, match: {unit: unit}, add: {gl: account}}\n- select: [id, gl]",
			[]string{`{"id":"1","gl":"4000"}`},
			[]string{`step.lookup_missing unit: mappings/units.csv has no row for unit "B"`, `step.lookup_missing unit: "unit" has no value to look up in mappings/units.csv`}},
		"lookup nil": {"- lookup: {in: mappings/units.csv, match: {unit: unit}, add: {gl: account}, missing: nil}\n- select: [id, gl]",
			[]string{`{"id":"1","gl":"4000"}`, `{"id":"2","gl":null}`, `{"id":"3","gl":"4000"}`, `{"id":"4","gl":null}`}, nil},
		"group": {"- group:\n    by: [customer]\n    set: {total: 'sum(lines, .rent)', n: 'count(lines)'}\n    lines: {amount: rent, memo: '\"unit \" + unit'}",
			[]string{`{"customer":"c1","total":"99","n":2,"lines":[{"amount":"100","memo":"unit A"},{"amount":"-1","memo":"unit A"}]}`,
				`{"customer":"c2","total":"50.5","n":1,"lines":[{"amount":"50.5","memo":"unit B"}]}`},
			[]string{`rule.nil customer: group needs "customer", which has no value`}},
		"a group waits for its held record": {"- lookup: {in: mappings/units.csv, match: {unit: unit}, add: {gl: account}}\n- set: {one: '\"x\"'}\n- group: {by: one, set: {n: count(lines)}}",
			[]string{`{"one":"x","n":2,"lines":[{"id":"1","unit":"A","rent":"100","customer":"c1","gl":"4000","one":"x"},{"id":"3","unit":"A","rent":"-1","customer":"c1","gl":"4000","one":"x"}]}`},
			[]string{`step.lookup_missing unit: mappings/units.csv has no row for unit "B"`, `step.lookup_missing unit: "unit" has no value to look up in mappings/units.csv`}},
		"a group waits for its held source record": {"- filter: rent != 7\n- lookup: {in: mappings/units.csv, match: {unit: unit}, add: {gl: account}}\n- group: {by: customer, set: {n: count(lines)}, lines: {id: id}}",
			[]string{`{"customer":"c1","n":2,"lines":[{"id":"1"},{"id":"3"}]}`},
			[]string{`step.lookup_missing unit: mappings/units.csv has no row for unit "B"`}},
		"summarize": {"- summarize: {by: unit, set: {total: 'sum(lines, .rent)'}}",
			[]string{`{"unit":"A","total":"99"}`, `{"unit":"B","total":"50.5"}`}, []string{`rule.nil unit: summarize needs "unit", which has no value`}},
		"summarize all": {"- summarize: {set: {total: 'sum(lines, .rent)', n: count(lines)}}", []string{`{"total":"156.5","n":4}`}, nil},
		"explode": {"- filter: rent != 7\n- group: {by: customer, lines: {a: rent}}\n- explode: {list: lines}",
			[]string{`{"customer":"c1","a":"100"}`, `{"customer":"c1","a":"-1"}`, `{"customer":"c2","a":"50.5"}`}, nil},
		"explode as": {"- filter: rent != 7\n- group: {by: customer, lines: {a: rent}}\n- explode: {list: lines, as: line}\n- set: {b: line.a * 2}\n- select: [b]",
			[]string{`{"b":"200"}`, `{"b":"-2"}`, `{"b":"101"}`}, nil},
		"lines": {"- filter: rent == 100\n- lines:\n    each:\n      - set: {account: '\"1200\"', amount: rent}\n      - when: rent > 500\n        set: {account: '\"9\"', amount: rent}\n      - set: {account: '\"4000\"', amount: -rent}\n- select: [id, lines]",
			[]string{`{"id":"1","lines":[{"account":"1200","amount":"100"},{"account":"4000","amount":"-100"}]}`}, nil},
		"dedupe":       {"- filter: rent != 7\n- dedupe: {by: customer}\n- select: [id]", []string{`{"id":"3"}`, `{"id":"2"}`}, nil},
		"dedupe first": {"- filter: rent != 7\n- dedupe: {by: customer, keep: first, order: rent}\n- select: [id]", []string{`{"id":"3"}`, `{"id":"2"}`}, nil},
		"allocate within": {"- filter: rent != 7\n- set: {cost: '100.00', one: '\"x\"'}\n- allocate: {amount: cost, within: one, set: share}\n- select: [id, share]",
			[]string{`{"id":"1","share":"33.34"}`, `{"id":"2","share":"33.33"}`, `{"id":"3","share":"33.33"}`}, nil},
		"allocate of": {"- filter: rent != 7\n- group: {by: customer, set: {cost: '0.05'}, lines: {w: 'rent * rent', id: id}}\n- allocate: {amount: cost, by: w, of: lines, set: share}\n- select: [lines]",
			[]string{`{"lines":[{"w":"10000","id":"1","share":"0.05"},{"w":"1","id":"3","share":"0.00"}]}`, `{"lines":[{"w":"2550.25","id":"2","share":"0.05"}]}`}, nil},
	}
	for name, tt := range tests {
		for _, memory := range []int64{1 << 20, 1} {
			t.Run(fmt.Sprintf("%s/%d", name, memory), func(t *testing.T) {
				got, held, _ := apply(t, steps(t, indent(tt.steps)), charges.batch(t), mapping, memorySpill{t.TempDir(), memory})
				if memory == 1 {
					sortStrings(got, tt.want)
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("records (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(tt.held, held); diff != "" {
					t.Errorf("holds (-want +got):\n%s", diff)
				}
			})
		}
	}
}

// sortStrings puts both lists in the same order: steps that spilled put
// groups out part by part.
func sortStrings(got, want []string) {
	rank := make(map[string]int, len(want))
	for i, w := range want {
		rank[w] = i
	}
	for i := range got {
		for k := i; k > 0 && rank[got[k]] < rank[got[k-1]]; k-- {
			got[k], got[k-1] = got[k-1], got[k]
		}
	}
}

func indent(s string) string { return "  " + strings.ReplaceAll(s, "\n", "\n  ") }
