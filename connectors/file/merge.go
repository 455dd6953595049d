package file

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/go-faster/jx"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
)

// merge lays the records of an upsert over the file as it is: records of a
// known key take the place of the old ones, the others follow at the end.
// The new records are kept in memory, the old ones are only passed by.
type merge struct {
	w         *writer
	delimiter byte
	head      []byte
	text      []byte // new records, one after the other
	rows      []newRow
	index     map[string]int
	key       []byte
	receipt   connectors.Receipt
}

type newRow struct {
	from, to int
	used     bool
}

func newMerge(w *writer, delimiter byte, head []byte) *merge {
	return &merge{w: w, delimiter: delimiter, head: head, index: make(map[string]int)}
}

// keySep parts the values of a key.
const keySep = 0x1f

// take keeps the live rows of a batch. A key that comes twice is the same
// record when both are alike, and refused otherwise.
func (m *merge) take(b *record.Batch) {
	for _, row := range b.Live {
		from := len(m.text)
		m.text = m.w.enc.row(m.text, b, int(row))
		m.w.hash.Write(m.text[from:])
		if missing := m.keyOf(b, int(row)); missing != "" {
			m.text = m.text[:from]
			m.refuse(b, row, string(document.CodeSinkMissingKey)+": the key field \""+missing+"\" has no value")
			continue
		}
		m.place(b, row, from)
	}
}

// keyOf makes the key of a row; missing names a key field without a value.
func (m *merge) keyOf(b *record.Batch, row int) (missing string) {
	m.key = m.key[:0]
	for n, name := range m.w.load.Key {
		if n > 0 {
			m.key = append(m.key, keySep)
		}
		i := b.Shape.Index(name)
		c := &b.Columns[i]
		if c.Presence[row] != record.Value {
			return name
		}
		m.key = m.cellText(m.key, &b.Shape.Fields[i], c, row)
	}
	return ""
}

// cellText is a key's text as it will be read back from the file.
func (m *merge) cellText(dst []byte, f *record.Field, c *record.Column, row int) []byte {
	if m.w.format == "csv" && asReceived(f, c) {
		return append(dst, c.Text(row)...)
	}
	return record.AppendValue(dst, f, c, row)
}

func (m *merge) place(b *record.Batch, row int32, from int) {
	k, twice := m.index[string(m.key)]
	if !twice {
		m.index[string(m.key)] = len(m.rows)
		m.rows = append(m.rows, newRow{from: from, to: len(m.text)})
		return
	}
	same := bytes.Equal(m.text[m.rows[k].from:m.rows[k].to], m.text[from:])
	m.text = m.text[:from]
	if same {
		m.receipt.Unchanged++
		return
	}
	m.refuse(b, row, string(document.CodeSinkDuplicateKey)+": another record of this load has the same key and differs")
}

func (m *merge) refuse(b *record.Batch, row int32, reason string) {
	r := connectors.Refusal{Seq: b.Seq, Row: row, Key: string(bytes.ReplaceAll(m.key, []byte{keySep}, []byte{'|'})), Input: b.Origin.Input,
		Reason: reason, Record: record.AppendRowJSON(nil, b, int(row))}
	if entry := b.Entry(row); int(entry) < len(b.Origin.Line) {
		r.Line = b.Origin.Line[entry]
	}
	m.receipt.Refused = append(m.receipt.Refused, r)
}

// complete writes the merged file.
func (m *merge) complete(ctx context.Context) (connectors.Receipt, error) {
	if len(m.receipt.Refused) > m.w.load.MaxRefused {
		return m.receipt, connectors.ErrTooManyRefused
	}
	m.w.buf = append(m.w.buf, m.head...)
	if err := m.passOld(ctx); err != nil {
		return m.receipt, err
	}
	for _, r := range m.rows {
		if !r.used {
			m.receipt.Inserted++
			if err := m.emit(m.text[r.from:r.to]); err != nil {
				return m.receipt, err
			}
		}
	}
	return m.receipt, m.w.flush()
}

func (m *merge) emit(line []byte) error {
	m.w.buf = append(m.w.buf, line...)
	if len(m.w.buf) < flushBytes {
		return nil
	}
	return m.w.flush()
}

// old passes one record of the file as it is.
func (m *merge) old(key, raw []byte) error {
	k, known := m.index[string(key)]
	if !known {
		return m.emit(ended(raw))
	}
	r := &m.rows[k]
	line := m.text[r.from:r.to]
	if r.used {
		return fmt.Errorf("%w: %s holds the key %q twice; mend the file, or use mode: replace", connectors.ErrData, m.w.target.name, key)
	}
	r.used = true
	if bytes.Equal(bytes.TrimRight(raw, "\r\n"), bytes.TrimRight(line, "\n")) {
		m.receipt.Unchanged++
	} else {
		m.receipt.Changed++
	}
	return m.emit(line)
}

