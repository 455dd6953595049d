package gate_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/tieout/tieout/pipelines"
	"github.com/tieout/tieout/runner/gate"
	"github.com/tieout/tieout/schemas/decimal"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
	"github.com/tieout/tieout/transforms"
	"github.com/tieout/tieout/transforms/calendar"
	"github.com/tieout/tieout/transforms/expression"
)

// The records of these tests: one text of cells for each, divided by blanks;
// - is nil, and a list of lines is written 1.00+2.00.
func shape() *record.Shape {
	line := record.MustShape(record.NewField("amount", record.Decimal), record.NewField("memo", record.Text))
	lines := record.NewField("lines", record.List)
	lines.Child = line
	return record.MustShape(
		record.NewField("id", record.Text), record.NewField("unit", record.Integer), record.NewField("amount", record.Decimal),
		record.NewField("other", record.Decimal), record.NewField("day", record.Date), record.NewField("at", record.Timestamp),
		record.NewField("currency", record.Text), lines)
}

func batch(t testing.TB, rows ...string) *record.Batch {
	t.Helper()
	b := new(record.Batch)
	b.Reset(shape(), len(rows))
	b.Origin.Input = "rent.csv"
	for row, text := range rows {
		cells := strings.Fields(text)
		for len(cells) < len(b.Columns) {
			cells = append(cells, "-")
		}
		for i, cell := range cells {
			fill(t, &b.Columns[i], row, cell)
		}
		b.Origin.Line = append(b.Origin.Line, int64(row+2))
	}
	return b
}

func fill(t testing.TB, c *record.Column, row int, cell string) {
	t.Helper()
	switch {
	case c.Kind == record.List:
		fillLines(t, c, row, cell)
	case cell == "-":
		c.SetNil(row)
	case c.Kind == record.Text:
		c.SetString(row, cell)
	case c.Kind == record.Date:
		d, ok := calendar.ParseISO([]byte(cell))
		if !ok {
			t.Fatal(cell)
		}
		c.SetInt(row, int64(d))
	case c.Kind == record.Timestamp:
		at, err := time.Parse(time.RFC3339, cell)
		if err != nil {
			t.Fatal(err)
		}
		c.SetInt(row, at.UnixMicro())
	case c.Kind == record.Integer:
		v, _ := dec(t, cell).Int64()
		c.SetInt(row, v)
	default:
		c.SetDecimal(row, dec(t, cell))
	}
}

func fillLines(t testing.TB, c *record.Column, row int, cell string) {
	t.Helper()
	if cell == "-" {
		c.EndList(row, record.Nil)
		return
	}
	for _, amount := range strings.Split(cell, "+") {
		n := c.Child.Rows
		c.Child.SetRows(n + 1)
		c.Child.Columns[1].SetNil(n)
		if amount == "nil" {
			c.Child.Columns[0].SetNil(n)
		} else {
			c.Child.Columns[0].SetDecimal(n, dec(t, amount))
		}
	}
	c.EndList(row, record.Value)
}

