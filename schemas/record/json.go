package record

import (
	"strconv"
	"unicode/utf8"
)

// AppendRowJSON writes one row as a JSON object with the fields in the order
// of the shape. Decimals are strings, so that no reader makes a float of
// them; dates, months and timestamps are ISO text; an absent field is left
// out and a nil one is null.
func AppendRowJSON(dst []byte, b *Batch, row int) []byte {
	return appendRowJSON(dst, b, row, false)
}

func appendRowJSON(dst []byte, b *Batch, row int, sorted bool) []byte {
	dst = append(dst, '{')
	first := true
	for i := range b.Columns {
		if sorted {
			i = b.Shape.byName[i]
		}
		c := &b.Columns[i]
		if c.Presence[row] == Absent {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = AppendJSONString(dst, []byte(b.Shape.Fields[i].Name))
		dst = append(dst, ':')
		dst = appendValueJSON(dst, &b.Shape.Fields[i], c, row, sorted)
	}
	return append(dst, '}')
}

// AppendValueJSON writes a row's value as it stands in AppendRowJSON.
func AppendValueJSON(dst []byte, f *Field, c *Column, row int) []byte {
	return appendValueJSON(dst, f, c, row, false)
}

func appendValueJSON(dst []byte, f *Field, c *Column, row int, sorted bool) []byte {
	if c.Presence[row] != Value {
		return append(dst, "null"...)
	}
	switch {
	case f.Opaque():
		return append(dst, c.Text(row)...)
	case c.Kind == List:
		return appendListJSON(dst, c, row, sorted)
	case c.Kind == Record:
		return appendRowJSON(dst, c.Child, row, sorted)
	case c.Kind == Integer, c.Kind == Boolean:
		return AppendValue(dst, f, c, row)
	case c.Kind == Text, c.Kind == Unknown:
		return AppendJSONString(dst, c.Text(row))
	}
	dst = append(dst, '"')
	dst = AppendValue(dst, f, c, row)
	return append(dst, '"')
}

func appendListJSON(dst []byte, c *Column, row int, sorted bool) []byte {
	dst = append(dst, '[')
	lo, hi := c.ListRange(row)
	for k := lo; k < hi; k++ {
		if k > lo {
			dst = append(dst, ',')
		}
		dst = appendRowJSON(dst, c.Child, int(k), sorted)
	}
	return append(dst, ']')
}

// AppendValue writes a row's value as plain text in the one canonical form of
// its kind: decimals padded to the field's declared scale, or without
// trailing zeros when it declares none; booleans true or false; dates, months
// and timestamps ISO; nested values as JSON with sorted names, so that
// the text hangs on nothing but the value, also where the shape was learnt
// from other records. The row must have a value.
func AppendValue(dst []byte, f *Field, c *Column, row int) []byte {
	switch c.Kind {
	case Integer:
		return strconv.AppendInt(dst, c.Ints[row], 10)
	case Boolean:
		return strconv.AppendBool(dst, c.Ints[row] != 0)
	case Decimal:
		if f.Scale >= 0 {
			return c.Decimal(row).AppendScaled(dst, f.Scale)
		}
		return c.Decimal(row).AppendCanonical(dst)
	case Date:
		return AppendDate(dst, c.Ints[row])
	case Month:
		return AppendMonth(dst, c.Ints[row])
	case Timestamp:
		return AppendTimestamp(dst, c.Ints[row])
	case List, Record:
		return appendValueJSON(dst, f, c, row, true)
	}
	return append(dst, c.Text(row)...)
}

const hexDigits = "0123456789abcdef"

// AppendJSONString writes s as a JSON string. Bytes that are not UTF-8 become
// the replacement character.
func AppendJSONString(dst, s []byte) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		ch := s[i]
		if ch >= 0x20 && ch != '"' && ch != '\\' && ch < utf8.RuneSelf {
			i++
			continue
		}
		if ch >= utf8.RuneSelf {
			r, n := utf8.DecodeRune(s[i:])
			if r != utf8.RuneError || n > 1 {
				i += n
				continue
			}
		}
		dst = append(dst, s[start:i]...)
		dst = appendEscaped(dst, ch)
		i++
		start = i
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"')
}

func appendEscaped(dst []byte, ch byte) []byte {
	switch ch {
	case '"', '\\':
		return append(dst, '\\', ch)
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	}
	if ch >= utf8.RuneSelf {
		return append(dst, "\ufffd"...)
	}
	return append(dst, '\\', 'u', '0', '0', hexDigits[ch>>4], hexDigits[ch&15])
}
