package sql

import "strings"

// parsedQuery is a SELECT with the places of its bounds.
type parsedQuery struct {
	parts  []string // the text between parameters
	names  []string // cursor or upper, one fewer than parts
	params bool
}

// parseQuery finds :cursor and :upper outside of strings, names, comments and
// casts. Everything else stays as it is.
func parseQuery(text string, skip func(string) int) *parsedQuery {
	q := new(parsedQuery)
	text = strings.TrimRight(text, "; \t\r\n")
	start := 0
	for i := 0; i < len(text); {
		if n := skip(text[i:]); n > 0 {
			i += n
			continue
		}
		if text[i] != ':' {
			i++
			continue
		}
		name := parameter(text[i+1:])
		if name == "" || i > 0 && text[i-1] == ':' {
			i++
			continue
		}
		q.parts, q.names = append(q.parts, text[start:i]), append(q.names, name)
		i += 1 + len(name)
		start = i
	}
	q.parts = append(q.parts, text[start:])
	q.params = len(q.names) > 0
	return q
}

// parameter is the name a text begins with, if it is one of ours.
func parameter(text string) string {
	for _, name := range []string{"cursor", "upper"} {
		if rest, found := strings.CutPrefix(text, name); found && (rest == "" || !wordByte(rest[0])) {
			return name
		}
	}
	return ""
}

func wordByte(ch byte) bool {
	return ch == '_' || ch == '$' || ch >= '0' && ch <= '9' || ch >= 'a' && ch <= 'z' || ch >= 'A' && ch <= 'Z' || ch >= 0x80
}

// skipQuoted is the length of the string, quoted name, dollar-quoted text or
// comment that a text begins with, 0 for none. One that never ends reaches to
// the end.
func skipQuoted(text string) int {
	switch {
	case text[0] == '\'' || text[0] == '"':
		return until(text, 1, text[:1])
	case strings.HasPrefix(text, "--"):
		return until(text, 2, "\n")
	case strings.HasPrefix(text, "/*"):
		return until(text, 2, "*/")
	case text[0] == '$':
		end := 1
		for end < len(text) && wordByte(text[end]) && text[end] != '$' {
			end++
		}
		if end < len(text) && text[end] == '$' && (end == 1 || text[1] < '0' || text[1] > '9') {
			return until(text, end+1, text[:end+1])
		}
	}
	return 0
}

func until(text string, from int, mark string) int {
	if i := strings.Index(text[from:], mark); i >= 0 {
		return from + i + len(mark)
	}
	return len(text)
}

// subselect writes the query as something to select from, with SQL in place
// of its parameters. A line break ends a comment at the end of the query.
func (q *parsedQuery) subselect(lower, upper string) string {
	var b strings.Builder
	b.WriteString("(")
	for i, part := range q.parts {
		b.WriteString(part)
		if i < len(q.names) {
			if q.names[i] == "cursor" {
				b.WriteString(lower)
			} else {
				b.WriteString(upper)
			}
		}
	}
	b.WriteString("\n) AS tieout_query")
	return b.String()
}
