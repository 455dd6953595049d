package rows

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"pgregory.net/rapid"
)

// counted reads n records into one buffer; every third is none.
func counted(n, size int) func() (Item, error) {
	at, buf := 0, make([]byte, 0, size)
	return func() (Item, error) {
		if at == n {
			return Item{}, io.EOF
		}
		at++
		it := Item{Line: int64(at)}
		if buf = fmt.Appendf(buf[:0], "%0*d", size, at); at%3 == 0 {
			it.Err = ErrNotJSON
		}
		it.Raw = buf
		return it, nil
	}
}

// Whatever is looked at and taken back, every record is handed on once, in
// order, with its own text.
func TestAheadKeepsTheOrder(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.SampledFrom([]int{0, 1, 2, 30, SampleRecords - 1, SampleRecords, SampleRecords + 10}).Draw(rt, "records")
		const size = 8
		a, bound := NewAhead(counted(n, size)), rapid.SampledFrom([]int{0, 1, 20 * size, 1 << 20}).Draw(rt, "bytes")
		samples, err := a.Look(bound)
		if err != nil {
			rt.Fatal(err)
		}
		looked := min(n, SampleRecords, (bound+size-1)/size)
		if len(samples) != looked-looked/3 {
			rt.Fatalf("%d samples of %d records", len(samples), looked)
		}
		backs := rapid.SliceOfN(rapid.Bool(), 16, 16).Draw(rt, "backs")
		back := 0
		for at := 1; ; at++ {
			it, err := a.Next()
			if errors.Is(err, io.EOF) && at == n+1 {
				return
			}
			if err != nil || it.Line != int64(at) || string(it.Raw) != fmt.Sprintf("%0*d", size, at) || (it.Err != nil) != (at%3 == 0) {
				rt.Fatalf("record %d is %d %q, %v, %v", at, it.Line, it.Raw, it.Err, err)
			}
			if back++; backs[back%len(backs)] && back%2 == 0 {
				a.Back(it)
				at--
			}
		}
	})
}

// An error ends the look, and nothing that came before it is a sample.
func TestAheadFails(t *testing.T) {
	broken, read := errors.New("broken"), counted(5, 4)
	a := NewAhead(func() (Item, error) {
		it, err := read()
		if err != nil {
			err = broken
		}
		return it, err
	})
	if samples, err := a.Look(1 << 20); !errors.Is(err, broken) || samples != nil {
		t.Errorf("%d samples, %v", len(samples), err)
	}
}
