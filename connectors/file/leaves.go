package file

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/record"
)

// leveled is a reader that knows how deep in a tree the rows of its last batch
// stand; below 0 is a row that does not say. One input follows the other.
type leveled interface {
	connectors.Reader
	levels() []int32
}

// leaves leaves the rows out that have rows below them in a tree: they carry
// the sums of those. Whether a row has is told by the row behind it, so the
// last row of a batch waits for the next one.
type leaves struct {
	in      leveled
	below   bool
	own     record.Batch // as the reader filled it
	depths  []int32
	ready   bool // own holds a batch
	ended   bool
	seq     int64
	dropped int64
	last    int32 // level of the row before, -1 at the start of an input
}

func newLeaves(in leveled, p *picker) *leaves { return &leaves{in: in, below: p.below, last: -1} }

// Shape is that of the reader.
func (l *leaves) Shape() *record.Shape { return l.in.Shape() }

// Close closes the reader.
func (l *leaves) Close() error { return l.in.Close() }

// Notes says how many rows were left out.
func (l *leaves) Notes() []string {
	notes := notesOf(l.in)
	if l.dropped > 0 {
		notes = append(notes, fmt.Sprintf("%d rows were left out because they sum up other rows", l.dropped))
	}
	return notes
}

func notesOf(r connectors.Reader) []string {
	if noter, ok := r.(connectors.Noter); ok {
		return noter.Notes()
	}
	return nil
}

// Next fills b with the leaves of the next batch that has some.
func (l *leaves) Next(ctx context.Context, b *record.Batch) error {
	for {
		if !l.ready {
			if err := l.read(ctx); err != nil {
				return err
			}
		}
		batch, depths := l.own, l.depths
		l.own, l.depths = record.Batch{}, nil
		err := l.read(ctx)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		next := int32(-1)
		if err == nil && l.own.Origin.Input == batch.Origin.Input {
			next = firstLevel(l.depths)
		}
		rows := l.pick(depths, next)
		if err == nil && l.own.Origin.Input != batch.Origin.Input {
			l.last = -1
		}
		if len(rows) == 0 {
			continue
		}
		take(b, &batch, rows)
		b.Seq = l.seq
		l.seq++
		return nil
	}
}

// read reads the next batch of the reader into own.
func (l *leaves) read(ctx context.Context) error {
	l.ready = false
	if l.ended {
		return io.EOF
	}
	if err := l.in.Next(ctx, &l.own); err != nil {
		l.ended = errors.Is(err, io.EOF)
		return err
	}
	l.depths, l.ready = append(l.depths[:0], l.in.levels()...), true
	return nil
}

func firstLevel(depths []int32) int32 {
	for _, d := range depths {
		if d >= 0 {
			return d
		}
	}
	return -1
}

// pick lists the rows to keep; next is the level of the row behind them.
func (l *leaves) pick(depths []int32, next int32) []int32 {
	parents := make([]bool, len(depths))
	if l.below {
		for i, d := range depths {
			if d >= 0 {
				parents[i] = l.last > d
				l.last = d
			}
		}
	} else {
		for i := len(depths) - 1; i >= 0; i-- {
			if depths[i] >= 0 {
				parents[i] = next > depths[i]
				next = depths[i]
			}
		}
	}
	var rows []int32
	for i, parent := range parents {
		if parent {
			l.dropped++
		} else {
			rows = append(rows, int32(i))
		}
	}
	return rows
}

// take makes dst a copy of some rows of src, with what holds them.
func take(dst, src *record.Batch, rows []int32) {
	dst.Reset(src.Shape, 0)
	dst.Append(src, rows)
	dst.Origin.Byte = dst.Origin.Byte[:0]
	at := make(map[int32]int32, len(rows))
	for i, row := range rows {
		at[row] = int32(i)
		if len(src.Origin.Byte) > 0 {
			dst.Origin.Byte = append(dst.Origin.Byte, src.Origin.Byte[row])
		}
	}
	for _, h := range src.Held {
		if row, kept := at[h.Row]; kept {
			h.Row = row
			dst.Hold(h)
		}
	}
	dst.DropHeld(0)
}

// levelOf reads the level out of a cell; false when the cell does not say.
func (p *picker) levelOf(text []byte) (int32, bool) {
	switch p.level {
	case byColumn:
		n, err := strconv.ParseInt(string(bytes.TrimSpace(text)), 10, 32)
		return int32(n), err == nil && n >= 0
	case byNumber:
		number := strings.TrimRight(strings.TrimSpace(string(text)), ".")
		return int32(strings.Count(number, ".")), number != ""
	case byIndent:
		return indent(text), len(bytes.TrimSpace(text)) > 0
	}
	return 0, false
}

// indent counts the blanks before a text; a tab is four.
func indent(text []byte) int32 {
	n := int32(0)
	for _, r := range string(text) {
		switch r {
		case ' ', '\u00a0':
			n++
		case '\t':
			n += 4
		default:
			return n
		}
	}
	return n
}

// noLevel is why a row is held whose place in the tree is not known.
func (p *picker) noLevel() string {
	return fmt.Sprintf("the column %q does not tell the row's level, so that it may be a sum of other rows", p.levelBy)
}
