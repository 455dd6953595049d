package singer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/rows"
	"github.com/tieout/tieout/schemas/record"
)

const (
	batchBytes  = 4 << 20 // a batch ends before it takes more
	sampleBytes = 8 << 20 // of records looked at to learn a shape
	maxState    = 1 << 20 // of a state, which is kept as the position
)

// reader takes what a tap prints, and then gives out its records.
type reader struct {
	name   string
	limits connectors.Limits
	msg    message

	schema   []byte   // of the stream, nil before it is known
	keys     []string // that identify a record, as the tap says
	spool    *recordSpool
	records  int64
	vacant   bool
	others   map[string]int64 // records of other streams
	active   string           // the version that counts, "" for any
	old      int64            // records of versions that do not
	state    string
	before   bool     // the tap was told where the last load ended
	declared []string // the key the pipeline names
	late     bool     // records have come since the last state

	plan  *rows.Plan
	fill  *rows.Filler
	ahead *rows.Ahead
}

// take takes one line.
func (r *reader) take(line []byte, number int64) error {
	if err := r.msg.parse(line, number); err != nil {
		return err
	}
	m := &r.msg
	if m.kind == "STATE" {
		if len(m.value) > maxState {
			return fmt.Errorf("%w: line %d of the tap is a state of more than %d bytes", errTap, number, maxState)
		}
		r.state, r.late = string(m.value), false
		return nil
	}
	if m.stream != r.name {
		if _, known := r.others[m.stream]; !known && len(r.others) >= r.limits.FieldCount {
			return fmt.Errorf("%w: the tap sends more than %d streams", errTap, r.limits.FieldCount)
		}
		r.others[m.stream] += one(m.kind == "RECORD")
		return nil
	}
	switch m.kind {
	case "SCHEMA":
		return r.takeSchema(number)
	case "ACTIVATE_VERSION":
		r.active = m.version
	case "RECORD":
		if r.schema == nil {
			return fmt.Errorf("%w: line %d of the tap is a record of %s before its schema", errTap, number, r.name)
		}
		r.records++
		r.late = true
		return r.spool.add(number, m.version, m.record)
	}
	return nil
}

func one(yes bool) int64 {
	if yes {
		return 1
	}
	return 0
}

// takeSchema takes the schema of the stream; one that comes again is the same.
func (r *reader) takeSchema(number int64) error {
	if r.schema != nil && r.records > 0 && !bytes.Equal(r.schema, r.msg.schema) {
		return fmt.Errorf("%w: line %d of the tap is another schema of %s, after records of the first; nothing is loaded", errTap, number, r.name)
	}
	r.schema, r.keys = bytes.Clone(r.msg.schema), slices.Clone(r.msg.keys)
	return nil
}

// item gives the next record.
func (r *reader) item() (rows.Item, error) {
	for {
		line, version, raw, err := r.spool.next()
		if err != nil {
			return rows.Item{}, err
		}
		if r.active != "" && version != "" && version != r.active {
			r.old++
			continue // of a table that the tap has read anew since
		}
		it := rows.Item{Raw: raw, Line: line}
		if len(raw) > r.limits.RecordBytes {
			it.Err = rows.ErrTooLong
		}
		return it, nil
	}
}

// Vacant reports whether the tap gave no record.
func (r *reader) Vacant() bool { return r.vacant }

// Shape is the declared fields, those of the schema, and other members of the
// first records.
func (r *reader) Shape() *record.Shape { return r.plan.Shape() }

// Next fills a batch. Line of its origin is that of the tap's output.
func (r *reader) Next(ctx context.Context, b *record.Batch) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	b.Reset(r.plan.Shape(), record.BatchRows)
	b.Origin.Input = r.name
	n := 0
	for size := 0; n < record.BatchRows && size < batchBytes; n++ {
		it, err := r.ahead.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = r.fill.Row(b, n, it)
		}
		if err != nil {
			return fmt.Errorf("stream %q, line %d of the tap: %w", r.name, it.Line, err)
		}
		size += len(it.Raw)
	}
	if n == 0 {
		return io.EOF
	}
	r.fill.Done(b, n)
	return nil
}

// Repeated is none: a tap decides itself what it sends.
func (r *reader) Repeated() int64 { return 0 }

// Position is the last state of the tap, nil where it has never sent one.
func (r *reader) Position(loadID string) *connectors.Position {
	if r.state == "" {
		return nil
	}
	return &connectors.Position{Field: positionField, Text: r.state, Kind: record.Text.String(), LoadID: loadID}
}

// Resumed reports whether the tap was told where the last load ended.
func (r *reader) Resumed() bool { return r.before }

// Notes tells of what was left out.
func (r *reader) Notes() []string {
	notes := r.fill.Notes(r.name)
	var names []string
	for name := range r.others {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if n := r.others[name]; n > 0 {
			notes = append(notes, fmt.Sprintf("the tap also sent %d records of %s, which no pipeline asked for here", n, name))
		}
	}
	if r.old > 0 {
		notes = append(notes, fmt.Sprintf("%d records of %s are of an older version of the table and were left out", r.old, r.name))
	}
	if len(r.keys) > 0 && len(r.declared) > 0 && !slices.Equal(sorted(r.keys), sorted(r.declared)) {
		notes = append(notes, fmt.Sprintf("the tap identifies records of %s by %q, the pipeline by %q", r.name, r.keys, r.declared))
	}
	if r.late && r.state != "" {
		notes = append(notes, fmt.Sprintf("the tap sent records of %s after its last state: it may send them again, which mode upsert takes and append doubles", r.name))
	}
	return notes
}

func sorted(names []string) []string {
	out := slices.Clone(names)
	slices.Sort(out)
	return out
}

// Close removes the spool.
func (r *reader) Close() error { return r.spool.Close() }
