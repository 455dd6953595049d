package file

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sort"

	"github.com/go-faster/jx"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
)

// sampleRecords is how many records are looked at to learn the members of a
// stream before it is read.
const sampleRecords = 1000

// jsonReader reads the JSON files of a stream, one after the other.
type jsonReader struct {
	root   *os.Root
	names  []string
	lines  bool
	path   string
	limits connectors.Limits
	tree   *node

	current int
	handle  *os.File
	feed    feed
	ahead   []item // read to learn the shape, not yet given out
	seq     int64
	decoder *jx.Decoder
	fill    filler
	unknown map[string]int64
	pruned  bool // the pipeline named the fields it wants
}

func (s *source) openJSON(root *os.Root, names []string, format string, read connectors.Read) (connectors.Reader, error) {
	r := &jsonReader{root: root, names: names, lines: format == "jsonl", path: s.options.JSON.Records.Value,
		limits: s.env.Limits, decoder: jx.DecodeBytes(nil), unknown: make(map[string]int64), pruned: read.Wanted != nil}
	r.fill = filler{reader: r}
	if err := r.openNext(); err != nil {
		return nil, err
	}
	samples, err := r.lookAhead()
	if err != nil {
		r.handle.Close()
		return nil, err
	}
	if r.tree, err = planJSON(read, samples, s.env.Limits); err != nil {
		r.handle.Close()
		return nil, err
	}
	return r, nil
}

// lookAhead reads the first records of the first file.
func (r *jsonReader) lookAhead() ([][]byte, error) {
	var samples [][]byte
	for range sampleRecords {
		it, err := r.feed.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, r.broken(err)
		}
		it.raw = bytes.Clone(it.raw)
		r.ahead = append(r.ahead, it)
		if it.err == nil {
			samples = append(samples, it.raw)
		}
	}
	return samples, nil
}

func (r *jsonReader) openNext() error {
	handle, err := r.root.Open(r.names[r.current])
	if err != nil {
		return fmt.Errorf("%w: %w", connectors.ErrEnvironment, err)
	}
	r.handle = handle
	in := decoded(handle, "utf-8")
	if r.lines {
		r.feed = newLineFeed(in, r.limits.RecordBytes)
	} else {
		r.feed = newTreeFeed(in, r.path)
	}
	return nil
}

// Shape is the declared fields and the other members seen in the first
// records.
func (r *jsonReader) Shape() *record.Shape { return r.tree.shape }

// Notes tells of members that turned up only after the first records, and so
// are in no field.
func (r *jsonReader) Notes() []string {
	var notes []string
	for name, n := range r.unknown {
		notes = append(notes, fmt.Sprintf("%s: %d records have a member %q that the first %d had not; declare it under fields to read it", r.names[0], n, name, sampleRecords))
	}
	sort.Strings(notes)
	return notes
}

// Close closes the file that is open.
func (r *jsonReader) Close() error {
	r.handle.Close()
	return r.root.Close()
}

// Next decodes the next records.
func (r *jsonReader) Next(ctx context.Context, b *record.Batch) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	b.Reset(r.tree.shape, record.BatchRows)
	b.Origin.Input = r.names[min(r.current, len(r.names)-1)]
	rows, size := 0, 0
	for rows < record.BatchRows && size < chunkBytes*4 {
		it, err := r.item()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if rows > 0 && b.Origin.Input != r.names[r.current] {
			r.ahead = append([]item{{raw: bytes.Clone(it.raw), line: it.line, byte: it.byte, err: it.err}}, r.ahead...)
			break
		}
		b.Origin.Input = r.names[r.current]
		r.row(b, rows, it)
		size += len(it.raw)
		rows++
	}
	if rows == 0 {
		return io.EOF
	}
	b.SetRows(rows)
	b.AllLive()
	b.DropHeld(0)
	b.Seq = r.seq
	r.seq++
	return nil
}

// item returns the next record of the stream, going on to the next file.
func (r *jsonReader) item() (item, error) {
	for {
		if len(r.ahead) > 0 {
			it := r.ahead[0]
			r.ahead = r.ahead[1:]
			return it, nil
		}
		it, err := r.feed.next()
		if err == nil {
			return it, nil
		}
		if !errors.Is(err, io.EOF) {
			return it, r.broken(err)
		}
		if r.current == len(r.names)-1 {
			return it, io.EOF
		}
		r.handle.Close()
		r.current++
		if err := r.openNext(); err != nil {
			return it, err
		}
	}
}

// broken says that the rest of a document cannot be told apart any more, so
// that nothing of it may be loaded.
func (r *jsonReader) broken(err error) error {
	return fmt.Errorf("%s is not sound JSON: %w", r.names[r.current], err)
}

func (r *jsonReader) row(b *record.Batch, row int, it item) {
	b.Origin.Line = append(b.Origin.Line, it.line)
	b.Origin.Byte = append(b.Origin.Byte, it.byte)
	err := it.err
	if err == nil && len(it.raw) > r.limits.RecordBytes {
		err = errTooLong
	}
	if err == nil && !jx.Valid(it.raw) {
		err = errors.New("the record is not sound JSON")
	}
	if err == nil {
		r.decoder.ResetBytes(it.raw)
		r.fill.bad = r.fill.bad[:0]
		err = r.fill.object(r.decoder, b, row, r.tree, r.limits.Depth)
	}
	if err == nil {
		for i := range r.fill.bad {
			r.hold(b, row, it, document.CodeSourceBadValue, r.fill.bad[i].field, &r.fill.bad[i])
		}
		return
	}
	code, field := document.CodeSourceBadValue, ""
	var bad *memberError
	switch {
	case errors.Is(err, errTooLong):
		code = document.CodeSourceTooLong
	case errors.As(err, &bad):
		field, err = bad.field, bad // without the path the decoder came along
	}
	r.fill.settle(b, row)
	r.hold(b, row, it, code, field, err)
}

func (r *jsonReader) hold(b *record.Batch, row int, it item, code document.Code, field string, err error) {
	b.Hold(record.Hold{Row: int32(row), Step: record.StepSource, Code: string(code), Rule: "source", Field: field,
		Message: fmt.Sprintf("%v (line %d)", err, it.line), Record: rawJSON(it.raw)})
}

// rawJSON keeps a record as received: as it is when it is an object, else as
// text under "raw".
func rawJSON(raw []byte) []byte {
	if jx.Valid(raw) && len(raw) > 0 && raw[0] == '{' {
		return bytes.Clone(raw)
	}
	const most = 64 << 10
	if len(raw) > most {
		raw = raw[:most]
	}
	out := record.AppendJSONString([]byte(`{"raw":`), raw)
	return append(out, '}')
}
