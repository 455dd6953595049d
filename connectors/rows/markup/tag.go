package markup

import (
	"bytes"
	"unicode/utf8"
)

// startTag takes the tag of an element.
func (s *Scanner) startTag() error {
	for {
		n, err := s.tag(s.buf[s.at:s.end])
		if err != nil {
			return err
		}
		if n > 0 {
			s.at += n
			return s.push()
		}
		if s.end-s.at > s.limits.TagBytes {
			return s.unsound("a tag is longer than %d bytes", s.limits.TagBytes)
		}
		if !s.more() {
			return s.cut("a tag")
		}
	}
}

// tag reads one start tag at the front of b; 0 says that b ends before it
// does.
func (s *Scanner) tag(b []byte) (int, error) {
	s.attrs, s.scratch = s.attrs[:0], s.scratch[:0]
	at := nameEnd(b, 1)
	if at == len(b) {
		return 0, nil
	}
	if !isName(b[1:at]) {
		return 0, s.unsound("a < that begins no tag")
	}
	s.name = b[1:at]
	for {
		from := at
		at = blanks(b, at)
		if at == len(b) {
			return 0, nil
		}
		switch b[at] {
		case '>':
			s.empty = false
			return at + 1, nil
		case '/':
			if at+1 == len(b) {
				return 0, nil
			}
			if b[at+1] != '>' {
				return 0, s.unsound("a / inside the tag of %q", s.name)
			}
			s.empty = true
			return at + 2, nil
		}
		if from == at {
			return 0, s.unsound("%q inside the tag of %q", b[at], s.name)
		}
		n, err := s.attr(b, at)
		if n == 0 || err != nil {
			return 0, err
		}
		at = n
	}
}

// attr reads name="value" and gives the place behind it.
func (s *Scanner) attr(b []byte, at int) (int, error) {
	from := at
	if at = nameEnd(b, at); at == len(b) {
		return 0, nil
	}
	name := b[from:at]
	if !isName(name) {
		return 0, s.unsound("%q inside the tag of %q", b[at], s.name)
	}
	if at = blanks(b, at); at == len(b) {
		return 0, nil
	}
	if b[at] != '=' {
		return 0, s.unsound("the attribute %q of %q has no value", name, s.name)
	}
	if at = blanks(b, at+1); at == len(b) {
		return 0, nil
	}
	quote := b[at]
	if quote != '"' && quote != '\'' {
		return 0, s.unsound("the value of the attribute %q of %q has no quotes", name, s.name)
	}
	at++
	var all kinds
	for i, ch := range b[at:] {
		if ch == quote {
			return at + i + 1, s.keep(name, b[at:at+i], all)
		}
		all |= class[ch]
	}
	return 0, nil
}

// keep adds an attribute, unless it declares a namespace.
func (s *Scanner) keep(name, value []byte, all kinds) error {
	if all&^(blank|nameStart|namePart) != 0 || all.is(blank) {
		var err error
		if value, err = s.clean(value, true); err != nil {
			return err
		}
	}
	var prefix []byte
	local := local(name)
	if len(local) < len(name) {
		prefix = name[:len(name)-len(local)-1]
	}
	if string(name) == "xmlns" || string(prefix) == "xmlns" {
		return nil
	}
	const most = 1000
	if len(s.attrs) == most {
		return s.unsound("the element %q has more than %d attributes", s.name, most)
	}
	for i := range s.attrs {
		if bytes.Equal(s.attrs[i].Name, local) && bytes.Equal(s.attrs[i].Prefix, prefix) {
			return s.unsound("the element %q has the attribute %q twice", s.name, name)
		}
	}
	s.attrs = append(s.attrs, Attr{Prefix: prefix, Name: local, Value: value})
	return nil
}

// push opens the element whose tag was read.
func (s *Scanner) push() error {
	switch {
	case len(s.ends) == 0 && s.began:
		return s.unsound("a second element %q beside the first", s.name)
	case len(s.ends) == s.limits.Depth:
		return s.unsound("more than %d elements within one another", s.limits.Depth)
	}
	s.began = true
	s.open = append(s.open, s.name...)
	s.ends = append(s.ends, len(s.open))
	s.name = local(s.name)
	return nil
}

// endTag takes </name>.
func (s *Scanner) endTag() error {
	if len(s.ends) > 0 {
		top, rest := s.top(), s.buf[s.at+2:s.end]
		if len(rest) > len(top) && rest[len(top)] == '>' && string(rest[:len(top)]) == string(top) {
			s.at += len(top) + 3
			s.pop()
			return nil
		}
	}
	n := bytes.IndexByte(s.buf[s.at:s.end], '>')
	for n < 0 {
		if s.end-s.at > s.limits.TagBytes {
			return s.unsound("a tag is longer than %d bytes", s.limits.TagBytes)
		}
		if !s.more() {
			return s.cut("a tag")
		}
		n = bytes.IndexByte(s.buf[s.at:s.end], '>')
	}
	name := bytes.TrimRight(s.buf[s.at+2:s.at+n], " \t\r\n")
	if len(s.ends) == 0 {
		return s.unsound("</%s> ends no element", name)
	}
	if !bytes.Equal(name, s.top()) {
		return s.unsound("</%s> where </%s> belongs", name, s.top())
	}
	s.at += n + 1
	s.pop()
	return nil
}

// top is the qualified name of the innermost element.
func (s *Scanner) top() []byte {
	from := 0
	if n := len(s.ends); n > 1 {
		from = s.ends[n-2]
	}
	return s.open[from:]
}

// pop closes the innermost element; its name stays in the room behind open.
func (s *Scanner) pop() {
	top := s.top()
	s.name = local(top)
	s.open, s.ends = s.open[:len(s.open)-len(top)], s.ends[:len(s.ends)-1]
}

func local(name []byte) []byte {
	for i, ch := range name {
		if ch == ':' {
			return name[i+1:]
		}
	}
	return name
}

// isName reports whether bytes that may stand in a name are one.
func isName(name []byte) bool {
	if len(name) == 0 || !class[name[0]].is(nameStart) {
		return false
	}
	var all kinds
	for _, ch := range name {
		all |= class[ch]
	}
	return !all.is(high) || utf8.Valid(name)
}

func nameEnd(b []byte, at int) int {
	for at < len(b) && class[b[at]].is(namePart) {
		at++
	}
	return at
}

func blanks(b []byte, at int) int {
	for at < len(b) && class[b[at]].is(blank) {
		at++
	}
	return at
}
