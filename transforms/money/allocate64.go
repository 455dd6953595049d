package money

import (
	"cmp"
	"math"
	"math/bits"
	"slices"

	"github.com/tieout/tieout/schemas/decimal"
)

// share is one part in whole units, and the fraction of a unit it lost in
// units of 1/sum of weights.
type share struct {
	index int
	units uint64
	lost  uint64
}

// onStack is how many lines are allocated without touching the heap.
const onStack = 64

// allocate64 is the path for numbers within int64; ok is false when one is not.
func allocate64(dst []decimal.Decimal, total decimal.Decimal, weights []decimal.Decimal, scale int32, method Method) (_ []decimal.Decimal, ok bool) {
	c, ok := total.Coefficient()
	sum, fits := weightSum(weights, scale)
	if !ok || !fits {
		return dst, false
	}
	var room [onStack]share
	shares := room[:0]
	left := magnitude(c)
	for i, w := range weights {
		part, _ := weight64(w, scale)
		// The quotient fits because no weight exceeds the sum of all.
		hi, lo := bits.Mul64(magnitude(c), part)
		q, r := bits.Div64(hi, lo, sum)
		shares = append(shares, share{index: i, units: q, lost: r})
		left -= q
	}
	settle(shares, left, sum, weights, method)
	for _, s := range shares {
		part := int64(s.units)
		if c < 0 {
			part = -part
		}
		dst = append(dst, decimal.New(part, total.Scale()))
	}
	return dst, true
}

// settle hands out the units left over and leaves shares in input order.
func settle(shares []share, left, sum uint64, weights []decimal.Decimal, method Method) {
	if method == LargestRemainder {
		spread(shares, left)
		return
	}
	plug := plugIndex(weights, method)
	ups := uint64(0)
	for i, s := range shares {
		if i != plug && s.lost >= sum-s.lost && s.lost > 0 {
			ups++
		}
	}
	// Many small parts rounded up could leave the plug less than nothing;
	// cutting all of them instead keeps every part on the side of the total.
	if ups > left+shares[plug].units {
		shares[plug].units += left
		return
	}
	for i, s := range shares {
		if i != plug && s.lost >= sum-s.lost && s.lost > 0 {
			shares[i].units++
		}
	}
	shares[plug].units += left - ups // wraps below zero and back when ups > left
}

// spread gives one unit each to the parts that lost most.
func spread(shares []share, left uint64) {
	if left == 0 {
		return
	}
	slices.SortFunc(shares, func(a, b share) int {
		return cmp.Or(cmp.Compare(b.lost, a.lost), cmp.Compare(a.index, b.index))
	})
	for i := range left {
		shares[i].units++
	}
	slices.SortFunc(shares, func(a, b share) int { return cmp.Compare(a.index, b.index) })
}

// weightSum returns the sum of the weights as integers at one scale, and false
// when it leaves int64.
func weightSum(weights []decimal.Decimal, scale int32) (uint64, bool) {
	sum := uint64(0)
	for _, w := range weights {
		part, ok := weight64(w, scale)
		if sum += part; !ok || part > math.MaxInt64 || sum > math.MaxInt64 {
			return 0, false
		}
	}
	return sum, true
}

// weight64 returns the magnitude of a weight as an integer at the given scale.
func weight64(w decimal.Decimal, scale int32) (uint64, bool) {
	if w.Scale() != scale {
		w, _ = w.Rescale(scale)
	}
	c, ok := w.Coefficient()
	return magnitude(c), ok && w.Scale() == scale
}

func magnitude(c int64) uint64 {
	if c < 0 {
		return -uint64(c)
	}
	return uint64(c)
}
