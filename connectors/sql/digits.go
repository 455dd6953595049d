package sql

import (
	"fmt"

	"github.com/tieout/tieout/schemas/decimal"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
)

// powers are the powers of ten an int64 holds.
func powers() (p [19]int64) {
	p[0] = 1
	for i := 1; i < len(p); i++ {
		p[i] = p[i-1] * 10
	}
	return p
}

// fitter tells whether numbers keep all their digits in their column. A
// database would round the rest away without a word.
type fitter struct{ pow [19]int64 }

// fits reports whether the number in a row of c can stand in the column.
func (f *fitter) fits(target *column, c *record.Column, row int) bool {
	if !target.limited {
		return true
	}
	scale := int32(0)
	if c.Kind == record.Decimal {
		scale = c.Scale
	}
	room := target.precision - target.scale + scale
	if scale <= target.scale && c.Over == nil && room >= 0 {
		v := c.Ints[row]
		if room >= int32(len(f.pow)) || v < f.pow[room] && v > -f.pow[room] {
			return true
		}
		return false
	}
	d := decimal.FromInt(c.Ints[row])
	if c.Kind == record.Decimal {
		d = c.Decimal(row)
	}
	_, ok := d.Rescale(target.scale)
	return ok && d.IntDigits() <= int(target.precision-target.scale)
}

// lost is the reason of a number that does not fit.
func (f *fitter) lost(target *column, c *record.Column, row int) string {
	value := record.AppendValue(nil, &record.Field{Scale: record.NoScale}, c, row)
	return fmt.Sprintf("%s: column %q is %s and would lose digits of %s; round the field, or widen the column",
		document.CodeSinkDigitsLost, target.name, target.typ, value)
}
