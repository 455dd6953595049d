package document

import "gopkg.in/yaml.v3"

// blockLayout reads a | or > scalar again. An explicit indentation indicator
// counts from the parent's indentation, which the node does not know, so each
// possible one is tried until the value comes out.
func (n *Node) blockLayout(s scan) ([]int, int, bool) {
	s.skipHeader()
	literal := n.style() == yaml.LiteralStyle
	lead := s.firstIndent()
	for indent := lead; indent >= 0; indent-- {
		try := s
		try.out, try.offsets = s.out[:0], s.offsets[:0]
		try.block(indent, literal)
		if string(try.out) == n.y.Value {
			try.offsets = append(try.offsets, try.contentEnd)
			return try.offsets, try.at, true
		}
		if lead-indent >= maxIndentTries {
			break
		}
	}
	return nil, 0, false
}

// maxIndentTries bounds the search; YAML's indicator is at most 9.
const maxIndentTries = 9

// skipHeader moves behind the line of the | or >.
func (s *scan) skipHeader() {
	for s.more() && s.raw[s.at] != '\n' && s.raw[s.at] != '\r' {
		s.at++
	}
	s.skipBreak()
	s.contentEnd = s.at
}

// skipBreak moves over one line break: \n, \r\n or \r.
func (s *scan) skipBreak() {
	if s.more() && s.raw[s.at] == '\r' {
		s.at++
		if s.more() && s.raw[s.at] == '\n' {
			s.at++
		}
	} else if s.more() && s.raw[s.at] == '\n' {
		s.at++
	}
}

// firstIndent counts the blanks before the first line that holds text.
func (s *scan) firstIndent() int {
	widest, width := 0, 0
	for i := s.at; i < len(s.raw); i++ {
		switch s.raw[i] {
		case ' ':
			width++
		case '\n', '\r':
			widest, width = max(widest, width), 0
		default:
			return width
		}
	}
	return max(widest, width)
}

// block follows YAML's rule for block scalars: lines lose their indentation; in a
// folded one a single break between two lines that begin with text is a blank.
func (s *scan) block(indent int, literal bool) {
	var pending []int // offsets of the line breaks not yet written
	leadingBlank := false
	for s.want > 0 && len(s.out)+len(pending) <= s.want {
		if !s.indented(indent) {
			if !s.more() || !s.atBreak() {
				break
			}
			pending = append(pending, s.at)
			s.skipBreak()
			continue
		}
		blank := s.more() && (s.raw[s.at] == ' ' || s.raw[s.at] == '\t')
		s.writeBreaks(pending, !literal && !leadingBlank && !blank && len(s.out) > 0)
		pending, leadingBlank = pending[:0], blank
		for s.more() && !s.atBreak() {
			s.emit(s.raw[s.at], s.at)
			s.at++
		}
		if !s.more() {
			break
		}
		pending = append(pending, s.at)
		s.skipBreak()
	}
	for _, at := range pending {
		if len(s.out) < s.want {
			s.emit('\n', at)
		}
	}
}

func (s *scan) writeBreaks(breaks []int, folded bool) {
	if folded && len(breaks) == 1 {
		s.emit(' ', breaks[0])
		return
	}
	if folded && len(breaks) > 1 {
		breaks = breaks[1:]
	}
	for _, at := range breaks {
		s.emit('\n', at)
	}
}

// indented moves over exactly indent blanks and reports whether text follows.
func (s *scan) indented(indent int) bool {
	i := s.at
	for i < len(s.raw) && i-s.at < indent && s.raw[i] == ' ' {
		i++
	}
	full := i-s.at == indent
	if full && i < len(s.raw) && s.raw[i] != '\n' && s.raw[i] != '\r' {
		s.at = i
		return true
	}
	if i < len(s.raw) && (s.raw[i] == '\n' || s.raw[i] == '\r') {
		s.at = i
	}
	return false
}

func (s *scan) atBreak() bool { return s.raw[s.at] == '\n' || s.raw[s.at] == '\r' }
