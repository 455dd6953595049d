package transforms

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"

	"github.com/tieout/tieout/schemas/record"
)

// buffer keeps the records a gathering step must see together. Beyond the
// memory it is allowed it moves them to disk, parted by a hash of their key,
// so that the records of one key are always met in one part.
type buffer struct {
	shape   *record.Shape
	spill   Spill
	rows    record.Batch
	keys    []string // the key of each row
	order   []int64  // the number of each row in the order of arrival
	next    int64
	size    int64
	parts   []spillPart
	scratch []byte
}

type spillPart struct {
	file SpillFile
	size int64
}

// spillParts is how many parts a buffer falls into on disk: each must fit in
// memory when it is read back.
const spillParts = 64

func newBuffer(shape *record.Shape, spill Spill) *buffer {
	b := &buffer{shape: shape, spill: spill}
	b.rows.Reset(shape, 0)
	return b
}

// add keeps a copy of one row.
func (b *buffer) add(src *record.Batch, row int32, key []byte) error {
	b.rows.Append(src, []int32{row})
	b.keys, b.order = append(b.keys, string(key)), append(b.order, b.next)
	b.next++
	b.scratch = record.AppendRow(b.scratch[:0], src, int(row))
	b.size += int64(len(b.scratch)+len(key)) + int64(24*len(b.shape.Fields)+48)
	if b.size > b.spill.Memory() {
		return b.flush()
	}
	return nil
}

// flush moves all rows in memory to disk.
func (b *buffer) flush() error {
	if b.parts == nil {
		b.parts = make([]spillPart, spillParts)
	}
	texts := make([][]byte, spillParts)
	for row := range b.rows.Rows {
		h := fnv.New32a()
		io.WriteString(h, b.keys[row])
		p := h.Sum32() % spillParts
		texts[p] = binary.AppendUvarint(texts[p], uint64(b.order[row]))
		texts[p] = binary.AppendUvarint(texts[p], uint64(len(b.keys[row])))
		texts[p] = append(texts[p], b.keys[row]...)
		texts[p] = record.AppendRow(texts[p], &b.rows, row)
	}
	for p, text := range texts {
		if err := b.parts[p].write(b.spill, text); err != nil {
			return fmt.Errorf("spill to disk: %w", err)
		}
	}
	b.reset()
	return nil
}

func (b *buffer) reset() {
	b.rows = record.Batch{}
	b.rows.Reset(b.shape, 0)
	b.keys, b.order, b.size = nil, nil, 0
}

func (p *spillPart) write(spill Spill, text []byte) error {
	if len(text) == 0 {
		return nil
	}
	if p.file == nil {
		f, err := spill.Create()
		if err != nil {
			return err
		}
		p.file = f
	}
	n, err := p.file.Write(text)
	p.size += int64(n)
	return err
}

// each calls fn with the records, all at once or part by part; the rows of
// one key are always in one call, in the order of arrival.
func (b *buffer) each(fn func(rows *record.Batch, keys []string) error) error {
	if b.parts == nil {
		if b.rows.Rows == 0 {
			return nil
		}
		return fn(&b.rows, b.keys)
	}
	if err := b.flush(); err != nil {
		return err
	}
	for p := range b.parts {
		if b.parts[p].file == nil {
			continue
		}
		if err := b.load(&b.parts[p]); err != nil {
			return err
		}
		if err := fn(&b.rows, b.keys); err != nil {
			return err
		}
		b.reset()
	}
	return nil
}

func (b *buffer) load(p *spillPart) error {
	text := make([]byte, p.size)
	if _, err := p.file.ReadAt(text, 0); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read spilled records: %w", err)
	}
	for len(text) > 0 {
		order, n := binary.Uvarint(text)
		size, m := binary.Uvarint(text[max(n, 0):])
		if n <= 0 || m <= 0 || uint64(len(text)-n-m) < size {
			return fmt.Errorf("read spilled records: the file is damaged")
		}
		key := string(text[n+m : n+m+int(size)])
		rest, err := record.ReadRow(text[n+m+int(size):], &b.rows)
		if err != nil {
			return err
		}
		b.keys, b.order = append(b.keys, key), append(b.order, int64(order))
		text = rest
	}
	return nil
}

// Close gives the disk back.
func (b *buffer) Close() error {
	var first error
	for i := range b.parts {
		if f := b.parts[i].file; f != nil {
			if err := f.Close(); err != nil && first == nil {
				first = err
			}
		}
	}
	return first
}

// groups lists the rows of each key, keys in the order of their first row.
func groups(keys []string) [][]int32 {
	index := make(map[string]int, len(keys))
	var out [][]int32
	for row, key := range keys {
		g, known := index[key]
		if !known {
			g = len(out)
			index[key] = g
			out = append(out, nil)
		}
		out[g] = append(out[g], int32(row))
	}
	return out
}
