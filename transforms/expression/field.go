package expression

import (
	"github.com/tieout/tieout/schemas/decimal"
	"github.com/tieout/tieout/schemas/record"
)

// fieldRef is a field of the record (slot 0) or of a list's element, or a
// field of a record inside it.
type fieldRef struct {
	slot int
	path []int
	at   int32 // 1 + index of its name, for messages about nil
}

// column finds the field's column. ok is false when the field, or a record
// around it, has no value.
func (r *fieldRef) column(f *frame) (c *record.Column, row int32, ok bool) {
	b, row := f.at(r.slot)
	c = &b.Columns[r.path[0]]
	for _, i := range r.path[1:] {
		if c.Presence[row] != record.Value {
			f.nilAt = r.at
			return c, row, false
		}
		c = &c.Child.Columns[i]
	}
	if c.Presence[row] != record.Value {
		f.nilAt = r.at
		return c, row, false
	}
	return c, row, true
}

// direct reports whether the field belongs to the record itself; its readers
// then save a few steps.
func (r *fieldRef) direct() bool { return r.slot == 0 && len(r.path) == 1 }

func (r *fieldRef) present() func(*frame) bool {
	return func(f *frame) bool { _, _, ok := r.column(f); return ok }
}

// absent reports whether the source did not send the field at all.
func (r *fieldRef) absent(f *frame) bool {
	b, row := f.at(r.slot)
	c := &b.Columns[r.path[0]]
	for _, i := range r.path[1:] {
		if c.Presence[row] != record.Value {
			return true
		}
		c = &c.Child.Columns[i]
	}
	return c.Presence[row] == record.Absent
}

func (r *fieldRef) int() intFn {
	if !r.direct() {
		return func(f *frame) (int64, bool) {
			c, row, ok := r.column(f)
			if !ok {
				return 0, false
			}
			return c.Ints[row], true
		}
	}
	i, at := r.path[0], r.at
	return func(f *frame) (int64, bool) {
		c := &f.cols[i]
		if c.Presence[f.row] != record.Value {
			f.nilAt = at
			return 0, false
		}
		return c.Ints[f.row], true
	}
}

func (r *fieldRef) dec() decFn {
	if !r.direct() {
		return func(f *frame) (decimal.Decimal, bool) {
			c, row, ok := r.column(f)
			if !ok {
				return decimal.Decimal{}, false
			}
			return c.Decimal(int(row)), true
		}
	}
	i, at := r.path[0], r.at
	return func(f *frame) (decimal.Decimal, bool) {
		c := &f.cols[i]
		if c.Presence[f.row] != record.Value {
			f.nilAt = at
			return decimal.Decimal{}, false
		}
		if c.Over == nil {
			return decimal.New(c.Ints[f.row], c.Scale), true
		}
		return c.Decimal(int(f.row)), true
	}
}

func (r *fieldRef) bool() boolFn {
	return func(f *frame) Truth {
		c, row, ok := r.column(f)
		if !ok {
			return Nil
		}
		return truth(c.Ints[row] != 0)
	}
}

func (r *fieldRef) text() textFn {
	if !r.direct() {
		return func(f *frame) (string, bool) {
			c, row, ok := r.column(f)
			if !ok {
				return "", false
			}
			return view(c.Text(int(row))), true
		}
	}
	i, at := r.path[0], r.at
	return func(f *frame) (string, bool) {
		c := &f.cols[i]
		if c.Presence[f.row] != record.Value {
			f.nilAt = at
			return "", false
		}
		at := c.Spans[f.row]
		return view(c.Bytes[at.Off : at.Off+at.Len]), true
	}
}

// intDec reads an integer field as a decimal.
func (r *fieldRef) intDec() decFn {
	i, at := r.path[0], r.at
	return func(f *frame) (decimal.Decimal, bool) {
		c := &f.cols[i]
		if c.Presence[f.row] != record.Value {
			f.nilAt = at
			return decimal.Decimal{}, false
		}
		return decimal.FromInt(c.Ints[f.row]), true
	}
}

// appender appends the text of a field of the record itself.
func (r *fieldRef) appender() appendFn {
	i, at := r.path[0], r.at
	return func(f *frame, dst []byte) ([]byte, bool) {
		c := &f.cols[i]
		if c.Presence[f.row] != record.Value {
			f.nilAt = at
			return dst, false
		}
		at := c.Spans[f.row]
		return append(dst, c.Bytes[at.Off:at.Off+at.Len]...), true
	}
}

// operand reads the field by its kind.
func (r *fieldRef) operand(field *record.Field) *operand {
	o := &operand{kind: field.Kind, scale: field.Scale, inexact: field.Inexact, child: field.Child, ref: r}
	switch field.Kind {
	case record.Text:
		o.s = r.text()
	case record.Decimal:
		o.d = r.dec()
	case record.Boolean:
		o.b = r.bool()
	case record.Integer, record.Date, record.Month, record.Timestamp:
		o.i = r.int()
	}
	return o
}
