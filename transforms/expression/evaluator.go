package expression

import (
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
)

// Evaluator evaluates a program over batches, one lane at a time.
type Evaluator struct {
	p *Program
	f frame
}

// maxColumnBytes bounds the text one batch may make.
const maxColumnBytes = 256 << 20

// Eval computes the expression for the rows of b.Live; b has the shape the
// program was compiled for. dst becomes a column of
// b.Rows rows of the program's kind; rows not in Live stay absent. A row that
// fails is nil in dst and reported to fail, which may be nil. Text in dst is
// its own; a list or record shares text with b.
func (e *Evaluator) Eval(b *record.Batch, dst *record.Column, fail func(row int32, f Failure)) {
	e.read(b)
	o := e.p.body
	if o.kind == record.List || o.kind == record.Record {
		e.evalNested(b, dst, fail)
		return
	}
	dst.Reset(o.kind, b.Rows)
	switch {
	case o.kind == record.Decimal:
		e.evalDecimal(b, dst, fail)
	case o.kind == record.Text:
		e.evalText(b, dst, fail)
	case o.kind == record.Boolean:
		e.evalBool(b, dst, fail)
	default:
		e.evalInt(b, dst, fail)
	}
	e.release()
}

func (e *Evaluator) read(b *record.Batch) { e.f.b, e.f.cols = b, b.Columns }

// release lets go of the batch, so that a pooled one is not kept alive.
func (e *Evaluator) release() { e.f.b, e.f.cols = nil, nil }

// miss makes a row nil, and reports why if it failed.
func (e *Evaluator) miss(dst *record.Column, row int32, fail func(row int32, f Failure)) {
	dst.SetNil(int(row))
	if e.f.failed && fail != nil {
		fail(row, e.failure())
	}
}

func (e *Evaluator) failure() Failure {
	if e.f.failure.Field == "" && len(e.p.uses) == 1 {
		e.f.failure.Field = e.p.uses[0]
	}
	return e.f.failure
}

func (e *Evaluator) evalDecimal(b *record.Batch, dst *record.Column, fail func(row int32, f Failure)) {
	f, fn := &e.f, e.p.body.d
	// Padded to the scale all rows share, the column is never restated.
	if e.p.field.Scale > 0 {
		dst.Scale = e.p.field.Scale
	}
	for _, row := range b.Live {
		f.start(row)
		v, ok := fn(f)
		if !ok || f.failed {
			e.miss(dst, row, fail)
			continue
		}
		dst.SetDecimal(int(row), v)
	}
}

func (e *Evaluator) evalText(b *record.Batch, dst *record.Column, fail func(row int32, f Failure)) {
	f, app := &e.f, e.p.body.appender()
	for _, row := range b.Live {
		f.start(row)
		from := len(dst.Bytes)
		made, ok := app(f, dst.Bytes)
		if len(made) > maxColumnBytes {
			f.fail(document.CodeExprTooLarge, "the expression made more than %d bytes of text for one batch", maxColumnBytes)
		}
		if !ok || f.failed {
			dst.Bytes = made[:from]
			e.miss(dst, row, fail)
			continue
		}
		dst.Bytes = made
		dst.SetSpan(int(row), record.Span{Off: uint32(from), Len: uint32(len(made) - from)})
	}
}

func (e *Evaluator) evalBool(b *record.Batch, dst *record.Column, fail func(row int32, f Failure)) {
	f, fn := &e.f, e.p.body.b
	for _, row := range b.Live {
		f.start(row)
		v := fn(f)
		if v == Nil || f.failed {
			e.miss(dst, row, fail)
			continue
		}
		dst.SetBool(int(row), v == True)
	}
}

func (e *Evaluator) evalInt(b *record.Batch, dst *record.Column, fail func(row int32, f Failure)) {
	f, fn := &e.f, e.p.body.i
	for _, row := range b.Live {
		f.start(row)
		v, ok := fn(f)
		if !ok || f.failed {
			e.miss(dst, row, fail)
			continue
		}
		dst.SetInt(int(row), v)
	}
}

// Test decides a boolean program for the rows of b.Live, in order. A row that
// fails is reported to fail, which may be nil, and not to each.
func (e *Evaluator) Test(b *record.Batch, each func(row int32, t Truth), fail func(row int32, f Failure)) {
	e.read(b)
	f, fn := &e.f, e.p.body.b
	for _, row := range b.Live {
		f.start(row)
		v := fn(f)
		if !f.failed {
			each(row, v)
		} else if fail != nil {
			fail(row, e.failure())
		}
	}
	e.release()
}

// NilField names the field whose missing value made the last row Nil: inside
// each of Test, and after Eval for its last row. It is "" when no field did.
func (e *Evaluator) NilField() string {
	if e.f.nilAt == 0 {
		return ""
	}
	return e.p.names[e.f.nilAt-1]
}
