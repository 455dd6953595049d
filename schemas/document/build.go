package document

import (
	"strings"

	"gopkg.in/yaml.v3"
)

const slabSize = 128

func (p *parser) newNode(y *yaml.Node, parent, key *Node, index int) *Node {
	if len(p.slab) == cap(p.slab) {
		p.slab = make([]Node, 0, slabSize)
	}
	p.slab = append(p.slab, Node{src: p.src, y: y, parent: parent, key: key, index: int32(index)})
	p.nodes++
	return &p.slab[len(p.slab)-1]
}

// build copies one yaml.v3 node and what is below it. The visit budget counts
// every node, and an alias is never followed, so that no tree can grow.
func (p *parser) build(y *yaml.Node, parent, key *Node, depth int) *Node {
	n := p.newNode(y, parent, key, 0)
	if p.nodes > MaxNodes {
		p.refuse(n, CodeTooLarge, "Split the file.", "more than %d values in one file", MaxNodes)
		return n
	}
	if depth > MaxDepth {
		p.refuse(n, CodeTooDeep, "Check the indentation and the brackets.", "nested more than %d levels deep", MaxDepth)
		return n
	}
	p.checkProperties(n)
	switch y.Kind {
	case yaml.MappingNode:
		n.kind = Mapping
		p.buildMapping(n, depth)
	case yaml.SequenceNode:
		n.kind = Sequence
		n.kids = make([]*Node, 0, len(y.Content))
		for i, c := range y.Content {
			kid := p.build(c, n, nil, depth+1)
			kid.index = int32(i)
			n.kids = append(n.kids, kid)
			if p.refused {
				return n
			}
		}
		checkSplitItems(p.report, n)
	}
	return n
}

// refuse reports once and stops the walk.
func (p *parser) refuse(n *Node, code Code, hint, format string, args ...any) {
	if !p.refused {
		d := Diagnostic{Code: code, Position: n.Position(), Hint: hint}
		p.report.Errorf(d.Code, d.Position, "", d.Hint, format, args...)
	}
	p.refused, n.broken = true, true
}

func (p *parser) buildMapping(n *Node, depth int) {
	content := n.y.Content
	n.keys = make([]*Node, 0, len(content)/2)
	n.kids = make([]*Node, 0, len(content)/2)
	var seen map[string]*Node
	if len(content) > 16 {
		seen = make(map[string]*Node, len(content)/2)
	}
	for i := 0; i+1 < len(content); i += 2 {
		key := p.build(content[i], n, nil, depth+1)
		key.key = key
		value := p.build(content[i+1], n, key, depth+1)
		if p.refused {
			return
		}
		if !p.checkKey(key) {
			continue
		}
		if first := firstOf(n, seen, key); first != nil {
			p.report.ErrorAt(key, CodeDuplicateKey, "Remove one of them; nothing is merged.", "%q is written twice; first in line %d", key.Text(), first.y.Line)
			continue
		}
		if seen != nil {
			seen[key.Text()] = key
		}
		n.keys = append(n.keys, key)
		n.kids = append(n.kids, value)
	}
	checkSplitEntries(p.report, n)
}

func firstOf(n *Node, seen map[string]*Node, key *Node) *Node {
	if seen != nil {
		return seen[key.Text()]
	}
	return n.KeyNode(key.Text())
}

// checkKey reports a key that is no plain text.
func (p *parser) checkKey(key *Node) bool {
	switch {
	case key.broken:
		return false
	case key.kind != Scalar:
		p.report.ErrorAt(key, CodeKeyNotText, "Text that holds braces or brackets must be quoted.", "a key must be text, not %s", key.kind)
		return false
	case key.y.Tag == "!!merge" && !key.Quoted():
		p.report.ErrorAt(key, CodeAnchor, "Write the keys out where they are used.", "merging with << is not used here")
		return false
	}
	return true
}

// checkProperties reports anchors, aliases and tags.
func (p *parser) checkProperties(n *Node) {
	y := n.y
	if y.Kind == yaml.AliasNode {
		n.broken = true
		p.report.ErrorAt(n, CodeAnchor, "Write the value out, or quote text that begins with *.", "*%s would repeat an anchor; anchors are not used here", y.Value)
		return
	}
	if y.Anchor != "" {
		p.report.ErrorAt(n, CodeAnchor, "Remove it, or quote text that begins with &.", "&%s would name an anchor; anchors are not used here", y.Anchor)
	}
	if y.Style&yaml.TaggedStyle != 0 || n.rawByte() == '!' {
		n.broken = true
		p.reportTag(n)
	}
}

func (n *Node) rawByte() byte {
	if at := n.start(); at < len(n.src.raw) && n.y.Line > 0 {
		return n.src.raw[at]
	}
	return 0
}

// reportTag tells a lost `!` in front of an expression from a real tag.
func (p *parser) reportTag(n *Node) {
	written := n.y.Tag
	if at := n.start(); n.rawByte() == '!' {
		rest := n.src.raw[at:]
		end := strings.IndexAny(string(rest[:min(len(rest), 200)]), " \t\r\n")
		if end < 0 {
			end = min(len(rest), 200)
		}
		written = string(rest[:end])
	}
	d := DiagnosticAt(n, CodeTag, "Remove the tag; put quotes around text that begins with !.", "the tag %q is not used here", written)
	if n.y.Kind == yaml.ScalarNode && lostNot(written, n.y.Value) {
		d = lostNotFinding(n, written)
	}
	p.report.Add(d)
}

// lostNot reports whether `!word rest` looks like the start of an expression.
func lostNot(tag, value string) bool {
	if strings.HasPrefix(tag, "!!") {
		return false
	}
	if value == "" || strings.ContainsAny(tag, "(.=") {
		return true
	}
	first, _, _ := strings.Cut(value, " ")
	switch first {
	case "and", "or", "in", "==", "!=", ">", "<", ">=", "<=", "+", "-", "*", "/", "?", "??", "contains", "matches":
		return true
	}
	return false
}

func lostNotFinding(n *Node, written string) Diagnostic {
	line := n.src.line(n.y.Line)
	start := n.start() - int(n.src.lines[n.y.Line-1])
	text := strings.TrimRight(string(line[start:]), " \t\r\n")
	if n.parent != nil && n.parent.InFlow() {
		text = strings.TrimSpace(written + " " + n.y.Value)
	}
	d := Diagnostic{Code: CodeLostNot, Position: n.Position(), Path: n.Path(), Hint: "Write `not` instead of `!`."}
	d.Message = "YAML takes " + quoteText(written) + " for a tag, and the text is lost"
	if strings.HasPrefix(text, "!=") {
		d.Hint, d.Fix = "Name the field on the left, or put the text in single quotes.", "'"+strings.ReplaceAll(text, "'", "''")+"'"
	} else {
		d.Fix = "not " + strings.TrimSpace(strings.TrimPrefix(text, "!"))
	}
	if strings.HasPrefix(string(line[start:]), text) {
		d.EndColumn = d.Column + len([]rune(text))
	}
	return d
}
