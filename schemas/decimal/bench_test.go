package decimal

import "testing"

// The operands vary, as they do in a column; none leaves int64.
var (
	benchTexts = [][]byte{[]byte("1500.50"), []byte("-12.05"), []byte("99999.99"), []byte("0.10")}
	benchRents = []Decimal{New(150050, 2), New(-1205, 2), New(9999999, 2), New(10, 2)}
	benchDays  = []Decimal{FromInt(17), FromInt(30), FromInt(1), FromInt(28)}
	benchOf    = FromInt(31)
)

func perOp(b *testing.B, f func(i int)) {
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		f(i & 3)
	}
}

func BenchmarkParse(b *testing.B) {
	perOp(b, func(i int) { ParseBytes(benchTexts[i]) })
}

func BenchmarkParseFixed(b *testing.B) {
	perOp(b, func(i int) { ParseFixed(benchTexts[i]) })
}

func BenchmarkAdd(b *testing.B) {
	sum := Decimal{scale: 2}
	perOp(b, func(i int) { sum = sum.Add(benchRents[i]) })
}

func BenchmarkMul(b *testing.B) {
	perOp(b, func(i int) { benchRents[i].Mul(benchDays[i]) })
}

func BenchmarkCmpScales(b *testing.B) {
	perOp(b, func(i int) { benchRents[i].Cmp(benchDays[i]) })
}

func BenchmarkProrate(b *testing.B) {
	perOp(b, func(i int) { MulQuoRound(benchRents[i], benchDays[i], benchOf, 2, HalfUp) })
}

func BenchmarkRound(b *testing.B) {
	perOp(b, func(i int) { benchRents[i].Round(1, HalfEven) })
}

func BenchmarkQuo(b *testing.B) {
	perOp(b, func(i int) { Quo(benchRents[i], benchOf) })
}

func BenchmarkPrint(b *testing.B) {
	var buf [64]byte
	perOp(b, func(i int) { benchRents[i].Append(buf[:0]) })
}

func TestTheCommonCasesAllocateNothing(t *testing.T) {
	buf := make([]byte, 0, 64)
	for name, f := range map[string]func(){
		"parse":      func() { ParseBytes(benchTexts[0]) },
		"parse long": func() { ParseBytes([]byte("-922337203685477.5808")) },
		"parse text": func() { Parse("1500.50") },
		"add":        func() { benchRents[0].Add(New(15, 1)) },
		"mul":        func() { benchRents[0].Mul(benchDays[0]) },
		"cmp":        func() { benchRents[0].Cmp(New(15, 1)) },
		"prorate":    func() { MulQuoRound(benchRents[0], benchDays[0], benchOf, 2, HalfUp) },
		"round":      func() { benchRents[0].Round(-2, HalfUp) },
		"rescale":    func() { benchRents[0].Rescale(4) },
		"print":      func() { benchRents[0].AppendScaled(buf, 4) },
		"canonical":  func() { benchRents[0].AppendCanonical(buf) },
		"large":      func() { benchRents[0].TooLarge() },
	} {
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
