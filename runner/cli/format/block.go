package format

import (
	"strings"
	"unicode/utf8"

	"github.com/tieout/tieout/schemas/document"
)

// unflow writes in block form every { } and [ ] that holds an expression
// which needs it; exprs are the offsets where expressions begin.
func unflow(raw []byte, exprs map[int]bool) ([]byte, error) {
	text := string(raw)
	w := &writer{raw: text, exprs: exprs, newline: "\n"}
	if strings.Contains(text, "\r\n") {
		w.newline = "\r\n"
	}
	var out strings.Builder
	done := 0
	for at := 0; at < len(text); {
		open, skip := nextFlow(text, at)
		if open < 0 {
			break
		}
		r := &flowReader{raw: text, at: open}
		n, err := r.node()
		if err != nil || !w.needs(n) {
			if err != nil && anyWithin(exprs, open, len(text)) {
				return nil, err
			}
			at = max(r.at, skip)
			continue
		}
		block, from, err := w.place(n)
		if err != nil {
			return nil, err
		}
		out.WriteString(text[done:from])
		out.WriteString(block)
		done, at = n.to, n.to
	}
	out.WriteString(text[done:])
	return []byte(out.String()), nil
}

func anyWithin(exprs map[int]bool, from, to int) bool {
	for at := range exprs {
		if at >= from && at < to {
			return true
		}
	}
	return false
}

// nextFlow finds the next outermost { or [ that begins a value: behind the
// colon of a key or the dash of an item. Comments, quotes and block scalars
// are passed over.
func nextFlow(text string, at int) (open, skip int) {
	for at < len(text) {
		lineFrom := strings.LastIndexByte(text[:at], '\n') + 1
		end := strings.IndexByte(text[at:], '\n')
		if end < 0 {
			end = len(text) - at
		}
		lineEnd := at + end
		if i := valueAt(text, lineFrom, lineEnd, at); i >= 0 {
			switch text[i] {
			case '{', '[':
				return i, lineEnd
			case '|', '>':
				at = afterBlock(text, lineFrom, lineEnd)
				continue
			case '"', '\'':
				r := &flowReader{raw: text, at: i}
				if r.quoted(new(flowNode)) == nil && r.at > lineEnd {
					at = r.at
					continue
				}
			}
		}
		at = lineEnd + 1
	}
	return -1, len(text)
}

// valueAt finds where the value of a line begins, at or after a place; -1
// when the line has none.
func valueAt(text string, from, to, least int) int {
	i := from
	for {
		for i < to && (text[i] == ' ' || text[i] == '\t') {
			i++
		}
		if i+1 < to && text[i] == '-' && text[i+1] == ' ' {
			i += 2
			continue
		}
		break
	}
	if i >= to || text[i] == '#' {
		return -1
	}
	if text[i] == '{' || text[i] == '[' {
		return after(i, least)
	}
	key := &flowReader{raw: text[:to], at: i}
	if text[i] == '"' || text[i] == '\'' {
		if key.quoted(new(flowNode)) != nil {
			return after(i, least)
		}
	}
	colon := -1
	for k := key.at; k < to; k++ {
		if text[k] == ':' && (k+1 == to || text[k+1] == ' ' || text[k+1] == '\t' || text[k+1] == '\r') {
			colon = k
			break
		}
		if text[k] == '#' && k > from && text[k-1] == ' ' {
			return -1
		}
	}
	if colon < 0 {
		return after(i, least)
	}
	for i = colon + 1; i < to && (text[i] == ' ' || text[i] == '\t'); i++ {
	}
	if i >= to || text[i] == '#' {
		return -1
	}
	return after(i, least)
}

func after(i, least int) int {
	if i < least {
		return -1
	}
	return i
}

// afterBlock is the place behind a | or > scalar, whose lines are indented
// more than the line that opens it.
func afterBlock(text string, lineFrom, lineEnd int) int {
	base := indentOf(text[lineFrom:lineEnd])
	at := lineEnd + 1
	for at < len(text) {
		end := strings.IndexByte(text[at:], '\n')
		if end < 0 {
			return len(text)
		}
		line := text[at : at+end]
		if strings.TrimSpace(line) != "" && indentOf(line) <= base {
			return at
		}
		at += end + 1
	}
	return at
}

func indentOf(line string) int { return len(line) - len(strings.TrimLeft(line, " ")) }

// writer writes values in block form.
type writer struct {
	raw     string
	exprs   map[int]bool
	newline string
}

