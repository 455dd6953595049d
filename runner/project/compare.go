package project

import (
	"bufio"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/pipelines"
	"github.com/tieout/tieout/runner"
	"github.com/tieout/tieout/runner/state"
	"github.com/tieout/tieout/schemas/record"
)

// comparePosition is the field of a position that names a snapshot.
const comparePosition = "changes"

// mostCompared bounds the keys of one snapshot, which are kept in memory.
const mostCompared = 20_000_000

// compareSource reads another source whole and passes on only what differs
// from the last load: records added, changed and deleted, with a field that
// says which. What was read is kept in the state store under the load's id,
// and the position in the sink says which load that is, so that snapshot and
// data cannot part.
type compareSource struct {
	inner      connectors.Source
	store      *state.Store // nil in a dry run: every record is new then
	name       state.Snapshot
	allowEmpty bool
}

// Open starts the read and takes in the keys of the last one.
func (s *compareSource) Open(ctx context.Context, read connectors.Read) (connectors.Reader, error) {
	inner, err := s.inner.Open(ctx, read)
	if err != nil {
		return nil, err
	}
	r := &compareReader{source: s, inner: inner, zone: read}
	if w, can := inner.(connectors.Windowed); can && w.Windowed() {
		r.windows = w
	}
	if err := r.begin(ctx, read); err != nil {
		if v, can := inner.(connectors.Vacant); can && v.Vacant() && errors.Is(err, connectors.ErrConfig) {
			return inner, nil // the run says that there is nothing
		}
		return nil, errors.Join(err, inner.Close())
	}
	return r, nil
}

// seenRecord is a record of the last read.
type seenRecord struct {
	content [8]byte // hash of what it held
	met     bool    // this read has it too
}

type compareReader struct {
	source *compareSource
	inner  connectors.Reader
	zone   connectors.Read
	shape  *record.Shape
	keys   *runner.Keyer
	last   map[[16]byte]seenRecord
	now    map[[16]byte]struct{}
	before string // load id of the last read, "" for none

	out      io.WriteCloser // snapshot of this read
	pack     *gzip.Writer
	line     []byte
	head     []byte              // what stands before a line of the snapshot
	windows  connectors.Windowed // nil when all is read each time
	window   []byte              // hash of that of the row
	rows     int64               // of the source
	repeated int64               // of the last batch
	gone     *goneReader
	seq      int64
}

func (r *compareReader) begin(ctx context.Context, read connectors.Read) error {
	fields := r.inner.Shape().Fields
	if r.inner.Shape().Index(pipelines.ChangeField) >= 0 {
		return fmt.Errorf("%w: the source has a field %q of its own, which changes: compare would hide; read it under another name", connectors.ErrConfig, pipelines.ChangeField)
	}
	shape, err := record.NewShape(append(fields[:len(fields):len(fields)], record.NewField(pipelines.ChangeField, record.Text))...)
	if err != nil {
		return fmt.Errorf("%w: %w", connectors.ErrConfig, err)
	}
	r.shape, r.now = shape, make(map[[16]byte]struct{})
	if r.keys = runner.NewKeyer(r.inner.Shape(), read.Key); !r.keys.Keyed() {
		return fmt.Errorf("%w: changes: compare needs a key, and the source lacks one of its fields %q", connectors.ErrConfig, read.Key)
	}
	if r.source.store == nil {
		return nil
	}
	keep := r.source.name
	if keep.LoadID = ""; read.Before != nil {
		if read.Before.Field != comparePosition {
			return fmt.Errorf("%w: the pipeline followed the cursor %q before; run `tieout state reset` to compare from now on", connectors.ErrConfig, read.Before.Field)
		}
		keep.LoadID = read.Before.Text
	}
	if err := r.source.store.DropSnapshots(ctx, keep); err != nil {
		return err
	}
	if !read.Afresh {
		r.before = keep.LoadID
	}
	if err := r.recall(ctx); err != nil {
		return err
	}
	r.out = r.source.store.WriteSnapshot(ctx, r.source.name)
	r.pack, err = gzip.NewWriterLevel(r.out, gzip.BestSpeed)
	return err
}

// recall takes in the keys and contents of the last read.
func (r *compareReader) recall(ctx context.Context) error {
	r.last = make(map[[16]byte]seenRecord)
	return r.eachBefore(ctx, func(key [16]byte, content [8]byte, _ []byte) error {
		if r.last[key] = (seenRecord{content: content}); len(r.last) > mostCompared {
			return fmt.Errorf("%w: changes: compare takes at most %d records", connectors.ErrConfig, mostCompared)
		}
		return nil
	})
}

