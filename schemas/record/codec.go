package record

import (
	"encoding/binary"
	"errors"

	"github.com/tieout/tieout/schemas/decimal"
)

// AppendRow writes one row in a compact form for spilling. It is read back by
// ReadRow with the same Shape and is no format for keeping.
func AppendRow(dst []byte, b *Batch, row int) []byte {
	for i := range b.Columns {
		dst = appendCell(dst, &b.Columns[i], row)
	}
	return dst
}

func appendCell(dst []byte, c *Column, row int) []byte {
	dst = append(dst, byte(c.Presence[row]))
	if c.Presence[row] != Value {
		return dst
	}
	switch {
	case c.Kind.Nested() && c.Child != nil && c.Kind == List:
		lo, hi := c.ListRange(row)
		dst = binary.AppendUvarint(dst, uint64(hi-lo))
		for k := lo; k < hi; k++ {
			dst = AppendRow(dst, c.Child, int(k))
		}
		return dst
	case c.Kind == Record && c.Child != nil:
		return AppendRow(dst, c.Child, row)
	case c.Kind == Text, c.Kind == Unknown, c.Kind.Nested():
		text := c.Text(row)
		dst = binary.AppendUvarint(dst, uint64(len(text)))
		return append(dst, text...)
	case c.Kind == Decimal:
		text := c.Decimal(row).Append(nil)
		dst = binary.AppendUvarint(dst, uint64(len(text)))
		return append(dst, text...)
	}
	return binary.AppendVarint(dst, c.Ints[row])
}

// errSpill says that spilled bytes were not what was written.
var errSpill = errors.New("spilled records cannot be read back")

// ReadRow appends one row to b and returns what follows it.
func ReadRow(src []byte, b *Batch) ([]byte, error) {
	row := b.Rows
	b.SetRows(row + 1)
	b.Live = append(b.Live, int32(row))
	return readInto(src, b, row)
}

func readInto(src []byte, b *Batch, row int) ([]byte, error) {
	var err error
	for i := range b.Columns {
		if src, err = readCell(src, &b.Columns[i], b.Shape.Fields[i].Child != nil, row); err != nil {
			return nil, err
		}
	}
	return src, nil
}

func readCell(src []byte, c *Column, shaped bool, row int) ([]byte, error) {
	if len(src) == 0 || src[0] > byte(Value) {
		return nil, errSpill
	}
	p := Presence(src[0])
	src = src[1:]
	c.Presence[row] = p
	switch {
	case c.Kind == List && shaped:
		return readList(src, c, row, p)
	case p != Value:
		if c.Kind == Record && shaped {
			c.Child.closeRow(row)
		}
		return src, nil
	case c.Kind == Record && shaped:
		return readInto(src, c.Child, row)
	case c.Kind == Text, c.Kind == Unknown, c.Kind.Nested(), c.Kind == Decimal:
		return readText(src, c, row)
	}
	v, n := binary.Varint(src)
	if n <= 0 {
		return nil, errSpill
	}
	c.Ints[row] = v
	return src[n:], nil
}

// closeRow ends the lists of a row nothing was written to, since lists are
// written row by row.
func (b *Batch) closeRow(row int) {
	for i := range b.Columns {
		c := &b.Columns[i]
		switch {
		case b.Shape.Fields[i].Child == nil:
		case c.Kind == List:
			c.EndList(row, Absent)
		case c.Kind == Record:
			c.Child.closeRow(row)
		}
	}
}

func readText(src []byte, c *Column, row int) ([]byte, error) {
	size, n := binary.Uvarint(src)
	if n <= 0 || uint64(len(src)-n) < size {
		return nil, errSpill
	}
	text := src[n : n+int(size)]
	if c.Kind != Decimal {
		c.SetText(row, text)
		return src[n+int(size):], nil
	}
	d, err := decimal.ParseBytes(text)
	if err != nil {
		return nil, errSpill
	}
	c.SetDecimal(row, d)
	return src[n+int(size):], nil
}

func readList(src []byte, c *Column, row int, p Presence) ([]byte, error) {
	if p == Value {
		count, n := binary.Uvarint(src)
		if n <= 0 {
			return nil, errSpill
		}
		src = src[n:]
		for range count {
			var err error
			if src, err = ReadRow(src, c.Child); err != nil {
				return nil, err
			}
		}
	}
	c.EndList(row, p)
	return src, nil
}
