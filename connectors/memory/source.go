package memory

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
)

// source reads the streams of a database as they are when a read opens.
type source struct{ db *Database }

// Open fixes the rows of the read.
func (s *source) Open(_ context.Context, read connectors.Read) (connectors.Reader, error) {
	s.db.data.Lock()
	rows, there := s.db.streams[read.Stream]
	known := s.db.fields[read.Stream]
	s.db.data.Unlock()
	if !there {
		return nil, fmt.Errorf("%w: no stream %q", connectors.ErrConfig, read.Stream)
	}
	r := &reader{rows: rows, input: read.Stream}
	if err := r.plan(read, known); err != nil {
		return nil, err
	}
	if read.Cursor != nil {
		if err := r.bound(read); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// Fields tells the fields of a stream.
func (s *source) Fields(ctx context.Context, read connectors.Read) (*record.Shape, error) {
	r, err := s.Open(ctx, read)
	if err != nil {
		return nil, err
	}
	return r.Shape(), r.Close()
}

// Check has nothing to check.
func (s *source) Check(context.Context) error { return nil }

// Streams lists the streams.
func (s *source) Streams(context.Context) ([]string, error) {
	s.db.data.Lock()
	defer s.db.data.Unlock()
	return slices.Sorted(maps.Keys(s.db.streams)), nil
}

// cell reads one field.
type cell struct {
	column string // "" for an optional field that is not there
	caster *connectors.Caster
}

// reader yields the rows of one read.
type reader struct {
	input string
	rows  []Row
	lines []int // place of each row in the stream; nil when all are read
	cells []cell
	shape *record.Shape
	upper string
	at    int
	seq   int64
}

// plan lays the shape out: declared fields first, then the others as text.
func (r *reader) plan(read connectors.Read, known []string) error {
	var fields []record.Field
	taken := make(map[string]bool)
	add := func(spec connectors.FieldSpec, column string) error {
		c, err := connectors.NewCaster(spec, '.', read.Zone)
		if err != nil {
			return fmt.Errorf("%w: %w", connectors.ErrConfig, err)
		}
		r.cells, fields = append(r.cells, cell{column, c}), append(fields, c.Field())
		return nil
	}
	for _, spec := range read.Fields {
		names := spec.Columns
		if len(names) == 0 {
			names = []string{spec.Name}
		}
		column := ""
		for _, name := range slices.Backward(names) {
			if slices.Contains(known, name) {
				column = name
			}
		}
		if column == "" && !spec.Optional {
			return &connectors.MissingColumnError{Input: read.Stream, Field: spec.Name, Columns: names, Known: known}
		}
		taken[column], taken[spec.Name] = true, true
		if err := add(spec, column); err != nil {
			return err
		}
	}
	for _, name := range known {
		if !taken[name] {
			if err := add(connectors.FieldSpec{Name: name, Kind: record.Text, Scale: record.NoScale}, name); err != nil {
				return err
			}
		}
	}
	var err error
	r.shape, err = record.NewShape(fields...)
	return err
}

// Shape is the shape of every batch.
func (r *reader) Shape() *record.Shape { return r.shape }

// Upper is the largest cursor value of the read.
func (r *reader) Upper() string { return r.upper }

// Next fills a batch.
func (r *reader) Next(ctx context.Context, b *record.Batch) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	n := min(record.BatchRows, len(r.rows)-r.at)
	if n == 0 {
		return io.EOF
	}
	b.Reset(r.shape, n)
	b.Seq, b.Origin.Input = r.seq, r.input
	for i := range n {
		line := r.at + i
		if r.lines != nil {
			line = r.lines[line]
		}
		b.Origin.Line = append(b.Origin.Line, int64(line)+1)
		r.fill(b, i, r.rows[r.at+i])
	}
	b.DropHeld(0)
	r.seq, r.at = r.seq+1, r.at+n
	return nil
}

func (r *reader) fill(b *record.Batch, row int, from Row) {
	for k, c := range r.cells {
		text, there := from[c.column]
		switch {
		case c.column == "":
		case !there:
			b.Columns[k].SetNil(row)
		default:
			if _, err := c.caster.Cast(&b.Columns[k], row, []byte(text)); err != nil {
				b.Hold(record.Hold{Row: int32(row), Step: record.StepSource, Code: string(document.CodeSourceBadValue), Rule: "source",
					Field: r.shape.Fields[k].Name, Message: err.Error(), Record: r.raw(from)})
			}
		}
	}
}

// raw writes a record as received.
func (r *reader) raw(from Row) []byte {
	out := []byte{'{'}
	for _, name := range slices.Sorted(maps.Keys(from)) {
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(record.AppendJSONString(out, []byte(name)), ':')
		out = record.AppendJSONString(out, []byte(from[name]))
	}
	return append(out, '}')
}

// Close lets nothing go: there is nothing.
func (r *reader) Close() error { return nil }