// ended gives a last line without a line end one.
func ended(raw []byte) []byte {
	if len(raw) > 0 && raw[len(raw)-1] != '\n' {
		return append(slices.Clip(raw), '\n')
	}
	return raw
}

func (m *merge) passOld(ctx context.Context) error {
	f, err := m.w.old(ctx)
	if err != nil || f == nil {
		return err
	}
	defer f.Close()
	if m.w.format == "csv" {
		return m.passCSV(decoded(f, "utf-8"))
	}
	return m.passLines(newLineFeed(decoded(f, "utf-8"), connectors.DefaultLimits().RecordBytes))
}

// passCSV passes the records after the header, whose columns were compared
// when the load began.
func (m *merge) passCSV(in io.Reader) error {
	lines := &csvReader{in: in, files: []table{{input: input{file: m.w.target.name}}}, dialect: dialect{header: true}, pick: &picker{}}
	scan := scanner{delimiter: m.delimiter, limit: connectors.DefaultLimits().RecordBytes}
	var b record.Batch
	cells := make([]int, 0, len(m.w.load.Key))
	for _, name := range m.w.load.Key {
		cells = append(cells, m.w.load.Shape.Index(name))
	}
	header := true
	for {
		buf, err := lines.chunk(&b)
		if err != nil {
			return err
		}
		at, rows := 0, 0
		for at < len(buf) {
			// The scanner undoes doubled quotes in place; what is passed on
			// must be the record as it was.
			what, size := scan.scan(buf, at, lines.ended)
			if what == short {
				break
			}
			if what == found && !header {
				if err := m.oldCSV(&scan, buf, at, size, cells); err != nil {
					return err
				}
			}
			header = header && what != found
			at += size
			rows++
		}
		lines.rest = append(lines.rest[:0], buf[at:]...)
		lines.adapt(rows, at, len(buf))
		if lines.ended && len(lines.rest) == 0 {
			return nil
		}
	}
}

func (m *merge) oldCSV(scan *scanner, buf []byte, at, size int, cells []int) error {
	if scan.fault != "" || len(scan.fields) != len(m.w.load.Shape.Fields) {
		return fmt.Errorf("%w: %s holds a record that is not sound (%s); mend the file, or use mode: replace", connectors.ErrData, m.w.target.name, scan.fault)
	}
	m.key = m.key[:0]
	for n, cell := range cells {
		if n > 0 {
			m.key = append(m.key, keySep)
		}
		span := scan.fields[cell]
		m.key = append(m.key, buf[span.Off:span.Off+span.Len]...)
	}
	return m.old(m.key, m.again(scan, buf, at, size))
}

// again writes a record whose doubled quotes the scanner has undone.
func (m *merge) again(scan *scanner, buf []byte, at, size int) []byte {
	if len(scan.doubled) == 0 {
		return buf[at : at+size]
	}
	enc := csvEncoder{delimiter: m.delimiter}
	var line []byte
	for i, span := range scan.fields {
		if i > 0 {
			line = append(line, m.delimiter)
		}
		if span.Len > 0 {
			line = enc.text(line, buf[span.Off:span.Off+span.Len])
		}
	}
	return append(line, '\n')
}

func (m *merge) passLines(lines *lineFeed) error {
	for {
		it, err := lines.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = it.Err
		}
		if err != nil {
			return fmt.Errorf("%w: %s: %w", connectors.ErrData, m.w.target.name, err)
		}
		key, err := m.lineKey(it.Raw)
		if err != nil {
			return fmt.Errorf("%w: %s line %d: %w; mend the file, or use mode: replace", connectors.ErrData, m.w.target.name, it.Line, err)
		}
		if err := m.old(key, append(slices.Clip(it.Raw), '\n')); err != nil {
			return err
		}
	}
}

// lineKey reads the key of a JSON line.
func (m *merge) lineKey(raw []byte) ([]byte, error) {
	parts := make([][]byte, len(m.w.load.Key))
	err := jx.DecodeBytes(raw).ObjBytes(func(d *jx.Decoder, name []byte) error {
		i := slices.Index(m.w.load.Key, string(name))
		switch kind := d.Next(); {
		case i < 0, kind == jx.Null:
			return d.Skip()
		case kind == jx.String:
			text, err := d.StrAppend(nil)
			parts[i] = text
			return err
		}
		text, err := d.Raw()
		parts[i] = text
		return err
	})
	return bytes.Join(parts, []byte{keySep}), err
}
