package decimal

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"os"
	"testing"

	"pgregory.net/rapid"
)

// pairs is how many random pairs a test looks at: TIEOUT_SOAK=1 asks for many.
func pairs() int {
	if os.Getenv("TIEOUT_SOAK") != "" {
		return 2_000_000
	}
	return 20_000
}

// random draws coefficients of every bit length, so that half of them stand
// near or beyond the ends of int64, and prefers ties and round numbers.
func random(r *rand.Rand) Decimal {
	scale := int32(r.IntN(20))
	switch r.IntN(8) {
	case 0:
		return New([]int64{0, 1, -1, 5, 10, math.MaxInt64, math.MinInt64, math.MinInt64 + 1}[r.IntN(8)], scale)
	case 1:
		return New(int64(r.IntN(2001)-1000)*5, scale)
	case 2:
		z := new(big.Int).Lsh(new(big.Int).SetUint64(r.Uint64()), uint(r.IntN(100)))
		return FromBig(z.Sub(z, big.NewInt(r.Int64())), scale)
	}
	c := int64(r.Uint64() >> r.IntN(64))
	return New(c, scale)
}

func rat(d Decimal) *big.Rat { return new(big.Rat).SetFrac(d.coefficient(), bigPow10(d.scale)) }

// roundRat is the definition of the modes over fractions.
func roundRat(x *big.Rat, places int32, mode Mode) *big.Rat {
	unit := new(big.Rat).SetFrac(bigPow10(max(-places, 0)), bigPow10(max(places, 0)))
	x = new(big.Rat).Quo(x, unit)
	low := new(big.Int).Div(x.Num(), x.Denom()) // Euclid: the floor, as denominators are positive
	rest := new(big.Rat).Sub(x, new(big.Rat).SetInt(low))
	half := rest.Cmp(big.NewRat(1, 2))
	up := map[Mode]bool{
		HalfUp:   half > 0 || half == 0 && x.Sign() > 0,
		HalfDown: half > 0 || half == 0 && x.Sign() < 0,
		HalfEven: half > 0 || half == 0 && low.Bit(0) == 1,
		Up:       x.Sign() > 0, Down: x.Sign() < 0, Ceiling: true, Floor: false,
	}[mode]
	if up && rest.Sign() != 0 {
		low.Add(low, big.NewInt(1))
	}
	return unit.Mul(unit, new(big.Rat).SetInt(low))
}

func TestRandomPairsAgreeWithFractions(t *testing.T) {
	seed := uint64(20260131)
	if os.Getenv("TIEOUT_SOAK") != "" {
		seed = rand.Uint64()
	}
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	for i := range pairs() {
		a, b, c := random(r), random(r), random(r)
		if what := disagreement(a, b, c, int32(r.IntN(25)-4), Mode(r.IntN(7))); what != "" {
			t.Fatalf("seed %d, pair %d: %s of %s, %s, %s", seed, i, what, a, b, c)
		}
	}
	fmt.Printf("{\"test\":\"decimals against fractions\",\"triples\":%d,\"seed\":%d}\n", pairs(), seed)
}

// disagreement names the first operation whose result is not that of fractions.
func disagreement(a, b, c Decimal, places int32, mode Mode) string {
	x, y, z := rat(a), rat(b), rat(c)
	same := func(d Decimal, want *big.Rat) bool { return rat(d).Cmp(want) == 0 && minimal(d) }
	switch {
	case !same(a.Add(b), new(big.Rat).Add(x, y)):
		return "add"
	case !same(a.Sub(b), new(big.Rat).Sub(x, y)):
		return "sub"
	case !same(a.Mul(b), new(big.Rat).Mul(x, y)):
		return "mul"
	case a.Cmp(b) != x.Cmp(y), a.Equal(b) != (x.Cmp(y) == 0):
		return "cmp"
	case !same(a.Round(places, mode), roundRat(x, min(places, a.scale), mode)):
		return "round " + mode.String()
	case !same(MustParse(a.String()), x), !same(MustParse(string(a.AppendCanonical(nil))), x):
		return "print"
	}
	if b.IsZero() {
		return ""
	}
	q, err := QuoRound(a, b, places, mode)
	if err != nil || !same(q, roundRat(new(big.Rat).Quo(x, y), places, mode)) {
		return "quotient " + mode.String()
	}
	p, err := MulQuoRound(a, c, b, places, mode)
	want := new(big.Rat).Mul(x, z)
	if err != nil || !same(p, roundRat(want.Quo(want, y), places, mode)) || p.Scale() != max(places, 0) {
		return "prorate " + mode.String()
	}
	return wholeDisagreement(a, b)
}

