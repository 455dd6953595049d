package rows

import (
	"bytes"

	"github.com/tieout/tieout/connectors/rows/markup"
	"github.com/tieout/tieout/schemas/record"
)

// textMember is the member that holds the text of an element which has
// attributes or children beside it.
const textMember = "#text"

// xmlTree is one element of a document in memory, on its way to become JSON.
// It is used again for the next one.
type xmlTree struct {
	arena []byte
	nodes []xmlNode
	open  []int32 // nodes that are begun and not ended
}

// xmlNode is an element, an attribute (its name begins with @) or a piece of
// text (it has no name). Its name and text are parts of the arena.
type xmlNode struct {
	name, text  record.Span
	first, last int32 // children, 0 for none
	next        int32 // sibling, 0 for none
	alike       int32 // next sibling of the same name, once linked
	follows     bool  // there is one of the same name before it
}

func (t *xmlTree) reset() {
	t.arena, t.nodes, t.open = t.arena[:0], t.nodes[:0], t.open[:0]
}

// nodeBytes is what a node counts against the limit of a record beside its
// texts.
const nodeBytes = 16

func (t *xmlTree) size() int { return len(t.arena) + nodeBytes*len(t.nodes) }

func (t *xmlTree) keep(parts ...[]byte) record.Span {
	from := len(t.arena)
	for _, part := range parts {
		t.arena = append(t.arena, part...)
	}
	return record.Span{Off: uint32(from), Len: uint32(len(t.arena) - from)}
}

func (t *xmlTree) bytes(s record.Span) []byte { return t.arena[s.Off : s.Off+s.Len] }

// add hangs a node under the innermost open one and gives its number.
func (t *xmlTree) add(n xmlNode) int32 {
	id := int32(len(t.nodes))
	t.nodes = append(t.nodes, n)
	if len(t.open) == 0 {
		return id
	}
	parent := &t.nodes[t.open[len(t.open)-1]]
	if parent.first == 0 {
		parent.first = id
	} else {
		t.nodes[parent.last].next = id
	}
	parent.last = id
	return id
}

// start opens an element with its attributes.
func (t *xmlTree) start(name []byte, attrs []markup.Attr) {
	t.open = append(t.open, t.add(xmlNode{name: t.keep(name)}))
	for i, a := range attrs {
		if !foreign(a.Prefix) && !shadowed(attrs, i) {
			t.add(xmlNode{name: t.keep([]byte{'@'}, a.Name), text: t.keep(a.Value)})
		}
	}
}

// foreign reports prefixes of attributes that say nothing of a record: that it
// is nil, the name of its schema, its place in a table of .NET.
func foreign(prefix []byte) bool {
	return string(prefix) == "xsi" || string(prefix) == "diffgr" || string(prefix) == "msdata"
}

// shadowed reports whether another attribute has the same name once its
// prefix is left out: the one without a prefix counts, else the first.
func shadowed(attrs []markup.Attr, i int) bool {
	for k, other := range attrs {
		if k != i && bytes.Equal(other.Name, attrs[i].Name) && (len(other.Prefix) == 0 || k < i && len(attrs[i].Prefix) > 0) {
			return true
		}
	}
	return false
}

func (t *xmlTree) data(text []byte) { t.add(xmlNode{text: t.keep(text)}) }

func (t *xmlTree) end() { t.open = t.open[:len(t.open)-1] }

// child finds an element under the innermost open one, 0 when there is none.
func (t *xmlTree) child(name []byte) int32 {
	for id := t.nodes[t.open[len(t.open)-1]].first; id != 0; id = t.nodes[id].next {
		if bytes.Equal(t.bytes(t.nodes[id].name), name) {
			return id
		}
	}
	return 0
}

