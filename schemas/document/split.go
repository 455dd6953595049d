package document

import (
	"regexp"
	"strconv"
	"strings"
)

func quoteText(s string) string { return strconv.Quote(s) }

// checkSplitEntries finds a value that a comma or brace cut in two inside { }:
// `{ expect: max(a, b) }` gives the value `max(a` and an extra key `b)`.
func checkSplitEntries(r *Report, n *Node) {
	if !n.InFlow() {
		return
	}
	for i := range n.keys {
		key, value := n.keys[i], n.kids[i]
		if i > 0 && bareKey(key, value) && openBrackets(n.kids[i-1]) {
			reportSplit(r, n.kids[i-1], n.kids[i-1].Text()+", "+key.Text(), key, value)
			continue
		}
		if bareKey(key, value) {
			reportMissingBlank(r, key)
		}
	}
}

// bareKey reports an entry without a value, such as the `b)` of a cut expression.
func bareKey(key, value *Node) bool {
	return !key.Quoted() && value.kind == Scalar && value.IsNull() && value.Text() == ""
}

// checkSplitItems is the same for lists: `[max(a, b)]` gives `max(a` and `b)`.
func checkSplitItems(r *Report, n *Node) {
	if !n.InFlow() {
		return
	}
	for i := 1; i < len(n.kids); i++ {
		before, item := n.kids[i-1], n.kids[i]
		if openBrackets(before) && !before.broken && item.kind == Scalar && !item.Quoted() && closesBracket(item.Text()) {
			reportSplit(r, before, before.Text()+", "+item.Text(), before, item)
		}
	}
}

func reportSplit(r *Report, first *Node, whole string, broken ...*Node) {
	r.ErrorAt(first, CodeFlowSplit,
		"Inside { } and [ ] a comma ends the value. Write it on a line of its own, in block form:\n  "+blockForm(first, whole),
		"the comma cut this value: YAML reads %q up to the comma only", first.Text())
	first.broken = true
	for _, n := range broken {
		n.broken = true
	}
}

func blockForm(first *Node, whole string) string {
	if first.key != nil {
		return first.key.Text() + ": " + whole
	}
	return "- " + whole
}

// openBrackets reports unquoted text that opens a bracket or quote and leaves it open.
func openBrackets(n *Node) bool {
	if n.kind != Scalar || n.Quoted() {
		return false
	}
	depth, quote := balance(n.Text())
	return depth > 0 || quote != 0
}

func closesBracket(s string) bool {
	depth, quote := balance(s)
	return depth < 0 || quote != 0
}

// balance counts brackets left open and gives the quote left open, 0 for none.
func balance(s string) (depth int, quote byte) {
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case quote != 0 && c == '\\':
			i++
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'' && i > 0 && wordByte(s[i-1]): // an apostrophe
		case c == '"' || c == '\'' || c == '`':
			quote = c
		case c == '(' || c == '[' || c == '{':
			depth++
		case c == ')' || c == ']' || c == '}':
			depth--
		}
	}
	return depth, quote
}

func wordByte(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

var keyWithoutBlank = regexp.MustCompile(`^([A-Za-z_][A-Za-z0-9_]*):([^\s/:].*)$`)

// reportMissingBlank recognises `key:value`, which YAML reads as one text.
func reportMissingBlank(r *Report, n *Node) bool {
	if n.Quoted() || n.broken {
		return false
	}
	m := keyWithoutBlank.FindStringSubmatch(strings.TrimSpace(n.Text()))
	if m == nil {
		return false
	}
	n.broken = true
	d := DiagnosticAt(n, CodeMissingBlank, "Write "+m[1]+": "+m[2], "a blank is missing behind the colon of %q", m[1])
	d.Fix = m[1] + ": " + m[2]
	r.Add(d)
	return true
}
