package sql

import (
	"bytes"
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/tieout/tieout/schemas/decimal"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
	"github.com/tieout/tieout/transforms/calendar"
)

// encoder writes rows in the text form of COPY.
type encoder struct {
	plan    *plan
	fitter  fitter
	scratch []byte
	// special marks the bytes that a value cannot be copied over.
	special [256]bool
}

func newEncoder(p *plan) *encoder {
	e := &encoder{plan: p, fitter: fitter{powers()}}
	for i := range e.special {
		e.special[i] = i < 0x20 || i == '\\' || i >= utf8.RuneSelf
	}
	return e
}

// row appends one row without its end of line. When a value cannot be kept as
// it is, reason says why and column where; dst is then of no use.
func (e *encoder) row(dst []byte, b *record.Batch, row int) (out []byte, reason, column string) {
	for i := range e.plan.columns {
		if i > 0 {
			dst = append(dst, '\t')
		}
		target := &e.plan.columns[i]
		c := &b.Columns[target.index]
		if c.Presence[row] != record.Value {
			dst = append(dst, '\\', 'N')
			continue
		}
		if dst, reason = e.value(dst, target, c, row); reason != "" {
			return dst, reason, target.name
		}
	}
	return dst, "", ""
}

func (e *encoder) value(dst []byte, target *column, c *record.Column, row int) ([]byte, string) {
	switch c.Kind {
	case record.Text, record.Unknown:
		return e.text(dst, target, c.Text(row))
	case record.Integer:
		if !e.fitter.fits(target, c, row) {
			return dst, e.fitter.lost(target, c, row)
		}
		return strconv.AppendInt(dst, c.Ints[row], 10), ""
	case record.Decimal:
		return e.decimal(dst, target, c, row)
	case record.Boolean:
		return strconv.AppendBool(dst, c.Ints[row] != 0), ""
	case record.Date:
		if c.Verbatim {
			return append(dst, c.Text(row)...), ""
		}
		return record.AppendDate(dst, c.Ints[row]), ""
	case record.Timestamp:
		if target.local || target.room.stamps {
			return e.stamp(dst, target, c.Ints[row])
		}
		return calendar.AppendTimestamp(dst, c.Ints[row]), ""
	case record.List, record.Record:
		e.scratch = record.AppendValue(e.scratch[:0], &target.field, c, row)
		return e.text(dst, target, e.scratch)
	}
	return record.AppendValue(dst, &target.field, c, row), ""
}

// stamp writes an instant for a column that keeps less than all of it.
func (e *encoder) stamp(dst []byte, target *column, micros int64) ([]byte, string) {
	if lost := target.lostFraction(micros); lost != "" {
		return dst, lost
	}
	if !target.local {
		return calendar.AppendTimestamp(dst, micros), ""
	}
	dst, once := appendLocal(dst, micros, e.plan.zone)
	if !once {
		return dst, clockTwice(target, micros, e.plan.zone)
	}
	return dst, ""
}

func (e *encoder) decimal(dst []byte, target *column, c *record.Column, row int) ([]byte, string) {
	if !e.fitter.fits(target, c, row) {
		return dst, e.fitter.lost(target, c, row)
	}
	switch {
	case c.Verbatim && !target.text:
		return append(dst, c.Text(row)...), ""
	case c.Over == nil && c.Scale == target.field.Scale:
		return decimal.AppendCoef(dst, c.Ints[row], c.Scale), ""
	}
	return record.AppendValue(dst, &target.field, c, row), ""
}

// text escapes what COPY would read as something else, and finds what the
// server would refuse.
func (e *encoder) text(dst []byte, target *column, s []byte) ([]byte, string) {
	for i := range s {
		if e.special[s[i]] {
			return e.escape(dst, target, s, i)
		}
	}
	return append(dst, s...), ""
}

func (e *encoder) escape(dst []byte, target *column, s []byte, from int) ([]byte, string) {
	if !utf8.Valid(s[from:]) {
		return dst, fmt.Sprintf("%s: the value of %q is not UTF-8", document.CodeSinkPoison, target.name)
	}
	if bytes.IndexByte(s[from:], 0) >= 0 {
		return dst, fmt.Sprintf("%s: the value of %q holds a NUL byte, which PostgreSQL cannot store", document.CodeSinkPoison, target.name)
	}
	dst = append(dst, s[:from]...)
	for _, ch := range s[from:] {
		switch ch {
		case '\\':
			dst = append(dst, '\\', '\\')
		case '\t':
			dst = append(dst, '\\', 't')
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		default:
			dst = append(dst, ch)
		}
	}
	return dst, ""
}

// decodeLine splits a line of COPY into the texts of its columns, nil for
// none.
func decodeLine(line []byte) (texts [][]byte) {
	for cell := range bytes.SplitSeq(line, []byte{'\t'}) {
		if string(cell) == `\N` {
			texts = append(texts, nil)
			continue
		}
		out := make([]byte, 0, len(cell))
		for i := 0; i < len(cell); i++ {
			ch := cell[i]
			if ch == '\\' && i+1 < len(cell) {
				i++
				switch ch = cell[i]; ch {
				case 't':
					ch = '\t'
				case 'n':
					ch = '\n'
				case 'r':
					ch = '\r'
				}
			}
			out = append(out, ch)
		}
		texts = append(texts, out)
	}
	return texts
}
