package money

import (
	"fmt"

	"github.com/tieout/tieout/schemas/decimal"
)

// EqualPart is the part-th (from 1) of parts equal parts of total, to the
// smallest unit: the first parts get the units that are left over, so that
// all of them add up to total, as Allocate over equal weights does. A total
// with more digits than places is an error.
func EqualPart(total decimal.Decimal, parts, part int64, places int32) (decimal.Decimal, error) {
	if parts < 1 || part < 1 || part > parts {
		return decimal.Decimal{}, fmt.Errorf("there is no part %d of %d", part, parts)
	}
	whole, ok := total.Rescale(places)
	if !ok {
		return decimal.Decimal{}, fmt.Errorf("%s has more than %d digits after the point", total, places)
	}
	units := decimal.FromBig(whole.Big(), 0)
	share, err := decimal.QuoInt(units, decimal.FromInt(parts))
	if err != nil {
		return decimal.Decimal{}, err
	}
	rest, err := decimal.Mod(units, decimal.FromInt(parts))
	if err != nil {
		return decimal.Decimal{}, err
	}
	if decimal.FromInt(part).Cmp(rest.Abs()) <= 0 {
		share = share.Add(decimal.FromInt(int64(rest.Sign())))
	}
	return share.Mul(decimal.New(1, places)), nil
}
