package file

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
)

// chunkBytes is how much of a file is looked at for one batch to begin with;
// it follows the size of the records from there, up to mostBytes.
const (
	chunkBytes = 128 << 10
	mostBytes  = 1 << 20
)

// csvReader reads the files of a stream, one after the other.
type csvReader struct {
	layout
	files   []table
	dialect dialect
	limits  connectors.Limits
	folder  *disk
	pick    *picker

	current int // index in files
	handle  io.Closer
	in      io.Reader
	scan    scanner
	rest    []byte // read, not yet cut into records
	ended   bool   // in is exhausted
	discard bool   // inside a line longer than the limit
	line    int64  // of the next record
	offset  int64  // of the next record, in decoded bytes
	seq     int64
	want    int    // bytes to look at for the next batch
	cells   []int  // for each column of the shape, its cell in this file, or -1
	plain   []bool // for each column, whether all texts of the batch are plain
	passed  passed
	depths  []int32 // levels of the batch's rows, when they are asked for
	levelAt int     // the cell the level is told by
}

// Shape is the declared columns and the others of all files.
func (r *csvReader) Shape() *record.Shape { return r.shape }

// Close closes the file that is open.
func (r *csvReader) Close() error {
	if r.handle != nil {
		r.handle.Close()
	}
	return r.folder.Close()
}

// Next cuts the next chunk into records.
func (r *csvReader) Next(ctx context.Context, b *record.Batch) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		if r.in == nil {
			if r.current == len(r.files) {
				return io.EOF
			}
			if err := r.openNext(); err != nil {
				return err
			}
		}
		if err := r.fill(b); err != nil {
			return err
		}
		if b.Rows > 0 {
			b.Seq = r.seq
			r.seq++
			return nil
		}
	}
}

// openNext opens the next file and skips to its first record.
func (r *csvReader) openNext() error {
	f := &r.files[r.current]
	handle, err := r.folder.open(f.input)
	if err != nil {
		return err
	}
	r.handle, r.in = handle, decoded(handle, r.dialect.encoding)
	r.rest, r.ended, r.discard, r.line, r.offset = r.rest[:0], false, false, 1, 0
	r.scan = scanner{delimiter: r.dialect.delimiter, comment: r.dialect.comment, limit: r.limits.RecordBytes, fields: r.scan.fields}
	r.cells = r.cells[:0]
	for i := range r.columns {
		r.cells = append(r.cells, f.cellOf(&r.columns[i]))
	}
	r.levelAt = f.find(r.pick.levelBy)
	if r.dialect.header {
		return r.skipHeader()
	}
	return nil
}

// skipHeader moves past the header line, which was read when the stream was
// opened; a file that changed since then is refused.
func (r *csvReader) skipHeader() error {
	names, size, lines, err := readHeader(r, &r.scan)
	if err != nil {
		return fmt.Errorf("%s: %w", r.files[r.current].name(), err)
	}
	if !equalNames(names, r.files[r.current].header) {
		return fmt.Errorf("%s changed while it was being read; run again: %w", r.files[r.current].name(), connectors.ErrEnvironment)
	}
	r.offset, r.line = int64(size), r.line+lines
	return nil
}

// fill puts the records at the front of the input into b; none when the file
// has ended.
func (r *csvReader) fill(b *record.Batch) error {
	b.Reset(r.shape, record.BatchRows)
	b.Origin.Input = r.files[r.current].name()
	buf, err := r.chunk(b)
	if err != nil {
		return err
	}
	r.attach(b, buf)
	r.depths = r.depths[:0]
	at, rows := 0, 0
	for rows < record.BatchRows && at < len(buf) {
		what, size := r.scan.scan(buf, at, r.ended)
		if what == short {
			break
		}
		switch r.fate(what, buf, at) {
		case keep:
			r.row(b, buf, buf[at:at+size], rows)
			r.place(b, buf, rows)
			rows++
		case stop:
			r.rest, r.ended, r.discard = r.rest[:0], true, false
			r.finish(b, rows)
			return nil
		}
		r.line += int64(bytes.Count(buf[at:at+size], newline))
		r.offset += int64(size)
		at += size
		r.discard = r.scan.cut
	}
	r.rest = append(r.rest[:0], buf[at:]...)
	r.adapt(rows, at, len(buf))
	r.finish(b, rows)
	if rows == 0 && r.ended && len(r.rest) == 0 {
		r.handle.Close()
		r.handle, r.in = nil, nil
		r.current++
	}
	return nil
}

var newline = []byte{'\n'}

// adapt makes the next chunk about as large as a full batch, so that little
// is left over, and larger when not even one record fitted.
func (r *csvReader) adapt(rows, used, had int) {
	switch {
	case rows == record.BatchRows:
		r.want = used + used/16
	case r.ended:
	case rows == 0:
		r.want = 2 * max(had, chunkBytes)
	default:
		r.want = min(had+had/4, max(mostBytes, r.want))
	}
}

