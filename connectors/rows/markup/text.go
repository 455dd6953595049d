package markup

import (
	"bytes"
	"unicode/utf8"
)

// kinds of bytes, as bits.
type kinds uint8

const (
	blank     kinds = 1 << iota
	nameStart       // may begin a name
	namePart        // may stand in a name
	special         // & and carriage return: the text must be rewritten
	high            // beyond ASCII: must be checked to be UTF-8
	closing         // may end ]]>, or be a < inside an attribute
	control         // cannot stand in XML
)

func (k kinds) is(bit kinds) bool { return k&bit != 0 }

// class says what each byte may be.
var class = classes()

func classes() (table [256]kinds) {
	for c := range table {
		switch ch := byte(c); {
		case ch == ' ', ch == '\t', ch == '\n':
			table[c] = blank
		case ch == '\r':
			table[c] = blank | special
		case ch < ' ':
			table[c] = control
		case ch == '&':
			table[c] = special
		case ch == '>', ch == '<':
			table[c] = closing
		case ch >= utf8.RuneSelf:
			table[c] = nameStart | namePart | high
		case ch|0x20 >= 'a' && ch|0x20 <= 'z', ch == '_', ch == ':':
			table[c] = nameStart | namePart
		case ch >= '0' && ch <= '9', ch == '-', ch == '.':
			table[c] = namePart
		}
	}
	return table
}

// data takes the text before the next tag; false when there is nothing to
// hand out.
func (s *Scanner) data() (bool, error) {
	for {
		n := bytes.IndexByte(s.buf[s.at:s.end], '<')
		if n < 0 && s.end-s.at < windowBytes/2 && s.more() {
			continue
		}
		if n < 0 {
			if s.err != nil && s.err.Error() != "EOF" {
				return false, s.err
			}
			n = piece(s.buf[s.at:s.end], s.err != nil)
		}
		raw := s.buf[s.at : s.at+n]
		if len(s.ends) == 0 {
			if len(bytes.TrimLeft(raw, " \t\r\n")) > 0 {
				return false, s.unsound("text outside of the elements")
			}
			s.at += n
			return false, nil
		}
		text, err := s.clean(raw, false)
		s.text = text
		s.at += n
		return true, err
	}
}

// piece says how much of a long text can be handed out without parting a
// character, an entity or a line end.
func piece(b []byte, last bool) int {
	if last {
		return len(b)
	}
	n := len(b)
	if at := bytes.LastIndexByte(b, '&'); at > n-16 && bytes.IndexByte(b[at:], ';') < 0 {
		n = at
	}
	for i := 1; i <= utf8.UTFMax && i <= n; i++ {
		if utf8.RuneStart(b[n-i]) {
			if !utf8.FullRune(b[n-i : n]) {
				n -= i
			}
			break
		}
	}
	for n > 0 && (b[n-1] == '\r' || b[n-1] == ']') {
		n--
	}
	if n == 0 {
		return len(b)
	}
	return n
}

// cdata takes a section whose text stands for itself.
func (s *Scanner) cdata() error {
	from := len("<![CDATA[")
	for {
		n := bytes.Index(s.buf[s.at+from:s.end], []byte("]]>"))
		if n >= 0 {
			raw := s.buf[s.at+from : s.at+from+n]
			s.at += from + n + len("]]>")
			return s.plain(raw)
		}
		if s.end-s.at > s.limits.TagBytes {
			return s.unsound("a CDATA section is longer than %d bytes", s.limits.TagBytes)
		}
		if !s.more() {
			return s.cut("a CDATA section")
		}
	}
}

func (s *Scanner) plain(raw []byte) error {
	var all kinds
	for _, ch := range raw {
		all |= class[ch]
	}
	if err := s.legal(raw, all&^closing); err != nil {
		return err
	}
	s.text = raw
	if bytes.IndexByte(raw, '\r') >= 0 {
		s.scratch = ends(s.scratch[:0], raw)
		s.text = s.scratch
	}
	return nil
}

// clean checks a text and resolves what stands for something else in it: of
// an attribute, blanks of any kind are spaces.
func (s *Scanner) clean(raw []byte, attribute bool) ([]byte, error) {
	var all kinds
	lines := false
	for _, ch := range raw {
		all |= class[ch]
		lines = lines || ch < ' '
	}
	if attribute {
		if bytes.IndexByte(raw, '<') >= 0 {
			return nil, s.unsound("a < inside an attribute")
		}
		all &^= closing
	}
	if err := s.legal(raw, all); err != nil {
		return nil, err
	}
	if !all.is(special) && !(attribute && lines) {
		return raw, nil
	}
	if !attribute {
		s.scratch = s.scratch[:0]
	}
	from := len(s.scratch)
	if err := s.resolve(raw, attribute); err != nil {
		return nil, err
	}
	return s.scratch[from:len(s.scratch):len(s.scratch)], nil
}

// legal refuses what cannot stand in a document.
func (s *Scanner) legal(raw []byte, all kinds) error {
	switch {
	case all.is(control):
		return s.unsound("a control character")
	case all.is(high) && !utf8.Valid(raw):
		return s.unsound("bytes that are not in the document's encoding")
	case all.is(closing) && bytes.Contains(raw, []byte("]]>")):
		return s.unsound("]]> outside of a CDATA section")
	}
	return nil
}

// ends makes every line end a line feed.
func ends(dst, raw []byte) []byte {
	for i, ch := range raw {
		if ch != '\r' {
			dst = append(dst, ch)
		} else if i+1 == len(raw) || raw[i+1] != '\n' {
			dst = append(dst, '\n')
		}
	}
	return dst
}
