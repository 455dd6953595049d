package sql

import (
	"context"
	"crypto/sha256"
	"database/sql/driver"
	"encoding/hex"
	"fmt"
	"hash"
	"strconv"
	"strings"
	"unicode/utf8"
	"unsafe"

	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
	"github.com/tieout/tieout/transforms/calendar"
)

// maxParameters bounds the values bound to one INSERT.
const maxParameters = 2048

// stager brings rows into the staging table by INSERTs of many rows.
type stager struct {
	s        *session
	target   *plan
	refusals *refusals
	most     int         // rows of one INSERT
	full     driver.Stmt // for most rows
	tail     driver.Stmt // for the last rows of a batch, tailed of them
	tailed   int
	values   []driver.NamedValue
	text     []byte // texts of this INSERT
	line     []byte // a row on its way into the hash
	rows     int
	lines    int64
	sum      hash.Hash
}

func newStager(ctx context.Context, s *session, p *plan, r *refusals) (*stager, error) {
	t := &stager{s: s, target: p, refusals: r, sum: sha256.New()}
	t.most = max(1, maxParameters/(len(p.columns)+1))
	err := t.s.raw(func(conn driver.Conn) (err error) {
		t.full, err = t.prepare(ctx, conn, t.most)
		return err
	})
	return t, s.wrap(err, "prepare the staging table")
}

func (t *stager) plan() *plan { return t.target }

func (t *stager) tally() (int64, string) { return t.lines, hex.EncodeToString(t.sum.Sum(nil)) }

func (t *stager) prepare(ctx context.Context, conn driver.Conn, rows int) (driver.Stmt, error) {
	row := "(?" + strings.Repeat(", ?", len(t.target.columns)) + ")"
	text := "INSERT INTO " + t.target.stage + " VALUES " + row + strings.Repeat(", "+row, rows-1)
	if p, ok := conn.(driver.ConnPrepareContext); ok {
		return p.PrepareContext(ctx, text)
	}
	return nil, fmt.Errorf("the driver cannot prepare")
}

// write stages the live rows of a batch.
func (t *stager) write(ctx context.Context, b *record.Batch) error {
	for _, row := range b.Live {
		if err := t.add(b, row); err != nil {
			return err
		}
		if t.rows == t.most {
			if err := t.flush(ctx); err != nil {
				return err
			}
		}
	}
	// Texts are borrowed from the batch, which goes back to its owner now.
	return t.flush(ctx)
}

// add binds one row, or refuses it.
func (t *stager) add(b *record.Batch, row int32) error {
	if name := t.target.missingKey(b, int(row)); name != "" {
		return t.refusals.addRow(b, t.target, row, noKey(name), name)
	}
	start := len(t.values)
	t.bind(b.Seq<<rowBits | int64(row))
	for i := range t.target.columns {
		target := &t.target.columns[i]
		c := &b.Columns[target.index]
		if c.Presence[row] != record.Value {
			t.bind(nil)
			continue
		}
		value, ok := t.value(target, c, int(row))
		if !ok {
			t.values = t.values[:start]
			reason := fmt.Sprintf("%s: the value of %q is not UTF-8", document.CodeSinkPoison, target.name)
			return t.refusals.addRow(b, t.target, row, reason, target.name)
		}
		t.bind(value)
	}
	t.digest(start + 1)
	t.rows++
	t.lines++
	return nil
}

func (t *stager) bind(value driver.Value) {
	t.values = append(t.values, driver.NamedValue{Ordinal: len(t.values) + 1, Value: value})
}

// value is what is stored: whole numbers and booleans as integers, everything
// else as text in its one canonical form.
func (t *stager) value(target *column, c *record.Column, row int) (driver.Value, bool) {
	switch c.Kind {
	case record.Text, record.Unknown:
		s := c.Text(row)
		return unsafe.String(unsafe.SliceData(s), len(s)), utf8.Valid(s)
	case record.Integer, record.Boolean:
		return c.Ints[row], true
	}
	start := len(t.text)
	if c.Kind == record.Timestamp {
		t.text = calendar.AppendTimestamp(t.text, c.Ints[row])
	} else {
		t.text = record.AppendValue(t.text, &target.field, c, row)
	}
	s := t.text[start:]
	return unsafe.String(unsafe.SliceData(s), len(s)), true
}

// digest adds a row to the hash over the load.
func (t *stager) digest(from int) {
	t.line = t.line[:0]
	for i := from; i < len(t.values); i++ {
		switch v := t.values[i].Value.(type) {
		case nil:
			t.line = append(t.line, '\\', 'N')
		case int64:
			t.line = strconv.AppendInt(t.line, v, 10)
		case string:
			t.line = append(t.line, v...)
		}
		t.line = append(t.line, '\t')
	}
	t.sum.Write(append(t.line, '\n'))
}

// flush runs the INSERT of the rows bound so far.
func (t *stager) flush(ctx context.Context) error {
	if t.rows == 0 {
		return nil
	}
	err := t.s.raw(func(conn driver.Conn) error {
		statement, err := t.statement(ctx, conn)
		if err != nil {
			return err
		}
		run, ok := statement.(driver.StmtExecContext)
		if !ok {
			return fmt.Errorf("the driver cannot run a prepared statement")
		}
		_, err = run.ExecContext(ctx, t.values)
		return err
	})
	clear(t.values)
	t.values, t.text, t.rows = t.values[:0], t.text[:0], 0
	return t.s.wrap(err, "stage rows for %q", t.target.name)
}

// statement is the INSERT for the rows bound. Batches are mostly alike, so the
// one for the rest of a batch is kept too.
func (t *stager) statement(ctx context.Context, conn driver.Conn) (driver.Stmt, error) {
	if t.rows == t.most {
		return t.full, nil
	}
	if t.rows != t.tailed {
		if t.tail != nil {
			_ = t.tail.Close()
		}
		var err error
		if t.tail, err = t.prepare(ctx, conn, t.rows); err != nil {
			t.tail, t.tailed = nil, 0
			return nil, err
		}
		t.tailed = t.rows
	}
	return t.tail, nil
}

// finish ends the staging and takes the write lock for the merge.
func (t *stager) finish(ctx context.Context) error {
	if err := t.close(); err != nil {
		return err
	}
	if err := t.s.exec(ctx, "end staging", "COMMIT"); err != nil {
		return err
	}
	return t.s.exec(ctx, "begin", "BEGIN IMMEDIATE")
}

// close lets the statements go.
func (t *stager) close() error {
	err := t.s.raw(func(driver.Conn) error {
		if t.tail != nil {
			_ = t.tail.Close()
		}
		return t.full.Close()
	})
	return t.s.wrap(err, "end staging")
}
