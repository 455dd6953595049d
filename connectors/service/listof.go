package service

import (
	"bytes"
	"regexp"
	"slices"
	"strings"

	"github.com/go-faster/jx"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/record"
	"github.com/tieout/tieout/transforms/expression"
)

// listMost bounds a list of a reply that expressions look into; a longer one
// can be seen to be there and no more.
const listMost = 256 << 10

// list is a list of objects in a reply, as expressions look into it.
type list struct {
	raw    []byte
	inside [][]string // members expressions ask its objects for
	sheet  *sheet     // nil when the objects have nothing in common
	lacks  bool       // some of those members are in none of them
}

// newList takes the place of the list of another reply, nil for none.
func newList(raw []byte, was *list) *list {
	l := new(list)
	if len(raw) > 0 && raw[0] == '{' { // a single one is a list of one
		raw = append(append([]byte{'['}, raw...), ']')
	}
	if was != nil {
		l.inside = was.inside
	}
	if len(raw) <= listMost {
		l.raw = bytes.Clone(raw)
		l.read()
	}
	return l
}

// ask makes sure that the list has the members an expression asks for. Those
// that no object has are texts without a value.
func (l *list) ask(inside [][]string) (changed bool) {
	for _, path := range inside {
		if !slices.ContainsFunc(l.inside, func(known []string) bool { return slices.Equal(known, path) }) {
			l.inside, changed = append(l.inside, path), true
		}
	}
	return changed
}

// read types the list with the kinds its values have.
func (l *list) read() {
	const name = "list"
	l.sheet, l.lacks = nil, false
	g := glimpse{kind: record.List}
	if l.raw == nil || g.look(jx.DecodeBytes(l.raw), listDepth) != nil {
		return
	}
	object := g.kid("")
	if object.kind == record.Unknown {
		object.kind = record.Record // an empty list
	}
	for _, path := range l.inside {
		l.lacks = object.want(path) || l.lacks
	}
	spec, clear := g.spec(name)
	if !clear {
		return
	}
	s, err := newSheet([]connectors.FieldSpec{spec}, connectors.DefaultLimits())
	if err == nil && s.take(append(append([]byte(`{"`+name+`":`), l.raw...), '}')) == nil {
		l.sheet = s
	}
}

var memberPath = regexp.MustCompile(`(?:^|[^\w\])"'.])((?:\.[A-Za-z_]\w*)+)`)

var listPath = regexp.MustCompile(`\b(?:` + strings.Join(expression.ListFunctions(), "|") + `)\(\s*(reply(?:\.[A-Za-z_]\w*|\["[^"\\]*"\])+)`)

// listsIn lists the paths of the reply that stand where a list does.
func listsIn(text string) [][]string {
	var paths [][]string
	for _, m := range listPath.FindAllStringSubmatch(text, -1) {
		paths = append(paths, pathsIn(m[1], "reply")...)
	}
	return paths
}

// insideOf lists the members an expression asks the objects of lists for: what
// begins with a dot.
func insideOf(text string) [][]string {
	var paths [][]string
	for _, m := range memberPath.FindAllStringSubmatch(text, -1) {
		paths = append(paths, strings.Split(m[1][1:], "."))
	}
	return paths
}

const listDepth = 8 // of lists and objects in each other

// glimpse is what the values at one place of a list have in common.
type glimpse struct {
	kind  record.Kind // Unknown when there are none but null
	mixed bool
	names []string // of members, in the order met
	kids  []*glimpse
}

// want makes sure that there is a member, and reports whether there was none.
func (g *glimpse) want(path []string) bool {
	if g.kind != record.Record || g.mixed {
		return false
	}
	lacked := !slices.Contains(g.names, path[0])
	kid := g.kid(path[0])
	if lacked = lacked || kid.kind == record.Unknown; len(path) == 1 {
		return lacked
	}
	if kid.kind == record.Unknown {
		kid.kind = record.Record
	}
	return kid.want(path[1:]) || lacked
}

func (g *glimpse) meet(kind record.Kind) {
	g.mixed = g.mixed || g.kind != record.Unknown && g.kind != kind
	g.kind = kind
}

func (g *glimpse) kid(name string) *glimpse {
	for i, known := range g.names {
		if known == name {
			return g.kids[i]
		}
	}
	g.names, g.kids = append(g.names, name), append(g.kids, new(glimpse))
	return g.kids[len(g.kids)-1]
}

// look takes in one value. Those of a list are looked at as one.
func (g *glimpse) look(d *jx.Decoder, depth int) error {
	kind := d.Next()
	if depth == 0 {
		g.mixed = true
		return d.Skip()
	}
	switch kind {
	case jx.Object:
		g.meet(record.Record)
		return d.ObjBytes(func(d *jx.Decoder, key []byte) error { return g.kid(string(key)).look(d, depth-1) })
	case jx.Array:
		g.meet(record.List)
		return d.Arr(func(d *jx.Decoder) error { return g.kid("").look(d, depth-1) })
	case jx.String:
		g.meet(record.Text)
	case jx.Number:
		g.meet(record.Decimal)
	case jx.Bool:
		g.meet(record.Boolean)
	}
	return d.Skip()
}

// spec declares the field; it is not clear when its values have nothing in
// common that an expression could read.
func (g *glimpse) spec(name string) (f connectors.FieldSpec, clear bool) {
	f = connectors.FieldSpec{Name: name, Kind: g.kind, Scale: record.NoScale, Optional: true}
	members := g
	switch {
	case g.mixed, g.kind == record.Unknown:
		f.Kind = record.Text
		return f, true
	case g.kind == record.List:
		if members = g.kid(""); members.kind != record.Record || members.mixed {
			return f, false
		}
	case g.kind != record.Record:
		return f, true
	}
	for i, kid := range members.kids {
		if one, clear := kid.spec(members.names[i]); clear {
			f.Fields = append(f.Fields, one)
		}
	}
	if len(f.Fields) == 0 { // an object has at least one
		f.Fields = []connectors.FieldSpec{{Name: "_", Kind: record.Text, Scale: record.NoScale, Optional: true}}
	}
	return f, true
}
