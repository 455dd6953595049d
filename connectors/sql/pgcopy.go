package sql

import (
	"context"
	"crypto/sha256"
	"database/sql/driver"
	"encoding/hex"
	"fmt"
	"hash"
	"strconv"
	"unsafe"

	"github.com/tieout/tieout/schemas/record"
)

// Rows are sent in blocks of whole lines, and a segment of blocks is one COPY
// under a savepoint. The text of a segment is kept until the server has taken
// it, so that a record it refuses can be left out and the rest sent again.
const (
	blockBytes     = 64 << 10
	segmentBytes   = 8 << 20
	segmentBatches = 64
)

// stageTable is the staging table as the server calls it in errors.
const stageTable = "tieout_stage"

// block is a stretch of lines on their way to the server.
type block struct {
	text []byte
	ends []uint32 // where each line ends, behind its newline
	rows []int64  // the row number of each line
}

// copier brings rows in by COPY, through the driver's raw blocks.
type copier struct {
	s        *session
	target   *plan
	enc      *encoder
	refusals *refusals
	copy     string // the COPY statement
	// divert makes the staging table and moves what is loaded into it, where
	// rows go straight into an empty target; nil otherwise.
	divert   func(ctx context.Context) error
	relation string // what the server calls its table in errors

	open    copyStatement // nil between segments
	current *block
	segment []*block
	free    []*block
	batches int
	bytes   int
	lines   int64
	sum     hash.Hash
}

// copyStatement is what the driver gives for a COPY.
type copyStatement interface {
	CopyData(ctx context.Context, text string) (driver.Result, error)
	Exec(v []driver.Value) (driver.Result, error)
	Close() error
}

func newCopier(s *session, p *plan, relation string, r *refusals) *copier {
	c := &copier{s: s, target: p, enc: newEncoder(p), refusals: r, relation: relation, sum: sha256.New(), current: new(block)}
	c.aim()
	return c
}

// aim writes the COPY statement.
func (c *copier) aim() {
	p := c.target
	c.copy = "COPY " + p.target + " (" + p.list("") + ") FROM STDIN"
	if p.staged() {
		c.copy, c.relation = "COPY "+p.stage+" ("+p.list("")+", "+rowColumn+") FROM STDIN", stageTable
	}
}

func (c *copier) plan() *plan { return c.target }

func (c *copier) tally() (int64, string) { return c.lines, hex.EncodeToString(c.sum.Sum(nil)) }

// write encodes the live rows of a batch and sends full blocks.
func (c *copier) write(ctx context.Context, b *record.Batch) error {
	for _, row := range b.Live {
		if err := c.add(b, row); err != nil {
			return err
		}
		if len(c.current.text) >= blockBytes {
			if err := c.ship(ctx); err != nil {
				return err
			}
		}
	}
	if c.batches++; c.batches >= segmentBatches || c.bytes >= segmentBytes {
		return c.endSegment(ctx)
	}
	return nil
}

// add appends one row to the current block, or refuses it.
func (c *copier) add(b *record.Batch, row int32) error {
	if name := c.target.missingKey(b, int(row)); name != "" {
		return c.refusals.addRow(b, c.target, row, noKey(name), name)
	}
	k := c.current
	start := len(k.text)
	text, reason, name := c.enc.row(k.text, b, int(row))
	if reason != "" {
		return c.refusals.addRow(b, c.target, row, reason, name)
	}
	number := b.Seq<<rowBits | int64(row)
	end := len(text)
	if c.target.staged() {
		text = append(text, '\t')
		text = strconv.AppendInt(text, number, 10)
	}
	text = append(text, '\n')
	c.sum.Write(text[start:end])
	c.sum.Write(text[len(text)-1:])
	k.text, k.ends, k.rows = text, append(k.ends, uint32(len(text))), append(k.rows, number)
	c.lines++
	return nil
}

// ship sends the current block; an error that is about a record is repaired.
func (c *copier) ship(ctx context.Context) error {
	if len(c.current.ends) == 0 {
		return nil
	}
	if c.open == nil {
		if err := c.start(ctx); err != nil {
			return c.s.wrap(err, "load into %q", c.target.name)
		}
	}
	k := c.current
	c.segment, c.bytes, c.current = append(c.segment, k), c.bytes+len(k.text), c.fresh()
	if err := c.send(ctx, k.text); err != nil {
		return c.failed(ctx, err)
	}
	return nil
}

func (c *copier) fresh() *block {
	if n := len(c.free); n > 0 {
		k := c.free[n-1]
		c.free = c.free[:n-1]
		k.text, k.ends, k.rows = k.text[:0], k.ends[:0], k.rows[:0]
		return k
	}
	return &block{text: make([]byte, 0, blockBytes+blockBytes/4)}
}

// endSegment waits until the server has taken all lines sent so far.
func (c *copier) endSegment(ctx context.Context) error {
	if err := c.ship(ctx); err != nil {
		return err
	}
	if c.open != nil {
		if err := c.end(ctx); err != nil {
			return c.failed(ctx, err)
		}
	}
	c.forget()
	return nil
}

// forget lets the text of the segment go.
func (c *copier) forget() {
	c.free = append(c.free, c.segment...)
	c.segment, c.bytes, c.batches = c.segment[:0], 0, 0
}

// finish sends the rest.
func (c *copier) finish(ctx context.Context) error { return c.endSegment(ctx) }

// start begins a COPY under a savepoint.
func (c *copier) start(ctx context.Context) error {
	if _, err := c.s.count(ctx, "SAVEPOINT tieout_copy"); err != nil {
		return err
	}
	return c.s.raw(func(conn driver.Conn) error {
		statement, err := conn.Prepare(c.copy)
		if err != nil {
			return err
		}
		open, ok := statement.(copyStatement)
		if !ok {
			return fmt.Errorf("the driver has no raw COPY")
		}
		c.open = open
		return nil
	})
}

// send hands lines to the driver, which adds the last newline itself. The
// driver copies the text, so the string need not outlive the call.
func (c *copier) send(ctx context.Context, lines []byte) error {
	text := unsafe.String(unsafe.SliceData(lines), len(lines)-1)
	return c.s.raw(func(driver.Conn) error {
		_, err := c.open.CopyData(ctx, text)
		return err
	})
}

// end finishes the COPY and gives up the savepoint.
func (c *copier) end(ctx context.Context) error {
	err := c.s.raw(func(driver.Conn) error {
		_, err := c.open.Exec(nil)
		return err
	})
	c.open = nil
	if err == nil {
		_, err = c.s.count(ctx, "RELEASE SAVEPOINT tieout_copy")
	}
	return err
}
