package money

import (
	"errors"
	"fmt"
	"strings"

	"github.com/tieout/tieout/schemas/decimal"
)

// Method says who gets the units that equal rounding leaves over.
type Method uint8

// The methods (section 1).
const (
	// LargestRemainder cuts every part and gives the units left over to the
	// largest fractions, ties in input order: no part is a whole unit away from
	// its exact share.
	LargestRemainder Method = iota
	// Last rounds every part half up and lets the last weighted one take the
	// difference.
	Last
	// Largest is like Last, with the first of the largest weights.
	Largest
)

var methodNames = [...]string{"largest_remainder", "last", "largest"}

// ParseMethod returns the method of a name such as "largest_remainder".
func ParseMethod(name string) (Method, error) {
	for i, n := range methodNames {
		if n == name {
			return Method(i), nil
		}
	}
	return 0, fmt.Errorf("unknown allocation method %q: use one of %s", name, strings.Join(methodNames[:], ", "))
}

// Why a total cannot be allocated; callers test with errors.Is.
var (
	ErrNoWeight    = errors.New("no weight differs from zero")
	ErrMixedSigns  = errors.New("weights have different signs")
	ErrTooPrecise  = errors.New("total has more digits than the places it is split to")
	ErrPlacesRange = errors.New("places must be 0 to 1000")
)

// Allocate splits total into one part per weight so that the parts sum to the
// total exactly (section 1). Each part has exactly places digits after the
// point, and allocating -x gives the negated parts of x. A zero weight gets
// zero; a total of zero gives zeros. Weights may all be negative.
func Allocate(total decimal.Decimal, weights []decimal.Decimal, places int32, method Method) ([]decimal.Decimal, error) {
	return AppendAllocate(make([]decimal.Decimal, 0, len(weights)), total, weights, places, method)
}

// AppendAllocate is Allocate into dst, which it returns longer by len(weights);
// on an error dst comes back as it was. It allocates nothing when dst has room,
// there are at most 64 weights, and all numbers fit an int64.
func AppendAllocate(dst []decimal.Decimal, total decimal.Decimal, weights []decimal.Decimal, places int32, method Method) ([]decimal.Decimal, error) {
	if places < 0 || places > decimal.MaxDigits {
		return dst, fmt.Errorf("allocate to %d places: %w", places, ErrPlacesRange)
	}
	units, ok := total.Rescale(places)
	if !ok {
		return dst, fmt.Errorf("allocate %s to %d places: %w", total, places, ErrTooPrecise)
	}
	scale, err := checkWeights(weights)
	if err != nil {
		return dst, fmt.Errorf("allocate %s: %w", total, err)
	}
	if out, ok := allocate64(dst, units, weights, scale, method); ok {
		return out, nil
	}
	return allocateBig(dst, units, weights, scale, method), nil
}

// checkWeights returns the largest scale of the weights.
func checkWeights(weights []decimal.Decimal) (scale int32, err error) {
	sign := 0
	for i, w := range weights {
		scale = max(scale, w.Scale())
		switch s := w.Sign(); {
		case s == 0 || s == sign:
		case sign == 0:
			sign = s
		default:
			return 0, fmt.Errorf("weight %d is %s: %w", i+1, w, ErrMixedSigns)
		}
	}
	if sign == 0 {
		return 0, ErrNoWeight
	}
	return scale, nil
}

// plugIndex returns the line that takes the difference.
func plugIndex(weights []decimal.Decimal, method Method) int {
	at := -1
	for i, w := range weights {
		switch {
		case w.IsZero():
		case at < 0, method == Last, weights[at].Abs().Less(w.Abs()):
			at = i
		}
	}
	return at
}