// chunk returns what was left over and more of the file, in b's arena.
func (r *csvReader) chunk(b *record.Batch) ([]byte, error) {
	want := max(r.want, chunkBytes)
	if want = max(want, len(r.rest)); cap(b.Arena) < want {
		b.Arena = make([]byte, 0, want)
	}
	buf := b.Arena[:len(r.rest)]
	copy(buf, r.rest)
	for len(buf) < want && !r.ended {
		n, err := r.in.Read(buf[len(buf):want])
		buf = buf[:len(buf)+n]
		if err == io.EOF {
			r.ended = true
		} else if err != nil {
			return nil, fmt.Errorf("read %s: %w", r.files[r.current].name(), err)
		}
	}
	b.Arena = buf[:0]
	return r.resync(buf), nil
}

// resync drops the rest of a line that was longer than the limit.
func (r *csvReader) resync(buf []byte) []byte {
	if !r.discard {
		return buf
	}
	n := bytes.IndexByte(buf, '\n')
	if n < 0 {
		n = len(buf)
	} else {
		r.discard = false
		r.line++
		n++
	}
	r.offset += int64(n)
	return buf[n:]
}

// attach points the text columns, and the verbatim side of typed ones, at the
// chunk.
func (r *csvReader) attach(b *record.Batch, buf []byte) {
	r.plain = r.plain[:0]
	for i := range r.columns {
		b.Columns[i].Borrow(buf, record.BatchRows)
		r.plain = append(r.plain, true)
	}
}

// row puts the record the scanner stands on into row n.
func (r *csvReader) row(b *record.Batch, buf, raw []byte, n int) {
	b.Origin.Line = append(b.Origin.Line, r.line)
	b.Origin.Byte = append(b.Origin.Byte, r.offset)
	header := r.files[r.current].header
	switch {
	case r.scan.fault != "":
		code := document.CodeSourceRagged
		if r.scan.fault == tooLong {
			code = document.CodeSourceTooLong
		}
		r.hold(b, buf, n, code, r.scan.fault)
		return
	case len(r.scan.fields) != len(header):
		r.hold(b, buf, n, document.CodeSourceRagged, fmt.Sprintf("the record has %d fields, the header %d", len(r.scan.fields), len(header)))
		return
	case !r.valid(buf, raw):
		r.hold(b, buf, n, document.CodeSourceEncoding, "the record is not valid UTF-8; name the file's encoding under csv")
		return
	}
	for i, cell := range r.cells {
		if cell >= 0 {
			r.cell(b, buf, n, i, r.scan.fields[cell])
		}
	}
}

// valid reports whether the record is UTF-8. Where doubled quotes were undone
// in place, bytes are left over between the fields, so each is looked at.
func (r *csvReader) valid(buf, raw []byte) bool {
	if len(r.scan.doubled) == 0 {
		return utf8.Valid(raw)
	}
	for _, f := range r.scan.fields {
		if !utf8.Valid(buf[f.Off : f.Off+f.Len]) {
			return false
		}
	}
	return true
}

func (r *csvReader) cell(b *record.Batch, buf []byte, n, i int, span record.Span) {
	col, text := &b.Columns[i], buf[span.Off:span.Off+span.Len]
	if r.dialect.isNull(text) {
		col.SetNil(n)
		return
	}
	col.Spans[n] = span
	caster := r.columns[i].caster
	if caster == nil {
		col.Presence[n] = record.Value
		return
	}
	plain, err := caster.Cast(col, n, text)
	if !plain {
		r.plain[i] = false
	}
	if err != nil {
		r.holdField(b, buf, n, i, err)
	}
}

// finish cuts the batch to its rows and takes the held ones out.
func (r *csvReader) finish(b *record.Batch, rows int) {
	b.SetRows(rows)
	for i := range r.columns {
		if r.columns[i].caster != nil {
			b.Columns[i].Verbatim = r.plain[i]
		}
	}
	b.AllLive()
	b.DropHeld(0)
}

// hold stops a whole record; its cells are kept as they came.
func (r *csvReader) hold(b *record.Batch, buf []byte, n int, code document.Code, message string) {
	b.Hold(record.Hold{Row: int32(n), Step: record.StepSource, Code: string(code), Rule: "source",
		Message: fmt.Sprintf("%s (line %d, byte %d)", message, r.line, r.offset), Record: r.rawRecord(buf)})
}

// holdField stops a record for one value. A record with several bad values
// gets a reason for each.
func (r *csvReader) holdField(b *record.Batch, buf []byte, n, i int, err error) {
	b.Hold(record.Hold{Row: int32(n), Step: record.StepSource, Code: string(document.CodeSourceBadValue), Rule: "source",
		Field: r.shape.Fields[i].Name, Message: fmt.Sprintf("%v (line %d)", err, r.line), Record: r.rawRecord(buf)})
}

// rawRecord is the record as received: an object of texts under the names of
// the pipeline's fields. Cells beyond the header are named by their number.
func (r *csvReader) rawRecord(buf []byte) []byte {
	out := []byte{'{'}
	used := make(map[int]string, len(r.cells))
	for i, cell := range r.cells {
		if cell >= 0 {
			used[cell] = r.shape.Fields[i].Name
		}
	}
	header := r.files[r.current].header
	for k, span := range r.scan.fields {
		name := used[k]
		if name == "" && k < len(header) {
			name = header[k]
		}
		if name == "" {
			name = fmt.Sprintf("column_%d", k+1)
		}
		if k > 0 {
			out = append(out, ',')
		}
		out = append(record.AppendJSONString(out, []byte(name)), ':')
		out = record.AppendJSONString(out, buf[span.Off:span.Off+span.Len])
	}
	return append(out, '}')
}
