package format

import (
	"errors"
	"strings"
)

// flowNode is a value inside { } or [ ], by its place in the file.
type flowNode struct {
	from, to int
	kind     byte // '{', '[' or 0 for a scalar
	items    []flowItem
	tail     []string // comments before the closing bracket
}

// flowItem is one entry. Comments are those before it and on its line.
type flowItem struct {
	comments         []string
	keyFrom, keyTo   int // empty for items of a list
	value            *flowNode
	hasValue, hasKey bool
}

// errForm is flow that YAML allows and nobody writes.
var errForm = errors.New("the braces hold a form that is not rewritten; write the expression in block form by hand")

// flowReader reads { } and [ ] in a file that is known to be well-formed.
type flowReader struct {
	raw string
	at  int
}

// node reads a value.
func (r *flowReader) node() (*flowNode, error) {
	n := &flowNode{from: r.at}
	switch r.peek() {
	case '{', '[':
		return n, r.collection(n)
	case '"', '\'':
		return n, r.quoted(n)
	case '&', '*', '!', '|', '>', 0:
		return n, errForm
	}
	if r.plain(n); r.at == n.from {
		return n, errForm
	}
	return n, nil
}

func (r *flowReader) peek() byte {
	if r.at < len(r.raw) {
		return r.raw[r.at]
	}
	return 0
}

func (r *flowReader) collection(n *flowNode) error {
	n.kind = r.peek()
	closing := byte('}')
	if n.kind == '[' {
		closing = ']'
	}
	r.at++
	var comments []string
	for {
		comments = append(comments, r.blank()...)
		switch r.peek() {
		case closing:
			r.at++
			n.to, n.tail = r.at, comments
			return nil
		case ',':
			r.at++
			if after := r.sameLine(); after != "" && len(n.items) > 0 {
				last := &n.items[len(n.items)-1]
				last.comments = append(last.comments, after)
			}
			continue
		case 0:
			return errForm
		}
		item, err := r.item(n.kind)
		if err != nil {
			return err
		}
		item.comments = append(comments, item.comments...)
		comments = nil
		n.items = append(n.items, item)
	}
}

func (r *flowReader) item(kind byte) (flowItem, error) {
	var it flowItem
	first, err := r.node()
	if err != nil {
		return it, err
	}
	if kind == '[' {
		it.value, it.hasValue = first, true
		if r.spaces(); r.peek() == ':' {
			return it, errForm // a pair without braces
		}
		return it, nil
	}
	if first.kind != 0 {
		return it, errForm
	}
	it.keyFrom, it.keyTo, it.hasKey = first.from, first.to, true
	it.comments = r.blank()
	if r.peek() != ':' {
		return it, nil
	}
	r.at++
	it.comments = append(it.comments, r.blank()...)
	if c := r.peek(); c == ',' || c == '}' {
		return it, nil
	}
	it.value, err = r.node()
	it.hasValue = true
	return it, err
}

// blank passes blanks and line ends, and returns the comments among them.
func (r *flowReader) blank() []string {
	var comments []string
	for {
		switch r.peek() {
		case ' ', '\t', '\r', '\n':
			r.at++
		case '#':
			end := strings.IndexByte(r.raw[r.at:], '\n')
			if end < 0 {
				end = len(r.raw) - r.at
			}
			comments = append(comments, strings.TrimRight(r.raw[r.at:r.at+end], " \t\r"))
			r.at += end
		default:
			return comments
		}
	}
}

func (r *flowReader) spaces() {
	for r.peek() == ' ' || r.peek() == '\t' {
		r.at++
	}
}

// sameLine returns a comment on the rest of the line.
func (r *flowReader) sameLine() string {
	r.spaces()
	if r.peek() != '#' {
		return ""
	}
	end := strings.IndexByte(r.raw[r.at:], '\n')
	if end < 0 {
		end = len(r.raw) - r.at
	}
	text := strings.TrimRight(r.raw[r.at:r.at+end], " \t\r")
	r.at += end
	return text
}

func (r *flowReader) quoted(n *flowNode) error {
	quote := r.peek()
	for r.at++; r.at < len(r.raw); r.at++ {
		switch c := r.raw[r.at]; {
		case c == '\\' && quote == '"':
			r.at++
		case c == quote && quote == '\'' && strings.HasPrefix(r.raw[r.at+1:], "'"):
			r.at++
		case c == quote:
			r.at++
			n.to = r.at
			return nil
		}
	}
	return errForm
}

// plain reads a scalar without quotes: it ends at an indicator, a comment or
// the colon of a key.
func (r *flowReader) plain(n *flowNode) {
	for r.at < len(r.raw) {
		c := r.raw[r.at]
		next := byte(' ')
		if r.at+1 < len(r.raw) {
			next = r.raw[r.at+1]
		}
		if strings.IndexByte(",[]{}", c) >= 0 || c == ':' && strings.IndexByte(" \t\r\n,[]{}", next) >= 0 ||
			c == '#' && r.at > n.from && strings.IndexByte(" \t\n", r.raw[r.at-1]) >= 0 {
			break
		}
		r.at++
	}
	n.to = n.from + len(strings.TrimRight(r.raw[n.from:r.at], " \t\r\n"))
}
