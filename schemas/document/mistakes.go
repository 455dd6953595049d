package document

import (
	"bytes"
	"regexp"
	"strings"
)

// mistakes reads a file that is not well-formed, roughly as YAML does, until it
// meets something people get wrong. It needs to be right about where the mistake
// is, not about YAML: it only runs when the library has refused the file.
type mistakes struct {
	s      *source
	at     int
	limit  int // the library had given up here
	levels []level
	found  *Diagnostic
	filled bool // the key or item above already has its value
}

// level is one indentation that is open, of keys or of list items.
type level struct {
	column int
	list   bool
}

func findMistake(s *source, limit int) (Diagnostic, bool) {
	m := &mistakes{s: s, limit: min(limit, len(s.raw))}
	for m.at < m.limit && m.found == nil {
		m.line()
	}
	if m.found == nil {
		return Diagnostic{}, false
	}
	return *m.found, true
}

// report keeps the first finding; the span ends where the line does at the latest.
func (m *mistakes) report(code Code, from, to int, message, hint string) {
	if m.found != nil {
		return
	}
	d := Diagnostic{Code: code, Position: m.s.position(from), Message: message, Hint: hint}
	if end := m.s.position(min(to, m.lineEnd(from))); end.Line == d.Line && end.Column > d.Column {
		d.EndColumn = end.Column
	}
	m.found = &d
}

func (m *mistakes) lineEnd(from int) int {
	if i := bytes.IndexAny(m.s.raw[from:], "\r\n"); i >= 0 {
		return from + i
	}
	return len(m.s.raw)
}

func (m *mistakes) byteAt(i int) byte {
	if i < len(m.s.raw) {
		return m.s.raw[i]
	}
	return '\n'
}

func isBreak(c byte) bool { return c == '\n' || c == '\r' }
func isBlank(c byte) bool { return c == ' ' || c == '\t' || isBreak(c) }

// nextLine moves behind the current line.
func (m *mistakes) nextLine() {
	sc := scan{raw: m.s.raw, at: m.lineEnd(m.at)}
	sc.skipBreak()
	m.at = sc.at
}

// line reads one line of keys or items and the value that begins on it.
func (m *mistakes) line() {
	start := m.at
	for m.byteAt(m.at) == ' ' {
		m.at++
	}
	switch c := m.byteAt(m.at); {
	case isBreak(c) || c == '#':
		m.nextLine()
		return
	case c == '\t':
		m.tabs(start)
		return
	}
	if m.at == start && (bytes.HasPrefix(m.s.raw[m.at:], []byte("---")) || bytes.HasPrefix(m.s.raw[m.at:], []byte("..."))) {
		m.levels, m.filled = nil, false
		m.nextLine()
		return
	}
	column := m.at - start
	for m.byteAt(m.at) == '-' && isBlank(m.byteAt(m.at+1)) {
		m.item(column)
		from := m.at
		for m.at++; m.byteAt(m.at) == ' '; m.at++ {
		}
		column += m.at - from
		m.filled = false
	}
	if !isBreak(m.byteAt(m.at)) && m.byteAt(m.at) != '#' {
		m.entry(column)
	}
	if m.found == nil {
		m.nextLine()
	}
}

func (m *mistakes) tabs(start int) {
	at, end := m.at, m.at
	for m.byteAt(end) == '\t' || m.byteAt(end) == ' ' {
		end++
	}
	if isBreak(m.byteAt(end)) || m.byteAt(end) == '#' {
		m.nextLine()
		return
	}
	m.report(CodeTab, at, end, "a tab stands in the indentation", "YAML indents with blanks only: use two blanks for each level.")
	blanks := strings.Count(string(m.s.raw[start:end]), " ") + 2*strings.Count(string(m.s.raw[start:end]), "\t")
	m.found.Fix = strings.Repeat(" ", blanks-(at-start))
}

