package document

import (
	"fmt"
	"regexp"
	"strings"
)

// bracket is one { or [ that is open, with what is known of its current entry.
type bracket struct {
	at     int
	close  byte
	entry  int // offset where the current entry's key or value begins, -1 before
	colons int
}

var keyLine = regexp.MustCompile(`^(- )*[A-Za-z_][A-Za-z0-9_]*:(\s|$)`)

// flow reads { } and [ ] over any number of lines up to the closing bracket.
func (m *mistakes) flow(column int) {
	var open []bracket
	for m.at < len(m.s.raw) && m.found == nil {
		c := m.byteAt(m.at)
		switch {
		case c == '[' || c == '{':
			if n := len(open); n > 0 && open[n-1].entry >= 0 && open[n-1].entry != m.at {
				m.cut(open[n-1], "a bracket inside { } or [ ] cuts this text")
				return
			}
			if len(open) > MaxDepth {
				m.report(CodeTooDeep, m.at, m.at+1, fmt.Sprintf("nested more than %d levels deep", MaxDepth), "Check the brackets.")
				return
			}
			open = append(open, bracket{at: m.at, close: c + 2, entry: -1})
			m.at++
		case c == ']' || c == '}':
			top := open[len(open)-1]
			if top.close != c {
				m.report(CodeUnclosedBracket, top.at, top.at+1, "this bracket is closed by "+string(c)+" instead of "+string(top.close), "Brackets close in the order they were opened.")
				return
			}
			open = open[:len(open)-1]
			m.at++
			if len(open) == 0 {
				return
			}
		default:
			m.flowCharacter(c, &open[len(open)-1])
			if isBreak(c) && m.found == nil && m.blockKeyFollows(column) {
				top := open[len(open)-1]
				m.report(CodeUnclosedBracket, top.at, top.at+1, "the bracket that opens here is not closed before the next key", "Close it with "+string(top.close)+".")
			}
		}
	}
	if m.found == nil && len(open) > 0 {
		top := open[len(open)-1]
		m.report(CodeUnclosedBracket, top.at, top.at+1, "the bracket that opens here is never closed", "Close it with "+string(top.close)+".")
	}
}

// flowCharacter reads one character of an entry.
func (m *mistakes) flowCharacter(c byte, in *bracket) {
	switch {
	case c == ',':
		in.entry, in.colons = -1, 0
	case isBlank(c):
	case c == '#' && isBlank(m.byteAt(m.at-1)):
		m.at = m.lineEnd(m.at) - 1
	case c == ':' && (isBlank(m.byteAt(m.at+1)) || strings.IndexByte(",[]{}", m.byteAt(m.at+1)) >= 0):
		if in.colons++; in.colons > 1 && in.entry >= 0 {
			m.cut(*in, "a second colon stands in this text")
			return
		}
		in.entry = -1
	case in.entry < 0:
		m.flowStart(c, in)
		return
	}
	m.at++
}

// flowStart reads the first character of a key or value inside brackets.
func (m *mistakes) flowStart(c byte, in *bracket) {
	in.entry = m.at
	switch {
	case c == '"' || c == '\'':
		end := m.quotedEnd(m.at)
		if end < 0 {
			return
		}
		m.at = end
		i := end
		for isBlank(m.byteAt(i)) && i < len(m.s.raw) {
			i++
		}
		if next := m.byteAt(i); strings.IndexByte(",]}:#", next) < 0 && i < len(m.s.raw) {
			stop := i
			for stop < len(m.s.raw) && strings.IndexByte(",]}\r\n", m.byteAt(stop)) < 0 {
				stop++
			}
			text := strings.TrimSpace(string(m.s.raw[in.entry:stop]))
			m.report(CodeTextAfterQuote, in.entry, in.entry+len(text), "text follows the closing quote", "Put the whole text in single quotes, or write it on a line of its own.")
			m.found.Fix = singleQuoted(text)
		}
	case c == '!' && m.byteAt(m.at+1) != '=':
		m.report(CodeLostNot, m.at, m.at+1, "YAML takes the ! for a tag, and the text is lost", "Write `not` instead of `!`.")
		m.found.Fix = "not "
	case strings.IndexByte("@`%|>!", c) >= 0 || (c == '*' || c == '&') && isBlank(m.byteAt(m.at+1)):
		m.report(CodeReservedCharacter, m.at, m.at+1, "text cannot begin with "+string(c), "Put the text in single quotes.")
	default:
		m.at++
	}
}

func (m *mistakes) cut(in bracket, message string) {
	end := m.lineEnd(in.entry)
	m.report(CodeFlowSplit, in.entry, end, message, "Write the value on a line of its own, in block form, without the outer brackets.")
}

// blockKeyFollows reports a line that looks like a key of the block around the
// brackets: at most as far to the right as the line that opened them.
func (m *mistakes) blockKeyFollows(column int) bool {
	i := m.at
	for m.byteAt(i) == ' ' {
		i++
	}
	return i-m.at <= column && i < len(m.s.raw) && (i == 0 || isBreak(m.s.raw[m.at-1])) && keyLine.Match(m.s.raw[i:m.lineEnd(i)])
}
