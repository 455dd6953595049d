package document

import (
	"reflect"
	"strings"
)

// Decoder fills structs from nodes. It remembers the struct types it has seen:
// use one for many documents. It is not for concurrent use.
//
// A struct field says its key with `yaml:"name"`; further tags are `required`,
// `enum:"a,b"`, `default`, `ref` (references may stand here), `doc` and `example`.
// `yaml:"name,one_or_list"` takes a single value for a list, `yaml:".", on a
// *Node field, receives the mapping itself for later checks, and embedded structs
// or `yaml:",inline"` are part of the mapping around them.
type Decoder struct {
	Report   *Report
	Resolver Resolver // nil: references are checked for their form and stay unresolved

	types   map[reflect.Type]*structType
	forms   map[reflect.Type]form
	depth   int
	roots   []reflect.Type // the outermost targets, for "belongs under" hints
	secrets []Secret
}

// Secrets lists every secret resolved so far, for a caller that keeps their
// values out of logs.
func (d *Decoder) Secrets() []Secret { return d.secrets }

// Decode fills the targets, pointers to structs, from one mapping. Several
// targets share the mapping: each takes the keys it declares, and a key none of
// them declares is an error. Defaults are filled in for keys that are absent. A
// nil node only fills defaults. A single target may be a pointer to any type that
// can be a field.
func (d *Decoder) Decode(n *Node, targets ...any) {
	values := make([]reflect.Value, len(targets))
	for i, t := range targets {
		values[i] = reflect.ValueOf(t).Elem()
	}
	if d.depth == 0 {
		d.roots = d.roots[:0]
		for _, v := range values {
			d.roots = append(d.roots, v.Type())
		}
	}
	d.depth++
	defer func() { d.depth-- }()
	if len(values) == 1 && d.formOf(values[0].Type()) != formStruct {
		if n != nil {
			d.value(n, values[0], &field{form: d.formOf(values[0].Type())})
		}
		return
	}
	d.structs(n, values)
}

// structs decodes one mapping into several structs.
func (d *Decoder) structs(n *Node, values []reflect.Value) {
	parts := make([]part, len(values))
	for i, v := range values {
		st := d.structOf(v.Type())
		parts[i] = part{st: st, value: v, seen: make([]bool, len(st.fields))}
	}
	if n == nil {
		d.fillDefaults(parts)
		return
	}
	if n.broken || !d.expectMapping(n) {
		return
	}
	var unknown []*Node
	for i, key := range n.keys {
		if !d.keyInto(parts, key, n.kids[i]) && !key.broken {
			unknown = append(unknown, key)
		}
	}
	meant := d.reportUnknown(parts, unknown)
	for _, key := range n.keys {
		// `connection:files` was reported as such; connection is not missing too.
		if !key.broken {
			continue
		}
		if name, _, cut := strings.Cut(key.Text(), ":"); cut {
			if meant == nil {
				meant = make(map[string]bool)
			}
			meant[name] = true
		}
	}
	for _, p := range parts {
		for _, index := range p.st.self {
			p.value.FieldByIndex(index).Set(reflect.ValueOf(n))
		}
	}
	d.reportMissing(n, parts, meant)
	d.fillDefaults(parts)
}

// part is one target of a mapping with the fields met so far.
type part struct {
	st    *structType
	value reflect.Value
	seen  []bool
}

func (d *Decoder) keyInto(parts []part, key, value *Node) bool {
	known := false
	for _, p := range parts {
		i, ok := p.st.byName[key.Text()]
		if !ok {
			continue
		}
		known, p.seen[i] = true, true
		f := &p.st.fields[i]
		d.value(value, p.value.FieldByIndex(f.index), f)
	}
	return known
}

func (d *Decoder) reportMissing(n *Node, parts []part, meant map[string]bool) {
	reported := make(map[string]bool)
	for _, p := range parts {
		for i := range p.st.fields {
			f := &p.st.fields[i]
			if !f.required || p.seen[i] || meant[f.name] || reported[f.name] {
				continue
			}
			reported[f.name] = true
			var hint string
			if f.doc != "" {
				hint = f.name + ": " + f.doc
			}
			if f.example != "" {
				hint = strings.TrimPrefix(hint+"\nExample: "+f.name+": "+f.example, "\n")
			}
			d.Report.ErrorAt(placeOf(n), CodeMissingKey, hint, "%s needs the key %q", describe(n), f.name)
		}
	}
}

// placeOf points at the key that leads to a mapping rather than at its first key.
func placeOf(n *Node) *Node {
	if n.key != nil {
		return n.key
	}
	return n
}

// describe names a node in a message.
func describe(n *Node) string {
	switch {
	case n.key != nil:
		return quoteText(n.key.Text())
	case n.parent != nil && n.parent.key != nil:
		return "an item of " + quoteText(n.parent.key.Text())
	case n.parent != nil:
		return "an item of the list"
	case len(n.keys) > 0 && plainName.MatchString(n.keys[0].Text()):
		return "the " + n.keys[0].Text() + " document"
	}
	return "the document"
}

// fillDefaults sets what the mapping left out.
func (d *Decoder) fillDefaults(parts []part) {
	for _, p := range parts {
		for i := range p.st.fields {
			f := &p.st.fields[i]
			if p.seen[i] {
				continue
			}
			v := p.value.FieldByIndex(f.index)
			switch {
			case f.hasDef:
				setDefault(v, f)
			case f.form == formStruct:
				d.structs(nil, []reflect.Value{v})
			}
		}
	}
}

// expectMapping reports any other shape.
func (d *Decoder) expectMapping(n *Node) bool {
	if n.kind == Mapping {
		return true
	}
	if n.kind == Scalar && reportMissingBlank(d.Report, n) {
		return false
	}
	d.wrongShape(n, "keys and values", "")
	return false
}

func (d *Decoder) wrongShape(n *Node, want, hint string) {
	got := n.kind.String()
	if n.kind == Scalar {
		got = quoteText(clip(n.Text()))
	}
	d.Report.ErrorAt(n, CodeWrongShape, hint, "%s takes %s, not %s", describe(n), want, got)
}

// clip shortens a text for a message.
func clip(s string) string {
	const most = 60
	r := []rune(s)
	if len(r) <= most {
		return s
	}
	return string(r[:most]) + "…"
}

// DecodeField decodes one node into the value a pointer points to, under the
// rules of a struct tag such as `enum:"a,b"` or `ref:"true"`. It is for the
// DecodeDocument methods of shapes that tags cannot say.
func (d *Decoder) DecodeField(n *Node, target any, tag reflect.StructTag) {
	v := reflect.ValueOf(target).Elem()
	f := d.fieldOf(reflect.StructField{Type: v.Type(), Tag: tag}, "", "", nil)
	d.value(n, v, &f)
}
