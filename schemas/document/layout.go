package document

import (
	"bytes"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// layout gives, for every byte of a scalar's value and for its end, the byte
// offset in the source it came from, and the offset behind the scalar itself
// (its closing quote included). It reads the source again by the rules of the
// scalar's style and is ok only when that gives exactly the value YAML gave.
func (n *Node) layout() (offsets []int, end int, ok bool) {
	if n.kind != Scalar || n.y == nil || n.y.Line == 0 {
		return nil, 0, false
	}
	s := scan{raw: n.src.raw, at: n.start(), want: len(n.y.Value)}
	s.out = make([]byte, 0, s.want)
	s.offsets = make([]int, 0, s.want+1)
	switch n.style() {
	case yaml.SingleQuotedStyle, yaml.DoubleQuotedStyle:
		s.quoted()
	case yaml.LiteralStyle, yaml.FoldedStyle:
		return n.blockLayout(s)
	default:
		s.plain()
	}
	s.offsets = append(s.offsets, s.contentEnd)
	return s.offsets, s.at, string(s.out) == n.y.Value
}

// scan re-reads a scalar: out is the value so far, offsets where each byte stood.
type scan struct {
	raw        []byte
	at         int
	want       int
	out        []byte
	offsets    []int
	contentEnd int
}

func (s *scan) emit(c byte, at int) {
	s.out = append(s.out, c)
	s.offsets = append(s.offsets, at)
	s.contentEnd = at + 1
}

func (s *scan) more() bool { return s.at < len(s.raw) }

// plain reads until the whole value is found: YAML already said where it ends.
func (s *scan) plain() {
	s.contentEnd = s.at
	for s.more() && len(s.out) < s.want {
		if c := s.raw[s.at]; c == ' ' || c == '\t' || c == '\n' || c == '\r' {
			s.fold()
			continue
		}
		s.emit(s.raw[s.at], s.at)
		s.at++
	}
}

// fold reads a run of blanks and line breaks: within a line they stay, one break
// becomes a blank and each further one a line feed.
func (s *scan) fold() {
	from, breaks, second := s.at, 0, 0
	for s.more() {
		c := s.raw[s.at]
		if c != ' ' && c != '\t' && c != '\n' && c != '\r' {
			break
		}
		if c == '\n' || c == '\r' {
			if c == '\r' && s.at+1 < len(s.raw) && s.raw[s.at+1] == '\n' {
				s.at++
			}
			breaks++
			if breaks == 1 {
				second = s.at + 1
			}
		}
		s.at++
	}
	switch {
	case breaks == 0:
		for i := from; i < s.at; i++ {
			s.emit(s.raw[i], i)
		}
	case breaks == 1:
		s.emit(' ', from)
	default:
		for i := 1; i < breaks; i++ {
			s.emit('\n', min(second, len(s.raw)-1))
		}
	}
}

func (s *scan) quoted() {
	if !s.more() {
		return
	}
	quote := s.raw[s.at]
	s.at++
	s.contentEnd = s.at
	for s.more() {
		c := s.raw[s.at]
		switch {
		case c == '\'' && quote == '\'' && s.at+1 < len(s.raw) && s.raw[s.at+1] == '\'':
			s.emit('\'', s.at)
			s.at += 2
			s.contentEnd = s.at
		case c == quote:
			s.contentEnd = s.at
			s.at++
			return
		case c == '\\' && quote == '"':
			s.escape()
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			s.fold()
		default:
			s.emit(c, s.at)
			s.at++
		}
	}
}

// escape reads one backslash escape of a double-quoted scalar.
func (s *scan) escape() {
	from := s.at
	s.at++
	if !s.more() {
		return
	}
	c := s.raw[s.at]
	s.at++
	if c == '\n' || c == '\r' {
		s.at--
		s.escapedBreak()
		return
	}
	digits := 0
	switch c {
	case 'x':
		digits = 2
	case 'u':
		digits = 4
	case 'U':
		digits = 8
	}
	r := simpleEscape(c)
	if digits > 0 {
		r = 0
		for ; digits > 0 && s.more(); digits-- {
			r = r<<4 | hexValue(s.raw[s.at])
			s.at++
		}
	}
	for _, b := range utf8.AppendRune(nil, r) {
		s.emit(b, from)
	}
	s.contentEnd = s.at
}

// escapedBreak: the break behind a backslash vanishes together with what indents
// the next line; further breaks stay.
func (s *scan) escapedBreak() {
	for first := true; s.more(); {
		from := s.at
		switch s.raw[s.at] {
		case ' ', '\t':
			s.at++
		case '\n', '\r':
			s.skipBreak()
			if !first {
				s.emit('\n', from)
			}
			first = false
		default:
			return
		}
	}
}

func simpleEscape(c byte) rune {
	const from, to = "0abtnvfreNL_P", "\x00\a\b\t\n\v\f\r\x1b\u0085\u2028\u00a0\u2029"
	if i := bytes.IndexByte([]byte(from), c); i >= 0 {
		return []rune(to)[i]
	}
	return rune(c)
}

func hexValue(c byte) rune {
	switch {
	case c >= '0' && c <= '9':
		return rune(c - '0')
	case c >= 'a' && c <= 'f':
		return rune(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return rune(c-'A') + 10
	}
	return 0
}
