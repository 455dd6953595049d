package singer

import (
	"strings"

	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
)

// Config is a tree of settings for a tap. Amount-like texts keep their digits.
type Config struct {
	names  []string  // of a mapping
	items  []*Config // of a mapping or list
	list   bool
	plain  string // JSON of a scalar without references
	secret document.Secret
}

// DecodeDocument reads a tree of any shape.
func (c *Config) DecodeDocument(n *document.Node, d *document.Decoder) {
	switch n.Kind() {
	case document.Mapping:
		c.names = []string{}
		for i, key := range n.Keys() {
			c.names = append(c.names, key.Text())
			c.item(n.Children()[i], d)
		}
	case document.Sequence:
		c.list = true
		for _, kid := range n.Children() {
			c.item(kid, d)
		}
	default:
		c.scalar(n, d)
	}
}

func (c *Config) item(n *document.Node, d *document.Decoder) {
	one := new(Config)
	c.items = append(c.items, one)
	one.DecodeDocument(n, d)
}

func (c *Config) scalar(n *document.Node, d *document.Decoder) {
	text, ok := n.JSONLiteral()
	switch {
	case ok:
		c.plain = text
	case strings.Contains(n.Text(), "${"):
		d.DecodeField(n, &c.secret, "")
	default:
		c.plain = string(record.AppendJSONString(nil, []byte(n.Text())))
	}
}

// append writes the tree as JSON.
func (c *Config) append(dst []byte) []byte {
	switch {
	case c.names != nil:
		dst = append(dst, '{')
		for i, name := range c.names {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(record.AppendJSONString(dst, []byte(name)), ':')
			dst = c.items[i].append(dst)
		}
		return append(dst, '}')
	case c.list:
		dst = append(dst, '[')
		for i, one := range c.items {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = one.append(dst)
		}
		return append(dst, ']')
	case c.plain != "":
		return append(dst, c.plain...)
	}
	return record.AppendJSONString(dst, []byte(c.secret.Reveal()))
}

// secrets lists what must not be seen in what the tap prints.
func (c *Config) secrets() []string {
	if c == nil {
		return nil
	}
	var list []string
	if c.secret.IsSet() {
		list = append(list, c.secret.Reveal())
	}
	for _, one := range c.items {
		list = append(list, one.secrets()...)
	}
	return list
}

// DocumentType says what is written.
func (c *Config) DocumentType() string { return "a mapping of any shape" }

// DocumentSchema is a mapping of anything.
func (c *Config) DocumentSchema(func(any) any) any { return map[string]any{"type": "object"} }