func wholeDisagreement(a, b Decimal) string {
	i, err1 := QuoInt(a, b)
	m, err2 := Mod(a, b)
	if err1 != nil || err2 != nil || !i.Mul(b).Add(m).Equal(a) || !m.Abs().Less(b.Abs()) || m.Sign()*a.Sign() < 0 {
		return "remainder"
	}
	q, inexact, err := Quo(a, b)
	back := q.Mul(b).Sub(a).Abs()
	if err != nil || inexact == back.IsZero() || !minimal(q) {
		return "exactness of the quotient"
	}
	// Half a unit in the 34th digit of q, times b, is the largest error there is.
	limit := New(5, 34).Mul(q.Abs().Mul(b.Abs()))
	if inexact && limit.Less(back) {
		return "quotient"
	}
	return ""
}

// minimal reports whether a coefficient that fits int64 is kept there.
func minimal(d Decimal) bool { return d.big == nil || !d.big.IsInt64() && d.coef == 0 }

func anyDecimal() *rapid.Generator[Decimal] {
	return rapid.Custom(func(t *rapid.T) Decimal {
		d := New(rapid.Int64().Draw(t, "coefficient"), rapid.Int32Range(0, 30).Draw(t, "scale"))
		for range rapid.IntRange(0, 3).Draw(t, "factors") {
			d = d.Mul(FromInt(rapid.Int64().Draw(t, "factor")))
		}
		return d
	})
}

func TestLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := anyDecimal().Draw(t, "a"), anyDecimal().Draw(t, "b"), anyDecimal().Draw(t, "c")
		for name, ok := range map[string]bool{
			"a+b = b+a":            a.Add(b).String() == b.Add(a).String(),
			"(a+b)+c = a+(b+c)":    a.Add(b).Add(c).String() == a.Add(b.Add(c)).String(),
			"a-b = -(b-a)":         a.Sub(b).String() == b.Sub(a).Neg().String(),
			"ab = ba":              a.Mul(b).String() == b.Mul(a).String(),
			"a(b+c) = ab+ac":       a.Mul(b.Add(c)).Equal(a.Mul(b).Add(a.Mul(c))),
			"a-a = 0":              a.Sub(a).IsZero(),
			"cmp is antisymmetric": a.Cmp(b) == -b.Cmp(a),
			"-round(a) = round(-a)": a.Neg().Round(2, HalfUp).Equal(a.Round(2, HalfUp).Neg()) &&
				a.Neg().Round(-3, HalfEven).Equal(a.Round(-3, HalfEven).Neg()),
			"equal means equal canonical text": a.Equal(b) == (string(a.AppendCanonical(nil)) == string(b.AppendCanonical(nil))),
		} {
			if !ok {
				t.Fatalf("%s does not hold for a=%s b=%s c=%s", name, a, b, c)
			}
		}
	})
}

func TestRescale(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := anyDecimal().Draw(t, "d")
		scale := rapid.Int32Range(0, 60).Draw(t, "scale")
		r, ok := d.Rescale(scale)
		if fits := d.Round(scale, Down).Equal(d); ok != fits || ok && (!r.Equal(d) || r.Scale() != scale) {
			t.Fatalf("%s at scale %d: got %s, %v", d, scale, r, ok)
		}
	})
	for _, scale := range []int32{-1, MaxDigits + 1, math.MaxInt32, math.MinInt32} {
		if _, ok := FromInt(10).Rescale(scale); ok {
			t.Errorf("scale %d was accepted", scale)
		}
	}
}
