package money

import (
	"errors"
	"fmt"
	"math/big"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/tieout/tieout/schemas/decimal"
)

func list(t *testing.T, s string) []decimal.Decimal {
	t.Helper()
	var out []decimal.Decimal
	for _, f := range strings.Fields(s) {
		out = append(out, dec(t, f))
	}
	return out
}

func text(parts []decimal.Decimal) string { return strings.Trim(fmt.Sprint(parts), "[]") }

// Section 1, the table and the edge cases.
func TestAllocate(t *testing.T) {
	const huge = "92233720368547758070000000000"
	for _, c := range []struct {
		total, weights string
		places         int32
		method, want   string
	}{
		{"100.00", "1 1 1", 2, "largest_remainder", "33.34 33.33 33.33"},
		{"1000.00", "1200 950 850", 2, "largest_remainder", "400.00 316.67 283.33"},
		{"1850.00", "1 1 1", 2, "largest_remainder", "616.67 616.67 616.66"},
		{"-100.00", "1 1 1", 2, "largest_remainder", "-33.34 -33.33 -33.33"},
		{"0.05", "1 1 1", 2, "largest_remainder", "0.02 0.02 0.01"},
		{"10.00", "1 1 1 1 1 1 1", 2, "largest_remainder", "1.43 1.43 1.43 1.43 1.43 1.43 1.42"},
		{"1000", "1 1 1", 0, "largest_remainder", "334 333 333"},
		{"10.000", "1 1 1", 3, "largest_remainder", "3.334 3.333 3.333"},
		{"100", "1 1 1", 2, "largest_remainder", "33.34 33.33 33.33"},
		{"100.00", "1.0 1 1.000", 2, "largest_remainder", "33.34 33.33 33.33"},
		{"100.00", "-1 -1 -1", 2, "largest_remainder", "33.34 33.33 33.33"},
		{"100.00", "0 1 0.00 2", 2, "largest_remainder", "0.00 33.33 0.00 66.67"},
		{"0.00", "1 2 3", 2, "largest_remainder", "0.00 0.00 0.00"},
		{"0.01", "1 1", 2, "largest_remainder", "0.01 0.00"},
		{"100.00", "1 1 1", 2, "last", "33.33 33.33 33.34"},
		{"200.00", "1 1 1", 2, "last", "66.67 66.67 66.66"},
		{"100.00", "1 1 1 0", 2, "last", "33.33 33.33 33.34 0.00"},
		{"-100.00", "1 1 1", 2, "last", "-33.33 -33.33 -33.34"},
		{"100.00", "1 4 4", 2, "largest", "11.11 44.45 44.44"},
		{"0.05", "1 1 1 1 1 1 1 1 1", 2, "last", "0.00 0.00 0.00 0.00 0.00 0.00 0.00 0.00 0.05"},
		{huge + ".00", "1 1 1", 2, "largest_remainder", "30744573456182586023333333333.34 30744573456182586023333333333.33 30744573456182586023333333333.33"},
		{"1.00", huge + " " + huge + " " + huge, 2, "largest_remainder", "0.34 0.33 0.33"},
		{"-0.05", huge + " 0 " + huge + " " + huge, 2, "last", "-0.02 0.00 -0.02 -0.01"},
		{"-92233720368547758.08", "1", 2, "largest_remainder", "-92233720368547758.08"},
		{"-92233720368547758.08", "0 7 0", 2, "last", "0.00 -92233720368547758.08 0.00"},
	} {
		method, err := ParseMethod(c.method)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Allocate(dec(t, c.total), list(t, c.weights), c.places, method)
		if err != nil || text(got) != c.want {
			t.Errorf("%s of %s by %s: got %s, %v, want %s", c.method, c.total, c.weights, text(got), err, c.want)
		}
	}
}

