package file

import (
	"bytes"
	"io"

	"github.com/tieout/tieout/connectors/rows"
)

// feed yields the records of one file; io.EOF ends it.
type feed interface{ Next() (rows.Item, error) }

// lineFeed reads JSON lines. Blank lines are passed over.
type lineFeed struct {
	r      io.Reader
	buf    []byte
	at     int
	end    int
	eof    bool
	limit  int
	line   int64
	offset int64
}

func newLineFeed(r io.Reader, limit int) *lineFeed {
	return &lineFeed{r: r, buf: make([]byte, chunkBytes), limit: limit}
}

func (f *lineFeed) Next() (rows.Item, error) {
	for {
		raw, whole, err := f.text()
		if err != nil {
			return rows.Item{}, err
		}
		f.line++
		it := rows.Item{Raw: bytes.TrimSpace(raw), Line: f.line, Byte: f.offset}
		f.offset += int64(len(raw)) + 1
		if !whole {
			it.Err = rows.ErrTooLong
			return it, nil
		}
		if len(it.Raw) > 0 {
			return it, nil
		}
	}
}

// text returns the next line without its end. A line longer than the limit
// comes cut, with whole false, and its rest is passed over.
func (f *lineFeed) text() (line []byte, whole bool, err error) {
	for {
		if n := bytes.IndexByte(f.buf[f.at:f.end], '\n'); n >= 0 {
			line = f.buf[f.at : f.at+n]
			f.at += n + 1
			return line, true, nil
		}
		if f.eof {
			if f.at == f.end {
				return nil, false, io.EOF
			}
			line = f.buf[f.at:f.end]
			f.at = f.end
			return line, true, nil
		}
		if f.end-f.at >= f.limit {
			head := bytes.Clone(f.buf[f.at : f.at+1024])
			return head, false, f.passLine()
		}
		if err := f.more(); err != nil {
			return nil, false, err
		}
	}
}

func (f *lineFeed) more() error {
	if f.at > 0 {
		f.end = copy(f.buf, f.buf[f.at:f.end])
		f.at = 0
	}
	if f.end == len(f.buf) {
		f.buf = append(f.buf, make([]byte, len(f.buf))...)
	}
	n, err := f.r.Read(f.buf[f.end:])
	f.end += n
	if err == io.EOF {
		f.eof = true
		return nil
	}
	return err
}

func (f *lineFeed) passLine() error {
	for {
		if n := bytes.IndexByte(f.buf[f.at:f.end], '\n'); n >= 0 {
			f.at += n + 1
			return nil
		}
		if f.at = f.end; f.eof {
			return nil
		}
		if err := f.more(); err != nil {
			return err
		}
	}
}
