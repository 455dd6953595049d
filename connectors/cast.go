package connectors

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/tieout/tieout/schemas/decimal"
	"github.com/tieout/tieout/schemas/record"
	"github.com/tieout/tieout/transforms/calendar"
	"github.com/tieout/tieout/transforms/fieldtype"
)

// Caster turns text as received into values of one declared field. It is
// shared by every source that receives text, so that a date or an amount
// means the same everywhere. It is safe for concurrent use.
type Caster struct {
	field   record.Field
	pattern *calendar.Pattern
	zone    *time.Location
	mark    byte
	minor   bool
	// encoding is one of those of fieldtype, in place of a pattern.
	encoding string
}

// NewCaster compiles a declaration. mark is the decimal mark of the source's
// numbers, '.' or ','; zone is where zone-less stamps belong, or nil.
func NewCaster(spec FieldSpec, mark byte, zone *time.Location) (*Caster, error) {
	c := &Caster{mark: mark, zone: zone, minor: spec.MinorUnits}
	c.field = record.Field{Name: spec.Name, Kind: spec.Kind, Scale: spec.Scale}
	if spec.Kind == record.Decimal && spec.MinorUnits && spec.Scale == record.NoScale {
		c.field.Scale = 2
	}
	if fieldtype.Encoding(spec.Pattern) {
		c.encoding = spec.Pattern
		return c, nil
	}
	if spec.Pattern != "" {
		p, err := calendar.CompilePattern(spec.Pattern)
		if err != nil {
			return nil, fmt.Errorf("field %q: %w", spec.Name, err)
		}
		c.pattern = p
	}
	return c, nil
}

// Field is the field as it appears in the shape.
func (c *Caster) Field() record.Field { return c.field }

// errValue is what every refused value wraps.
var errValue = errors.New("bad value")

// Cast sets a row of dst to the value text stands for. plain says that text
// is already in the plain form a Verbatim column keeps. On an error the row
// is Nil.
func (c *Caster) Cast(dst *record.Column, row int, text []byte) (plain bool, err error) {
	switch c.field.Kind {
	case record.Text, record.Unknown:
		dst.SetText(row, text)
		return true, nil
	}
	if c.encoding != "" {
		return false, c.decode(dst, row, bytes.TrimSpace(text))
	}
	switch c.field.Kind {
	case record.Decimal:
		return c.decimal(dst, row, text)
	case record.Integer:
		return c.integer(dst, row, text)
	case record.Date:
		return c.date(dst, row, text)
	case record.Boolean:
		return c.boolean(dst, row, text)
	case record.Timestamp:
		return false, c.timestamp(dst, row, text)
	case record.Month:
		return false, c.month(dst, row, text)
	}
	return false, c.refuse(dst, row, text)
}

// decode reads a value that is written in a way of its own.
func (c *Caster) decode(dst *record.Column, row int, text []byte) error {
	if c.encoding == fieldtype.Percent {
		d, ok := percent(text)
		if ok && c.field.Scale != record.NoScale {
			d, ok = d.Rescale(c.field.Scale)
		}
		if !ok {
			return c.refuse(dst, row, text)
		}
		dst.SetDecimal(row, d)
		return nil
	}
	v, ok := encoded(c.encoding, c.field.Kind, text)
	if !ok {
		return c.refuse(dst, row, text)
	}
	dst.SetInt(row, v)
	return nil
}

func (c *Caster) refuse(dst *record.Column, row int, text []byte) error {
	dst.SetNil(row)
	what := c.field.Kind.String()
	if c.pattern != nil {
		what += " written " + c.pattern.String()
	}
	if c.encoding != "" {
		what += " written as " + c.encoding
	}
	return fmt.Errorf("%w: field %q: %q is no %s", errValue, c.field.Name, cut(text), what)
}

// cut shortens a value for a message.
func cut(text []byte) []byte {
	const most = 80
	if len(text) > most {
		return append(bytes.ToValidUTF8(text[:most:most], []byte("?")), "…"...)
	}
	return text
}

