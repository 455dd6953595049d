package record

import "github.com/tieout/tieout/schemas/decimal"

// Presence says whether a row has a value in a column.
type Presence uint8

// A source that has no such field leaves a row Absent; one that sends an
// empty CSV cell or a JSON null leaves it Nil.
const (
	Absent Presence = iota
	Nil
	Value
)

// Span is a stretch of a column's Bytes.
type Span struct{ Off, Len uint32 }

// Column holds one field of every row of a Batch. Which store is in use
// follows from Kind: Spans over Bytes for text and opaque nested values, Ints
// for integer, date, month, timestamp, boolean (0 or 1) and decimal
// (coefficients at Scale), Starts and Child for lists, Child alone for
// records. Stores of rows that are not Value hold rubbish.
//
// Columns are written once, by the reader or step that made them, and only
// read afterwards: batches derived from one another share them.
type Column struct {
	Kind     Kind
	Presence []Presence

	// Bytes is the arena Spans point into. A reader may set it to the bytes
	// it received and share it between columns.
	Bytes    []byte
	Spans    []Span
	borrowed bool // Bytes belong to someone else

	Ints  []int64
	Scale int32
	// Over holds the decimals whose coefficient at Scale leaves int64.
	Over map[int32]decimal.Decimal

	// Verbatim says that a typed column also keeps, in Spans, each value's
	// text as received, and that this text is already a plain form of the
	// kind: -?digits[.digits], YYYY-MM-DD, true or false.
	Verbatim bool

	// Child holds the records of a nested column: for a Record column row i
	// of Child belongs to row i, for a List column rows Starts[i] up to
	// Starts[i+1] do (Starts has one more entry than there are rows).
	Starts []int32
	Child  *Batch
}

// Reset empties the column for rows rows of a kind, all Absent. Storage is
// kept for reuse; Bytes that belonged to a reader are let go, so that a later
// SetText cannot write into them.
func (c *Column) Reset(kind Kind, rows int) {
	c.Kind, c.Scale, c.Verbatim, c.Over = kind, 0, false, nil
	c.Presence = sized(c.Presence, rows)
	clear(c.Presence)
	if c.borrowed {
		c.Bytes, c.borrowed = nil, false
	}
	switch kind {
	case Text, Unknown:
		c.Spans = sized(c.Spans, rows)
		c.Bytes = c.Bytes[:0]
	case List, Record:
		c.Starts = append(c.Starts[:0], 0)
		c.Spans = sized(c.Spans, rows)
		c.Bytes = c.Bytes[:0]
	default:
		c.Ints = sized(c.Ints, rows)
	}
}

// Borrow makes the column read spans of bytes it does not own, until the next
// Reset. Texts must not be set while it does.
func (c *Column) Borrow(bytes []byte, rows int) {
	c.Bytes, c.borrowed = bytes[:len(bytes):len(bytes)], true
	c.Spans = sized(c.Spans, rows)
}

func sized[T any](s []T, n int) []T {
	if cap(s) >= n {
		return s[:n]
	}
	return make([]T, n, max(n, BatchRows))
}

// SetNil marks a row as having no value.
func (c *Column) SetNil(row int) { c.Presence[row] = Nil }

// SetSpan gives a row the text at a span of Bytes.
func (c *Column) SetSpan(row int, s Span) {
	c.Presence[row], c.Spans[row] = Value, s
}

// SetText gives a row a copy of s, appended to Bytes.
func (c *Column) SetText(row int, s []byte) {
	c.Presence[row] = Value
	c.Spans[row] = Span{uint32(len(c.Bytes)), uint32(len(s))}
	c.Bytes = append(c.Bytes, s...)
}

// SetString is SetText for a string.
func (c *Column) SetString(row int, s string) {
	c.Presence[row] = Value
	c.Spans[row] = Span{uint32(len(c.Bytes)), uint32(len(s))}
	c.Bytes = append(c.Bytes, s...)
}

// SetInt gives a row an integer, date, month or timestamp.
func (c *Column) SetInt(row int, v int64) {
	c.Presence[row], c.Ints[row] = Value, v
}

// SetBool gives a row a boolean.
func (c *Column) SetBool(row int, v bool) {
	c.Presence[row], c.Ints[row] = Value, 0
	if v {
		c.Ints[row] = 1
	}
}

// SetDecimal gives a row a decimal, raising the column's scale (and restating
// the rows already set) when the value has more digits after the point.
func (c *Column) SetDecimal(row int, d decimal.Decimal) {
	if coef, ok := d.Coefficient(); ok && d.Scale() == c.Scale {
		c.Presence[row], c.Ints[row] = Value, coef
		if c.Over != nil {
			delete(c.Over, int32(row))
		}
		return
	}
	c.setScaled(row, d)
}

// SetCoef gives a row coef at scale; the hot path of SetDecimal.
func (c *Column) SetCoef(row int, coef int64, scale int32) {
	if scale == c.Scale && c.Over == nil {
		c.Presence[row], c.Ints[row] = Value, coef
		return
	}
	c.SetDecimal(row, decimal.New(coef, scale))
}

func (c *Column) setScaled(row int, d decimal.Decimal) {
	if d.Scale() > c.Scale {
		c.raiseScale(d.Scale(), row)
	}
	c.store(row, d)
}

func (c *Column) store(row int, d decimal.Decimal) {
	c.Presence[row] = Value
	if r, ok := d.Rescale(c.Scale); ok {
		if coef, fits := r.Coefficient(); fits {
			c.Ints[row] = coef
			delete(c.Over, int32(row))
			return
		}
	}
	if c.Over == nil {
		c.Over = make(map[int32]decimal.Decimal)
	}
	c.Over[int32(row)] = d
}

func (c *Column) raiseScale(scale int32, skip int) {
	old := c.Scale
	c.Scale = scale
	for i, p := range c.Presence {
		if p != Value || i == skip {
			continue
		}
		if _, over := c.Over[int32(i)]; over {
			continue
		}
		c.store(i, decimal.New(c.Ints[i], old))
	}
}

// Text returns a row's text; it is valid as long as the batch is. For a typed
// column that is Verbatim it returns the text as received.
func (c *Column) Text(row int) []byte {
	s := c.Spans[row]
	return c.Bytes[s.Off : s.Off+s.Len : s.Off+s.Len]
}

// Decimal returns a row's decimal, at the column's scale unless it is one of
// the large values kept aside.
func (c *Column) Decimal(row int) decimal.Decimal {
	if c.Over != nil {
		if d, ok := c.Over[int32(row)]; ok {
			return d
		}
	}
	return decimal.New(c.Ints[row], c.Scale)
}

// ListRange returns the rows of Child that make up a row's list.
func (c *Column) ListRange(row int) (from, to int32) {
	return c.Starts[row], c.Starts[row+1]
}

// AppendChildren appends the rows of Child that belong to rows of a nested
// column.
func (c *Column) AppendChildren(dst, rows []int32) []int32 {
	for _, row := range rows {
		switch {
		case c.Presence[row] != Value:
		case c.Kind == Record:
			dst = append(dst, row)
		default:
			for k, to := c.ListRange(int(row)); k < to; k++ {
				dst = append(dst, k)
			}
		}
	}
	return dst
}

// EndList closes the list of the next row of a List column: its elements are
// the rows added to Child since the row before. Rows are closed in order.
func (c *Column) EndList(row int, p Presence) {
	c.Presence[row] = p
	c.Starts = append(c.Starts, int32(c.Child.Rows))
}
