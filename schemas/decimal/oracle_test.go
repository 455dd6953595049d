package decimal

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/cockroachdb/apd/v3"
)

var update = flag.Bool("update", false, "write testdata/generated.txt anew from the oracle")

const generated = "testdata/generated.txt"

// edges are operands at which arithmetic changes its way: zeros of several
// scales, ties, the ends of int64 and uint64, more digits than a quotient has.
var edges = []string{
	"0", "0.00", "1", "-1", "0.5", "-2.5", "1.005", "-2.345", "99.995", "1500.50", "3", "-7", "0.07", "365",
	"9223372036854775807", "-9223372036854775808", "18446744073709551616", "-92233720368547758.08",
	"0.000000000000000001", "-0.0000000000000000000000001", "9999999999999999999999999999999999",
	"12345678901234567890123.4567890123456789012345",
}

// TestGeneratedVectors holds the committed file against the oracle, so that
// neither can drift; TestVectors holds this package against the file.
func TestGeneratedVectors(t *testing.T) {
	var b strings.Builder
	b.WriteString("# Written by TestGeneratedVectors -update; the results come from an independent implementation.\n")
	for _, x := range edges {
		writeUnary(t, &b, x)
		for _, y := range edges {
			writeBinary(t, &b, x, y)
		}
	}
	if *update {
		if err := os.WriteFile(generated, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(generated)
	if err != nil || string(have) != b.String() {
		t.Errorf("%s differs from the oracle (%v): run this test with -update and look at the change", generated, err)
	}
}

func oracle(t *testing.T, s string) *apd.Decimal {
	d, _, err := apd.NewFromString(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func exactContext(mode apd.Rounder) *apd.Context {
	c := apd.BaseContext.WithPrecision(400)
	c.Rounding = mode
	return c
}

func writeBinary(t *testing.T, b *strings.Builder, x, y string) {
	ctx, z := exactContext(apd.RoundHalfEven), new(apd.Decimal)
	p, q := oracle(t, x), oracle(t, y)
	line := func(op string, result string) { fmt.Fprintf(b, "%s %s %s -> %s\n", op, x, y, result) }
	ctx.Add(z, p, q)
	line("add", plain(z))
	ctx.Sub(z, p, q)
	line("subtract", plain(z))
	ctx.Mul(z, p, q)
	line("multiply", plain(z))
	line("compare", fmt.Sprint(p.Cmp(q)))
	if q.IsZero() {
		line("divide", ErrDivisionByZero.Error())
		return
	}
	line("divide", oracleQuotient(t, p, q))
	ctx.Rem(z, p, q)
	line("remainder", padded(z, max(-p.Exponent, -q.Exponent)))
	ctx.QuoInteger(z, p, q)
	line("divide_int", plain(z))
}

func oracleQuotient(t *testing.T, p, q *apd.Decimal) string {
	ctx := apd.BaseContext.WithPrecision(quoDigits)
	ctx.Rounding = apd.RoundHalfEven
	z := new(apd.Decimal)
	cond, err := ctx.Quo(z, p, q)
	if err != nil {
		t.Fatal(err)
	}
	if cond.Inexact() {
		return plain(z) + " inexact"
	}
	z.Reduce(z)
	ideal := q.Exponent - p.Exponent
	if !z.IsZero() { // the ideal scale, as far as 34 digits reach
		ideal = min(ideal, -z.Exponent+int32(quoDigits-z.NumDigits()))
	}
	return padded(z, ideal)
}

func writeUnary(t *testing.T, b *strings.Builder, x string) {
	p, z := oracle(t, x), new(apd.Decimal)
	fmt.Fprintf(b, "minus %s -> %s\n", x, plain(z.Neg(p)))
	fmt.Fprintf(b, "abs %s -> %s\n", x, plain(z.Abs(p)))
	for _, name := range ModeNames() {
		for _, places := range []int32{-20, -3, -1, 0, 1, 2, 4, 18, 30} {
			result := x
			if places < -p.Exponent {
				result = oracleRound(t, p, places, name)
			}
			fmt.Fprintf(b, "round.%s %s %d -> %s\n", name, x, places, result)
		}
	}
}

// oracleRound moves the point so that whole numbers are asked for. The directed
// modes go by the oracle's Ceil and Floor, because its Quantize gives 0 instead
// of one unit when every digit is dropped.
func oracleRound(t *testing.T, p *apd.Decimal, places int32, mode string) string {
	z := new(apd.Decimal).Set(p)
	z.Exponent += places
	ctx := exactContext(apd.RoundHalfEven)
	ceil := map[string]bool{"ceiling": true, "up": !z.Negative, "down": z.Negative}
	var err error
	switch {
	case strings.HasPrefix(mode, "half_"):
		_, err = exactContext(apd.Rounder(mode)).Quantize(z, z, 0)
	case ceil[mode]:
		_, err = ctx.Ceil(z, new(apd.Decimal).Set(z))
	default:
		_, err = ctx.Floor(z, new(apd.Decimal).Set(z))
	}
	if err != nil {
		t.Fatal(err)
	}
	return padded(shift(z, -places), places)
}

func shift(z *apd.Decimal, n int32) *apd.Decimal {
	z.Exponent += n
	return z
}

func plain(z *apd.Decimal) string {
	if z.IsZero() {
		z.Negative = false
	}
	if z.Exponent > 0 {
		return padded(z, 0)
	}
	return z.Text('f')
}

// padded writes z with at least scale digits after the point.
func padded(z *apd.Decimal, scale int32) string {
	if scale = max(scale, 0); -z.Exponent < scale {
		if _, err := exactContext(apd.RoundDown).Quantize(z, z, -scale); err != nil {
			panic(err)
		}
	}
	return plain(z)
}