// A line of a snapshot is the hash of the key, that of the content, and the
// record as JSON.
const snapshotHead = 16 + 8

// eachBefore visits the records of the last read.
func (r *compareReader) eachBefore(ctx context.Context, visit func(key [16]byte, content [8]byte, json []byte) error) error {
	if r.before == "" {
		return nil
	}
	lines, err := r.openBefore(ctx)
	if err != nil {
		return err
	}
	for {
		line, err := lines.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := visit([16]byte(line[:16]), [8]byte(line[16:snapshotHead]), line[snapshotHead:]); err != nil {
			return err
		}
	}
}

func (r *compareReader) openBefore(ctx context.Context) (*snapshotLines, error) {
	name := r.source.name
	name.LoadID = r.before
	packed, err := gzip.NewReader(r.source.store.ReadSnapshot(ctx, name))
	if err != nil {
		return nil, snapshotLost(err)
	}
	return &snapshotLines{in: bufio.NewReaderSize(packed, 64<<10)}, nil
}

func snapshotLost(err error) error {
	return fmt.Errorf("%w: what the last run read cannot be compared with: %w; run once with --full-refresh, which passes every record on as added and notices no deletion",
		connectors.ErrConfig, err)
}

// snapshotLines reads records that have their length before them.
type snapshotLines struct {
	in  *bufio.Reader
	buf []byte
}

func (l *snapshotLines) next() ([]byte, error) {
	var size [4]byte
	if _, err := io.ReadFull(l.in, size[:]); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, io.EOF
		}
		return nil, snapshotLost(err)
	}
	n := int(size[0])<<24 | int(size[1])<<16 | int(size[2])<<8 | int(size[3])
	if n < snapshotHead {
		return nil, snapshotLost(errors.New("it is damaged"))
	}
	if cap(l.buf) < n {
		l.buf = make([]byte, n)
	}
	l.buf = l.buf[:n]
	if _, err := io.ReadFull(l.in, l.buf); err != nil {
		return nil, snapshotLost(io.ErrUnexpectedEOF)
	}
	return l.buf, nil
}

// Shape is that of the source with the field that names the change.
func (r *compareReader) Shape() *record.Shape { return r.shape }

// Close lets go of the source.
func (r *compareReader) Close() error { return r.inner.Close() }

// Repeated is how many records of the last batch were as they had been.
func (r *compareReader) Repeated() int64 { return r.repeated }

// Position names this read for the next one.
func (r *compareReader) Position(loadID string) *connectors.Position {
	return &connectors.Position{Field: comparePosition, Text: loadID, Kind: record.Text.String(), LoadID: loadID}
}

// Notes passes on those of the source.
func (r *compareReader) Notes() []string {
	if n, can := r.inner.(connectors.Noter); can {
		return n.Notes()
	}
	return nil
}

// Next reads a batch of the source, and behind its end the deleted records.
func (r *compareReader) Next(ctx context.Context, b *record.Batch) error {
	if r.gone != nil {
		return r.deleted(ctx, b)
	}
	err := r.inner.Next(ctx, b)
	if errors.Is(err, io.EOF) {
		if err := r.finish(ctx); err != nil {
			return err
		}
		return r.deleted(ctx, b)
	}
	if err != nil {
		return err
	}
	r.rows += int64(b.Rows)
	c := r.widen(b)
	r.repeated = 0
	live := b.Live[:0]
	for _, row := range b.Live {
		r.locate(row)
		change, err := r.judge(b, int(row))
		if err != nil {
			return err
		}
		if change == "" {
			r.repeated++
			continue
		}
		c.SetString(int(row), change)
		live = append(live, row)
	}
	b.Live = live
	for _, row := range b.Stopped { // it is there; what it holds is not known
		r.locate(row)
		if err := r.keep(b, int(row), [8]byte{}); err != nil {
			return err
		}
	}
	r.seq++
	return nil
}

// widen adds the column of changes to a batch of the source.
func (r *compareReader) widen(b *record.Batch) *record.Column {
	n := len(b.Columns)
	if cap(b.Columns) > n {
		b.Columns = b.Columns[:n+1]
	} else {
		b.Columns = append(b.Columns, record.Column{})
	}
	b.Shape = r.shape
	c := &b.Columns[n]
	c.Child = nil
	c.Reset(record.Text, b.Rows)
	return c
}

