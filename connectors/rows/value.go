package rows

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"

	"github.com/go-faster/jx"
)

// Reasons to hold a record, or to give a document up.
var (
	// ErrTooLong: the record is longer than the limit.
	ErrTooLong = errors.New("the record is longer than the limit")
	errTooDeep = errors.New("the record is nested too deep")
)

// BrokenError says that a document is not sound JSON, so that the records in
// it cannot be told apart.
type BrokenError struct {
	Offset int64 // in the document
	Why    string
	First  byte // the first byte of a text that is no document at all
}

// Error names the byte and what is wrong there.
func (e *BrokenError) Error() string {
	return fmt.Sprintf("not sound JSON at byte %d: %s", e.Offset, e.Why)
}

// headBytes is how much of a record that is too long is kept to show.
const headBytes = 1 << 10

// extent is one value cut out of a stream.
type extent struct {
	raw  []byte // good until the window moves on; the head when long
	at   int64
	long bool
	deep bool
}

// value cuts the value at the window's place out, of at most limit bytes and
// depth levels. A longer or deeper one is passed over, and said. Only strings
// and brackets are looked at.
func (w *window) value(limit, depth int) (extent, error) {
	e := extent{at: w.offset()}
	w.mark = w.at
	defer func() { w.mark = -1 }()
	s := skipper{w: w, limit: limit, most: depth}
	if err := s.pass(); err != nil {
		return e, err
	}
	e.deep = s.deep
	if s.head != nil {
		e.raw, e.long = s.head, true
		return e, nil
	}
	e.raw = w.buf[w.mark:w.at]
	return e, nil
}

// sound is value for what nobody walks through afterwards: the text is
// checked here.
func (w *window) sound(limit, depth int) (extent, error) {
	e, err := w.value(limit, depth)
	if err == nil && !e.long && !e.deep && !jx.Valid(e.raw) {
		err = malformed(e.at)
	}
	return e, err
}

func malformed(at int64) error {
	return &BrokenError{Offset: at, Why: "the value there is malformed"}
}

// skipper finds the end of a value.
type skipper struct {
	w     *window
	limit int
	most  int
	depth int
	deep  bool
	head  []byte // of a value that turned out too long
}

// pass moves the window behind the value.
func (s *skipper) pass() error {
	w := s.w
	switch w.buf[w.at] {
	case '{', '[':
		return s.nested()
	case '"':
		w.at++
		err := s.text()
		s.check()
		return err
	}
	return s.word()
}

// nested passes over an object or list.
func (s *skipper) nested() error {
	w := s.w
	for {
		for w.at < w.end {
			c := w.buf[w.at]
			w.at++
			switch c {
			case '"':
				if err := s.text(); err != nil {
					return err
				}
			case '{', '[':
				if s.depth++; s.depth > s.most {
					s.deep = true
				}
			case '}', ']':
				if s.depth--; s.depth == 0 {
					s.check()
					return nil
				}
			}
		}
		if err := s.more(); err != nil {
			return err
		}
	}
}

// text passes over the rest of a string.
func (s *skipper) text() error {
	w := s.w
	for {
		w.at += plainPart(w.buf[w.at:w.end])
		switch {
		case w.at == w.end:
			if err := s.more(); err != nil {
				return err
			}
		case w.buf[w.at] == '"':
			w.at++
			return nil
		case w.end-w.at < 2: // a backslash at the end
			if err := s.more(); err != nil {
				return err
			}
		default:
			w.at += 2
		}
	}
}

// plainPart counts the bytes before the first quote or backslash, eight at a
// time.
func plainPart(text []byte) int {
	const (
		ones   = 0x0101010101010101
		highs  = 0x8080808080808080
		quotes = '"' * ones
		slants = '\\' * ones
	)
	at := 0
	for ; len(text)-at >= 8; at += 8 {
		v := binary.LittleEndian.Uint64(text[at:])
		q, b := v^quotes, v^slants
		if hit := ((q-ones) & ^q | (b-ones) & ^b) & highs; hit != 0 {
			return at + bits.TrailingZeros64(hit)/8
		}
	}
	for at < len(text) && text[at] != '"' && text[at] != '\\' {
		at++
	}
	return at
}

// word passes over a number, true, false or null.
func (s *skipper) word() error {
	w := s.w
	for {
		if n := bytes.IndexAny(w.buf[w.at:w.end], ",]} \n\t\r:\"[{"); n >= 0 {
			w.at += n
			s.check()
			return nil
		}
		w.at = w.end
		if err := s.more(); err != nil {
			return err
		}
	}
}

func (s *skipper) more() error {
	s.check()
	if !s.w.more() {
		return s.w.broken()
	}
	return nil
}

// check lets go of the bytes of a value that is too long.
func (s *skipper) check() {
	w := s.w
	if w.mark >= 0 && w.at-w.mark > s.limit {
		s.head = bytes.Clone(w.buf[w.mark : w.mark+min(headBytes, w.at-w.mark)])
		w.mark = -1
	}
}
