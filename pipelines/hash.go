package pipelines

import (
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/tieout/tieout/schemas/decimal"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/transforms"
)

// ConfigHash identifies what a pipeline does to a record: everything decoded
// from its document, with defaults filled in, the connectors and zones of its
// connections, the project's variables, and the contents of the tables it
// read (by name). Two documents that differ in comments, formatting, key
// order, schedule, alerts or words for people have one hash; secrets and the
// addresses of systems never enter. The order of `set` counts, since an
// expression sees the fields set before it, and so does that of any list.
func (w *Workspace) ConfigHash(p *Pipeline, tables map[string]string) string {
	h := hasher{sha256.New()}
	h.text("tieout config 1")
	h.value(reflect.ValueOf(p).Elem(), "")
	h.text(p.Mode())
	for _, c := range []*Connection{p.Source.At, p.Sink.At} {
		if c == nil {
			h.text("")
			continue
		}
		h.text(c.Kind.Name)
		h.text(c.Timezone.Value)
	}
	if p.zone != nil {
		h.text(p.zone.String())
	}
	if w.Project != nil {
		for _, name := range slices.Sorted(slices.Values(w.Project.Vars.Keys())) {
			v, _ := w.Project.Vars.Get(name)
			h.text(name)
			h.text(v.Value)
		}
	}
	if p.Each != nil {
		for i, name := range p.Each.fields {
			h.text(name)
			h.text(p.Each.values[i])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(w.options.Vars)) {
		h.text(name)
		h.text(w.options.Vars[name])
	}
	for _, name := range slices.Sorted(maps.Keys(tables)) {
		h.text(name)
		h.text(tables[name])
	}
	return hex.EncodeToString(h.Sum(nil))
}

// hasher feeds values in a form in which different values differ.
type hasher struct{ hash.Hash }

// text writes a text with its length, so that no two rows of texts are alike.
func (h hasher) text(s string) {
	io.WriteString(h, strconv.Itoa(len(s)))
	io.WriteString(h, ":")
	io.WriteString(h, s)
}

// unhashed are the keys of a pipeline that change nothing about its records.
func unhashed(path string) bool {
	switch path {
	case ".description", ".owner", ".notify", ".schedule", ".retry", ".timeout", ".fresh_within":
		return true
	case ".sink.mode": // hashed as it comes out when it is not written
		return true
	}
	return false
}

// value walks what was decoded. Nodes, positions and secrets are passed over.
func (h hasher) value(v reflect.Value, path string) {
	switch x := v.Interface().(type) {
	case document.Text:
		h.text(x.Value)
		return
	case document.Expr:
		h.text(spaced(x.Value))
		return
	case document.Percent:
		h.value(reflect.ValueOf(x.Decimal), path)
		return
	case decimal.Decimal:
		h.text(string(x.AppendCanonical(nil)))
		return
	case *document.Node, document.Position, document.Secret, *Connection:
		return
	case Otherwise: // part of Condition.Warns
		return
	case transforms.Step:
		h.text(x.Name)
		h.value(reflect.ValueOf(&x.Spec).Elem(), path)
		return
	case Condition:
		h.text(x.Name)
		h.text(strconv.FormatBool(x.Warns()))
		h.value(reflect.ValueOf(&x.Spec).Elem(), path)
		return
	}
	h.kind(v, path)
}

func (h hasher) kind(v reflect.Value, path string) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			h.text("nil")
			return
		}
		h.value(v.Elem(), path)
	case reflect.Slice:
		h.text(strconv.Itoa(v.Len()))
		for i := range v.Len() {
			h.value(v.Index(i), path)
		}
	case reflect.Struct:
		h.fields(v, path)
	case reflect.String:
		h.text(v.String())
	case reflect.Bool:
		h.text(strconv.FormatBool(v.Bool()))
	default:
		if v.CanInt() {
			h.text(strconv.FormatInt(v.Int(), 10))
		} else if v.CanUint() {
			h.text(strconv.FormatUint(v.Uint(), 10))
		}
	}
}

// fields walks a struct. A mapping of names to anything but expressions is
// walked in the order of its names.
func (h hasher) fields(v reflect.Value, path string) {
	if entries := v.FieldByName("Entries"); entries.IsValid() && strings.HasPrefix(v.Type().Name(), "Map[") {
		h.entries(entries, path)
		return
	}
	for i := range v.NumField() {
		f := v.Type().Field(i)
		key, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		name := path + "." + key
		if !f.IsExported() || key == "-" && f.Name != "Options" || unhashed(name) || unwritten(f, v.Field(i)) {
			continue
		}
		h.text(f.Name)
		h.value(v.Field(i), name)
	}
	h.text("") // the end: no field has this name
}

// unwritten reports a key that was left out or says what leaving it out says:
// a key that a later version adds changes no hash.
func unwritten(f reflect.StructField, v reflect.Value) bool {
	switch v.Interface().(type) {
	case *document.Node, document.Position, document.Secret, *Connection, Otherwise: // never hashed
		return true
	}
	return v.IsZero() || v.Kind() == reflect.String && v.String() == f.Tag.Get("default")
}

func (h hasher) entries(entries reflect.Value, path string) {
	order := make([]int, entries.Len())
	for i := range order {
		order[i] = i
	}
	nameOf := func(i int) string { return entries.Index(i).FieldByName("Key").Interface().(document.Text).Value }
	if entries.Type() != reflect.TypeFor[[]document.Entry[document.Expr]]() {
		slices.SortFunc(order, func(a, b int) int { return strings.Compare(nameOf(a), nameOf(b)) })
	}
	h.text(strconv.Itoa(len(order)))
	for _, i := range order {
		h.text(nameOf(i))
		h.value(entries.Index(i).FieldByName("Value"), path)
	}
}

// spaced writes an expression with one blank where there is any white space
// outside quotes, so that folding it over lines changes nothing.
func spaced(s string) string {
	var b strings.Builder
	var quote byte
	gap := false
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case quote == 0 && (c == ' ' || c == '\t' || c == '\n' || c == '\r'):
			gap = true
			continue
		case quote == 0 && (c == '"' || c == '\'' || c == '`'):
			quote = c
		case quote != 0 && c == '\\' && quote != '`' && i+1 < len(s):
			b.WriteByte(c)
			i++
			c = s[i]
		case c == quote:
			quote = 0
		}
		if gap && b.Len() > 0 {
			b.WriteByte(' ')
		}
		gap = false
		b.WriteByte(c)
	}
	return b.String()
}
