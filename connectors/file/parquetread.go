package file

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/rows"
	"github.com/tieout/tieout/schemas/record"
)

// parquetReader reads the Parquet files of a stream, one after the other.
type parquetReader struct {
	disk   *disk
	inputs []input
	tree   *parquetNode
	plan   *rows.Plan
	fill   *rows.Filler

	current int
	blob    *blob
	file    *parquet.File
	group   int
	rows    parquet.Rows
	drained bool // of rows everything was read
	buffer  []parquet.Row
	ready   []parquet.Row // of buffer, not yet given out
	row     parquetRow
	json    []byte
	line    int64
}

func (s *source) openParquet(f *disk, inputs []input, read connectors.Read) (connectors.Reader, error) {
	r := &parquetReader{disk: f, inputs: inputs, buffer: make([]parquet.Row, 64)}
	if err := r.openFile(); err != nil {
		r.closeFile()
		return nil, err
	}
	read.Fields = r.tree.declares(read.Fields, read.Zone != nil)
	var err error
	if r.plan, err = rows.NewPlan(read, [][]byte{r.tree.sample(nil)}, s.env.Limits); err != nil {
		r.closeFile()
		return nil, err
	}
	r.tree.markInexact(r.plan.Shape(), read.Fields)
	r.fill = rows.NewFiller(r.plan, func(it rows.Item) string { return fmt.Sprintf("row %d", it.Line) })
	return r, nil
}

// guarded runs what reads a file that may be damaged: the library panics at
// some of what it does not expect.
func (r *parquetReader) guarded(read func() error) (err error) {
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("%v", fault)
		}
		if err != nil && !errors.Is(err, io.EOF) {
			err = fmt.Errorf("%w: %s is no sound Parquet file: %w", errDamaged, r.inputs[r.current].name(), err)
		}
	}()
	return read()
}

// maxFooter bounds what a file says of itself.
const maxFooter = 64 << 20

// openFile opens the current file and reads what it says of itself.
func (r *parquetReader) openFile() error {
	var err error
	if r.blob, err = r.disk.blob(r.inputs[r.current]); err != nil {
		return err
	}
	r.group, r.line, r.drained, r.ready = 0, 0, false, nil
	return r.guarded(func() error {
		if err := checkFooter(r.blob); err != nil {
			return err
		}
		r.file, err = parquet.OpenFile(r.blob, r.blob.size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
		if err != nil {
			return err
		}
		tree, err := parquetTree(r.file.Root())
		if err != nil {
			return err
		}
		if len(tree.children) == 0 {
			return errors.New("it has no columns")
		}
		if r.tree != nil && r.tree.signature() != tree.signature() {
			return fmt.Errorf("it has other columns than %s: %s, not %s", r.inputs[0].name(), tree.signature(), r.tree.signature())
		}
		r.tree = tree
		return nil
	})
}

func checkFooter(b *blob) error {
	var end [8]byte
	if b.size < 12 {
		return errors.New("it is too short")
	}
	if _, err := b.ReadAt(end[:], b.size-8); err != nil {
		return err
	}
	if n := int64(binary.LittleEndian.Uint32(end[:4])); string(end[4:]) == "PAR1" && (n > maxFooter || n > b.size-12) {
		return fmt.Errorf("its end says that %d bytes describe it", n)
	}
	return nil
}

func (r *parquetReader) closeFile() {
	if r.rows != nil {
		_ = r.guarded(r.rows.Close) // it was only read
		r.rows = nil
	}
	if r.blob != nil {
		r.blob.Close()
		r.blob = nil
	}
}

// Shape is the declared fields, and the others as they are stored.
func (r *parquetReader) Shape() *record.Shape { return r.plan.Shape() }

// Close closes the file that is open.
func (r *parquetReader) Close() error {
	r.closeFile()
	return r.disk.Close()
}

// Next reads the next rows.
func (r *parquetReader) Next(ctx context.Context, b *record.Batch) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := r.fillBatch(b); err != nil {
			return err
		}
		if b.Rows > 0 {
			return nil
		}
		if r.current == len(r.inputs)-1 {
			return io.EOF
		}
		r.closeFile()
		r.current++
		if err := r.openFile(); err != nil {
			return err
		}
	}
}

// fillBatch reads rows of the current file; none says that it has ended.
func (r *parquetReader) fillBatch(b *record.Batch) error {
	b.Reset(r.plan.Shape(), record.BatchRows)
	b.Origin.Input = r.inputs[r.current].name()
	n, size := 0, 0
	for n < record.BatchRows && size < batchBytes {
		more, err := r.next()
		if err != nil {
			return err
		}
		if !more {
			break
		}
		if err := r.fill.Row(b, n, rows.Item{Raw: r.json, Line: r.line}); err != nil {
			return fmt.Errorf("%s row %d: %w", b.Origin.Input, r.line, err)
		}
		size += len(r.json)
		n++
	}
	if n == 0 {
		b.SetRows(0)
		return nil
	}
	r.fill.Done(b, n)
	return nil
}

// next writes the next row into r.json; false when there is none.
func (r *parquetReader) next() (more bool, err error) {
	err = r.guarded(func() error {
		for len(r.ready) == 0 {
			if err := r.more(); err != nil {
				return err
			}
		}
		r.row.set(r.ready[0], len(r.file.Schema().Columns()))
		r.ready = r.ready[1:]
		r.json = r.row.record(r.json[:0], r.tree)
		r.line++
		return nil
	})
	if errors.Is(err, io.EOF) {
		return false, nil
	}
	return err == nil, err
}

// more reads rows of the current row group, or begins the next one.
func (r *parquetReader) more() error {
	if r.drained { // what was read of the row group is given out by now
		r.drained = false
		rows := r.rows
		r.rows = nil
		if err := rows.Close(); err != nil {
			return err
		}
	}
	if r.rows == nil {
		groups := r.file.RowGroups()
		if r.group == len(groups) {
			return io.EOF
		}
		r.rows = groups[r.group].Rows()
		r.group++
	}
	n, err := r.rows.ReadRows(r.buffer)
	r.ready = r.buffer[:n]
	if !errors.Is(err, io.EOF) && err != nil {
		return err
	}
	r.drained = errors.Is(err, io.EOF) || n == 0
	return nil
}
