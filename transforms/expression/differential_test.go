package expression

import (
	"fmt"
	"math/big"
	"os"
	"testing"

	"github.com/tieout/tieout/schemas/decimal"
	"github.com/tieout/tieout/schemas/record"
	"github.com/tieout/tieout/transforms/expression/randexpr"
)

const rowsPerCase = 16

// TestDifferential compares random expressions with answers in big fractions.
func TestDifferential(t *testing.T) {
	answers := 0
	for seed := range uint64(cases()) {
		answers += compareSeed(t, seed)
		if t.Failed() {
			return
		}
	}
	if answers < cases()*rowsPerCase/4 {
		t.Errorf("only %d rows had an answer other than nil", answers)
	}
	fmt.Printf("{\"test\":\"expressions against fractions\",\"expressions\":%d,\"answers\":%d}\n", cases(), answers)
}

// cases is how many expressions are tried: TIEOUT_SOAK=1 asks for many.
func cases() int {
	if os.Getenv("TIEOUT_SOAK") != "" {
		return 200_000
	}
	return 3000
}

func FuzzDifferential(f *testing.F) {
	for seed := range uint64(20) {
		f.Add(1_000_000 + seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) { compareSeed(t, seed) })
}

func compareSeed(t *testing.T, seed uint64) (answers int) {
	g := randexpr.New(seed)
	x := g.Number(4)
	if seed%3 == 0 {
		x = g.Condition(4)
	}
	rows := make([]randexpr.Row, rowsPerCase)
	for i := range rows {
		rows[i] = g.Row()
	}
	b := randomBatch(rows)
	p, found := compileWith(&Env{Shape: b.Shape}, x.Text)
	if p == nil {
		t.Fatalf("seed %d: %s: %v", seed, x.Text, found)
	}
	var c record.Column
	failed := make([]string, len(rows))
	p.Evaluator().Eval(b, &c, func(row int32, f Failure) { failed[row] = f.Message })
	for i, row := range rows {
		want, err := x.Eval(row)
		got := show(&c, i)
		switch {
		case err != nil:
			if failed[i] == "" {
				t.Errorf("seed %d: %s over %v = %s, and should fail", seed, x.Text, row, got)
			}
			continue
		case failed[i] != "":
			t.Errorf("seed %d: %s over %v failed: %s", seed, x.Text, row, failed[i])
		case want.Nil != (got == "nil") || !want.Nil && !sameValue(&c, i, want):
			t.Errorf("seed %d: %s over %v = %s, want %v", seed, x.Text, row, got, want)
		case !want.Nil:
			answers++
		}
	}
	return answers
}

func sameValue(c *record.Column, row int, want randexpr.Value) bool {
	if want.Num == nil {
		return c.Kind == record.Boolean && (c.Ints[row] == 1) == want.Bool
	}
	got, ok := new(big.Rat).SetString(show(c, row))
	return ok && got.Cmp(want.Num) == 0
}

func randomBatch(rows []randexpr.Row) *record.Batch {
	b := new(record.Batch)
	b.Reset(record.MustShape(
		record.NewField("a", record.Decimal), record.NewField("b", record.Decimal), record.NewField("c", record.Decimal),
		record.NewField("i", record.Integer), record.NewField("j", record.Integer), record.NewField("p", record.Boolean),
	), len(rows))
	for i, row := range rows {
		for k := range b.Columns {
			v, c := row[b.Shape.Fields[k].Name], &b.Columns[k]
			switch {
			case v.Nil:
				c.SetNil(i)
			case c.Kind == record.Decimal:
				d, err := decimal.Parse(v.Num.FloatString(8))
				if err != nil {
					panic(err)
				}
				c.SetDecimal(i, d)
			case c.Kind == record.Integer:
				c.SetInt(i, v.Num.Num().Int64())
			default:
				c.SetBool(i, v.Bool)
			}
		}
	}
	return b
}