func TestAllocateRefuses(t *testing.T) {
	for _, c := range []struct {
		total, weights string
		places         int32
		want           error
	}{
		{"100.00", "0 0.00", 2, ErrNoWeight}, {"100.00", "", 2, ErrNoWeight}, {"0", "0 0", 2, ErrNoWeight},
		{"100.00", "1 -1", 2, ErrMixedSigns}, {"100.00", "0 -1 0 2", 2, ErrMixedSigns},
		{"100.005", "1 1", 2, ErrTooPrecise}, {"0.5", "1", 0, ErrTooPrecise},
		{"100", "1", -1, ErrPlacesRange}, {"100", "1", 1001, ErrPlacesRange},
	} {
		dst := list(t, "7")
		got, err := AppendAllocate(dst, dec(t, c.total), list(t, c.weights), c.places, LargestRemainder)
		if !errors.Is(err, c.want) || text(got) != "7" {
			t.Errorf("%s by %q: got %s, %v", c.total, c.weights, text(got), err)
		}
	}
	if _, err := ParseMethod("first"); err == nil || !strings.Contains(err.Error(), `"first"`) {
		t.Errorf("got %v", err)
	}
}

// Section 2: a year of rent, or a lease with a free month, adds up by allocation
// where rounded twelfths do not.
func TestAllocatingKeepsAnnualTotals(t *testing.T) {
	ones := make([]decimal.Decimal, 13)
	for i := range ones {
		ones[i] = decimal.FromInt(1)
	}
	got, err := Allocate(dec(t, "18000.00"), ones, 2, LargestRemainder)
	if err != nil || got[0].String() != "1384.62" || got[12].String() != "1384.61" || sum(got).String() != "18000.00" {
		t.Errorf("13 months: got %s, %v", text(got), err)
	}
}

func sum(parts []decimal.Decimal) (total decimal.Decimal) {
	for _, p := range parts {
		total = total.Add(p)
	}
	return total
}

// TestAllocationLaws looks at random totals and weights of every size:
// TIEOUT_SOAK=1 asks for a million of them.
func TestAllocationLaws(t *testing.T) {
	n, seed := 20_000, uint64(20260131)
	if os.Getenv("TIEOUT_SOAK") != "" {
		n, seed = 1_000_000, rand.Uint64()
	}
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 2))
	for i := range n {
		total, weights, places := randomAllocation(r)
		for method := LargestRemainder; method <= Largest; method++ {
			if broken := brokenLaw(total, weights, places, method); broken != "" {
				t.Fatalf("seed %d, allocation %d: %s: %s of %s by %s", seed, i, broken, methodNames[method], total, text(weights))
			}
		}
	}
	fmt.Printf("{\"test\":\"random allocations sum exactly\",\"allocations\":%d,\"methods\":3,\"seed\":%d}\n", n, seed)
}

func randomAllocation(r *rand.Rand) (decimal.Decimal, []decimal.Decimal, int32) {
	places := int32(r.IntN(5))
	total := decimal.New(int64(r.Uint64()>>r.IntN(64)), places)
	if r.IntN(10) == 0 {
		total = total.Mul(decimal.FromInt(r.Int64()))
	}
	weights := make([]decimal.Decimal, 1+r.IntN(12))
	width := r.IntN(62)
	for i := range weights {
		if r.IntN(5) > 0 {
			weights[i] = decimal.New(int64(r.Uint64()>>(63-width)>>1), int32(r.IntN(4)))
		}
		if r.IntN(60) == 0 {
			weights[i] = weights[i].Mul(decimal.FromInt(r.Int64()))
		}
	}
	weights[r.IntN(len(weights))] = decimal.FromInt(1 + int64(r.IntN(9)))
	return total, weights, places
}