func (c *Caster) decimal(dst *record.Column, row int, text []byte) (bool, error) {
	if c.mark == '.' && !c.minor {
		if coef, scale, ok := decimal.ParseFixed(text); ok && c.fits(scale) {
			dst.SetCoef(row, coef, scale)
			return text[0] != '+' && text[0] != '.' && text[len(text)-1] != '.', nil
		}
	}
	text = bytes.TrimSpace(text)
	if c.mark == ',' {
		if bytes.IndexByte(text, '.') >= 0 {
			return false, c.refuse(dst, row, text)
		}
		text = bytes.Replace(text, []byte{','}, []byte{'.'}, 1)
	}
	d, err := decimal.ParseBytes(text)
	if err != nil {
		return false, c.refuse(dst, row, text)
	}
	if c.minor {
		if d.Scale() > 0 {
			dst.SetNil(row)
			return false, fmt.Errorf("%w: field %q: %q is not a whole number of minor units", errValue, c.field.Name, cut(text))
		}
		d = d.Mul(decimal.New(1, c.field.Scale)) // 1234 minor units at scale 2 are 12.34
	}
	if c.field.Scale != record.NoScale {
		scaled, ok := d.Rescale(c.field.Scale)
		if !ok {
			dst.SetNil(row)
			return false, fmt.Errorf("%w: field %q: %q has more than %d digits after the point", errValue, c.field.Name, cut(text), c.field.Scale)
		}
		d = scaled
	}
	dst.SetDecimal(row, d)
	return false, nil
}

func (c *Caster) fits(scale int32) bool {
	return c.field.Scale == record.NoScale || scale <= c.field.Scale
}

func (c *Caster) integer(dst *record.Column, row int, text []byte) (bool, error) {
	if v, ok := smallInt(text); ok {
		dst.SetInt(row, v)
		return true, nil
	}
	v, err := strconv.ParseInt(string(bytes.TrimSpace(text)), 10, 64)
	if err != nil {
		return false, c.refuse(dst, row, text)
	}
	dst.SetInt(row, v)
	return false, nil
}

// smallInt reads up to 18 digits without sign.
func smallInt(text []byte) (int64, bool) {
	if len(text) == 0 || len(text) > 18 {
		return 0, false
	}
	var v int64
	for _, ch := range text {
		if ch < '0' || ch > '9' {
			return 0, false
		}
		v = v*10 + int64(ch-'0')
	}
	return v, true
}

func (c *Caster) date(dst *record.Column, row int, text []byte) (bool, error) {
	if c.pattern == nil {
		if d, ok := calendar.ParseISO(text); ok {
			dst.SetInt(row, int64(d))
			return true, nil
		}
		if d, ok := calendar.ParseISO(bytes.TrimSpace(text)); ok {
			dst.SetInt(row, int64(d))
			return false, nil
		}
		return false, c.refuse(dst, row, text)
	}
	d, err := c.pattern.ParseDate(bytes.TrimSpace(text))
	if err != nil {
		return false, c.refuse(dst, row, text)
	}
	dst.SetInt(row, int64(d))
	return false, nil
}

func (c *Caster) month(dst *record.Column, row int, text []byte) error {
	text = bytes.TrimSpace(text)
	if c.pattern == nil {
		m, ok := calendar.ParseMonth(text)
		if !ok {
			return c.refuse(dst, row, text)
		}
		dst.SetInt(row, int64(m))
		return nil
	}
	m, err := c.pattern.ParseMonth(text)
	if err != nil {
		return c.refuse(dst, row, text)
	}
	dst.SetInt(row, int64(m))
	return nil
}

func (c *Caster) timestamp(dst *record.Column, row int, text []byte) error {
	text = bytes.TrimSpace(text)
	var v int64
	var err error
	if c.pattern == nil {
		v, err = calendar.ParseTimestamp(text, c.zone)
	} else {
		v, err = c.pattern.ParseTimestamp(text, c.zone)
	}
	if err != nil {
		dst.SetNil(row)
		return fmt.Errorf("%w: field %q: %q: %w", errValue, c.field.Name, cut(text), err)
	}
	dst.SetInt(row, v)
	return nil
}

func (c *Caster) boolean(dst *record.Column, row int, text []byte) (bool, error) {
	switch string(bytes.ToLower(bytes.TrimSpace(text))) {
	case "true", "t", "yes", "y", "1":
		dst.SetBool(row, true)
		return string(text) == "true", nil
	case "false", "f", "no", "n", "0":
		dst.SetBool(row, false)
		return string(text) == "false", nil
	}
	return false, c.refuse(dst, row, text)
}
