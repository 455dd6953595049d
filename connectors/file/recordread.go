package file

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/rows"
	"github.com/tieout/tieout/schemas/record"
)

// recordReader reads the JSON or XML files of a stream, one after the other.
type recordReader struct {
	folder *disk
	inputs []input
	format string
	path   []string // to the records
	limits connectors.Limits
	plan   *rows.Plan

	current int
	handle  io.Closer
	feed    feed
	ahead   *rows.Ahead
	vacant  bool
	fill    *rows.Filler
}

func (s *source) openRecords(f *disk, inputs []input, format string, read connectors.Read) (connectors.Reader, error) {
	r := &recordReader{folder: f, inputs: inputs, format: format, limits: s.env.Limits}
	r.ahead = rows.NewAhead(r.read)
	newPlan := rows.NewPlan
	switch path := s.options.JSON.Records.Value; {
	case format == "xml":
		r.path, newPlan = xmlPath(s.options.XML.Records.Value), rows.NewXMLPlan
	case path != "" && format == "json":
		r.path = strings.Split(path, ".")
	}
	if err := r.openNext(); err != nil {
		return nil, err
	}
	samples, err := r.ahead.Look(sampleBytes) // of as many files as it takes, since each may be one record
	if err != nil {
		r.handle.Close()
		return nil, err
	}
	r.vacant = r.ahead.Empty()
	if r.plan, err = newPlan(read, samples, s.env.Limits); err != nil {
		r.handle.Close()
		return nil, err
	}
	r.fill = rows.NewFiller(r.plan, func(it rows.Item) string { return fmt.Sprintf("line %d", it.Line) })
	return r, nil
}

// Vacant reports whether the files hold no record.
func (r *recordReader) Vacant() bool { return r.vacant }

// xmlPath takes a path with dots, or with slashes where names have dots.
func xmlPath(path string) []string {
	path = strings.Trim(path, "/")
	switch {
	case path == "":
		return nil
	case strings.Contains(path, "/"):
		return strings.Split(path, "/")
	}
	return strings.Split(path, ".")
}

// sampleBytes bounds what is kept of the first records.
const sampleBytes = 32 << 20

func (r *recordReader) openNext() error {
	handle, err := r.folder.open(r.inputs[r.current])
	if err != nil {
		return err
	}
	r.handle = handle
	cut := rows.Cut{Limits: r.limits, Path: r.path}
	switch r.format {
	case "jsonl":
		r.feed = newLineFeed(decoded(handle, "utf-8"), r.limits.RecordBytes)
	case "xml":
		r.feed = rows.NewXMLCutter(handle, cut)
	default:
		r.feed = rows.NewCutter(decoded(handle, "utf-8"), cut)
	}
	return nil
}

// whole makes sure, at the end of a document, that the path to its records
// led somewhere: a document of another kind is not one without records.
func (r *recordReader) whole() error {
	switch feed := r.feed.(type) {
	case *rows.XMLCutter:
		if !feed.Found() {
			return fmt.Errorf("%w: %s: %s; xml.records is the path to the records", connectors.ErrConfig, r.inputs[r.current].name(), feed.Missing())
		}
	case *rows.Cutter:
		if !feed.Found() {
			return fmt.Errorf("%w: %s: there is nothing at %q; json.records is the path to the records", connectors.ErrConfig, r.inputs[r.current].name(), strings.Join(r.path, "."))
		}
	}
	return nil
}

// Shape is the declared fields and the other members seen in the first
// records.
func (r *recordReader) Shape() *record.Shape { return r.plan.Shape() }

// Notes tells of members that turned up only after the first records, and so
// are in no field.
func (r *recordReader) Notes() []string { return r.fill.Notes(r.inputs[0].name()) }

// Close closes the file that is open.
func (r *recordReader) Close() error {
	r.handle.Close()
	return r.folder.Close()
}

// Next decodes the next records.
func (r *recordReader) Next(ctx context.Context, b *record.Batch) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	b.Reset(r.plan.Shape(), record.BatchRows)
	n, size, input := 0, 0, -1
	for n < record.BatchRows && size < chunkBytes*4 {
		it, err := r.ahead.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if n > 0 && it.From != input {
			r.ahead.Back(it)
			break
		}
		input = it.From
		b.Origin.Input = r.inputs[input].name()
		err = r.fill.Row(b, n, it)
		if err != nil && r.format == "jsonl" { // the other lines are not touched by it
			it.Err = rows.ErrNotJSON
			err = r.fill.Row(b, n, it)
		}
		if err != nil {
			return r.broken(input, err)
		}
		size += len(it.Raw)
		n++
	}
	if n == 0 {
		return io.EOF
	}
	r.fill.Done(b, n)
	return nil
}

// read reads the next record, going on to the next file.
func (r *recordReader) read() (rows.Item, error) {
	for {
		it, err := r.feed.Next()
		if err == nil {
			it.From = r.current
			return it, nil
		}
		if !errors.Is(err, io.EOF) {
			return rows.Item{}, r.broken(r.current, err)
		}
		if err := r.whole(); err != nil {
			return rows.Item{}, err
		}
		if r.current == len(r.inputs)-1 {
			return rows.Item{}, io.EOF
		}
		r.handle.Close()
		r.current++
		if err := r.openNext(); err != nil {
			return rows.Item{}, err
		}
	}
}

// broken says that the rest of a document cannot be told apart any more, so
// that nothing of it may be loaded.
func (r *recordReader) broken(input int, err error) error {
	return fmt.Errorf("%s: %w", r.inputs[input].name(), err)
}
