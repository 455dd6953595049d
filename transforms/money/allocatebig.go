package money

import (
	"cmp"
	"math/big"
	"slices"

	"github.com/tieout/tieout/schemas/decimal"
)

// allocateBig is allocate64 for numbers of any size; the checks are done.
func allocateBig(dst []decimal.Decimal, total decimal.Decimal, weights []decimal.Decimal, scale int32, method Method) []decimal.Decimal {
	parts := make([]*big.Int, len(weights))
	sum := new(big.Int)
	for i, w := range weights {
		parts[i] = w.Big()
		parts[i].Abs(parts[i]).Mul(parts[i], tenTo(scale-w.Scale()))
		sum.Add(sum, parts[i])
	}
	n := total.Big()
	n.Abs(n)
	left := new(big.Int).Set(n)
	lost := make([]*big.Int, len(parts))
	for i, p := range parts {
		p.Mul(n, p)
		parts[i], lost[i] = p.QuoRem(p, sum, new(big.Int))
		left.Sub(left, p)
	}
	settleBig(parts, lost, left, sum, weights, method)
	for _, p := range parts {
		if total.Sign() < 0 {
			p.Neg(p)
		}
		dst = append(dst, decimal.FromBig(p, total.Scale()))
	}
	return dst
}

func settleBig(parts, lost []*big.Int, left, sum *big.Int, weights []decimal.Decimal, method Method) {
	one := big.NewInt(1)
	if method == LargestRemainder {
		for _, i := range byLost(lost)[:left.Int64()] { // fewer units than parts are left
			parts[i].Add(parts[i], one)
		}
		return
	}
	plug := plugIndex(weights, method)
	rounded := make([]int, 0, len(parts))
	for i, r := range lost {
		if i != plug && r.Sign() > 0 && new(big.Int).Lsh(r, 1).Cmp(sum) >= 0 {
			rounded = append(rounded, i)
		}
	}
	take := new(big.Int).Add(parts[plug], left)
	if take.Cmp(big.NewInt(int64(len(rounded)))) < 0 {
		parts[plug].Set(take)
		return
	}
	for _, i := range rounded {
		parts[i].Add(parts[i], one)
	}
	parts[plug].Sub(take, big.NewInt(int64(len(rounded))))
}

// byLost returns the indexes from the largest fraction to the smallest, ties in
// input order.
func byLost(lost []*big.Int) []int {
	order := make([]int, len(lost))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(lost[b].Cmp(lost[a]), cmp.Compare(a, b))
	})
	return order
}

func tenTo(n int32) *big.Int {
	return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil)
}
