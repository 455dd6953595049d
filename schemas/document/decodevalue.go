package document

import (
	"fmt"
	"reflect"
	"strings"
)

// value decodes one node into one settable value.
func (d *Decoder) value(n *Node, v reflect.Value, f *field) {
	if n.broken {
		return
	}
	kind := f.form
	if kind == formNode {
		v.Set(reflect.ValueOf(n))
		return
	}
	if kind == formDecodable {
		d.depth++
		v.Addr().Interface().(Decodable).DecodeDocument(n, d)
		d.depth--
		return
	}
	if n.IsNull() {
		d.emptyValue(n, kind)
		return
	}
	switch {
	case kind.scalar():
		d.scalar(n, v, f)
	case kind == formPointer:
		d.pointer(n, v, f)
	case kind == formUnion:
		d.union(n, v.Addr().Interface().(Union))
	case kind == formStruct:
		d.structs(n, []reflect.Value{v})
	case kind == formList:
		d.list(n, v, f)
	default:
		d.mapping(n, v, f)
	}
}

func (d *Decoder) emptyValue(n *Node, kind form) {
	at, hint := n, "Give it a value or remove it."
	if kind == formExpr {
		hint = "Write `nil` for a value that is not there."
	}
	if n.Text() == "" {
		at = placeOf(n)
	}
	d.Report.ErrorAt(at, CodeEmptyValue, hint, "%s has no value", describe(n))
}

func (d *Decoder) pointer(n *Node, v reflect.Value, f *field) {
	to := reflect.New(v.Type().Elem())
	inner := *f
	inner.typ, inner.form = to.Type().Elem(), d.formOf(to.Type().Elem())
	d.value(n, to.Elem(), &inner)
	v.Set(to)
}

func (d *Decoder) list(n *Node, v reflect.Value, f *field) {
	item := *f
	item.single, item.typ = false, v.Type().Elem()
	item.form = d.formOf(item.typ)
	if n.kind != Sequence {
		if f.single {
			v.Set(reflect.MakeSlice(v.Type(), 1, 1))
			d.value(n, v.Index(0), &item)
			return
		}
		d.listExpected(n)
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.kids), len(n.kids)))
	for i, kid := range n.kids {
		d.value(kid, v.Index(i), &item)
	}
}

func (d *Decoder) listExpected(n *Node) {
	if n.kind == Mapping {
		d.wrongShape(n, "a list", "Begin each item with `- `.")
		return
	}
	at := DiagnosticAt(n, CodeWrongShape, "Write it as a list of one: ["+clip(n.Text())+"]", "%s takes a list, not %s", describe(n), quoteText(clip(n.Text())))
	if !n.Quoted() && !strings.ContainsAny(n.Text(), ",[]{}") && at.EndColumn > 0 {
		at.Fix = "[" + n.Text() + "]"
	}
	d.Report.Add(at)
}

// mapping decodes Map[T] and Go maps, whose keys are free.
func (d *Decoder) mapping(n *Node, v reflect.Value, f *field) {
	if !d.expectMapping(n) {
		return
	}
	item := *f
	if f.form == formOrdered {
		m := v.Addr().Interface().(ordered)
		item.typ = m.element()
		item.form = d.formOf(item.typ)
		for i, key := range n.keys {
			if !key.broken {
				d.value(n.kids[i], reflect.ValueOf(m.appendEntry(key.Scalar())).Elem(), &item)
			}
		}
		return
	}
	item.typ = v.Type().Elem()
	item.form = d.formOf(item.typ)
	v.Set(reflect.MakeMapWithSize(v.Type(), len(n.keys)))
	for i, key := range n.keys {
		if key.broken {
			continue
		}
		to := reflect.New(item.typ).Elem()
		d.value(n.kids[i], to, &item)
		v.SetMapIndex(reflect.ValueOf(key.Text()).Convert(v.Type().Key()), to)
	}
}