// needs reports whether an expression below a value must stand in block form.
func (w *writer) needs(n *flowNode) bool {
	if n.kind == 0 {
		return w.exprs[n.from] && NeedsBlock(w.scalar(n))
	}
	for i := range n.items {
		if n.items[i].hasValue && w.needs(n.items[i].value) {
			return true
		}
	}
	return false
}

// scalar is the text of a scalar without its quotes.
func (w *writer) scalar(n *flowNode) string {
	text := w.raw[n.from:n.to]
	switch {
	case strings.HasPrefix(text, "'"):
		return strings.ReplaceAll(text[1:len(text)-1], "''", "'")
	case strings.HasPrefix(text, `"`):
		return strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(text[1 : len(text)-1])
	}
	return text
}

// place writes a value for where it stands, and says from where the text is
// replaced: a mapping behind a dash goes on in the same line, everything else
// begins a line of its own.
func (w *writer) place(n *flowNode) (string, int, error) {
	lineFrom := strings.LastIndexByte(w.raw[:n.from], '\n') + 1
	lead := w.raw[lineFrom:n.from]
	dashes := strings.TrimLeft(lead, " ")
	switch {
	case strings.Trim(dashes, "- ") == "" && dashes != "": // an item of a list
		return w.value(n, utf8.RuneCountInString(lead), true), n.from, nil
	case dashes == "":
		return "", 0, errForm // a value alone on its line
	}
	indent := len(lead) - len(dashes)
	for strings.HasPrefix(dashes, "- ") {
		trimmed := strings.TrimLeft(dashes[2:], " ")
		indent += len(dashes) - len(trimmed)
		dashes = trimmed
	}
	comment, end := w.trailing(n)
	text := w.value(n, indent+2, false)
	from := len(strings.TrimRight(w.raw[:n.from], " \t"))
	n.to = end
	if comment != "" {
		comment = " " + comment
	}
	return comment + w.newline + text, from, nil
}

// trailing is the comment behind a value on its line, which goes up to the
// key.
func (w *writer) trailing(n *flowNode) (string, int) {
	r := &flowReader{raw: w.raw, at: n.to}
	if text := r.sameLine(); text != "" {
		return text, r.at
	}
	return "", n.to
}

// value writes the items of a collection, each in a line of its own; inline
// leaves out the first indentation.
func (w *writer) value(n *flowNode, indent int, inline bool) string {
	var lines []string
	pad := strings.Repeat(" ", indent)
	for i := range n.items {
		it := &n.items[i]
		head := "- "
		if n.kind == '{' {
			head = w.raw[it.keyFrom:it.keyTo] + ":"
		}
		if !(inline && i == 0) {
			for _, c := range it.comments {
				lines = append(lines, pad+c)
			}
		} else if len(it.comments) > 0 {
			head = it.comments[0] + w.newline + pad + head
		}
		lines = append(lines, pad+head+w.entry(n.kind, it, indent))
	}
	for _, c := range n.tail {
		lines = append(lines, pad+c)
	}
	text := strings.Join(lines, w.newline)
	if inline {
		text = strings.TrimPrefix(text, pad)
	}
	return text
}

// entry writes what follows the key or the dash.
func (w *writer) entry(kind byte, it *flowItem, indent int) string {
	if !it.hasValue {
		return ""
	}
	v := it.value
	switch {
	case v.kind != 0 && w.needs(v) && kind == '[':
		return w.value(v, indent+2, true)
	case v.kind != 0 && w.needs(v):
		return w.newline + w.value(v, indent+2, false)
	case kind == '[':
		return w.text(v)
	}
	return " " + w.text(v)
}

// text writes a scalar, without quotes where block form needs none, or a
// collection that stays as it is.
func (w *writer) text(v *flowNode) string {
	raw := w.raw[v.from:v.to]
	if v.kind != 0 || !w.exprs[v.from] || strings.ContainsAny(raw, "\r\n") {
		return raw
	}
	if plain := w.scalar(v); plainSafe(plain) {
		return plain
	}
	return raw
}

// plainSafe reports whether a text means itself without quotes.
func plainSafe(text string) bool {
	if text == "" || text != strings.TrimSpace(text) || strings.ContainsAny(text[:1], "-?:,[]{}#&*!|>'\"%@`") ||
		strings.Contains(text, ": ") || strings.Contains(text, " #") || strings.HasSuffix(text, ":") || strings.Contains(text, `\`) {
		return false
	}
	var r document.Report
	docs := document.Parse("text", []byte("a: "+text+"\n"), &r)
	return r.Err() == nil && len(docs) == 1 && docs[0].Root.Get("a").Text() == text && !docs[0].Root.Get("a").IsNull()
}