// item opens or continues a list at a column.
func (m *mistakes) item(column int) {
	m.closeTo(column)
	n := len(m.levels)
	switch {
	case n > 0 && m.levels[n-1] == level{column, true}:
	case n > 0 && m.filled:
		m.report(CodeYAMLSyntax, m.at, m.at+1, "a list item stands where a key is expected", "Indent the list under the key it belongs to.")
	default:
		m.levels = append(m.levels, level{column, true})
	}
}

func (m *mistakes) closeTo(column int) {
	for n := len(m.levels); n > 0 && m.levels[n-1].column > column; n-- {
		m.levels = m.levels[:n-1]
	}
}

// entry reads `key: value`, or a text that is no key.
func (m *mistakes) entry(column int) {
	from := m.at
	c := m.byteAt(from)
	if strings.IndexByte("[{|>", c) >= 0 || m.reserved(from) {
		m.value(column)
		return
	}
	colon := m.keyEnd(from)
	if m.found != nil {
		return
	}
	if colon < 0 {
		m.noKey(column, from)
		return
	}
	m.keyAt(column, from, colon)
	if m.found != nil {
		return
	}
	m.filled = false
	m.at = colon + 1
	m.value(column)
}

// keyEnd gives the offset of the colon that ends a key on this line, -1 for none.
func (m *mistakes) keyEnd(from int) int {
	i := from
	if c := m.byteAt(i); c == '"' || c == '\'' {
		if i = m.quotedEnd(i); i < 0 {
			return -1
		}
		for m.byteAt(i) == ' ' {
			i++
		}
		if m.byteAt(i) == ':' {
			return i
		}
		return -1
	}
	for end := m.lineEnd(from); i < end; i++ {
		if m.byteAt(i) == '#' && isBlank(m.byteAt(i-1)) {
			return -1
		}
		if m.byteAt(i) == ':' && isBlank(m.byteAt(i+1)) {
			return i
		}
	}
	return -1
}

// keyAt checks that a key stands at an indentation that fits.
func (m *mistakes) keyAt(column, from, colon int) {
	deepest := -1
	if n := len(m.levels); n > 0 {
		deepest = m.levels[n-1].column
	}
	m.closeTo(column)
	n := len(m.levels)
	for n > 1 && m.levels[n-1] == (level{column, true}) {
		n--
		m.levels = m.levels[:n]
	}
	switch {
	case n > 0 && m.levels[n-1] == (level{column, false}):
	case n > 0 && m.levels[n-1].column == column:
		m.report(CodeYAMLSyntax, from, colon, "a key stands where a list item is expected", "Begin the item with `- `, or indent the list under a key.")
	case deepest > column:
		m.report(CodeYAMLSyntax, from, colon, "the indentation of this line fits no line above", "Give it as many blanks as the keys it belongs with.")
	case m.filled:
		m.report(CodeYAMLSyntax, from, colon, "this key is indented further than the one above, which already has a value", "Give both the same number of blanks.")
	default:
		m.levels = append(m.levels, level{column, false})
	}
}

var colonWithoutBlank = regexp.MustCompile(`^([A-Za-z_][A-Za-z0-9_]*):([^\s/:]\S*.*)$`)

// noKey judges a line without a key: a value that goes on, or a forgotten colon.
func (m *mistakes) noKey(column, from int) {
	if c := m.byteAt(from); c == '"' || c == '\'' {
		m.value(column)
		return
	}
	text := strings.TrimRight(string(m.s.raw[from:m.lineEnd(from)]), " \t")
	n := len(m.levels)
	if n == 0 || m.levels[n-1].list || m.levels[n-1].column < column && m.filled {
		m.filled = true
		return
	}
	if parts := colonWithoutBlank.FindStringSubmatch(text); parts != nil {
		m.report(CodeMissingBlank, from, from+len(text), "a blank is missing behind the colon of "+quoteText(parts[1]), "Write "+parts[1]+": "+parts[2])
		m.found.Fix = parts[1] + ": " + parts[2]
		return
	}
	if m.levels[n-1].column == column {
		m.report(CodeYAMLSyntax, from, from+len(text), "this line has no colon", "A key ends with a colon and a blank; a text that goes on is indented further than its key.")
	}
	m.filled = true
}
