package file

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/file/place"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
)

// columnar writes one load into a Parquet file. Its rows cannot be appended
// to a file, nor changed in place: the file as it was is read and written
// anew, with the new rows in their places when they have a key.
type columnar struct {
	w       *writer
	table   *parquetTable
	receipt connectors.Receipt
	plain   *record.Shape // without scales
	line    []byte
	other   []byte
	key     []byte
	fresh   record.Batch // of an upsert, kept in memory
	index   map[string]int32
	used    []bool
}

func newColumnar(ctx context.Context, w *writer) (*columnar, error) {
	table, err := newParquetTable(w.out, w.load.Shape)
	if err != nil {
		return nil, err
	}
	c := &columnar{w: w, table: table, plain: plainShape(w.load.Shape)}
	if w.load.Mode == connectors.Upsert {
		c.index = make(map[string]int32)
		c.fresh.Reset(w.load.Shape, 0)
	}
	if w.load.Mode == connectors.Replace {
		return c, nil
	}
	old, err := c.openOld(ctx)
	if err != nil || old == nil {
		return c, err
	}
	defer old.Close()
	if w.load.Mode == connectors.Append {
		err = c.passOld(ctx, old, c.put)
	}
	return c, err
}

// openOld opens the file as it is, nil when there is none.
func (c *columnar) openOld(ctx context.Context) (connectors.Reader, error) {
	e, err := c.w.target.store.Stat(ctx, c.w.target.name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	d := newDisk(ctx, lent{c.w.target.store})
	d.entries[e.Name] = e
	s := &source{env: connectors.Env{Limits: connectors.DefaultLimits()}}
	r, err := s.openParquet(d, []input{{file: e.Name}}, connectors.Read{})
	if err != nil {
		d.Close()
		return nil, err
	}
	if want, have := stored(c.w.load.Shape), stored(r.Shape()); want != have {
		r.Close()
		return nil, c.w.otherColumns(fmt.Sprintf("%s, and this load writes %s", have, want), r.Shape().Names())
	}
	return r, nil
}

// lent is a folder that stays open when a reader of it is closed.
type lent struct{ place.Folder }

// Close does nothing.
func (lent) Close() {}

// stored describes a shape as a file keeps it.
func stored(shape *record.Shape) string {
	text := ""
	for i := range shape.Fields {
		f := &shape.Fields[i]
		kind := f.Kind
		if f.Opaque() || kind == record.Month {
			kind = record.Text
		}
		text += fmt.Sprintf("%s %s", f.Name, kind)
		if kind == record.Decimal {
			text += fmt.Sprintf("(%d)", scaleOf(f))
		}
		if f.Child != nil {
			text += " (" + stored(f.Child) + ")"
		}
		if i < len(shape.Fields)-1 {
			text += ", "
		}
	}
	return text
}

// passOld hands every row of the file to fn.
func (c *columnar) passOld(ctx context.Context, old connectors.Reader, fn func(b *record.Batch, row int) error) error {
	var b record.Batch
	for {
		err := old.Next(ctx, &b)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil && len(b.Held) > 0 {
			err = fmt.Errorf("%w: %s: %s", connectors.ErrData, c.w.target.name, b.Held[0].Message)
		}
		for i := 0; err == nil && i < b.Rows; i++ {
			err = fn(&b, i)
		}
		if err != nil {
			return err
		}
	}
}

func (c *columnar) put(b *record.Batch, row int) error { return c.table.write(b, row) }

// take takes the live rows of a batch.
func (c *columnar) take(b *record.Batch) error {
	for _, row := range b.Live {
		c.line = append(record.AppendRowJSON(c.line[:0], b, int(row)), '\n')
		c.w.hash.Write(c.line)
		if c.index != nil {
			c.place(b, row)
			continue
		}
		var bad *unfit
		switch err := c.table.write(b, int(row)); {
		case errors.As(err, &bad):
			c.refuse(b, row, bad.Error())
		case err != nil:
			return err
		default:
			c.receipt.Inserted++
		}
	}
	return nil
}

func (c *columnar) refuse(b *record.Batch, row int32, reason string) {
	r := connectors.Refusal{Seq: b.Seq, Row: row, Key: string(bytes.ReplaceAll(c.key, []byte{keySep}, []byte{'|'})), Input: b.Origin.Input,
		Reason: reason, Record: record.AppendRowJSON(nil, b, int(row))}
	if entry := b.Entry(row); int(entry) < len(b.Origin.Line) {
		r.Line = b.Origin.Line[entry]
	}
	c.receipt.Refused = append(c.receipt.Refused, r)
}

// place keeps a row of an upsert. A key that comes twice is the same record
// when both are alike, and refused otherwise.
func (c *columnar) place(b *record.Batch, row int32) {
	if missing := c.keyOf(b, int(row)); missing != "" {
		c.refuse(b, row, string(document.CodeSinkMissingKey)+": the key field \""+missing+"\" has no value")
		return
	}
	at, twice := c.index[string(c.key)]
	if !twice {
		c.index[string(c.key)] = int32(c.fresh.Rows)
		c.fresh.Append(b, []int32{row})
		return
	}
	if c.same(b, int(row), int(at)) {
		c.receipt.Unchanged++
		return
	}
	c.refuse(b, row, string(document.CodeSinkDuplicateKey)+": another record of this load has the same key and differs")
}

// keyOf makes the key of a row; missing names a key field without a value.
func (c *columnar) keyOf(b *record.Batch, row int) (missing string) {
	c.key = c.key[:0]
	for n, name := range c.w.load.Key {
		if n > 0 {
			c.key = append(c.key, keySep)
		}
		i := b.Shape.Index(name)
		if b.Columns[i].Presence[row] != record.Value {
			return name
		}
		// The field as it is declared, so that a scale the file adds changes
		// no key.
		f := record.NewField(name, c.w.load.Shape.Fields[i].Kind)
		if b.Columns[i].Kind == record.Text {
			f.Kind = record.Text
		}
		c.key = record.AppendValue(c.key, &f, &b.Columns[i], row)
	}
	return ""
}

// complete ends the file and counts what it changes.
func (c *columnar) complete(ctx context.Context) (connectors.Receipt, error) {
	if c.index != nil {
		if err := c.merge(ctx); err != nil {
			return c.receipt, err
		}
	}
	if len(c.receipt.Refused) > c.w.load.MaxRefused {
		return c.receipt, connectors.ErrTooManyRefused
	}
	if err := c.table.Close(); err != nil {
		return c.receipt, fmt.Errorf("%w: %w", connectors.ErrEnvironment, err)
	}
	return c.receipt, nil
}

// merge writes the rows of the file with the new ones in their places, then
// those that are new.
func (c *columnar) merge(ctx context.Context) error {
	c.used = make([]bool, c.fresh.Rows)
	old, err := c.openOld(ctx)
	if err != nil {
		return err
	}
	if old != nil {
		defer old.Close()
		if err := c.passOld(ctx, old, c.replaceOld); err != nil {
			return err
		}
	}
	for row, used := range c.used {
		if !used {
			if _, err := c.putFresh(row, &c.receipt.Inserted); err != nil {
				return err
			}
		}
	}
	return nil
}

// replaceOld writes one row of the file as it was, or the new one of its key.
func (c *columnar) replaceOld(b *record.Batch, row int) error {
	if missing := c.keyOf(b, row); missing != "" {
		return c.put(b, row)
	}
	at, known := c.index[string(c.key)]
	if !known {
		return c.put(b, row)
	}
	if c.used[at] {
		return fmt.Errorf("%w: %s holds the key %q twice; mend the file, or use mode: replace", connectors.ErrData, c.w.target.name, c.key)
	}
	c.used[at] = true
	if c.same(b, row, int(at)) {
		c.receipt.Unchanged++
		return c.put(b, row)
	}
	stored, err := c.putFresh(int(at), &c.receipt.Changed)
	if err == nil && !stored {
		err = c.put(b, row) // what was there stays
	}
	return err
}

// same compares a row with a new one, as both are stored: without regard to
// the zeros a scale adds.
func (c *columnar) same(b *record.Batch, row, fresh int) bool {
	was, is := *b, c.fresh
	was.Shape, is.Shape = c.plain, c.plain
	c.line = appendStored(c.line[:0], &was, row)
	c.other = appendStored(c.other[:0], &is, fresh)
	return bytes.Equal(c.line, c.other)
}

// appendStored writes a row so that a field without a value is like one that
// is not there.
func appendStored(dst []byte, b *record.Batch, row int) []byte {
	for i := range b.Columns {
		if col := &b.Columns[i]; col.Presence[row] == record.Value {
			dst = append(record.AppendValue(dst, &b.Shape.Fields[i], col, row), keySep)
		} else {
			dst = append(dst, 0, keySep)
		}
	}
	return dst
}

// plainShape is a shape without the scales of its decimals.
func plainShape(shape *record.Shape) *record.Shape {
	fields := make([]record.Field, len(shape.Fields))
	for i, f := range shape.Fields {
		if f.Scale = record.NoScale; f.Child != nil {
			f.Child = plainShape(f.Child)
		}
		fields[i] = f
	}
	return record.MustShape(fields...)
}

// putFresh writes a new row; stored is false when it is refused.
func (c *columnar) putFresh(row int, count *int64) (stored bool, err error) {
	var bad *unfit
	err = c.put(&c.fresh, row)
	if errors.As(err, &bad) {
		c.keyOf(&c.fresh, row)
		c.refuse(&c.fresh, int32(row), bad.Error())
		return false, nil
	}
	if err == nil {
		*count++
	}
	return err == nil, err
}
