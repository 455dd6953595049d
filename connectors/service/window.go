package service

import (
	"fmt"
	"hash/maphash"
	"time"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/record"
)

// window is one stretch a place is asked for: the bounds of the cursor, and
// those of a window under each.
type window struct {
	from, to         edge
	each             bool
	eachFrom, eachTo edge
}

// name is what a window under each is called.
func (w *window) name() string {
	if !w.each {
		return ""
	}
	b := branch{kind: w.eachFrom.kind, has: true, num: w.eachFrom.num}
	return b.plain()
}

// windowsOf cuts what is read of a part into windows; there is one when nobody
// asks for more.
func (f *fetcher) windowsOf(part string) ([]window, error) {
	from, to, err := f.edges(part)
	if err != nil {
		return nil, err
	}
	whole := window{from: from, to: to}
	for i := range f.stream.Each {
		if e := &f.stream.Each[i]; e.Window > 0 {
			return f.eachWindows(e, whole)
		}
	}
	if f.asking.cursor == nil || f.asking.cursor.Window == 0 {
		return []window{whole}, nil
	}
	if !from.set {
		return nil, fmt.Errorf("%w: a window needs a cursor with a start", connectors.ErrConfig)
	}
	var out []window
	err = divide(from, to, f.asking.cursor.Window, func(lo, hi edge) { out = append(out, window{from: lo, to: hi}) })
	return out, err
}

// eachWindows cuts a window under each.
func (f *fetcher) eachWindows(e *Each, whole window) ([]window, error) {
	lo, hi, err := f.stretch(e, whole)
	if err != nil {
		return nil, err
	}
	var out []window
	err = divide(lo, hi, e.Window.Std(), func(from, to edge) {
		w := whole
		w.each, w.eachFrom, w.eachTo = true, from, to
		out = append(out, w)
	})
	return out, err
}

// stretch is what the windows under each cover: from the cursor to today, or
// the last ones that are kept.
func (f *fetcher) stretch(e *Each, whole window) (lo, hi edge, err error) {
	kind := record.Timestamp
	if e.Window.Std()%(24*time.Hour) == 0 {
		kind = record.Date
	}
	if f.asking.cursor == nil {
		if e.Keep == 0 {
			return lo, hi, fmt.Errorf("%w: each: a window needs a cursor in the pipeline, or keep: with the number of windows to read", connectors.ErrConfig)
		}
		step := units(e.Window.Std(), kind)
		hi = f.edgeAt(f.asOf().Add(e.Ahead.Std()), kind)
		hi.num = (floor(hi.num, step) + 1) * step
		lo = hi
		lo.num -= int64(e.Keep) * step
		return lo, hi, nil
	}
	if kind = f.asking.spec.Kind; kind != record.Date && kind != record.Timestamp {
		return lo, hi, fmt.Errorf("%w: each: a window needs a cursor that is a date or timestamp, and %q is %s", connectors.ErrConfig, f.asking.cursor.Field, kind)
	}
	if !whole.from.set {
		return lo, hi, fmt.Errorf("%w: each: a window needs a cursor with a start", connectors.ErrConfig)
	}
	lo, hi = whole.from, f.today(-e.Ahead.Std(), kind)
	switch {
	case f.asking.cursor.To != "":
		hi = whole.to
	case kind == record.Date:
		hi.num++ // the day itself belongs to it
	}
	return lo, hi, nil
}

// asOf is the instant the run stands for.
func (f *fetcher) asOf() time.Time {
	if f.read.AsOf.IsZero() {
		return f.caller.tools.now()
	}
	return f.read.AsOf
}

// units is a length of time in the numbers of a kind.
func units(d time.Duration, kind record.Kind) int64 {
	if kind == record.Date {
		return max(1, int64(d/(24*time.Hour)))
	}
	return max(1, d.Microseconds())
}

func floor(v, step int64) int64 {
	if v < 0 {
		return (v - step + 1) / step
	}
	return v / step
}

// divide cuts a stretch, oldest first.
func divide(lo, hi edge, step time.Duration, each func(from, to edge)) error {
	n := units(step, lo.kind)
	if hi.num < lo.num {
		hi.num = lo.num // the position lies in the future
	}
	if (hi.num-lo.num)/n > mostWindows {
		return fmt.Errorf("%w: the stretch of time has more than %d windows", connectors.ErrConfig, mostWindows)
	}
	for {
		end := lo
		if end.num += n; end.num >= hi.num {
			each(lo, hi)
			return nil
		}
		each(lo, end)
		lo = end
	}
}

// overlap leaves out records that two windows next to each other have in
// common: where one ends the other begins, and services count that instant to
// the one, the other, or both.
type overlap struct {
	on           bool
	before, here map[uint64]int
}

func (o *overlap) reset() { o.before, o.here = nil, make(map[uint64]int) }

// turn begins the next window.
func (o *overlap) turn() { o.before, o.here = o.here, make(map[uint64]int) }

// again reports whether the window before held this record, and takes note of
// it for the next.
func (o *overlap) again(seed maphash.Seed, raw []byte) bool {
	sum := maphash.Bytes(seed, raw)
	if n := o.before[sum]; n > 0 {
		o.before[sum] = n - 1
		return true
	}
	o.here[sum]++
	return false
}