// appendJSON writes an element as a JSON value: a string when it is nothing
// but text, null when it is empty, else an object with a member for each
// attribute and child. Children of one name are a list.
func (t *xmlTree) appendJSON(dst []byte, id int32) []byte {
	elements, attrs := 0, 0
	for c := t.nodes[id].first; c != 0; c = t.nodes[c].next {
		if t.element(c) {
			elements++
		} else if t.nodes[c].name.Len > 0 {
			attrs++
		}
	}
	if elements+attrs == 0 {
		return t.appendText(dst, id)
	}
	dst = append(dst, '{')
	dst = t.appendAttrs(dst, id)
	if elements == 0 || t.hasText(id) {
		dst = append(comma(dst), `"`+textMember+`":`...)
		dst = t.appendText(dst, id)
	}
	return append(t.appendElements(dst, id, elements), '}')
}

// comma parts what follows from what stands in an object already.
func comma(dst []byte) []byte {
	if dst[len(dst)-1] == '{' {
		return dst
	}
	return append(dst, ',')
}

func (t *xmlTree) appendAttrs(dst []byte, id int32) []byte {
	for c := t.nodes[id].first; c != 0; c = t.nodes[c].next {
		if name := t.bytes(t.nodes[c].name); len(name) > 0 && !t.element(c) {
			dst = append(record.AppendJSONString(comma(dst), name), ':')
			dst = record.AppendJSONString(dst, t.bytes(t.nodes[c].text))
		}
	}
	return dst
}

// hasText reports whether there is more than blanks between the children.
func (t *xmlTree) hasText(id int32) bool {
	for c := t.nodes[id].first; c != 0; c = t.nodes[c].next {
		if t.nodes[c].name.Len == 0 && len(bytes.TrimSpace(t.bytes(t.nodes[c].text))) > 0 {
			return true
		}
	}
	return false
}

// appendText writes the text of an element, null when it is blank.
func (t *xmlTree) appendText(dst []byte, id int32) []byte {
	if !t.hasText(id) {
		return append(dst, "null"...)
	}
	var whole []byte
	for c := t.nodes[id].first; c != 0; c = t.nodes[c].next {
		if t.nodes[c].name.Len > 0 {
			continue
		}
		if piece := t.bytes(t.nodes[c].text); whole == nil {
			whole = piece[:len(piece):len(piece)]
		} else {
			whole = append(whole, piece...)
		}
	}
	return record.AppendJSONString(dst, whole)
}

// appendElements writes the children, those of one name together where the
// first of them stands.
func (t *xmlTree) appendElements(dst []byte, id int32, count int) []byte {
	if count > manyNodes {
		t.linkMany(id)
	} else {
		t.linkFew(id)
	}
	for c := t.nodes[id].first; c != 0; c = t.nodes[c].next {
		if !t.element(c) || t.nodes[c].follows {
			continue
		}
		dst = append(record.AppendJSONString(comma(dst), t.bytes(t.nodes[c].name)), ':')
		if t.nodes[c].alike == 0 {
			dst = t.appendJSON(dst, c)
			continue
		}
		dst = t.appendJSON(append(dst, '['), c)
		for k := t.nodes[c].alike; k != 0; k = t.nodes[k].alike {
			dst = t.appendJSON(append(dst, ','), k)
		}
		dst = append(dst, ']')
	}
	return dst
}

func (t *xmlTree) element(id int32) bool {
	name := t.nodes[id].name
	return name.Len > 0 && t.arena[name.Off] != '@'
}

// linkFew chains the children of one name.
func (t *xmlTree) linkFew(id int32) {
	for c := t.nodes[id].first; c != 0; c = t.nodes[c].next {
		if !t.element(c) || t.nodes[c].follows {
			continue
		}
		last := c
		for k := t.nodes[c].next; k != 0; k = t.nodes[k].next {
			if bytes.Equal(t.bytes(t.nodes[k].name), t.bytes(t.nodes[c].name)) {
				t.nodes[last].alike, t.nodes[k].follows, last = k, true, k
			}
		}
	}
}

// linkMany is linkFew for an element with many children.
func (t *xmlTree) linkMany(id int32) {
	lasts := make(map[string]int32)
	for c := t.nodes[id].first; c != 0; c = t.nodes[c].next {
		if !t.element(c) {
			continue
		}
		name := t.bytes(t.nodes[c].name)
		if last, seen := lasts[string(name)]; seen {
			t.nodes[last].alike, t.nodes[c].follows = c, true
		}
		lasts[string(name)] = c
	}
}
