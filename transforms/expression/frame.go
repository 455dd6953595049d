package expression

import (
	"fmt"
	"unsafe"

	"github.com/tieout/tieout/schemas/decimal"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
)

// Compiled expressions are closures over a frame. The bool says whether there
// is a value; without one the result is nil, or the frame has failed.
type (
	intFn  func(*frame) (int64, bool)
	decFn  func(*frame) (decimal.Decimal, bool)
	boolFn func(*frame) Truth
	textFn func(*frame) (string, bool)

	// appendFn appends the text it makes to dst, which is never the arena.
	// Without a value dst may come back longer; its caller cuts it.
	appendFn func(f *frame, dst []byte) ([]byte, bool)
)

// elem is the element a list function stands on.
type elem struct {
	b   *record.Batch
	row int32
}

// slot holds the value of a `let`.
type slot struct {
	ok    bool
	truth Truth
	num   int64
	dec   decimal.Decimal
	text  string
	nilAt int32
}

// frame is the scratch of one lane: the record under evaluation, the elements
// of the list functions around, counters and the failure, if any.
type frame struct {
	b     *record.Batch
	cols  []record.Column // those of b
	row   int32
	elems []elem // one for each list of the program; entry 0 is not used
	slots []slot
	arena []byte   // text made for this record
	bufs  [][]byte // text in the making, one for each level of nesting
	level int

	limits Limits
	steps  int // what is left of each
	bytes  int

	nilAt   int32 // 1 + index of the field name that was nil last, 0 for none
	failed  bool
	failure Failure
}

// start makes the frame ready for one record.
func (f *frame) start(row int32) {
	f.row = row
	f.steps, f.bytes = f.limits.Steps, f.limits.Bytes
	f.arena = f.arena[:0]
	f.level = 0
	f.failed = false
	f.nilAt = 0
}

// at returns the element of a slot, the record itself for slot 0.
func (f *frame) at(slot int) (*record.Batch, int32) {
	if slot == 0 {
		return f.b, f.row
	}
	e := &f.elems[slot]
	return e.b, e.row
}

// fail notes the first failure of a record; the closures around it come back
// without a value.
func (f *frame) fail(code document.Code, format string, args ...any) {
	if f.failed {
		return
	}
	f.failed = true
	f.failure = Failure{Code: code, Message: fmt.Sprintf(format, args...)}
}

// step counts n steps and reports whether the record may go on.
func (f *frame) step(n int) bool {
	f.steps -= n
	if f.steps >= 0 && !f.failed {
		return true
	}
	f.fail(document.CodeExprTooLarge, "the expression took more than %d steps for one record (limit steps)", f.limits.Steps)
	return false
}

// scan counts the steps of reading n bytes of text; short texts are free.
func (f *frame) scan(n int) bool { return n < 64 || f.step(n>>6) }

// room counts n bytes of text about to be made.
func (f *frame) room(n int) bool {
	f.bytes -= n
	if f.bytes >= 0 {
		return true
	}
	f.fail(document.CodeExprTooLarge, "the expression made more than %d bytes of text for one record (limit bytes)", f.limits.Bytes)
	return false
}

// make runs an appendFn and keeps its text in the arena. The text grows in a
// buffer of its own, because what it is made of goes to the arena meanwhile.
func (f *frame) make(app appendFn) (string, bool) {
	if f.level == len(f.bufs) {
		f.bufs = append(f.bufs, nil)
	}
	level := f.level
	f.level++
	buf, ok := app(f, f.bufs[level][:0])
	f.bufs[level] = buf
	f.level--
	if !ok {
		return "", false
	}
	from := len(f.arena)
	f.arena = append(f.arena, buf...)
	return view(f.arena[from:]), true
}

// view is a string over bytes that nobody changes while the string is in use:
// a column is only read during an evaluation, and the arena is only appended
// to until the next record.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// bytesOf is view the other way; the bytes must only be read.
func bytesOf(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

// exact passes a decimal on unless it grew beyond all use. Large numbers cost
// steps, so that a formula cannot spend its time on digits.
func (f *frame) exact(d decimal.Decimal) (decimal.Decimal, bool) {
	if _, small := d.Coefficient(); small && d.Scale() <= decimal.MaxDigits {
		return d, true
	}
	return f.exactLarge(d)
}

func (f *frame) exactLarge(d decimal.Decimal) (decimal.Decimal, bool) {
	if d.TooLarge() {
		f.fail(document.CodeExprTooLarge, "a number of more than 1,000 digits")
		return decimal.Decimal{}, false
	}
	return d, f.step(4)
}
