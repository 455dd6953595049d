package pipelines

import (
	"reflect"
	"strings"

	"github.com/tieout/tieout/schemas/document"
)

// layOver decodes base into targets and replaces the keys that over gives.
// spare are targets of the same types, in the same order. What both together
// leave out is reported as missing. It gives the secrets met.
func layOver(d *document.Decoder, base, over *document.Node, targets, spare []any) []document.Secret {
	secrets := append(decodePart(d, base, targets, over), decodePart(d, over, spare, nil)...)
	for i := range targets {
		to, from := reflect.ValueOf(targets[i]).Elem(), reflect.ValueOf(spare[i]).Elem()
		eachKey(to, func(key string, f reflect.StructField, v reflect.Value) {
			switch {
			case over.Get(key) != nil:
				v.Set(from.FieldByIndex(f.Index))
			case base.Get(key) == nil && f.Tag.Get("required") == "true":
				d.Report.ErrorAt(base.Key(), document.CodeMissingKey, key+": "+f.Tag.Get("doc"), "%q needs the key %q", base.Key().Text(), key)
			}
		})
	}
	return secrets
}

// decodePart decodes a mapping that need not be whole. What is wrong under
// keys that over gives is passed over, since they are replaced.
func decodePart(d *document.Decoder, n *document.Node, targets []any, over *document.Node) []document.Secret {
	var r document.Report
	scratch := document.Decoder{Report: &r, Resolver: d.Resolver}
	scratch.Decode(n, targets...)
	for _, f := range r.Diagnostics() {
		missing := f.Code == document.CodeMissingKey && f.Path == n.Path()
		if !missing && !replaced(f.Path, n, over) {
			d.Report.Add(f)
		}
	}
	return scratch.Secrets()
}

// replaced reports whether a path leads below n to a key that over gives.
func replaced(path string, n, over *document.Node) bool {
	if over == nil {
		return false
	}
	rest, below := strings.CutPrefix(path, n.Path()+"/")
	key, _, _ := strings.Cut(rest, "/")
	return below && over.KeyNode(key) != nil
}

// eachKey visits the fields of a settings struct by their YAML keys, those of
// embedded structs among them. Index of a field counts from the outer struct.
func eachKey(v reflect.Value, visit func(key string, f reflect.StructField, v reflect.Value)) {
	for _, f := range reflect.VisibleFields(v.Type()) {
		tag, tagged := f.Tag.Lookup("yaml")
		key, option, _ := strings.Cut(tag, ",")
		if !tagged || key == "-" || key == "." || option == "inline" || !f.IsExported() {
			continue
		}
		visit(key, f, v.FieldByIndex(f.Index))
	}
}