// union decodes a mapping whose one key names the variant. A Union that is also a
// Companion allows further keys beside it.
func (d *Decoder) union(n *Node, u Union) {
	variants := u.Variants()
	if n.kind == Scalar {
		d.bareVariant(n, u, variants)
		return
	}
	if !d.expectMapping(n) {
		return
	}
	beside, rest := d.companion(n, u)
	var chosen []int
	for _, i := range rest {
		if !n.keys[i].broken {
			chosen = append(chosen, i)
		}
	}
	switch {
	case len(chosen) == 0 && len(rest) == 0:
		d.Report.ErrorAt(n, CodeOneKey, Suggest("", variantNames(variants)).Hint, "%s names nothing to do", describe(n))
	case len(chosen) > 1:
		d.severalVariants(n, chosen, variants)
	case len(chosen) == 1:
		d.variant(n.keys[chosen[0]], n.kids[chosen[0]], u, variants)
	}
	if beside != nil {
		d.fillDefaults(beside)
	}
}

func (d *Decoder) variant(key, value *Node, u Union, variants []Variant) {
	for _, one := range variants {
		if one.Name != key.Text() {
			continue
		}
		to := one.New()
		if one.Bare && value.IsNull() {
			u.SetVariant(one.Name, to, key.Position())
			return
		}
		v := reflect.ValueOf(to).Elem()
		d.value(value, v, &field{typ: v.Type(), form: d.formOf(v.Type())})
		u.SetVariant(one.Name, to, key.Position())
		return
	}
	d.unknownVariant(key, u, variants)
}

func (d *Decoder) bareVariant(n *Node, u Union, variants []Variant) {
	for _, one := range variants {
		if one.Bare && one.Name == n.Text() {
			to := one.New()
			if v := reflect.ValueOf(to).Elem(); d.formOf(v.Type()) == formStruct {
				d.structs(nil, []reflect.Value{v})
			}
			u.SetVariant(one.Name, to, n.Position())
			return
		}
	}
	if reportMissingBlank(d.Report, n) {
		return
	}
	for _, one := range variants {
		if one.Name == n.Text() {
			d.wrongShape(n, "a key with a value", "Write "+one.Name+": and its value.")
			return
		}
	}
	d.unknownVariant(n, u, variants)
}

func (d *Decoder) unknownVariant(at *Node, u Union, variants []Variant) {
	code, what := CodeUnknownKey, "key"
	if c, ok := u.(UnionCoder); ok {
		code, what = c.UnknownVariant()
	}
	s := Suggest(at.Text(), variantNames(variants))
	if s.Hint == "" || len(variants) > maxListed {
		s.Hint = strings.TrimPrefix(s.Hint+"\nKnown here: "+strings.Join(variantNames(variants), ", "), "\n")
	}
	diag := DiagnosticAt(at, code, s.Hint, "there is no %s %q", what, clip(at.Text()))
	diag.Fix = s.Fix
	d.Report.Add(diag)
}

func (d *Decoder) severalVariants(n *Node, chosen []int, variants []Variant) {
	names := make([]string, 0, len(chosen))
	for _, i := range chosen {
		names = append(names, n.keys[i].Text())
	}
	at := n.keys[chosen[1]]
	hint := "Begin each with its own `- `."
	if known := variantNames(variants); !contains(known, names[1]) {
		hint = fmt.Sprintf("%q may belong one level deeper, under %q: indent it further.", names[1], names[0])
	}
	d.Report.ErrorAt(at, CodeOneKey, hint, "%s takes one key, not %d: %s", describe(n), len(names), strings.Join(names, ", "))
}

func variantNames(variants []Variant) []string {
	names := make([]string, len(variants))
	for i, v := range variants {
		names[i] = v.Name
	}
	return names
}

// companion decodes the keys beside a variant and gives the indexes of the rest.
func (d *Decoder) companion(n *Node, u Union) ([]part, []int) {
	var parts []part
	if c, ok := u.(Companion); ok {
		v := reflect.ValueOf(c.Beside()).Elem()
		st := d.structOf(v.Type())
		parts = []part{{st: st, value: v, seen: make([]bool, len(st.fields))}}
	}
	var rest []int
	for i, key := range n.keys {
		if !d.keyInto(parts, key, n.kids[i]) {
			rest = append(rest, i)
		}
	}
	return parts, rest
}
