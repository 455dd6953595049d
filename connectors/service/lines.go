package service

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/rows"
	"github.com/tieout/tieout/schemas/record"
)

// lineCutter gives the lines of a reply as records: of CSV, as objects with
// the names of the first line, or of JSON.
type lineCutter struct {
	limits connectors.Limits
	table  bool // CSV
	in     *bufio.Reader
	csv    *csv.Reader
	names  []string
	line   int64
	at     int64
	raw    []byte
}

func newLineCutter(r io.Reader, table bool, limits connectors.Limits) *lineCutter {
	c := &lineCutter{limits: limits, table: table}
	c.Reset(r)
	return c
}

// Reset begins another reply.
func (c *lineCutter) Reset(r io.Reader) {
	c.in, c.names, c.line, c.at = bufio.NewReaderSize(r, 64<<10), nil, 0, 0
	c.csv = csv.NewReader(&bounded{in: c.in, most: c.limits.RecordBytes, left: c.limits.RecordBytes})
	c.csv.ReuseRecord = true
}

// Found is always true: there is no path.
func (c *lineCutter) Found() bool { return true }

// Envelope is empty: nothing stands beside lines.
func (c *lineCutter) Envelope() []byte { return []byte("{}") }

// Next gives the next line.
func (c *lineCutter) Next() (rows.Item, error) {
	if c.table {
		return c.row()
	}
	for {
		c.raw = c.raw[:0]
		at, long := c.at, false
		for {
			part, err := c.in.ReadSlice('\n')
			c.at += int64(len(part))
			if long = long || len(c.raw)+len(part) > c.limits.RecordBytes; !long {
				c.raw = append(c.raw, part...)
			}
			if errors.Is(err, bufio.ErrBufferFull) {
				continue
			}
			if errors.Is(err, io.EOF) && (len(c.raw) > 0 || long) {
				break // the last line may have no end
			}
			if err != nil {
				return rows.Item{}, err
			}
			break
		}
		c.line++
		text := bytes.TrimSpace(c.raw)
		switch {
		case long:
			return rows.Item{Raw: text, Line: c.line, Byte: at, Err: rows.ErrTooLong}, nil
		case len(text) > 0:
			return rows.Item{Raw: text, Line: c.line, Byte: at}, nil
		}
	}
}

// row gives the next line of a table.
func (c *lineCutter) row() (rows.Item, error) {
	if c.names == nil {
		names, err := c.csv.Read()
		if err != nil {
			return rows.Item{}, tableError(err)
		}
		c.names = append([]string{}, names...)
		if len(c.names) > 0 {
			c.names[0] = string(bytes.TrimPrefix([]byte(c.names[0]), []byte("\xEF\xBB\xBF")))
		}
	}
	at := c.csv.InputOffset()
	cells, err := c.csv.Read()
	if err != nil {
		return rows.Item{}, tableError(err)
	}
	line, _ := c.csv.FieldPos(0)
	c.raw = append(c.raw[:0], '{')
	for i, cell := range cells {
		if i > 0 {
			c.raw = append(c.raw, ',')
		}
		c.raw = append(record.AppendJSONString(c.raw, []byte(c.names[i])), ':')
		if cell == "" {
			c.raw = append(c.raw, "null"...)
		} else {
			c.raw = record.AppendJSONString(c.raw, []byte(cell))
		}
	}
	c.raw = append(c.raw, '}')
	return rows.Item{Raw: c.raw, Line: int64(line), Byte: at}, nil
}

// tableError names what is wrong with a table.
func tableError(err error) error {
	var broken *csv.ParseError
	if errors.As(err, &broken) {
		return fmt.Errorf("%w: the reply is not sound CSV: %w", errUnlike, err)
	}
	return err
}

// bounded refuses a line that never ends.
type bounded struct {
	in         io.Reader
	most, left int
}

// Read gives what the reader has.
func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.in.Read(p)
	if at := bytes.LastIndexByte(p[:n], '\n'); at >= 0 {
		b.left = b.most - (n - at)
	} else if b.left -= n; b.left < 0 {
		return 0, fmt.Errorf("%w: a line of the reply is longer than %d bytes", errUnlike, b.most)
	}
	return n, err
}
