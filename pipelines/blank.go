package pipelines

import (
	"reflect"
	"strconv"
	"strings"

	"github.com/tieout/tieout/schemas/document"
)

// checkBlank reports names and values without a visible character: quotes
// with nothing between them, which no step can use.
func checkBlank(n *document.Node, r *document.Report) {
	if n == nil {
		return
	}
	for _, key := range n.Keys() {
		blank(key, r)
	}
	if n.Kind() == document.Scalar {
		blank(n, r)
	}
	for _, kid := range n.Children() {
		checkBlank(kid, r)
	}
}

func blank(n *document.Node, r *document.Report) {
	if n.Quoted() && strings.TrimSpace(n.Text()) == "" {
		r.ErrorAt(n, document.CodeEmptyValue, "Write a name or an expression.", "there is nothing between the quotes")
	}
}

// spoiltSteps finds the steps that reading or decoding found fault with.
func (p *Pipeline) spoiltSteps(found *document.Report) map[int]bool {
	spoilt := make(map[int]bool)
	if found.Errors() == 0 {
		return spoilt
	}
	for _, d := range found.Diagnostics() {
		rest, ok := strings.CutPrefix(d.Path, "/transforms/")
		if !ok || d.Severity != document.Error {
			continue
		}
		number, _, _ := strings.Cut(rest, "/")
		if i, err := strconv.Atoi(number); err == nil {
			spoilt[i] = true
		}
	}
	for i := range p.Transforms {
		if spec := p.Transforms[i].Spec; spec != nil && hasHole(reflect.ValueOf(spec)) {
			spoilt[i] = true
		}
	}
	return spoilt
}

// hasHole reports names that are empty where there must be one: in a list, in
// a mapping, or under a key that is required or has a default. Their values
// could not be read, which was reported where they stand.
func hasHole(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer:
		return !v.IsNil() && hasHole(v.Elem())
	case reflect.Slice:
		for i := range v.Len() {
			if t, ok := v.Index(i).Interface().(document.Text); ok && t.Value == "" || !ok && hasHole(v.Index(i)) {
				return true
			}
		}
	case reflect.Struct:
		if key := v.FieldByName("Key"); key.IsValid() && key.Interface().(document.Text).Value == "" {
			return true
		}
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if !f.IsExported() {
				continue
			}
			if t, ok := v.Field(i).Interface().(document.Text); ok {
				_, always := f.Tag.Lookup("default")
				if t.Value == "" && (always || f.Tag.Get("required") == "true") {
					return true
				}
			} else if hasHole(v.Field(i)) {
				return true
			}
		}
	}
	return false
}
