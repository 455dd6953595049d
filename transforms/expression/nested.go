package expression

import "github.com/tieout/tieout/schemas/record"

// evalNested copies a record, a list, or the elements of a filtered list.
func (e *Evaluator) evalNested(b *record.Batch, dst *record.Column, fail func(row int32, f Failure)) {
	defer e.release()
	if l := e.p.body.list; l != nil {
		e.evalList(b, l, dst, fail)
		return
	}
	src := b
	path := e.p.body.ref.path
	for _, i := range path[:len(path)-1] {
		src = src.Columns[i].Child
	}
	record.Gather(dst, &src.Columns[path[len(path)-1]], allRows(b.Rows))
	// A record inside a missing record may hold rubbish.
	presence := make([]record.Presence, b.Rows)
	for _, row := range b.Live {
		e.f.start(row)
		presence[row] = record.Nil
		if e.p.body.ref.present()(&e.f) {
			presence[row] = record.Value
		}
	}
	copy(dst.Presence, presence)
}

func allRows(n int) []int32 {
	rows := make([]int32, n)
	for i := range rows {
		rows[i] = int32(i)
	}
	return rows
}

func (e *Evaluator) evalList(b *record.Batch, l *list, dst *record.Column, fail func(row int32, f Failure)) {
	var child *record.Batch
	var picked []int32
	live := 0
	dst.Reset(record.List, b.Rows)
	for row := range int32(b.Rows) {
		if live < len(b.Live) && b.Live[live] == row {
			live++
			from := len(picked)
			e.f.start(row)
			ok := l.each(&e.f, 0, func() bool {
				at := e.f.elems[l.slot]
				child, picked = at.b, append(picked, at.row)
				return true
			})
			dst.SetNil(int(row))
			if ok {
				dst.Presence[row] = record.Value
			} else {
				picked = picked[:from]
				e.miss(dst, row, fail)
			}
		}
		dst.Starts = append(dst.Starts, int32(len(picked)))
	}
	dst.Child = new(record.Batch)
	if child == nil {
		dst.Child.Reset(l.shape, 0)
		return
	}
	child.Pick(dst.Child, picked)
}
