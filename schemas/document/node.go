package document

import (
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// Kind is the shape of a node.
type Kind uint8

// The three shapes of YAML. A key without a value is an empty Scalar.
const (
	Scalar Kind = iota
	Mapping
	Sequence
)

// String names the shape as messages do.
func (k Kind) String() string {
	switch k {
	case Mapping:
		return "a mapping"
	case Sequence:
		return "a list"
	}
	return "a single value"
}

// Node is one value of a document: a scalar, a mapping or a list, with its place.
// It is read only. Every node of a Document is within the limits on depth and
// number, and no node is an alias.
type Node struct {
	src    *source
	y      *yaml.Node
	kind   Kind
	broken bool // already reported: decodes to nothing, silently
	index  int32
	parent *Node
	key    *Node // the key node of a mapping's value; a key node names itself
	keys   []*Node
	kids   []*Node
}

// Kind gives the shape.
func (n *Node) Kind() Kind { return n.kind }

// Parent gives the mapping or list the node stands in, nil for the root.
func (n *Node) Parent() *Node { return n.parent }

// Text gives a scalar's text after quoting and folding, "" for other shapes. The
// text is never reinterpreted: `0123` stays "0123".
func (n *Node) Text() string {
	if n.kind != Scalar || n.y == nil {
		return ""
	}
	return n.y.Value
}

// Scalar gives the node as a Text that remembers its place.
func (n *Node) Scalar() Text { return Text{Value: n.Text(), node: n} }

// IsNull reports a key without a value, or null or ~ without quotes.
func (n *Node) IsNull() bool {
	return n.kind == Scalar && !n.Quoted() && (n.y == nil || n.y.Tag == "!!null")
}

// Quoted reports a scalar in single or double quotes or in a | or > block.
func (n *Node) Quoted() bool { return n.style() != 0 }

var jsonNumber = regexp.MustCompile(`^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$`)

// JSONLiteral gives a scalar that stands in JSON as it is written here: a
// number, true, false or null without quotes. `0123` is none, so that its text
// is kept.
func (n *Node) JSONLiteral() (text string, ok bool) {
	switch text = n.Text(); {
	case n.IsNull():
		return "null", true
	case n.kind != Scalar || n.Quoted():
		return "", false
	case text == "true", text == "false", jsonNumber.MatchString(text):
		return text, true
	}
	return "", false
}

// InFlow reports a mapping or list written with braces or brackets.
func (n *Node) InFlow() bool { return n.y != nil && n.y.Style&yaml.FlowStyle != 0 }

func (n *Node) style() yaml.Style {
	if n.y == nil {
		return 0
	}
	return n.y.Style & (yaml.DoubleQuotedStyle | yaml.SingleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle)
}

// Keys gives the key nodes of a mapping in the order written. Each appears once.
func (n *Node) Keys() []*Node { return n.keys }

// Get gives the value of a key, nil when the node is no mapping or lacks the key.
func (n *Node) Get(key string) *Node {
	for i, k := range n.keys {
		if k.Text() == key {
			return n.kids[i]
		}
	}
	return nil
}

// KeyNode gives the node of the key itself, nil when it is not there.
func (n *Node) KeyNode(key string) *Node {
	for _, k := range n.keys {
		if k.Text() == key {
			return k
		}
	}
	return nil
}

// Key gives the key that leads to this node, nil for list items and the root.
func (n *Node) Key() *Node { return n.key }

// Children gives the items of a list or the values of a mapping, in order.
func (n *Node) Children() []*Node { return n.kids }

// Position is the place of the first character, the quote or the | included.
func (n *Node) Position() Position {
	if n.y == nil || n.y.Line == 0 {
		return Position{File: n.src.file, Line: 1, Column: 1}
	}
	return Position{File: n.src.file, Line: n.y.Line, Column: n.y.Column}
}

// Span covers a scalar that stands on one line; else only the start is known.
func (n *Node) Span() Span {
	at := Span{Position: n.Position()}
	if n.kind != Scalar || n.style()&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		return at
	}
	if _, end, ok := n.layout(); ok {
		if last := n.src.position(end); last.Line == at.Line && last.Column > at.Column {
			at.EndColumn = last.Column
		}
	}
	return at
}

// Path is the JSON pointer from the root of the document.
func (n *Node) Path() string {
	if n.parent == nil {
		return ""
	}
	var parts []string
	for ; n.parent != nil; n = n.parent {
		if n.key == nil {
			parts = append(parts, strconv.Itoa(int(n.index)))
			continue
		}
		parts = append(parts, pointerEscape(n.key.Text()))
	}
	var b strings.Builder
	for i := len(parts) - 1; i >= 0; i-- {
		b.WriteByte('/')
		b.WriteString(parts[i])
	}
	return b.String()
}

func pointerEscape(key string) string {
	return strings.ReplaceAll(strings.ReplaceAll(key, "~", "~0"), "/", "~1")
}

// start is the byte offset of the node's first character.
func (n *Node) start() int {
	if n.y == nil {
		return 0
	}
	return n.src.offset(n.y.Line, n.y.Column)
}

const (
	doubleQuoted      = yaml.DoubleQuotedStyle
	singleQuotedStyle = yaml.SingleQuotedStyle
)
