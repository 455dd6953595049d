package sql

import (
	"fmt"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/tieout/tieout/schemas/decimal"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
	"github.com/tieout/tieout/transforms/calendar"
)

// valuer writes rows as the VALUES of an INSERT of MySQL.
type valuer struct {
	plan    *plan
	fitter  fitter
	scratch []byte
}

// row appends `(value, …)`. When a value cannot be kept as it is, reason says
// why and column where; dst is then of no use.
func (v *valuer) row(dst []byte, b *record.Batch, row int) (out []byte, reason, column string) {
	for i := range v.plan.columns {
		target := &v.plan.columns[i]
		dst = append(dst, ',')
		c := &b.Columns[target.index]
		if c.Presence[row] != record.Value {
			if target.room.required {
				return dst, fmt.Sprintf("%s: column %q needs a value", document.CodeSinkPoison, target.name), target.name
			}
			dst = append(dst, "NULL"...)
			continue
		}
		if dst, reason = v.value(dst, target, c, row); reason != "" {
			return dst, reason, target.name
		}
	}
	return append(dst, ')'), "", ""
}

func (v *valuer) value(dst []byte, target *column, c *record.Column, row int) ([]byte, string) {
	switch c.Kind {
	case record.Text, record.Unknown:
		return v.text(dst, target, c.Text(row))
	case record.Integer, record.Decimal:
		return v.number(dst, target, c, row)
	case record.Boolean:
		if !target.text {
			return strconv.AppendBool(dst, c.Ints[row] != 0), ""
		}
	case record.Timestamp:
		return v.timestamp(dst, target, c.Ints[row])
	}
	v.scratch = record.AppendValue(v.scratch[:0], &target.field, c, row)
	return v.text(dst, target, v.scratch)
}

func (v *valuer) number(dst []byte, target *column, c *record.Column, row int) ([]byte, string) {
	if !v.fitter.fits(target, c, row) {
		return dst, v.fitter.lost(target, c, row)
	}
	switch {
	case target.text:
		v.scratch = record.AppendValue(v.scratch[:0], &target.field, c, row)
		return v.text(dst, target, v.scratch)
	case c.Kind == record.Integer:
		return strconv.AppendInt(dst, c.Ints[row], 10), ""
	case c.Over == nil && c.Scale == target.field.Scale:
		return decimal.AppendCoef(dst, c.Ints[row], c.Scale), ""
	}
	return record.AppendValue(dst, &target.field, c, row), ""
}

// timestamp writes an instant in whole steps of the column's fraction.
func (v *valuer) timestamp(dst []byte, target *column, micros int64) ([]byte, string) {
	if !target.room.stamps {
		v.scratch = calendar.AppendTimestamp(v.scratch[:0], micros)
		return v.text(dst, target, v.scratch)
	}
	if lost := target.lostFraction(micros); lost != "" {
		return dst, lost
	}
	zone := time.UTC
	if target.local {
		zone = v.plan.zone
	}
	start := len(dst) + 1
	dst, once := appendLocal(append(dst, '\''), micros, zone)
	if !once {
		return dst, clockTwice(target, micros, zone)
	}
	for i := start; i < len(dst); i++ {
		if dst[i] == 'T' {
			dst[i] = ' '
		}
	}
	return append(dst, '\''), ""
}

// text escapes a text, and finds what MySQL would cut without an error.
func (v *valuer) text(dst []byte, target *column, s []byte) ([]byte, string) {
	switch room := &target.room; {
	case !utf8.Valid(s):
		return dst, fmt.Sprintf("%s: the value of %q is not UTF-8", document.CodeSinkPoison, target.name)
	case room.bytes > 0 && int64(len(s)) > room.bytes, room.chars > 0 && int64(len(s)) > room.chars && int64(utf8.RuneCount(s)) > room.chars:
		return dst, fmt.Sprintf("%s: the value of %q is longer than %s keeps", document.CodeSinkPoison, target.name, target.typ)
	case room.trims && len(s) > 0 && s[len(s)-1] == ' ':
		return dst, fmt.Sprintf("%s: the value of %q ends in a blank, which %s drops; make the column varchar", document.CodeSinkPoison, target.name, target.typ)
	case room.names != nil && !slices.Contains(room.names, string(s)):
		return dst, fmt.Sprintf("%s: the value of %q is not one of %s", document.CodeSinkPoison, target.name, target.typ)
	}
	dst = append(dst, '\'')
	from := 0
	for i, ch := range s {
		if ch == '\'' || ch == '\\' {
			dst = append(append(dst, s[from:i]...), '\\')
			from = i
		}
	}
	return append(append(dst, s[from:]...), '\''), ""
}

// decodeValues splits one row of VALUES into texts, nil for none.
func decodeValues(row []byte) (texts [][]byte) {
	for i := 1; i < len(row); i++ {
		var text []byte
		quoted := row[i] == '\''
		if quoted {
			i++
		}
		start := i
		for ; quoted && row[i] != '\'' || !quoted && row[i] != ',' && row[i] != ')'; i++ {
			if quoted && row[i] == '\\' {
				i++
			}
			text = append(text, row[i])
		}
		switch {
		case quoted:
			i++
			if text == nil {
				text = []byte{}
			}
		case string(row[start:i]) == "NULL":
			text = nil
		}
		texts = append(texts, text)
	}
	return texts
}
