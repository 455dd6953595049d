package expression

import (
	"fmt"
	"testing"

	"github.com/tieout/tieout/schemas/decimal"
	"github.com/tieout/tieout/schemas/record"
)

// leaseBatch has 1,024 rows of varying data.
func leaseBatch() *record.Batch {
	b := new(record.Batch)
	b.Reset(record.MustShape(
		record.NewField("rent", record.Decimal), record.NewField("days", record.Integer), record.NewField("days_in_month", record.Integer),
		record.NewField("name", record.Text), record.NewField("unit", record.Text), record.NewField("amount", record.Decimal),
		record.NewField("currency", record.Text), record.NewField("due", record.Date), record.NewField("move_in", record.Date),
	), record.BatchRows)
	for i := range record.BatchRows {
		b.Columns[0].SetCoef(i, int64(120000+i*37), 2)
		b.Columns[1].SetInt(i, int64(i%28+1))
		b.Columns[2].SetInt(i, int64(28+i%4))
		b.Columns[3].SetString(i, fmt.Sprintf("Tenant %d", i))
		b.Columns[4].SetString(i, fmt.Sprintf("%d-B", i))
		b.Columns[5].SetCoef(i, int64(i*101-500), 2)
		b.Columns[6].SetString(i, []string{"USD", "CAD", "EUR"}[i%3])
		b.Columns[7].SetInt(i, int64(20000+i%365))
		b.Columns[8].SetInt(i, int64(20000+i%365-10))
	}
	return b
}

func benchmark(b *testing.B, text string) {
	batch := leaseBatch()
	p, found := compileWith(&Env{Shape: batch.Shape, Money: Money{Currency: "USD", Places: 2}}, text)
	if p == nil {
		b.Fatal(found)
	}
	e, dst := p.Evaluator(), new(record.Column)
	b.ReportAllocs()
	for b.Loop() {
		e.Eval(batch, dst, nil)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/record.BatchRows, "ns/row")
}

func BenchmarkProrateByHand(b *testing.B) { benchmark(b, "round(rent * days / days_in_month, 2)") }
func BenchmarkConcat(b *testing.B)        { benchmark(b, `upper(name) + "-" + unit`) }
func BenchmarkRule(b *testing.B)          { benchmark(b, `amount >= 0 && currency in ["USD", "CAD"]`) }
func BenchmarkDate(b *testing.B)          { benchmark(b, "due + days(30)") }
func BenchmarkProrate(b *testing.B)       { benchmark(b, "prorate(rent, move_in, nil, due)") }
func BenchmarkArithmetic(b *testing.B)    { benchmark(b, "rent * 2 - amount + 1.25") }

func BenchmarkTest(b *testing.B) {
	batch := leaseBatch()
	p, _ := compileWith(&Env{Shape: batch.Shape}, "amount >= 0 and rent > 100.00")
	e, n := p.Evaluator(), 0
	b.ReportAllocs()
	for b.Loop() {
		e.Test(batch, func(_ int32, t Truth) { n += int(t) }, nil)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/record.BatchRows, "ns/row")
}

func BenchmarkListSum(b *testing.B) {
	batch := manyLines(1024)
	p, _ := compileWith(&Env{Shape: batch.Shape}, "sum(lines, .amount)")
	e, dst := p.Evaluator(), new(record.Column)
	b.ReportAllocs()
	for b.Loop() {
		e.Eval(batch, dst, nil)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1024, "ns/element")
}

func BenchmarkCompile(b *testing.B) {
	env := sampleEnv()
	b.ReportAllocs()
	for b.Loop() {
		if p, _ := compileWith(env, `prorate(rent, due, moved_out, month_of(due), "actual")`); p == nil {
			b.Fatal("does not compile")
		}
	}
}

// manyLines is one record with n lines of 1.25 each.
func manyLines(n int) *record.Batch {
	b := new(record.Batch)
	b.Reset(record.MustShape(record.Field{Name: "lines", Kind: record.List, Scale: record.NoScale, Child: lineShape()}), 1)
	c := &b.Columns[0]
	c.Child.SetRows(n)
	c.Child.AllLive()
	for i := range n {
		c.Child.Columns[0].SetDecimal(i, decimal.New(125, 2))
		c.Child.Columns[1].SetString(i, "A123456789")
		c.Child.Columns[2].SetInt(i, 1)
	}
	c.EndList(0, record.Value)
	return b
}
