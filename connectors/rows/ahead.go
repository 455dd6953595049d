package rows

import (
	"bytes"
	"errors"
	"io"
	"slices"
)

// SampleRecords is how many records are looked at to learn the members of a
// stream before it is read.
const SampleRecords = 1000

// Ahead hands the records of a stream on in order, the first of them once they
// were looked at. It belongs to one reader.
type Ahead struct {
	read func() (Item, error)
	kept []Item // read and not yet handed on; their text is their own
}

// NewAhead takes records from read until that returns io.EOF.
func NewAhead(read func() (Item, error)) *Ahead { return &Ahead{read: read} }

// Look gives the text of the first records that are some: of SampleRecords at
// most, and no more once they have so many bytes.
func (a *Ahead) Look(size int) (samples [][]byte, err error) {
	for len(a.kept) < SampleRecords && size > 0 {
		it, err := a.read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		it.Raw = bytes.Clone(it.Raw)
		size -= len(it.Raw)
		a.kept = append(a.kept, it)
		if it.Err == nil {
			samples = append(samples, it.Raw)
		}
	}
	return samples, nil
}

// Empty reports whether Look found nothing to look at. It is asked right after
// it.
func (a *Ahead) Empty() bool { return len(a.kept) == 0 }

// Next hands the next record on, good until the one after.
func (a *Ahead) Next() (Item, error) {
	if len(a.kept) == 0 {
		return a.read()
	}
	it := a.kept[0]
	a.kept[0] = Item{}
	a.kept = a.kept[1:]
	return it, nil
}

// Back takes the record handed on last back, to be the next again.
func (a *Ahead) Back(it Item) {
	it.Raw = bytes.Clone(it.Raw)
	a.kept = slices.Insert(a.kept, 0, it)
}
