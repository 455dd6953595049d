package file

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/go-faster/jx"
)

// item is one record as received, good until the next one is asked for.
type item struct {
	raw  []byte
	line int64 // 1-based line of JSON lines, number of the record otherwise
	byte int64
	err  error // why the text is no record; the feed goes on
}

// feed yields the records of one file; io.EOF ends it.
type feed interface{ next() (item, error) }

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

var errTooLong = errors.New("the record is longer than the limit")

func (f *lineFeed) next() (item, error) {
	for {
		raw, whole, err := f.text()
		if err != nil {
			return item{}, err
		}
		f.line++
		it := item{raw: bytes.TrimSpace(raw), line: f.line, byte: f.offset}
		f.offset += int64(len(raw)) + 1
		if !whole {
			it.err = errTooLong
			return it, nil
		}
		if len(it.raw) > 0 {
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

// treeFeed reads one JSON document: its records are the elements of the list
// at a path, or the object there.
type treeFeed struct {
	d      *jx.Decoder
	path   []string
	levels []level // the containers entered so far
	count  int64
	done   bool
}

// level is one container the feed is inside of: an object on the way, or the
// list of records.
type level struct {
	object *jx.ObjIter
	list   *jx.ArrIter
	depth  int // how much of the path leads here
}

func newTreeFeed(r io.Reader, path string) *treeFeed {
	f := &treeFeed{d: jx.Decode(r, 64<<10)}
	if path != "" {
		f.path = strings.Split(path, ".")
	}
	return f
}

func (f *treeFeed) next() (item, error) {
	if f.count == 0 && len(f.levels) == 0 && !f.done {
		if it, ok, err := f.enter(0); ok || err != nil {
			return it, err
		}
	}
	for len(f.levels) > 0 {
		top := &f.levels[len(f.levels)-1]
		switch {
		case top.list != nil && top.list.Next():
			return f.take()
		case top.list != nil:
			if err := top.list.Err(); err != nil {
				return item{}, err
			}
			f.levels = f.levels[:len(f.levels)-1]
		default:
			if it, ok, err := f.member(top); ok || err != nil {
				return it, err
			}
		}
	}
	return item{}, f.finish()
}

// member looks at the next member of an object on the way.
func (f *treeFeed) member(top *level) (item, bool, error) {
	if !top.object.Next() {
		if err := top.object.Err(); err != nil {
			return item{}, false, err
		}
		f.levels = f.levels[:len(f.levels)-1]
		return item{}, false, nil
	}
	step := f.path[top.depth]
	if step != "*" && step != string(top.object.Key()) {
		return item{}, false, f.d.Skip()
	}
	return f.enter(top.depth + 1)
}

// enter goes into the value the decoder stands on; ok says that it was a
// record itself.
func (f *treeFeed) enter(depth int) (it item, ok bool, err error) {
	switch kind := f.d.Next(); {
	case kind == jx.Object && depth < len(f.path):
		iter, err := f.d.ObjIter()
		if err != nil {
			return item{}, false, err
		}
		f.levels = append(f.levels, level{object: &iter, depth: depth})
		return item{}, false, nil
	case kind == jx.Array && depth == len(f.path):
		iter, err := f.d.ArrIter()
		if err != nil {
			return item{}, false, err
		}
		f.levels = append(f.levels, level{list: &iter, depth: depth})
		return item{}, false, nil
	case kind == jx.Object:
		f.done = true
		it, err := f.take()
		return it, true, err
	case depth > 0 && f.path[depth-1] == "*":
		return item{}, false, f.d.Skip()
	}
	return item{}, false, fmt.Errorf("there is no list of records at %q", strings.Join(f.path[:depth], "."))
}

func (f *treeFeed) take() (item, error) {
	raw, err := f.d.Raw()
	if err != nil {
		return item{}, err
	}
	f.count++
	return item{raw: raw, line: f.count}, nil
}

// finish makes sure that nothing follows the document.
func (f *treeFeed) finish() error {
	f.done = true
	if err := f.d.Skip(); err == nil {
		return errors.New("there is text after the end of the JSON document")
	} else if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	return io.EOF
}
