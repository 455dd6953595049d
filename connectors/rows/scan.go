package rows

import (
	"encoding/binary"
	"errors"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

// errUnsound says that a text is no JSON.
var errUnsound = errors.New("not sound JSON")

// maxSkip is the nesting that is passed over in one value; a Cutter lets no
// deeper one through.
const maxSkip = 1000

// scan walks through one JSON value that is in memory as a whole. It is as
// strict as the standard: what it takes to its end is sound.
type scan struct {
	b  []byte
	at int
}

// peek gives the next byte behind blanks without taking it, 0 at the end.
func (s *scan) peek() byte {
	for s.at < len(s.b) {
		c := s.b[s.at]
		if c > ' ' {
			return c
		}
		if c != ' ' && c != '\n' && c != '\t' && c != '\r' {
			return c
		}
		s.at++
	}
	return 0
}

// take takes the next byte when it is c.
func (s *scan) take(c byte) bool {
	if s.at < len(s.b) && s.b[s.at] == c || s.peek() == c {
		s.at++
		return true
	}
	return false
}

// text takes a string and gives what stands between its quotes; escaped says
// that there are escapes in it.
func (s *scan) text() (inner []byte, escaped bool, err error) {
	if !s.take('"') {
		return nil, false, errUnsound
	}
	from := s.at
	for {
		s.at += plainText(s.b[s.at:])
		if s.at >= len(s.b) {
			return nil, false, errUnsound
		}
		switch s.b[s.at] {
		case '"':
			s.at++
			return s.b[from : s.at-1], escaped, nil
		case '\\':
			escaped = true
			if err := s.escape(); err != nil {
				return nil, false, err
			}
		default: // a control character
			return nil, false, errUnsound
		}
	}
}

// escape passes over a backslash and what belongs to it.
func (s *scan) escape() error {
	if len(s.b)-s.at < 2 {
		return errUnsound
	}
	c := s.b[s.at+1]
	s.at += 2
	switch c {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return nil
	case 'u':
		if len(s.b)-s.at < 4 {
			return errUnsound
		}
		for _, h := range s.b[s.at : s.at+4] {
			if (h < '0' || h > '9') && (h|0x20 < 'a' || h|0x20 > 'f') {
				return errUnsound
			}
		}
		s.at += 4
		return nil
	}
	return errUnsound
}

// plainText counts the bytes before the first quote, backslash or control
// character, eight at a time.
func plainText(text []byte) int {
	const (
		ones   = 0x0101010101010101
		highs  = 0x8080808080808080
		quotes = '"' * ones
		slants = '\\' * ones
		blanks = ' ' * ones
	)
	at := 0
	for ; len(text)-at >= 8; at += 8 {
		v := binary.LittleEndian.Uint64(text[at:])
		q, b := v^quotes, v^slants
		// The lowest byte marked is exact; a borrow only marks ones above it.
		if hit := ((q-ones)&^q | (b-ones)&^b | (v-blanks)&^v) & highs; hit != 0 {
			return at + bits.TrailingZeros64(hit)/8
		}
	}
	for at < len(text) && text[at] != '"' && text[at] != '\\' && text[at] >= ' ' {
		at++
	}
	return at
}

// number takes a number and gives its text as it is written.
func (s *scan) number() ([]byte, error) {
	from := s.at
	if s.at < len(s.b) && s.b[s.at] == '-' {
		s.at++
	}
	first := s.at
	whole := s.digits()
	if whole == 0 || whole > 1 && s.b[first] == '0' {
		return nil, errUnsound
	}
	if s.at < len(s.b) && s.b[s.at] == '.' {
		s.at++
		if s.digits() == 0 {
			return nil, errUnsound
		}
	}
	if s.at < len(s.b) && s.b[s.at]|0x20 == 'e' {
		s.at++
		if s.at < len(s.b) && (s.b[s.at] == '+' || s.b[s.at] == '-') {
			s.at++
		}
		if s.digits() == 0 {
			return nil, errUnsound
		}
	}
	return s.b[from:s.at], nil
}

func (s *scan) digits() int {
	from := s.at
	for s.at < len(s.b) && s.b[s.at]-'0' <= 9 {
		s.at++
	}
	return s.at - from
}

// word takes true, false or null.
func (s *scan) word(w string) ([]byte, error) {
	if len(s.b)-s.at < len(w) || string(s.b[s.at:s.at+len(w)]) != w {
		return nil, errUnsound
	}
	s.at += len(w)
	return s.b[s.at-len(w) : s.at], nil
}

// plain takes a number, true, false or null.
func (s *scan) plain() ([]byte, error) {
	switch s.peek() {
	case 't':
		return s.word("true")
	case 'f':
		return s.word("false")
	case 'n':
		return s.word("null")
	}
	return s.number()
}

// raw takes any value and gives its text.
func (s *scan) raw() ([]byte, error) {
	s.peek()
	from := s.at
	if err := s.skip(maxSkip); err != nil {
		return nil, err
	}
	return s.b[from:s.at], nil
}

// skip passes over any value.
func (s *scan) skip(depth int) error {
	switch s.peek() {
	case '"':
		_, _, err := s.text()
		return err
	case '{':
		return s.each('{', '}', depth, func() error {
			if _, err := s.name(); err != nil {
				return err
			}
			return s.skip(depth - 1)
		})
	case '[':
		return s.each('[', ']', depth, func() error { return s.skip(depth - 1) })
	}
	_, err := s.plain()
	return err
}

// name takes a member's name and the colon; the name may hold escapes.
func (s *scan) name() ([]byte, error) {
	inner, escaped, err := s.text()
	if err != nil {
		return nil, err
	}
	if escaped {
		inner = unescape(nil, inner)
	}
	if !s.take(':') {
		return nil, errUnsound
	}
	return inner, nil
}

// each takes an object or list, and calls one for every element.
func (s *scan) each(open, end byte, depth int, one func() error) error {
	if depth == 0 || !s.take(open) {
		return errUnsound
	}
	if s.take(end) {
		return nil
	}
	for {
		if err := one(); err != nil {
			return err
		}
		if s.take(end) {
			return nil
		}
		if !s.take(',') {
			return errUnsound
		}
	}
}

// unescape appends a string that text has taken. Half of a pair of surrogates
// becomes the replacement character.
func unescape(dst, inner []byte) []byte {
	for i := 0; i < len(inner); i++ {
		c := inner[i]
		if c != '\\' {
			dst = append(dst, c)
			continue
		}
		i++
		switch c = inner[i]; c {
		case 'b':
			c = '\b'
		case 'f':
			c = '\f'
		case 'n':
			c = '\n'
		case 'r':
			c = '\r'
		case 't':
			c = '\t'
		case 'u':
			r := hex4(inner[i+1:])
			i += 4
			if utf16.IsSurrogate(r) {
				pair := utf8.RuneError
				if len(inner)-i > 6 && inner[i+1] == '\\' && inner[i+2] == 'u' {
					pair = utf16.DecodeRune(r, hex4(inner[i+3:]))
				}
				if r = pair; r != utf8.RuneError {
					i += 6
				}
			}
			dst = utf8.AppendRune(dst, r)
			continue
		}
		dst = append(dst, c)
	}
	return dst
}

// hex4 reads four digits that escape has looked at.
func hex4(text []byte) rune {
	var r rune
	for _, c := range text[:4] {
		switch {
		case c >= 'a':
			c -= 'a' - 10
		case c >= 'A':
			c -= 'A' - 10
		default:
			c -= '0'
		}
		r = r<<4 | rune(c)
	}
	return r
}
