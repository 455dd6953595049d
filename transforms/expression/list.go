package expression

import (
	"github.com/tieout/tieout/schemas/record"
)

// list is a list as the compiler sees it: the rows of a list field, narrowed
// by filter() and, after map(), each standing for one value. It is never built
// in memory; list functions walk the rows.
type list struct {
	base   *fieldRef
	slot   int // where the element of the walk is kept
	shape  *record.Shape
	name   string
	keep   []boolFn
	mapped *operand
	cost   int            // steps of filters and map for each row
	before []func(*frame) // lets around the list
}

// rows gives the child rows of the list in the current record. ok is false
// when the list is nil.
func (l *list) rows(f *frame) (b *record.Batch, from, to int32, ok bool) {
	for _, store := range l.before {
		store(f)
	}
	c, row, ok := l.base.column(f)
	if !ok {
		return nil, 0, 0, false
	}
	from, to = c.ListRange(int(row))
	return c.Child, from, to, true
}

// each calls visit on every element until it returns false. The result is
// false when the list has no value: it is nil, a filter was, or a limit was
// crossed.
func (l *list) each(f *frame, cost int, visit func() bool) bool {
	b, from, to, ok := l.rows(f)
	if !ok {
		return false
	}
	saved := f.elems[l.slot]
	ok = l.walk(f, b, from, to, cost, visit)
	f.elems[l.slot] = saved
	return ok
}

func (l *list) walk(f *frame, b *record.Batch, from, to int32, cost int, visit func() bool) bool {
	for row := from; row < to; row++ {
		if !f.step(l.cost + cost) {
			return false
		}
		f.elems[l.slot] = elem{b, row}
		switch l.keeps(f) {
		case Nil:
			return false
		case False:
			continue
		}
		if !visit() {
			break
		}
	}
	return !f.failed
}

func (l *list) keeps(f *frame) Truth {
	for _, keep := range l.keep {
		if v := keep(f); v != True {
			return v
		}
	}
	return True
}