func brokenLaw(total decimal.Decimal, weights []decimal.Decimal, places int32, method Method) string {
	parts, err := Allocate(total, weights, places, method)
	if err != nil {
		return err.Error()
	}
	again, _ := Allocate(total, weights, places, method)
	back, _ := Allocate(total.Neg(), weights, places, method)
	all := sum(weights)
	switch {
	case !sum(parts).Equal(total):
		return "parts sum to " + sum(parts).String()
	case text(parts) != text(again):
		return "not the same twice"
	}
	for i, p := range parts {
		raw, _ := new(big.Rat).SetString(total.Mul(weights[i]).String())
		of, _ := new(big.Rat).SetString(all.String())
		exact, _ := new(big.Rat).SetString(p.String())
		off := exact.Sub(exact, raw.Quo(raw, of))
		unit, _ := new(big.Rat).SetString(decimal.New(1, places).String())
		switch {
		case method == LargestRemainder && off.Abs(off).Cmp(unit) >= 0:
			return fmt.Sprintf("part %d is a unit off: %s", i, p)
		case weights[i].IsZero() && !p.IsZero():
			return fmt.Sprintf("zero weight %d gets %s", i, p)
		case p.Sign()*total.Sign() < 0, p.Scale() != places:
			return fmt.Sprintf("part %d is %s", i, p)
		case back[i].String() != p.Neg().String():
			return fmt.Sprintf("the reversal of part %d is %s", i, back[i])
		}
	}
	return ""
}

// Both ways of counting must agree wherever the narrow one applies.
func TestBothAllocationPathsAgree(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	for range 5_000 {
		total, weights, places := randomAllocation(r)
		for method := LargestRemainder; method <= Largest; method++ {
			units, _ := total.Rescale(places)
			scale, err := checkWeights(weights)
			if err != nil {
				t.Fatal(err)
			}
			small, ok := allocate64(nil, units, weights, scale, method)
			if wide := allocateBig(nil, units, weights, scale, method); ok && text(small) != text(wide) {
				t.Fatalf("%s of %s by %s: %s and %s", methodNames[method], total, text(weights), text(small), text(wide))
			}
		}
	}
}

func TestAllocatingAllocatesNothing(t *testing.T) {
	weights := make([]decimal.Decimal, onStack)
	for i := range weights {
		weights[i] = decimal.New(int64(100+i), int32(i%3))
	}
	dst, total := make([]decimal.Decimal, 0, onStack), decimal.New(123457, 2)
	for method := LargestRemainder; method <= Largest; method++ {
		if n := testing.AllocsPerRun(50, func() { AppendAllocate(dst, total, weights, 2, method) }); n != 0 {
			t.Errorf("%s: %v allocations", methodNames[method], n)
		}
	}
}

func BenchmarkAllocateFour(b *testing.B) {
	weights := []decimal.Decimal{decimal.FromInt(1200), decimal.FromInt(950), decimal.FromInt(850), decimal.FromInt(7)}
	dst := make([]decimal.Decimal, 0, 4)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := AppendAllocate(dst, decimal.New(100000, 2), weights, 2, LargestRemainder); err != nil {
			b.Fatal(err)
		}
	}
}

// Equal parts are those of an allocation over equal weights.
func TestEqualPart(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	for range 5000 {
		places := int32(r.IntN(4))
		total := decimal.New(r.Int64N(2_000_001)-1_000_000, places)
		weights := make([]decimal.Decimal, 1+r.IntN(15))
		for i := range weights {
			weights[i] = decimal.FromInt(1)
		}
		want, err := Allocate(total, weights, places, LargestRemainder)
		if err != nil {
			t.Fatal(err)
		}
		for i := range weights {
			got, err := EqualPart(total, int64(len(weights)), int64(i+1), places)
			if err != nil || !got.Equal(want[i]) {
				t.Fatalf("part %d of %d of %s is %s, want %s (%v)", i+1, len(weights), total, got, want[i], err)
			}
		}
	}
	for _, bad := range [][2]int64{{0, 1}, {3, 0}, {3, 4}, {-1, 1}} {
		if _, err := EqualPart(decimal.FromInt(1), bad[0], bad[1], 2); err == nil {
			t.Errorf("there is a part %d of %d", bad[1], bad[0])
		}
	}
	if _, err := EqualPart(decimal.New(1005, 3), 2, 1, 2); err == nil {
		t.Error("1.005 was split to cents")
	}
}
