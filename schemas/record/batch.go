package record

import "math"

// BatchRows is the number of rows a reader puts in one batch at most. Steps
// that make several records of one may exceed it: the records of one source
// record never part.
const BatchRows = 1024

// Hold is one reason why one row of a batch was stopped.
type Hold struct {
	Row     int32
	Step    int    // index of the step, or -1 for the source, or StepRules
	Code    string // a diagnostic code such as "rule.failed"
	Rule    string // the rule's name or the step's kind
	Field   string // the field at fault, "" if none
	Message string
	// Record is the record as received, as a JSON object, when the columns
	// cannot hold it; the source sets it.
	Record []byte
	// Echo marks a row held only because another of its document is.
	Echo bool
}

// StepSource and StepRules stand in Hold.Step for the two places that are no
// step.
const (
	StepSource = -1
	StepRules  = math.MaxInt32
)

// Origin says where the rows of a batch came from, for messages.
type Origin struct {
	Input string // file or table
	// Line is the 1-based line (or row) of each row as read, found by
	// Batch.Entry; Byte the offset in the input. Either may be empty when the
	// source cannot say.
	Line []int64
	Byte []int64
}

// Batch is up to BatchRows records of one Shape. It has one owner at a time;
// whoever holds it may derive, narrow and pass it on, and its maker reuses it
// once it comes back.
type Batch struct {
	Shape   *Shape
	Columns []Column // one for each field of Shape
	Rows    int
	// Live lists the rows still in play, ascending. A filter or a hold takes
	// rows out; nothing puts them back.
	Live []int32
	// Held has one entry for each reason a row was stopped.
	Held []Hold
	// Stopped lists the rows that holds took out of Live, in no order; rows a
	// filter took out are not among them.
	Stopped []int32
	// Seq counts the batches of one read from 0; sinks receive them in order.
	Seq    int64
	Origin Origin
	// Doc gives each row the row of the batch as read that it was made from,
	// so that a document is held whole. Empty means that row i is row i there.
	Doc []int32
	// Arena is room for the bytes a reader receives. It goes with the batch,
	// so that a reader may use it again when the batch comes back.
	Arena []byte
}

// Reset empties the batch for rows rows of a shape, all live and all Absent.
func (b *Batch) Reset(shape *Shape, rows int) {
	b.Shape = shape
	if cap(b.Columns) >= len(shape.Fields) {
		b.Columns = b.Columns[:len(shape.Fields)]
	} else {
		b.Columns = append(b.Columns[:cap(b.Columns)], make([]Column, len(shape.Fields)-cap(b.Columns))...)
	}
	for i := range b.Columns {
		b.resetColumn(i, rows)
	}
	b.Rows = rows
	b.Held, b.Doc, b.Stopped = b.Held[:0], b.Doc[:0], b.Stopped[:0]
	b.Origin.Line, b.Origin.Byte = b.Origin.Line[:0], b.Origin.Byte[:0]
	b.AllLive()
}

func (b *Batch) resetColumn(i, rows int) {
	f, c := &b.Shape.Fields[i], &b.Columns[i]
	c.Reset(f.Kind, rows)
	if f.Child == nil {
		c.Child = nil
	} else if f.Kind.Nested() {
		if c.Child == nil {
			c.Child = new(Batch)
		}
		n := 0
		if f.Kind == Record {
			n = rows
		}
		c.Child.Reset(f.Child, n)
	}
}

// AllLive puts every row in play.
func (b *Batch) AllLive() {
	b.Live = sized(b.Live, b.Rows)
	for i := range b.Live {
		b.Live[i] = int32(i)
	}
}

// SetRows changes the number of rows of every column, keeping what is there.
// New rows are Absent. Live is not changed.
func (b *Batch) SetRows(rows int) {
	for i := range b.Columns {
		b.Columns[i].grow(rows)
	}
	b.Rows = rows
}

func (c *Column) grow(rows int) {
	c.Presence = grown(c.Presence, rows)
	switch c.Kind {
	case Text, Unknown:
		c.Spans = grown(c.Spans, rows)
	case List, Record:
		c.Spans = grown(c.Spans, rows)
		if c.Kind == Record && c.Child != nil {
			c.Child.SetRows(rows)
		}
	default:
		c.Ints = grown(c.Ints, rows)
		if c.Verbatim {
			c.Spans = grown(c.Spans, rows)
		}
	}
}

func grown[T any](s []T, n int) []T {
	if n <= len(s) {
		return s[:n]
	}
	if n <= cap(s) {
		old := len(s)
		s = s[:n]
		clear(s[old:])
		return s
	}
	t := make([]T, n, max(n, 2*cap(s)))
	copy(t, s)
	return t
}

// Column returns the column of a field, or nil.
func (b *Batch) Column(name string) *Column {
	if i := b.Shape.Index(name); i >= 0 {
		return &b.Columns[i]
	}
	return nil
}

// Derive makes dst a batch over the same rows: it shares b's columns, and has
// its own Live and Held. Steps work on derived batches, so the batch a reader
// filled stays whole for the record of what was held.
func (b *Batch) Derive(dst *Batch) {
	dst.Shape, dst.Rows, dst.Seq = b.Shape, b.Rows, b.Seq
	dst.Columns = append(dst.Columns[:0], b.Columns...)
	dst.Live = append(dst.Live[:0], b.Live...)
	dst.Held = append(dst.Held[:0], b.Held...)
	dst.Stopped = append(dst.Stopped[:0], b.Stopped...)
	dst.Origin, dst.Doc = b.Origin, b.Doc
}

// Hold stops a row: it records the reason and leaves the row in Live until
// the next call of DropHeld, so that further reasons can be found.
func (b *Batch) Hold(h Hold) { b.Held = append(b.Held, h) }

// Entry returns the row of the batch as read that a row was made from.
func (b *Batch) Entry(row int32) int32 {
	if len(b.Doc) > 0 {
		return b.Doc[row]
	}
	return row
}

// DropHeld takes the rows named by Held[from:] out of Live, together with the
// other rows of their documents, each of which gets a reason of its own.
func (b *Batch) DropHeld(from int) {
	if from == len(b.Held) {
		return
	}
	stopped := make(map[int32]bool, len(b.Held)-from)
	docs := make(map[int32]int32)
	for _, h := range b.Held[from:] {
		stopped[h.Row] = true
		if len(b.Doc) > 0 {
			docs[b.Doc[h.Row]] = h.Row
		}
	}
	first := b.Held[from]
	live := b.Live[:0]
	for _, row := range b.Live {
		if stopped[row] {
			b.Stopped = append(b.Stopped, row)
			continue
		}
		if len(b.Doc) > 0 {
			if _, held := docs[b.Doc[row]]; held {
				b.Stopped = append(b.Stopped, row)
				b.Held = append(b.Held, Hold{Row: row, Step: first.Step, Code: first.Code, Rule: first.Rule,
					Echo: true, Message: "another record of the same document is held"})
				continue
			}
		}
		live = append(live, row)
	}
	b.Live = live
}
