package document

import (
	"bytes"
	"strings"
)

// value reads what follows a key's colon or an item's dash.
func (m *mistakes) value(column int) {
	for m.byteAt(m.at) == ' ' || m.byteAt(m.at) == '\t' {
		m.at++
	}
	from := m.at
	switch c := m.byteAt(from); {
	case isBreak(c) || c == '#':
		return
	case c == '"' || c == '\'':
		if end := m.quotedEnd(from); end >= 0 {
			m.at = end
			m.tail(from, CodeTextAfterQuote, "text follows the closing quote")
		}
	case c == '[' || c == '{':
		m.flow(column)
		m.tail(from, CodeReservedCharacter, "text follows the closing bracket; YAML took the text for a list or mapping")
	case c == '|' || c == '>':
		m.blockText(column)
	case m.reserved(from):
		m.reservedStart(from)
	case c == '-' && isBlank(m.byteAt(from+1)):
		m.report(CodeYAMLSyntax, from, from+1, "a list begins behind a key on the same line", "Begin the list on the next line, or write [a, b].")
	default:
		m.plainText(from)
	}
	m.filled = true
}

// plainText looks for a colon that YAML takes for the end of a key.
func (m *mistakes) plainText(from int) {
	end := m.lineEnd(from)
	for i := from; i < end; i++ {
		if m.byteAt(i) == '#' && isBlank(m.byteAt(i-1)) {
			return
		}
		if m.byteAt(i) == ':' && isBlank(m.byteAt(i+1)) {
			text := strings.TrimRight(string(m.s.raw[from:end]), " \t")
			m.report(CodeColonInText, from, from+len(text), "a colon with a blank behind it ends a key, and this text holds one", "Put the whole text in single quotes.")
			m.found.Fix = singleQuoted(text)
			return
		}
	}
}

func singleQuoted(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

// tail reports text behind a closing quote or bracket.
func (m *mistakes) tail(from int, code Code, message string) {
	if m.found != nil {
		return
	}
	i := m.at
	for m.byteAt(i) == ' ' || m.byteAt(i) == '\t' {
		i++
	}
	if c := m.byteAt(i); isBreak(c) || c == '#' && i > m.at {
		return
	}
	if m.byteAt(i) == ':' && isBlank(m.byteAt(i+1)) {
		return
	}
	end := m.lineEnd(from)
	text := strings.TrimRight(string(m.s.raw[from:end]), " \t")
	if m.s.position(from).Line != m.s.position(m.at).Line {
		m.report(CodeUnclosedQuote, from, end, "the text that begins here ends in a later line, and more text follows", "Check that the quote or bracket is closed in this line.")
		return
	}
	if m.byteAt(from) == '\'' && !isBlank(m.byteAt(m.at)) {
		// An apostrophe ended the text: 'tenant's rent'.
		m.report(code, from, from+len(text), message, "Inside single quotes an apostrophe is written twice.")
		m.found.Fix = singleQuoted(strings.ReplaceAll(strings.TrimSuffix(text[1:], "'"), "''", "'"))
		return
	}
	m.report(code, from, from+len(text), message, "Put the whole text in single quotes.")
	m.found.Fix = singleQuoted(text)
}

// reserved reports characters that no text may begin with.
func (m *mistakes) reserved(at int) bool {
	c := m.byteAt(at)
	return strings.IndexByte("@`%*&!,]}", c) >= 0
}

func (m *mistakes) reservedStart(from int) {
	text := strings.TrimRight(string(m.s.raw[from:m.lineEnd(from)]), " \t")
	code, message, hint := CodeReservedCharacter, "text cannot begin with "+text[:1], "Put the text in single quotes."
	fix := singleQuoted(text)
	switch text[0] {
	case '!':
		if strings.HasPrefix(text, "!=") {
			break
		}
		code, hint = CodeLostNot, "Write `not` instead of `!`."
		message, fix = "YAML takes the ! for a tag, and the text is lost", "not "+strings.TrimLeft(text[1:], " ")
	case '*', '&':
		if strings.IndexByte(" \t", m.byteAt(from+1)) < 0 && !isBreak(m.byteAt(from+1)) {
			m.at = m.lineEnd(from) // a real alias or anchor: the tree's check speaks of it
			if text[0] == '*' && from+len(text) >= m.limit-4 {
				m.report(CodeAnchor, from, from+len(text), text+" would repeat an anchor; anchors are not used here", "Write the value out, or quote text that begins with *.")
			}
			return
		}
	}
	m.report(code, from, from+len(text), message, hint)
	m.found.Fix = fix
}

// quotedEnd gives the offset behind a closing quote, -1 after reporting none.
func (m *mistakes) quotedEnd(from int) int {
	quote := m.byteAt(from)
	for i := from + 1; i < len(m.s.raw); i++ {
		switch c := m.s.raw[i]; {
		case c == '\\' && quote == '"':
			if i+1 < len(m.s.raw) && !isBreak(m.s.raw[i+1]) && !bytes.ContainsRune([]byte("0abtnvfre \"/\\N_LPxuU\t"), rune(m.s.raw[i+1])) {
				m.report(CodeYAMLSyntax, i, i+2, "YAML does not know the escape "+string(m.s.raw[i:i+2]), `Use single quotes, where a backslash is itself, or write \\.`)
				return -1
			}
			i++
		case c == '\'' && quote == '\'' && m.byteAt(i+1) == '\'':
			i++
		case c == quote:
			return i + 1
		}
	}
	m.report(CodeUnclosedQuote, from, m.lineEnd(from), "the quote that opens here is never closed", "Close it, or double a quote inside single quotes ('').")
	return -1
}

// blockText checks the line of a | or > and skips the text below it.
func (m *mistakes) blockText(column int) {
	from := m.at
	for m.at++; strings.IndexByte("+-0123456789", m.byteAt(m.at)) >= 0; m.at++ {
	}
	i := m.at
	for m.byteAt(i) == ' ' || m.byteAt(i) == '\t' {
		i++
	}
	if c := m.byteAt(i); !isBreak(c) && c != '#' {
		m.reservedStart(from)
		return
	}
	m.nextLine()
	width := column + 1
	if m.byteAt(from+1) > '9' || m.byteAt(from+1) < '1' {
		sc := scan{raw: m.s.raw, at: m.at}
		width = max(width, sc.firstIndent())
	}
	for m.at < len(m.s.raw) {
		i := m.at
		for m.byteAt(i) == ' ' {
			i++
		}
		if m.byteAt(i) == '\t' && i-m.at <= column {
			m.tabs(m.at)
			return
		}
		if !isBreak(m.byteAt(i)) && i-m.at < width {
			break
		}
		m.nextLine()
	}
	// line() moves behind the line it read: step back onto the last break.
	if m.at > 0 && m.at <= len(m.s.raw) && isBreak(m.s.raw[m.at-1]) {
		m.at--
		if m.at > 0 && m.s.raw[m.at] == '\n' && m.s.raw[m.at-1] == '\r' {
			m.at--
		}
	}
}