// judge says what became of a record since the last read, "" when nothing
// did, and keeps it for the next.
func (r *compareReader) judge(b *record.Batch, row int) (string, error) {
	r.line = appendContent(r.line[:0], b, row, r.inner.Shape())
	sum := sha256.Sum256(r.line)
	content := [8]byte(sum[:8])
	if content == ([8]byte{}) {
		content[0] = 1 // nothing but zeros stands for a record that was held
	}
	key, err := r.keyOf(b, row)
	if err != nil {
		return "", err
	}
	if err := r.write(key, content); err != nil {
		return "", err
	}
	was, known := r.last[key]
	if known {
		was.met = true
		r.last[key] = was
	}
	switch {
	case !known:
		return pipelines.Added, nil
	case was.content == content:
		return "", nil
	}
	return pipelines.Changed, nil
}

// keep is judge for a record that cannot be read as declared.
func (r *compareReader) keep(b *record.Batch, row int, content [8]byte) error {
	if !r.keys.Named(b, row) {
		return nil // its key cannot be told: held under a key of its own
	}
	r.line = appendContent(r.line[:0], b, row, r.inner.Shape())
	key, err := r.keyOf(b, row)
	if err != nil {
		return err
	}
	if was, known := r.last[key]; known {
		was.met = true
		r.last[key] = was
	}
	return r.write(key, content)
}

func (r *compareReader) keyOf(b *record.Batch, row int) ([16]byte, error) {
	text := r.keys.Key(b, row)
	sum := sha256.Sum256(text)
	key := [16]byte(sum[:16])
	if _, twice := r.now[key]; twice {
		return key, fmt.Errorf("%w: two records of the source have the key %q, the second %s; changes: compare needs a key that identifies a record", connectors.ErrData, text, placeOf(b, row))
	}
	if len(r.now) >= mostCompared {
		return key, fmt.Errorf("%w: changes: compare takes at most %d records", connectors.ErrConfig, mostCompared)
	}
	r.now[key] = struct{}{}
	return key, nil
}

// placeOf names where a row was read.
func placeOf(b *record.Batch, row int) string {
	if row < len(b.Origin.Line) {
		return fmt.Sprintf("at %s line %d", b.Origin.Input, b.Origin.Line[row])
	}
	return "in " + b.Origin.Input
}

// appendContent writes the fields of the source as JSON.
func appendContent(dst []byte, b *record.Batch, row int, shape *record.Shape) []byte {
	wide, columns := b.Shape, b.Columns
	b.Shape, b.Columns = shape, columns[:len(shape.Fields)]
	dst = record.AppendRowJSON(dst, b, row)
	b.Shape, b.Columns = wide, columns
	return dst
}

// write adds the record in r.line to the snapshot.
func (r *compareReader) write(key [16]byte, content [8]byte) error {
	if r.pack == nil {
		return nil
	}
	n := snapshotHead + len(r.window) + len(r.line)
	r.head = binary.BigEndian.AppendUint32(r.head[:0], uint32(n))
	r.head = append(append(append(r.head, key[:]...), content[:]...), r.window...)
	if _, err := r.pack.Write(r.head); err != nil {
		return err
	}
	_, err := r.pack.Write(r.line)
	return err
}

// finish ends the snapshot and begins with what is gone. A source that is
// empty all at once has lost nothing: the gate stops such a run.
func (r *compareReader) finish(ctx context.Context) error {
	if r.pack != nil {
		if err := errors.Join(r.pack.Close(), r.out.Close()); err != nil {
			return err
		}
	}
	r.gone = new(goneReader)
	if r.before == "" || r.rows == 0 && !r.source.allowEmpty {
		return nil
	}
	var err error
	if r.gone.typed, err = newLevel(r.shape, nil, '.', r.zone.Zone); err != nil {
		return err
	}
	r.gone.lines, err = r.openBefore(ctx)
	return err
}

// goneReader goes through the last read for records this one lacks.
type goneReader struct {
	lines *snapshotLines // nil when there are none
	typed *level
}

// deleted gives the records that are gone, as they were last read.
func (r *compareReader) deleted(ctx context.Context, b *record.Batch) error {
	r.repeated = 0
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	if r.gone.lines == nil {
		return io.EOF
	}
	var found [][]byte
	read := r.readWindows()
	for len(found) < record.BatchRows {
		line, err := r.gone.lines.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		window, text := splitWindow(line[snapshotHead:])
		if !r.last[[16]byte(line[:16])].met && (window == "" || read[window]) {
			found = append(found, append([]byte(nil), text...))
		}
	}
	if len(found) == 0 {
		return io.EOF
	}
	b.Reset(r.shape, len(found))
	b.Origin.Input = "the last read"
	change := &b.Columns[len(b.Columns)-1]
	for row, text := range found {
		if err := r.gone.typed.fill(b, row, json.RawMessage(text)); err != nil {
			return fmt.Errorf("read what the last run read: %w", err)
		}
		change.SetString(row, pipelines.Deleted)
	}
	b.Seq = r.seq
	r.seq++
	return nil
}
