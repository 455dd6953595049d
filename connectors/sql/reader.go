package sql

import (
	"context"
	stdsql "database/sql"
	"fmt"
	"io"
	"strings"

	"github.com/jmoiron/sqlx"

	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
)

// bounds are the fixed ends of a read.
type bounds struct {
	upper string
	// lowerParam and upperParam stand for :cursor and :upper of a query.
	lowerParam, upperParam string
	// next gives the condition and order of each select in turn, more=false
	// with the last; nil is one select without either.
	next func(ctx context.Context) (clause string, more bool, err error)
	// exact drops rows whose timestamp is outside, for databases that cannot
	// compare them; nil when the condition says it all.
	exact func(micros int64) bool
}

// reader streams the rows of one snapshot into batches.
type reader struct {
	s      *session
	q      *query
	bounds *bounds
	ctx    context.Context // of the statements; ended by Close
	cancel context.CancelFunc
	rows   *sqlx.Rows
	last   bool
	dest   []any
	cursor *cell // watched by bounds.exact
	seq    int64
	line   int64
	closed bool
}

func newReader(s *session, q *query, b *bounds) *reader {
	r := &reader{s: s, q: q, bounds: b}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	for i := range q.cells {
		r.dest = append(r.dest, &q.cells[i])
		if b.exact != nil && q.cells[i].column == q.cursor {
			r.cursor = &q.cells[i]
		}
	}
	return r
}

// Shape is the shape of every batch.
func (r *reader) Shape() *record.Shape { return r.q.shape }

// Upper is the largest cursor value of the read.
func (r *reader) Upper() string { return r.bounds.upper }

// Next fills a batch from as many selects as it takes.
func (r *reader) Next(ctx context.Context, b *record.Batch) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, r.cancel)
	defer stop()
	b.Reset(r.q.shape, record.BatchRows)
	n := 0
	for n < record.BatchRows {
		more, err := r.advance()
		if err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return r.s.wrap(err, "read %s", r.q.input)
		}
		if !more {
			break
		}
		keep, err := r.scan(b, n)
		if err != nil {
			return r.s.wrap(err, "read %s", r.q.input)
		}
		if keep {
			n++
		}
	}
	if n == 0 {
		return io.EOF
	}
	b.SetRows(n)
	b.AllLive()
	b.DropHeld(0)
	b.Seq, b.Origin.Input = r.seq, r.q.input
	r.seq++
	return nil
}

// advance moves to the next row, of the next select when one is done.
func (r *reader) advance() (bool, error) {
	for {
		if r.rows != nil {
			if r.rows.Next() {
				return true, nil
			}
			err := r.rows.Err()
			r.rows.Close()
			r.rows = nil
			if err != nil {
				return false, err
			}
		}
		if r.last {
			return false, nil
		}
		clause, err := r.clause()
		if err != nil {
			return false, err
		}
		rows, err := r.s.conn.QueryxContext(r.ctx, r.selects()+clause)
		if err != nil {
			return false, err
		}
		r.rows = rows
	}
}

func (r *reader) clause() (clause string, err error) {
	if r.bounds.next == nil {
		r.last = true
		return "", nil
	}
	clause, more, err := r.bounds.next(r.ctx)
	r.last = !more
	return clause, err
}

func (r *reader) selects() string {
	var b strings.Builder
	b.WriteString("SELECT ")
	for i := range r.q.cells {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(r.q.cells[i].column.selected)
	}
	b.WriteString(" FROM " + r.q.from(r.bounds.lowerParam, r.bounds.upperParam))
	return b.String()
}

// scan reads a row into place n. A row with bad values is held.
func (r *reader) scan(b *record.Batch, n int) (keep bool, err error) {
	bad := false
	for i := range r.q.cells {
		c := &r.q.cells[i]
		c.into, c.row, c.err = &b.Columns[c.index], n, nil
	}
	if err := r.rows.Scan(r.dest...); err != nil {
		return false, err
	}
	for i := range r.q.cells {
		bad = bad || r.q.cells[i].err != nil
	}
	if c := r.cursor; c != nil && c.into.Presence[n] == record.Value && !r.bounds.exact(c.into.Ints[n]) {
		return false, nil
	}
	r.line++
	b.Origin.Line = append(b.Origin.Line, r.line)
	if bad {
		return true, r.hold(b, n)
	}
	return true, nil
}

// hold stops a row for each of its bad values and keeps it as received.
func (r *reader) hold(b *record.Batch, n int) error {
	raw, err := r.raw()
	if err != nil {
		return err
	}
	for i := range r.q.cells {
		c := &r.q.cells[i]
		if c.err == nil {
			continue
		}
		b.Hold(record.Hold{Row: int32(n), Step: record.StepSource, Code: string(document.CodeSourceBadValue), Rule: "source",
			Field: r.q.shape.Fields[c.index].Name, Message: fmt.Sprintf("%v (row %d)", c.err, r.line), Record: raw})
	}
	return nil
}

// raw reads the current row once more, as an object of texts.
func (r *reader) raw() ([]byte, error) {
	texts := make([]stdsql.RawBytes, len(r.q.cells))
	dest := make([]any, len(texts))
	for i := range texts {
		dest[i] = &texts[i]
	}
	if err := r.rows.Scan(dest...); err != nil {
		return nil, err
	}
	out := []byte{'{'}
	for i := range texts {
		if i > 0 {
			out = append(out, ',')
		}
		c := &r.q.cells[i]
		out = append(record.AppendJSONString(out, []byte(r.q.shape.Fields[c.index].Name)), ':')
		switch {
		case texts[i] == nil:
			out = append(out, "null"...)
		case len(texts[i]) > c.limit:
			out = record.AppendJSONString(out, append(texts[i][:1024:1024], "…"...))
		default:
			out = record.AppendJSONString(out, texts[i])
		}
	}
	return append(out, '}'), nil
}

// Close ends the statement on the server, then the connection.
func (r *reader) Close() error {
	if r.closed {
		return nil
	}
	r.closed = true
	r.cancel()
	if r.rows != nil {
		_ = r.rows.Close()
	}
	r.s.close()
	return nil
}
