package project

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/runner"
	"github.com/tieout/tieout/runner/state"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
)

// heldSource reads held records instead of a pipeline's source. Records that
// a step, a rule or the sink stopped are typed already and read back in the
// canonical form; one that the source could not read as declared is read
// again as the source would, since an edit corrects its text.
type heldSource struct {
	entries []state.HeldEntry
	shape   *record.Shape
	typed   *level
	raw     *level
}

// level says how the members of one object become values: one caster for each
// field of the shape, nil where the text is taken as it is.
type level struct {
	casters  []*connectors.Caster
	children []*level
	nulls    []string // texts that mean no value
	empty    bool     // the empty text is among them even in a text field
}

// newLevel makes the casters of a shape; specs are the declarations that
// apply, none for records in canonical form.
func newLevel(shape *record.Shape, specs []connectors.FieldSpec, mark byte, zone *time.Location) (*level, error) {
	l := &level{casters: make([]*connectors.Caster, len(shape.Fields)), children: make([]*level, len(shape.Fields))}
	for i := range shape.Fields {
		f := &shape.Fields[i]
		spec := connectors.FieldSpec{Name: f.Name, Kind: f.Kind, Scale: f.Scale}
		if at := slices.IndexFunc(specs, func(s connectors.FieldSpec) bool { return s.Name == f.Name }); at >= 0 {
			spec = specs[at]
		}
		var err error
		switch {
		case f.Child != nil:
			l.children[i], err = newLevel(f.Child, spec.Fields, mark, zone)
		case !f.Kind.Nested() && f.Kind != record.Text && f.Kind != record.Unknown:
			l.casters[i], err = connectors.NewCaster(spec, mark, zone)
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %w", connectors.ErrConfig, err)
		}
	}
	return l, nil
}

// Open starts a read of all the records.
func (s *heldSource) Open(context.Context, connectors.Read) (connectors.Reader, error) {
	return &heldReader{source: s}, nil
}

type heldReader struct {
	source *heldSource
	next   int
	seq    int64
}

// Shape is that of the records when they were held.
func (r *heldReader) Shape() *record.Shape { return r.source.shape }

// Close closes nothing.
func (r *heldReader) Close() error { return nil }

// Next decodes the next records.
func (r *heldReader) Next(ctx context.Context, b *record.Batch) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	rows := min(record.BatchRows, len(r.source.entries)-r.next)
	if rows == 0 {
		return io.EOF
	}
	b.Reset(r.source.shape, rows)
	b.Origin.Input = r.source.entries[r.next].Input
	for row := range rows {
		e := &r.source.entries[r.next+row]
		b.Origin.Line = append(b.Origin.Line, e.Line)
		l := r.source.typed
		if isRaw(e) {
			l = r.source.raw
		}
		if err := l.fill(b, row, json.RawMessage(e.Record)); err != nil {
			var bad *badValue
			field := ""
			if errors.As(err, &bad) {
				field = bad.field
			}
			b.Hold(record.Hold{Row: int32(row), Step: record.StepSource, Code: string(document.CodeSourceBadValue), Rule: "source",
				Field: field, Message: err.Error(), Record: []byte(e.Record)})
		}
	}
	r.next += rows
	b.DropHeld(0)
	b.Seq = r.seq
	r.seq++
	return nil
}

// isRaw tells a record kept as the source sent it.
func isRaw(e *state.HeldEntry) bool {
	return slices.ContainsFunc(e.Reasons, func(r runner.Reason) bool {
		return r.Step == runner.AtSource && r.Code != string(document.CodeSourceCursor) && r.Code != string(document.CodeSourceDrift)
	})
}

// badValue is a value that does not fit its field.
type badValue struct {
	field string
	err   error
}

func (e *badValue) Error() string { return e.err.Error() }

// fill puts an object into a row; nil closes the lists of a row without one.
// The first value that does not fit is returned once every list is closed.
func (l *level) fill(b *record.Batch, row int, object json.RawMessage) error {
	var members map[string]json.RawMessage
	var first error
	if object != nil {
		if err := json.Unmarshal(object, &members); err != nil {
			first = errors.New("the held record is not a JSON object")
		}
	}
	for i := range b.Columns {
		f, c := &b.Shape.Fields[i], &b.Columns[i]
		value, there := members[f.Name]
		if err := l.value(f, c, i, row, value, there); err != nil && first == nil {
			first = &badValue{field: f.Name, err: err}
		}
	}
	return first
}

func (l *level) value(f *record.Field, c *record.Column, i, row int, value json.RawMessage, there bool) error {
	null := there && string(value) == "null"
	switch {
	case f.Kind == record.List && f.Child != nil:
		return l.list(c, i, row, value, there, null)
	case f.Kind == record.Record && f.Child != nil:
		if !there || null {
			if null {
				c.SetNil(row)
			}
			return l.children[i].fill(c.Child, row, nil)
		}
		c.Presence[row] = record.Value
		return l.children[i].fill(c.Child, row, value)
	case !there:
		return nil
	case null:
		c.SetNil(row)
		return nil
	case f.Kind.Nested():
		c.SetText(row, value)
		return nil
	}
	return l.scalar(f, c, i, row, value)
}

func (l *level) list(c *record.Column, i, row int, value json.RawMessage, there, null bool) error {
	presence, elements := record.Absent, []json.RawMessage(nil)
	var first error
	switch {
	case null:
		presence = record.Nil
	case there:
		presence = record.Value
		if json.Unmarshal(value, &elements) != nil {
			presence, first = record.Nil, fmt.Errorf("%.40s is no list", value)
		}
	}
	for _, element := range elements {
		n := c.Child.Rows
		c.Child.SetRows(n + 1)
		c.Child.Live = append(c.Child.Live, int32(n))
		if err := l.children[i].fill(c.Child, n, element); err != nil && first == nil {
			first = err
		}
	}
	c.EndList(row, presence)
	return first
}

// scalar keeps the text of numbers as it is: no amount becomes a float.
func (l *level) scalar(f *record.Field, c *record.Column, i, row int, value json.RawMessage) error {
	text := string(value)
	if len(value) > 0 && value[0] == '"' {
		if err := json.Unmarshal(value, &text); err != nil {
			return fmt.Errorf("field %q: %.40s is no text", f.Name, value)
		}
	}
	if slices.Contains(l.nulls, text) || text == "" && (l.empty || l.casters[i] != nil) {
		c.SetNil(row)
		return nil
	}
	if l.casters[i] == nil {
		c.SetString(row, text)
		return nil
	}
	_, err := l.casters[i].Cast(c, row, []byte(text))
	return err
}