func dec(t testing.TB, s string) decimal.Decimal {
	t.Helper()
	d, err := decimal.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// conditions decodes the gate of a pipeline.
func conditions(t testing.TB, yaml string) []pipelines.Condition {
	t.Helper()
	var r document.Report
	var out []pipelines.Condition
	for _, doc := range document.Parse("case.yaml", []byte("gate:\n  "+strings.ReplaceAll(yaml, "\n", "\n  ")+"\n"), &r) {
		(&document.Decoder{Report: &r}).Decode(doc.Root.Get("gate"), &out)
	}
	if err := r.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// asOf is 2026-08-10 10:00 in Chicago.
func asOf() time.Time { return time.Date(2026, 8, 10, 15, 0, 0, 0, time.UTC) }

// tables holds one table of properties.
type tables struct{ err error }

func (ts tables) Shape(string) (*record.Shape, error) {
	return record.MustShape(record.NewField("id", record.Text)), ts.err
}

func (ts tables) Rows(string) (*record.Batch, error) {
	if ts.err != nil {
		return nil, ts.err
	}
	b := new(record.Batch)
	b.Reset(record.MustShape(record.NewField("id", record.Text)), 4)
	for i, id := range []string{"P1", "P2", "007", ""} {
		b.Columns[0].SetString(i, id)
	}
	b.Columns[0].SetNil(3)
	return b, nil
}

func planContext(t testing.TB) *transforms.Context {
	t.Helper()
	zone, err := time.LoadLocation("America/Chicago")
	if err != nil {
		t.Fatal(err)
	}
	return &transforms.Context{Report: new(document.Report), Tables: tables{}, Reading: true,
		Env: expression.Env{Zone: zone, Names: []expression.Constant{expression.DateConstant("run.date", calendar.LocalDate(asOf().UnixMicro(), zone))}}}
}

func decide(t testing.TB, yaml string, f gate.Facts, batches ...*record.Batch) gate.Decision {
	t.Helper()
	c := planContext(t)
	meters := gate.Plan(conditions(t, yaml), shape(), c)
	if err := c.Report.Err(); err != nil {
		t.Fatal(err)
	}
	for _, b := range batches {
		if err := meters.Add(b); err != nil {
			t.Fatal(err)
		}
	}
	if f.AsOf.IsZero() {
		f.AsOf = asOf()
	}
	d, err := meters.Decide(f)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// find gives the finding of a condition.
func find(t testing.TB, d gate.Decision, name string) gate.Finding {
	t.Helper()
	for _, f := range d.Findings {
		if f.Condition == name {
			return f
		}
	}
	t.Fatalf("no finding for %s in %+v", name, d)
	return gate.Finding{}
}

func TestConditions(t *testing.T) {
	full := gate.Facts{Read: 10, FullRead: true}
	tests := []struct {
		name, yaml string
		facts      gate.Facts
		rows       []string
		blocked    bool
		limit      string
		actual     string
		examples   string
	}{
		{"records at min", "- records: {min: 2, max: 2}", full, []string{"a", "b"}, false, "at least 2 and at most 2", "2", ""},
		{"records below min", "- records: {min: 2}", full, []string{"a"}, true, "at least 2", "1", ""},
		{"records above max", "- records: {max: 1}", full, []string{"a", "b"}, true, "at most 1", "2", ""},
		{"refused records are not loaded", "- records: {min: 2}", gate.Facts{Read: 2, Refused: 1}, []string{"a", "b"}, true, "at least 2", "1", ""},
		{"nothing new is fine", "- records: {min: 2}", gate.Facts{Read: 3, Repeated: 3}, nil, false, "at least 2", "0", ""},
		{"unique", "- unique: [id, unit]", full, []string{"a 1", "a 2", "b 1", "a -", "b -"}, false, "no two records agree in id, unit", "none", ""},
		{"not unique", "- unique: [id, unit]", full, []string{"a 1", "b 2", "a 1", "b -", "b -", "a 1"}, true, "no two records agree in id, unit", "3 repeated", "id a, unit 1|id b, unit no value"},
		{"unique by value", "- unique: amount", full, []string{"a 1 1.5", "b 1 1.50"}, true, "no two records agree in amount", "1 repeated", "amount 1.5"},
		{"unique is not fooled by joins", "- unique: [id, currency]", full, []string{"ab - - - - - c", "a - - - - - bc"}, false, "no two records agree in id, currency", "none", ""},
		{"not null", "- not_null: [id, unit]", full, []string{"a 1", "b 2"}, false, "always a value in id, unit", "none missing", ""},
		{"null", "- not_null: [id, unit]", full, []string{"a -", "- 1", "b 2", "c -"}, true, "always a value in id, unit", "id in 1 record, unit in 2 records", "rent.csv line 2: unit|rent.csv line 3: id|rent.csv line 5: unit"},
		{"references", "- references: {field: id, in: p.csv, to: id}", full, []string{"P1", "P2", "-", "007"}, false, "every id is in id of p.csv", "all found", ""},
		{"no reference", "- references: {field: id, in: p.csv, to: id}", full, []string{"P1", "P9", "7", "P9"}, true, "every id is in id of p.csv", "3 not found", "7|P9"},
		{"numbers refer by value", "- references: {field: unit, in: p.csv, to: id}", full, []string{"a 7"}, false, "every unit is in id of p.csv", "all found", ""},
		{"totals", "- totals: {of: amount, equal: other}", full, []string{"a 1 10.10 0", "b 1 0.20 10.30"}, false, "sum of amount equals other", "10.30 against 10.30", ""},
		{"totals differ by a cent", "- totals: {of: amount, equal: other}", full, []string{"a 1 10.10 0", "b 1 0.20 10.29"}, true, "sum of amount equals other", "10.30 against 10.29", "10.30 against 10.29, difference 0.01"},
		{"totals by", "- totals: {of: amount, equal: other, by: id}", full, []string{"a 1 1 2", "b 1 2 1"}, true, "sum of amount equals other for each id", "3 against 3", "id a: 1 against 2, difference -1|id b: 2 against 1, difference 1"},
		{"control total", "- totals: {of: amount, equal: 30.00}", full, []string{"a 1 10", "b 1 20", "c 1 -"}, false, "sum of amount equals 30.00", "30 against 30", ""},
		{"control total missed", "- totals: {of: amount, equal: 30.01}", full, []string{"a 1 10", "b 1 20"}, true, "sum of amount equals 30.01", "30 against 30.01", "30 against 30.01, difference -0.01"},
		{"control total of nothing", "- totals: {of: amount, equal: 30.01}", gate.Facts{Read: 4, FullRead: true, Held: 4}, nil, true, "sum of amount equals 30.01", "0 against 30.01", "0 against 30.01, difference -30.01"},
		{"control total by expression", "- totals: {of: amount * 2, equal: 10 + 20}", full, []string{"a 1 15"}, false, "sum of amount * 2 equals 10 + 20", "30 against 30", ""},
		{"totals that fail", "- totals: {of: amount / other, equal: 1}", full, []string{"a 1 1 0"}, true, "sum of amount / other equals 1", "1 not computed", ""},
		{"balanced", "- balanced: {list: lines.amount, total: amount}", full, []string{"a 1 3.00 - - - - 1+2.0", "b 1 0 - - - - -", "c 1 5 - - - - 5+nil"}, false, "lines.amount adds up to amount in every record", "all balanced", ""},
		{"not balanced", "- balanced: {list: lines.amount, total: amount}", full, []string{"a 1 3.01 - - - - 1+2", "b 1 - - - - - 1"}, true, "lines.amount adds up to amount in every record", "2 not balanced",
			"rent.csv line 2: lines 3, total 3.01, difference -0.01|rent.csv line 3: lines 1, no total"},
		{"balanced to zero", "- balanced: {list: lines.amount}", full, []string{"a 1 - - - - - 100.10+-100.10"}, false, "lines.amount adds up to 0 in every record", "all balanced", ""},
		{"large amounts", "- balanced: {list: lines.amount}", full, []string{"a 1 - - - - - 9223372036854775807+9223372036854775807+-18446744073709551614"}, false, "lines.amount adds up to 0 in every record", "all balanced", ""},
		{"fresh to the instant", "- fresh: {field: at, within: 26h}", full, []string{"a - - - - 2026-08-09T13:00:00Z"}, false, "newest at within 26h of 2026-08-10T10:00:00-05:00", "2026-08-09T08:00:00-05:00", ""},
		{"stale by a second", "- fresh: {field: at, within: 26h}", full, []string{"a - - - - 2026-08-09T12:59:59Z", "b"}, true, "newest at within 26h of 2026-08-10T10:00:00-05:00", "2026-08-09T07:59:59-05:00", ""},
		{"fresh day", "- fresh: {field: day, within: 2d}", full, []string{"a - - - 2026-08-01", "b - - - 2026-08-08"}, false, "newest day within 2d of 2026-08-10T10:00:00-05:00", "2026-08-08", ""},
		{"stale day", "- fresh: {field: day, within: 2d}", full, []string{"a - - - 2026-08-07"}, true, "newest day within 2d of 2026-08-10T10:00:00-05:00", "2026-08-07", ""},
		{"fresh without dates", "- fresh: {field: day, within: 2d}", full, []string{"a"}, true, "newest day within 2d of 2026-08-10T10:00:00-05:00", "no value", ""},
		{"open period", "- open_period: {field: day, from: 2026-08-01, to: 2026-08-31}", full, []string{"a - - - 2026-08-01", "b - - - 2026-08-31"}, false, "day from 2026-08-01 to 2026-08-31", "all inside", ""},
		{"closed period", "- open_period: {field: day, from: 2026-08-01, to: 2026-08-31}", full, []string{"a - - - 2026-07-31", "b - - - 2026-09-01", "c"}, true, "day from 2026-08-01 to 2026-08-31", "3 outside",
			"rent.csv line 2: 2026-07-31|rent.csv line 3: 2026-09-01|rent.csv line 4: no value"},
		{"open period by run date", "- open_period: {field: at, from: month_start(run.date)}", full, []string{"a - - - - 2026-08-01T05:00:00Z"}, false, "at from 2026-08-01", "all inside", ""},
		{"period in the pipeline's zone", "- open_period: {field: at, from: month_start(run.date)}", full, []string{"a - - - - 2026-08-01T04:59:59Z"}, true, "at from 2026-08-01", "1 outside", "rent.csv line 2: 2026-08-01T04:59:59Z"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := decide(t, tt.yaml, tt.facts, batch(t, tt.rows...))
			name := conditions(t, tt.yaml)[0].Name
			f := find(t, d, name)
			if f.Passed == tt.blocked || f.Limit != tt.limit || f.Actual != tt.actual || strings.Join(f.Examples, "|") != tt.examples {
				t.Errorf("passed %v\nlimit %q\nactual %q\nexamples %q\nmessage %q", f.Passed, f.Limit, f.Actual, f.Examples, f.Message)
			}
			if f.Code != "gate."+name || f.Message == "" || tt.blocked && !strings.Contains(f.Message, "; ") {
				t.Errorf("code %q, message %q: a block names the next step", f.Code, f.Message)
			}
			warned := find(t, decide(t, tt.yaml+"\n  otherwise: warn", tt.facts, batch(t, tt.rows...)), name)
			if warned.Passed != f.Passed || warned.Warn == warned.Passed {
				t.Errorf("with otherwise: warn, passed %v and warn %v", warned.Passed, warned.Warn)
			}
		})
	}
}

func TestQuarantined(t *testing.T) {
	tests := []struct {
		name, yaml          string
		read, held, refused int64
		blocked             bool
	}{
		{"none", "[]", 0, 0, 0, false},
		{"five of ten", "[]", 10, 5, 0, false},
		{"six of ten", "[]", 10, 5, 1, true},
		{"one percent exactly", "[]", 1000, 10, 0, false},
		{"a record above one percent", "[]", 1000, 10, 1, true},
		{"a thousand in a million", "[]", 1_000_000, 1000, 0, false},
		{"above a thousand always", "[]", 1_000_000, 1000, 1, true},
		{"written without keys allows none", "- quarantined: {}", 100, 1, 0, true},
		{"written max only", "- quarantined: {max: 1%}", 100, 1, 0, false},
		{"written max exceeded", "- quarantined: {max: 1%}", 99, 1, 0, true},
		{"written fraction", "- quarantined: {max: 0.5%}", 200, 1, 0, false},
		{"written allow only", "- quarantined: {allow: 3}", 10, 2, 1, false},
		{"written allow exceeded", "- quarantined: {allow: 3}", 1000, 3, 1, true},
		{"above the share, below the number", "- quarantined: {max: 1%, allow: 5}", 10, 5, 0, false},
		{"above the number, below the share", "- quarantined: {max: 50%, allow: 5}", 100, 40, 0, false},
		{"above both", "- quarantined: {max: 50%, allow: 5}", 100, 51, 0, true},
		{"a written share has no thousand", "- quarantined: {max: 50%}", 1_000_000, 400_000, 0, false},
		{"warn", "- quarantined: {allow: 0, otherwise: warn}", 10, 9, 0, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			facts := gate.Facts{Read: tt.read, Held: tt.held, Refused: tt.refused}
			d := decide(t, tt.yaml, facts)
			if d.Blocked() != tt.blocked {
				t.Errorf("blocked %v: %+v", d.Blocked(), find(t, d, "quarantined"))
			}
			if limit := gate.HeldLimit(conditions(t, tt.yaml)); !tt.blocked && tt.held+tt.refused > limit {
				t.Errorf("the run would have been stopped at %d", limit)
			}
		})
	}
}

func TestHeldLimit(t *testing.T) {
	for yaml, want := range map[string]int64{
		"[]":                        1000,
		"- records: {min: 1}":       1000,
		"- quarantined: {allow: 7}": 7,
		"- quarantined: {}":         0,
		"- quarantined: {max: 0%}":  0,
		"- quarantined: {max: 1%}":  1_000_000,
		"- quarantined: {allow: 7, otherwise: warn}":             1_000_000,
		"- quarantined: {max: 1%}\n- quarantined: {allow: 2000}": 2000,
	} {
		if got := gate.HeldLimit(conditions(t, yaml)); got != want {
			t.Errorf("%s: %d, want %d", yaml, got, want)
		}
	}
}

func TestEmpty(t *testing.T) {
	rows := batch(t, "a")
	tests := []struct {
		name    string
		facts   gate.Facts
		batches []*record.Batch
		blocked bool
	}{
		{"incremental read of nothing", gate.Facts{}, nil, false},
		{"full read of nothing", gate.Facts{FullRead: true}, nil, true},
		{"full read of nothing, allowed", gate.Facts{FullRead: true, AllowEmpty: true}, nil, false},
		{"full read, all filtered", gate.Facts{FullRead: true, Read: 3}, nil, false},
		{"replace, all filtered", gate.Facts{FullRead: true, Replace: true, Read: 3}, nil, true},
		{"replace, all refused", gate.Facts{Replace: true, Read: 1, Refused: 1}, []*record.Batch{rows}, true},
		{"replace by one", gate.Facts{Replace: true, Read: 1}, []*record.Batch{rows}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := decide(t, "[]", tt.facts, tt.batches...)
			if f := find(t, d, "empty"); f.Passed == tt.blocked || f.Code != string(document.CodeGateEmpty) {
				t.Errorf("%+v", f)
			}
		})
	}
}

