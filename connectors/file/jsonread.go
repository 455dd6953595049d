package file

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/rows"
	"github.com/tieout/tieout/schemas/record"
)

// jsonReader reads the JSON files of a stream, one after the other.
type jsonReader struct {
	root   *os.Root
	names  []string
	lines  bool
	path   string
	limits connectors.Limits
	plan   *rows.Plan

	current int
	handle  *os.File
	feed    feed
	ahead   []rows.Item // read to learn the shape, not yet given out
	seq     int64
	fill    *rows.Filler
}

func (s *source) openJSON(root *os.Root, names []string, format string, read connectors.Read) (connectors.Reader, error) {
	r := &jsonReader{root: root, names: names, lines: format == "jsonl", path: s.options.JSON.Records.Value, limits: s.env.Limits}
	if err := r.openNext(); err != nil {
		return nil, err
	}
	samples, err := r.lookAhead()
	if err != nil {
		r.handle.Close()
		return nil, err
	}
	if r.plan, err = rows.NewPlan(read, samples, s.env.Limits); err != nil {
		r.handle.Close()
		return nil, err
	}
	r.fill = rows.NewFiller(r.plan, func(it rows.Item) string { return fmt.Sprintf("line %d", it.Line) })
	return r, nil
}

// lookAhead reads the first records of the first file.
func (r *jsonReader) lookAhead() ([][]byte, error) {
	var samples [][]byte
	for range rows.SampleRecords {
		it, err := r.feed.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, r.broken(err)
		}
		it.Raw = bytes.Clone(it.Raw)
		r.ahead = append(r.ahead, it)
		if it.Err == nil {
			samples = append(samples, it.Raw)
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
		cut := rows.Cut{Limits: r.limits}
		if r.path != "" {
			cut.Path = strings.Split(r.path, ".")
		}
		r.feed = rows.NewCutter(in, cut)
	}
	return nil
}

// Shape is the declared fields and the other members seen in the first
// records.
func (r *jsonReader) Shape() *record.Shape { return r.plan.Shape() }

// Notes tells of members that turned up only after the first records, and so
// are in no field.
func (r *jsonReader) Notes() []string { return r.fill.Notes(r.names[0]) }

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
	b.Reset(r.plan.Shape(), record.BatchRows)
	b.Origin.Input = r.names[min(r.current, len(r.names)-1)]
	n, size := 0, 0
	for n < record.BatchRows && size < chunkBytes*4 {
		it, err := r.item()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if n > 0 && b.Origin.Input != r.names[r.current] {
			it.Raw = bytes.Clone(it.Raw)
			r.ahead = append([]rows.Item{it}, r.ahead...)
			break
		}
		b.Origin.Input = r.names[r.current]
		err = r.fill.Row(b, n, it)
		if err != nil && r.lines { // the other lines are not touched by it
			it.Err = rows.ErrNotJSON
			err = r.fill.Row(b, n, it)
		}
		if err != nil {
			return r.broken(err)
		}
		size += len(it.Raw)
		n++
	}
	if n == 0 {
		return io.EOF
	}
	b.SetRows(n)
	b.AllLive()
	b.DropHeld(0)
	b.Seq = r.seq
	r.seq++
	return nil
}

// item returns the next record of the stream, going on to the next file.
func (r *jsonReader) item() (rows.Item, error) {
	for {
		if len(r.ahead) > 0 {
			it := r.ahead[0]
			r.ahead = r.ahead[1:]
			return it, nil
		}
		it, err := r.feed.Next()
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
	return fmt.Errorf("%s: %w", r.names[r.current], err)
}
