package markup

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// Kind is what a Scanner stands on.
type Kind uint8

// The kinds of tokens. An element without content is a Start and an End.
const (
	Start Kind = iota + 1
	End
	Text
)

// Limits bound a document.
type Limits struct {
	Depth    int // elements within one another
	TagBytes int // one tag with its attributes
}

// Error says that a document is not well formed, or is more than is read.
type Error struct {
	Line int64
	Why  string
}

// Error names the line.
func (e *Error) Error() string { return fmt.Sprintf("not sound XML at line %d: %s", e.Line, e.Why) }

// Attr is one attribute of an element.
type Attr struct{ Prefix, Name, Value []byte }

// Scanner walks through one document. What it hands out is good until the
// next call of Next.
type Scanner struct {
	r       io.Reader
	limits  Limits
	buf     []byte
	at, end int
	start   int   // of the token
	base    int64 // offset of buf[0] in the document
	err     error // why there is no more to read

	lines   int64 // line ends before buf[counted]
	counted int

	open  []byte // qualified names of the open elements, one after the other
	ends  []int  // where each ends in open
	began bool   // the root was there
	empty bool   // the element just begun has no content

	name    []byte
	attrs   []Attr
	text    []byte
	scratch []byte
}

// windowBytes is the room a scanner starts with; a text that is longer comes
// in pieces.
const windowBytes = 64 << 10

// New begins a document, which must be UTF-8 without a byte order mark, as
// Decode makes it.
func New(r io.Reader, limits Limits) *Scanner {
	return &Scanner{r: r, limits: limits, buf: make([]byte, windowBytes)}
}

// Reset begins another document with the same window.
func (s *Scanner) Reset(r io.Reader) {
	*s = Scanner{r: r, limits: s.limits, buf: s.buf, open: s.open[:0], ends: s.ends[:0], attrs: s.attrs[:0], scratch: s.scratch[:0]}
}

// Name is the local name of the element begun or ended.
func (s *Scanner) Name() []byte { return s.name }

// Attrs are the attributes of the element begun, without declarations of
// namespaces.
func (s *Scanner) Attrs() []Attr { return s.attrs }

// Attr gives an attribute by its local name, nil when there is none.
func (s *Scanner) Attr(name string) []byte {
	for i := range s.attrs {
		if string(s.attrs[i].Name) == name {
			return s.attrs[i].Value
		}
	}
	return nil
}

// Text is a piece of character data. The data of one element may come in
// several pieces.
func (s *Scanner) Text() []byte { return s.text }

// Depth is the number of elements that are open; the element just begun
// counts, the one just ended does not.
func (s *Scanner) Depth() int { return len(s.ends) }

// Line is the line the token begins on.
func (s *Scanner) Line() int64 {
	s.count(s.start)
	return s.lines + 1
}

// Offset is where the token begins, in decoded bytes.
func (s *Scanner) Offset() int64 { return s.base + int64(s.start) }

func (s *Scanner) count(to int) {
	if to > s.counted {
		s.lines += int64(bytes.Count(s.buf[s.counted:to], []byte{'\n'}))
		s.counted = to
	}
}

// Skip passes over the rest of the element just begun, with its End.
func (s *Scanner) Skip() error {
	for depth := s.Depth(); s.Depth() >= depth; {
		if _, err := s.Next(); err != nil {
			return err
		}
	}
	return nil
}

// Next goes to the next token. io.EOF says that the document has ended
// soundly; an *Error that it is not sound; any other error is the reader's.
func (s *Scanner) Next() (Kind, error) {
	if s.empty {
		s.empty = false
		s.pop()
		return End, nil
	}
	for {
		s.start = s.at
		if s.at == s.end && !s.more() {
			return 0, s.finish()
		}
		if s.buf[s.at] != '<' {
			ok, err := s.data()
			if err != nil {
				return 0, err
			}
			if ok {
				return Text, nil
			}
			continue
		}
		kind, err := s.markup()
		if kind != 0 || err != nil {
			return kind, err
		}
	}
}

// finish says how the document ended.
func (s *Scanner) finish() error {
	switch {
	case !errors.Is(s.err, io.EOF):
		return s.err
	case len(s.ends) > 0:
		return s.unsound("it ends in the middle of the element %q", s.top())
	case !s.began:
		return s.unsound("it holds no element")
	}
	return io.EOF
}

// markup takes what begins with <; kind is 0 for what is passed over.
func (s *Scanner) markup() (Kind, error) {
	if err := s.need(2); err != nil {
		return 0, err
	}
	switch s.buf[s.at+1] {
	case '/':
		return End, s.endTag()
	case '?':
		return 0, s.pass("?>", "a processing instruction")
	case '!':
		return s.declaration()
	}
	return Start, s.startTag()
}

// declaration takes what begins with <!.
func (s *Scanner) declaration() (Kind, error) {
	if err := s.need(4); err != nil {
		return 0, err
	}
	switch rest := s.buf[s.at+2 : s.end]; {
	case bytes.HasPrefix(rest, []byte("--")):
		s.at += 4
		return 0, s.pass("-->", "a comment")
	case rest[0] == '[':
		if err := s.need(len("<![CDATA[")); err != nil {
			return 0, err
		}
		if !bytes.HasPrefix(s.buf[s.at:s.end], []byte("<![CDATA[")) || len(s.ends) == 0 {
			return 0, s.unsound("<![ where it cannot stand")
		}
		return Text, s.cdata()
	}
	return 0, s.unsound("a document type (<!DOCTYPE) or another declaration; it is refused, as it could name other files or grow without end")
}

// pass goes behind the next mark and lets go of what stands before it.
func (s *Scanner) pass(mark, what string) error {
	for {
		if n := bytes.Index(s.buf[s.at:s.end], []byte(mark)); n >= 0 {
			s.at += n + len(mark)
			return nil
		}
		s.at = max(s.at, s.end-len(mark)+1)
		s.start = s.at
		if !s.more() {
			return s.cut(what)
		}
	}
}

// need makes sure that n bytes of the token are in the window.
func (s *Scanner) need(n int) error {
	for s.end-s.at < n {
		if !s.more() {
			return s.cut("a tag")
		}
	}
	return nil
}

// cut is the error of a document that ends inside something.
func (s *Scanner) cut(what string) error {
	if s.err != nil && !errors.Is(s.err, io.EOF) {
		return s.err
	}
	return s.unsound("it ends in the middle of %s", what)
}

func (s *Scanner) unsound(format string, args ...any) error {
	s.count(min(s.at, s.end))
	return &Error{Line: s.lines + 1, Why: fmt.Sprintf(format, args...)}
}

// more reads on, keeping what stands behind start; false when there is
// nothing more to read.
func (s *Scanner) more() bool {
	if s.err != nil {
		return false
	}
	if s.start > 0 {
		s.count(s.start)
		copy(s.buf, s.buf[s.start:s.end])
		s.base += int64(s.start)
		s.at, s.end, s.counted, s.start = s.at-s.start, s.end-s.start, s.counted-s.start, 0
	}
	if s.end == len(s.buf) {
		s.buf = append(s.buf, make([]byte, len(s.buf))...)
	}
	for range 100 {
		n, err := s.r.Read(s.buf[s.end:])
		s.end, s.err = s.end+n, err
		if n > 0 || err != nil {
			return n > 0
		}
	}
	s.err = io.ErrNoProgress
	return false
}