func TestChange(t *testing.T) {
	runs := func(n int64, sums ...string) gate.Totals {
		out := gate.Totals{Written: n, Sums: make(map[string]decimal.Decimal)}
		for i := 0; i < len(sums); i += 2 {
			out.Sums[sums[i]] = dec(t, sums[i+1])
		}
		return out
	}
	three := []string{"a 1 10", "b 1 10", "c 1 10"}
	tests := []struct {
		name, yaml string
		history    []gate.Totals
		rows       []string
		blocked    bool
	}{
		{"no history", "- change: {of: records, within: 0%}", nil, three, false},
		{"records at the bound", "- change: {of: records, within: 50%}", []gate.Totals{runs(2)}, three, false},
		{"records above", "- change: {of: records, within: 49.9%}", []gate.Totals{runs(2)}, three, true},
		{"mean of several", "- change: {of: records, within: 0%}", []gate.Totals{runs(2), runs(4)}, three, false},
		{"only so many runs", "- change: {of: records, within: 0%, against: {runs: 1}}", []gate.Totals{runs(3), runs(400)}, three, false},
		{"sum at the bound", "- change: {of: amount, within: 20%}", []gate.Totals{runs(1, "amount", "25")}, three, false},
		{"sum above", "- change: {of: amount, within: 20%}", []gate.Totals{runs(1, "amount", "24.99")}, three, true},
		{"negative sums", "- change: {of: amount, within: 20%}", []gate.Totals{runs(1, "amount", "-25")}, []string{"a 1 -30"}, false},
		{"runs without the sum do not count", "- change: {of: amount, within: 0%}", []gate.Totals{runs(1), runs(1, "amount", "30")}, three, false},
		{"from zero", "- change: {of: amount, within: 20%}", []gate.Totals{runs(1, "amount", "0")}, three, true},
		{"zero stays zero", "- change: {of: amount, within: 0%}", []gate.Totals{runs(1, "amount", "0")}, []string{"a 1 0"}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := decide(t, tt.yaml, gate.Facts{Read: 3, History: tt.history}, batch(t, tt.rows...))
			if f := find(t, d, "change"); f.Passed == tt.blocked {
				t.Errorf("%+v", f)
			}
		})
	}
	t.Run("currencies apart", func(t *testing.T) {
		c := planContext(t)
		conds := conditions(t, "- change: {of: amount, within: 0%}")
		conds[0].Spec.(*pipelines.ChangeCondition).Currency = "currency"
		meters := gate.Plan(conds, shape(), c)
		if err := meters.Add(batch(t, "a 1 10 - - - USD", "b 1 20 - - - EUR")); err != nil {
			t.Fatal(err)
		}
		for want, history := range map[bool]gate.Totals{true: runs(2, "amount USD", "10", "amount EUR", "20"), false: runs(2, "amount USD", "20", "amount EUR", "10")} {
			d, err := meters.Decide(gate.Facts{Read: 2, History: []gate.Totals{history}, AsOf: asOf()})
			if f := find(t, d, "change"); err != nil || f.Passed != want {
				t.Errorf("%+v %v", f, err)
			}
		}
	})
	if n := gate.HistoryRuns(conditions(t, "- change: {of: records, within: 1%}\n- change: {of: records, within: 1%, against: {runs: 9}}")); n != 9 {
		t.Errorf("history of %d runs", n)
	}
}

func TestPlanReports(t *testing.T) {
	for yaml, want := range map[string]string{
		"- unique: [nope]": "gate.unique",
		"- references: {field: id, in: p.csv, to: nope}":       "gate.references",
		"- open_period: {field: id, from: 2026-01-01}":         "gate.open_period",
		"- totals: {of: id, equal: amount}":                    "gate.totals",
		"- totals: {of: amount, equal: nope}":                  "expr.unknown_field",
		"- totals: {of: amount, equal: 'parse_amount(\"x\")'}": "gate.totals",
	} {
		c := planContext(t)
		if meters := gate.Plan(conditions(t, yaml), shape(), c); meters != nil || !c.Report.Diagnostics().Has(document.Code(want)) {
			t.Errorf("%s: %v", yaml, c.Report.Diagnostics())
		}
	}
	c := planContext(t)
	c.Tables = tables{err: errors.New("gone")}
	if gate.Plan(conditions(t, "- references: {field: id, in: p.csv, to: id}"), shape(), c) != nil || c.Report.Err() == nil {
		t.Error("a table that cannot be read was passed over")
	}
}
