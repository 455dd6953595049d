package sql

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"strconv"
	"unsafe"

	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
)

// insertBytes is how long one INSERT gets, where the server takes as much.
const insertBytes = 1 << 20

// inserter brings rows in by INSERTs of many rows. LOAD DATA LOCAL is no
// choice: whatever the modes, it makes values fit and only warns.
type inserter struct {
	s        *session
	target   *plan
	values   valuer
	refusals *refusals
	head     string
	most     int // bytes of a statement
	longest  int // that the server takes
	text     []byte
	ends     []int   // where each row ends, before its comma
	rows     []int64 // the row number of each
	again    []byte  // a statement of some of the rows
	lines    int64
	sum      hash.Hash
}

func newInserter(s *session, p *plan, r *refusals, packet int64) *inserter {
	t := &inserter{s: s, target: p, refusals: r, sum: sha256.New(), longest: int(packet) - 1024}
	t.values = valuer{plan: p, fitter: fitter{powers()}}
	t.most = min(insertBytes, t.longest/2)
	into, columns := p.target, p.list("")
	if p.staged() {
		into, columns = p.stage, rowColumn+", "+columns
	}
	t.head = "INSERT INTO " + into + " (" + columns + ") VALUES "
	t.text = append(t.text, t.head...)
	return t
}

func (t *inserter) plan() *plan { return t.target }

func (t *inserter) tally() (int64, string) { return t.lines, hex.EncodeToString(t.sum.Sum(nil)) }

// write encodes the live rows of a batch and sends what makes a statement.
func (t *inserter) write(ctx context.Context, b *record.Batch) error {
	for _, row := range b.Live {
		if err := t.add(ctx, b, row); err != nil {
			return err
		}
		if len(t.text) >= t.most {
			if err := t.flush(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// add appends one row, or refuses it.
func (t *inserter) add(ctx context.Context, b *record.Batch, row int32) error {
	if name := t.target.missingKey(b, int(row)); name != "" {
		return t.refusals.addRow(b, t.target, row, noKey(name), name)
	}
	start, number := len(t.text), b.Seq<<rowBits|int64(row)
	text := t.text
	if len(t.rows) > 0 {
		text = append(text, ',')
	}
	first := len(text)
	if t.target.staged() { // the row number stands where the first comma is
		text = strconv.AppendInt(append(text, '('), number, 10)
	}
	values := len(text)
	text, reason, name := t.values.row(text, b, int(row))
	if !t.target.staged() {
		text[values] = '('
	}
	if size := len(text) - first + len(t.head); reason == "" && size > t.longest {
		reason = fmt.Sprintf("%s: the record has %d bytes and the server takes %d (max_allowed_packet)", document.CodeSinkPoison, size, t.longest)
	}
	if reason != "" {
		t.text = text[:start]
		return t.refusals.addRow(b, t.target, row, reason, name)
	}
	if len(text) > t.longest { // the row goes into a statement of its own
		own := append([]byte(nil), text[first:]...)
		t.text = text[:start]
		if err := t.flush(ctx); err != nil {
			return err
		}
		values += len(t.text) - first
		t.text = append(t.text, own...)
		text = t.text
	}
	t.sum.Write(text[values:])
	t.text, t.ends, t.rows = text, append(t.ends, len(text)), append(t.rows, number)
	t.lines++
	return nil
}

// flush sends the rows so far. A refused statement leaves nothing behind, so
// the rows that were to blame are found by halving.
func (t *inserter) flush(ctx context.Context) error {
	if len(t.rows) == 0 {
		return nil
	}
	err := t.send(ctx, t.text)
	if err != nil && t.s.classify(err) == faultData {
		err = t.halve(ctx, 0, len(t.rows), err)
	}
	t.text, t.ends, t.rows = t.text[:len(t.head)], t.ends[:0], t.rows[:0]
	return t.s.wrap(err, "load into %q", t.target.name)
}

// send runs a statement. The driver copies it before the call returns.
func (t *inserter) send(ctx context.Context, statement []byte) error {
	_, err := t.s.count(ctx, unsafe.String(unsafe.SliceData(statement), len(statement)))
	return err
}

// halve brings in the rows from..to, which were refused with cause, without
// those that are to blame.
func (t *inserter) halve(ctx context.Context, from, to int, cause error) error {
	if to-from == 1 {
		t.lines--
		number, values := t.rows[from], decodeValues(t.row(from, to))
		if t.target.staged() {
			values = values[1:]
		}
		return t.refusals.addTexts(t.target, number, values, t.s.reason(cause), t.s.atFault(cause))
	}
	middle := from + (to-from)/2
	for _, half := range [][2]int{{from, middle}, {middle, to}} {
		t.again = append(append(t.again[:0], t.head...), t.row(half[0], half[1])...)
		err := t.send(ctx, t.again)
		if err != nil && t.s.classify(err) == faultData {
			err = t.halve(ctx, half[0], half[1], err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// row is the text of the rows from..to.
func (t *inserter) row(from, to int) []byte {
	start := len(t.head)
	if from > 0 {
		start = t.ends[from-1] + 1
	}
	return t.text[start:t.ends[to-1]]
}

// finish sends the rest.
func (t *inserter) finish(ctx context.Context) error { return t.flush(ctx) }
