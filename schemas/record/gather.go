package record

import "github.com/tieout/tieout/schemas/decimal"

// Gather makes dst a column of the given rows of src, in that order; a row
// may appear several times. Text is shared, not copied: dst lives as long as
// src's bytes do.
func Gather(dst, src *Column, rows []int32) {
	dst.Kind, dst.Scale, dst.Verbatim, dst.Over = src.Kind, src.Scale, src.Verbatim, nil
	dst.Presence = sized(dst.Presence, len(rows))
	for i, r := range rows {
		dst.Presence[i] = src.Presence[r]
	}
	if len(src.Spans) > 0 {
		dst.Borrow(src.Bytes, len(rows))
		for i, r := range rows {
			dst.Spans[i] = src.Spans[r]
		}
	}
	switch src.Kind {
	case Text, Unknown:
	case List, Record:
		gatherChild(dst, src, rows)
	default:
		gatherInts(dst, src, rows)
	}
}

func gatherInts(dst, src *Column, rows []int32) {
	dst.Ints = sized(dst.Ints, len(rows))
	for i, r := range rows {
		dst.Ints[i] = src.Ints[r]
	}
	if len(src.Over) == 0 {
		return
	}
	for i, r := range rows {
		if d, ok := src.Over[r]; ok {
			if dst.Over == nil {
				dst.Over = make(map[int32]decimal.Decimal)
			}
			dst.Over[int32(i)] = d
		}
	}
}

func gatherChild(dst, src *Column, rows []int32) {
	if src.Child == nil {
		return
	}
	picked := rows
	if src.Kind == List {
		picked = nil
		dst.Starts = append(dst.Starts[:0], 0)
		for _, r := range rows {
			if src.Presence[r] == Value {
				for k := src.Starts[r]; k < src.Starts[r+1]; k++ {
					picked = append(picked, k)
				}
			}
			dst.Starts = append(dst.Starts, int32(len(picked)))
		}
	}
	child := new(Batch)
	src.Child.Pick(child, picked)
	dst.Child = child
}

// Pick makes dst a batch of the given rows, in that order, all live, each a
// document of its own. Text is shared with b; places follow their rows, holds
// do not.
func (b *Batch) Pick(dst *Batch, rows []int32) {
	dst.Shape, dst.Rows, dst.Seq = b.Shape, len(rows), b.Seq
	if cap(dst.Columns) < len(b.Columns) {
		dst.Columns = make([]Column, len(b.Columns))
	}
	dst.Columns = dst.Columns[:len(b.Columns)]
	for i := range b.Columns {
		Gather(&dst.Columns[i], &b.Columns[i], rows)
	}
	dst.Held, dst.Stopped = dst.Held[:0], dst.Stopped[:0]
	dst.Origin.Input = b.Origin.Input
	dst.Origin.Line = b.pickPlaces(dst.Origin.Line[:0], b.Origin.Line, rows)
	dst.Origin.Byte = b.pickPlaces(dst.Origin.Byte[:0], b.Origin.Byte, rows)
	dst.Doc = dst.Doc[:0]
	dst.AllLive()
}

// pickPlaces appends the places of rows, which are kept by entry row.
func (b *Batch) pickPlaces(dst, places []int64, rows []int32) []int64 {
	if len(places) == 0 {
		return dst
	}
	for _, r := range rows {
		dst = append(dst, places[b.Entry(r)])
	}
	return dst
}

// Append copies the given rows of src to the end of b, bytes included, so
// that they outlive src. Both have the same Shape. Live is extended. Each row
// becomes a document of its own, with the line it was read from.
func (b *Batch) Append(src *Batch, rows []int32) {
	base := b.Rows
	b.SetRows(base + len(rows))
	for i := range b.Columns {
		for k, r := range rows {
			b.Columns[i].copyRow(base+k, &src.Columns[i], int(r))
		}
	}
	for k := range rows {
		b.Live = append(b.Live, int32(base+k))
	}
	if len(src.Origin.Line) > 0 {
		b.Origin.Input = src.Origin.Input
		for _, r := range rows {
			b.Origin.Line = append(b.Origin.Line, src.Origin.Line[src.Entry(r)])
		}
	}
}

// copyRow writes src's row from into c's row to. Rows of nested columns must
// be written in order.
func (c *Column) copyRow(to int, src *Column, from int) {
	p := src.Presence[from]
	switch c.Kind {
	case List:
		c.copyList(to, src, from)
		return
	case Record:
		c.copyRecord(to, src, from)
		return
	}
	c.Presence[to] = p
	if p != Value {
		return
	}
	switch c.Kind {
	case Text, Unknown:
		c.SetText(to, src.Text(from))
	case Decimal:
		c.SetDecimal(to, src.Decimal(from))
	default:
		c.Ints[to] = src.Ints[from]
	}
}

func (c *Column) copyList(to int, src *Column, from int) {
	p := src.Presence[from]
	if src.Child == nil {
		c.copyOpaque(to, src, from)
		return
	}
	if p == Value {
		lo, hi := src.ListRange(from)
		rows := make([]int32, 0, hi-lo)
		for k := lo; k < hi; k++ {
			rows = append(rows, k)
		}
		c.Child.Append(src.Child, rows)
	}
	c.EndList(to, p)
}

func (c *Column) copyRecord(to int, src *Column, from int) {
	if src.Child == nil {
		c.copyOpaque(to, src, from)
		return
	}
	c.Presence[to] = src.Presence[from]
	for i := range c.Child.Columns {
		c.Child.Columns[i].copyRow(to, &src.Child.Columns[i], from)
	}
}

func (c *Column) copyOpaque(to int, src *Column, from int) {
	c.Presence[to] = src.Presence[from]
	if src.Presence[from] == Value {
		c.SetText(to, src.Text(from))
	}
}
