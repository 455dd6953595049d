package gate_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tieout/tieout/runner/gate"
	"github.com/tieout/tieout/schemas/record"
)

const everything = `- records: {min: 3, max: 20}
- unique: [id, unit]
- not_null: [id, amount]
- references: {field: id, in: p.csv, to: id}
- fresh: {field: day, within: 3d}
- totals: {of: amount, equal: other, by: [id]}
- balanced: {list: lines.amount, total: amount}
- change: {of: amount, within: 10%}
- open_period: {field: day, from: 2026-08-01, to: 2026-08-09}`

// The verdicts do not depend on how the records are divided into batches, nor
// on their order, nor on a second asking.
func TestOrderDoesNotMatter(t *testing.T) {
	cell := func(values ...string) *rapid.Generator[string] { return rapid.SampledFrom(values) }
	rapid.Check(t, func(t *rapid.T) {
		var rows []string
		for range rapid.IntRange(0, 30).Draw(t, "rows") {
			rows = append(rows, strings.Join([]string{
				cell("P1", "P2", "P9", "-").Draw(t, "id"), cell("1", "2", "-").Draw(t, "unit"),
				cell("1.10", "1.1", "99", "-").Draw(t, "amount"), cell("1.10", "0.01", "-").Draw(t, "other"),
				cell("2026-08-05", "2026-08-09", "2026-07-31", "-").Draw(t, "day"), "-", "-",
				cell("-", "1.1", "1+0.10", "98+1").Draw(t, "lines")}, " "))
		}
		facts := gate.Facts{Read: int64(len(rows)), FullRead: true, Held: 1, AsOf: asOf(),
			History: []gate.Totals{{Written: 3}}}
		var plain testing.T
		want := decide(&plain, everything, facts, numbered(&plain, rows, identity(len(rows)))...)
		order := rapid.Permutation(identity(len(rows))).Draw(t, "order")
		got := decide(&plain, everything, facts, numbered(&plain, rows, order)...)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("in another order: %s", diff)
		}
	})
}

func identity(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// numbered makes small batches of rows in an order; each keeps its line.
func numbered(t testing.TB, rows []string, order []int) []*record.Batch {
	var out []*record.Batch
	for from := 0; from < len(order); from += 4 {
		part := order[from:min(from+4, len(order))]
		var texts []string
		for _, i := range part {
			texts = append(texts, rows[i])
		}
		b := batch(t, texts...)
		for n, i := range part {
			b.Origin.Line[n] = int64(i + 2)
		}
		out = append(out, b)
	}
	return out
}

// Rows that were filtered or held are not seen.
func TestOnlyLiveRows(t *testing.T) {
	b := batch(t, "P1 1 1", "P9 - -", "P1 1 1")
	b.Live = []int32{0}
	d := decide(t, "- unique: id\n- not_null: amount\n- references: {field: id, in: p.csv, to: id}\n- records: {max: 1}", gate.Facts{Read: 3}, b)
	if d.Blocked() {
		t.Errorf("%+v", d)
	}
}

// The set grows and still knows every key; beyond its bound it says so.
func TestUniqueManyKeys(t *testing.T) {
	c := planContext(t)
	meters := gate.Plan(conditions(t, "- unique: unit"), shape(), c)
	b := batch(t, make([]string, 1000)...)
	add := func(first int64) error {
		for row := range b.Rows {
			b.Columns[1].SetInt(row, first+int64(row))
		}
		return meters.Add(b)
	}
	for n := range int64(200) {
		if err := add(n * 1000); err != nil {
			t.Fatal(err)
		}
	}
	if err := add(199_500); err != nil {
		t.Fatal(err)
	}
	d, err := meters.Decide(gate.Facts{Read: 201_000, AsOf: asOf()})
	if f := find(t, d, "unique"); err != nil || f.Count != 500 || f.Examples[0] != "unit 199500" {
		t.Errorf("%+v %v", f, err)
	}
	err = error(&gate.TooManyKeysError{Condition: "unique [unit]", Most: 7})
	var named *gate.TooManyKeysError
	if !errors.As(fmt.Errorf("add: %w", err), &named) || !strings.Contains(err.Error(), "unique [unit]: more than 7") {
		t.Error(err)
	}
}

func BenchmarkMeters(b *testing.B) {
	for _, yaml := range []string{"- unique: [id, unit]", "- not_null: [id, amount]", "- totals: {of: amount, equal: other}", "- balanced: {list: lines.amount, total: amount}", "- open_period: {field: day, from: 2026-08-01}"} {
		b.Run(strings.Fields(yaml)[1], func(b *testing.B) {
			meters := gate.Plan(conditions(b, yaml), shape(), planContext(b))
			rows := make([]string, 1024)
			for i := range rows {
				rows[i] = fmt.Sprintf("P%d %d 10.50 10.50 2026-08-05 - - 10.00+0.50", i, i)
			}
			one := batch(b, rows...)
			b.ReportAllocs()
			for n := int64(0); b.Loop(); n++ {
				for row := range one.Rows {
					one.Columns[1].SetInt(row, (n%4096)<<10+int64(row))
				}
				if err := meters.Add(one); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
