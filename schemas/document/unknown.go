package document

import (
	"reflect"
	"slices"
	"strings"
)

// reportUnknown reports keys no target declares and gives the names that were
// surely meant, so that they are not reported as missing as well.
func (d *Decoder) reportUnknown(parts []part, unknown []*Node) map[string]bool {
	if len(unknown) == 0 {
		return nil
	}
	known := knownNames(parts)
	meant := make(map[string]bool)
	for _, key := range unknown {
		s := Suggest(key.Text(), known)
		if s.Fix != "" {
			meant[s.Fix] = true
		} else if under := d.belongsUnder(key); under != "" {
			d.Report.ErrorAt(key, CodeMisplacedKey, "Move it "+under+".", "%q does not belong %s; it belongs %s", key.Text(), whereIs(key.parent), under)
			continue
		}
		diag := DiagnosticAt(key, CodeUnknownKey, s.Hint, "unknown key %q in %s", clip(key.Text()), describe(key.parent))
		diag.Fix = s.Fix
		d.Report.Add(diag)
	}
	return meant
}

func knownNames(parts []part) []string {
	var names []string
	for _, p := range parts {
		for i := range p.st.fields {
			if !slices.Contains(names, p.st.fields[i].name) {
				names = append(names, p.st.fields[i].name)
			}
		}
	}
	return names
}

func whereIs(n *Node) string {
	if n.key != nil {
		return "under `" + n.key.Text() + "`"
	}
	if n.parent == nil {
		return "at the top level"
	}
	return "here"
}

// maxHomes bounds the hint: a name known in more places says nothing.
const maxHomes = 2

// belongsUnder looks for the key at other levels of the same document.
func (d *Decoder) belongsUnder(key *Node) string {
	homes := make(map[string]bool)
	w := typeWalk{decoder: d, name: key.Text(), homes: homes, seen: make(map[reflect.Type]bool)}
	for _, t := range d.roots {
		w.visit(t, "")
	}
	if len(homes) == 0 || len(homes) > maxHomes {
		return ""
	}
	names := make([]string, 0, len(homes))
	for h := range homes {
		names = append(names, h)
	}
	slices.Sort(names)
	return strings.Join(names, " or ")
}

// typeWalk searches the struct tree for the places that declare a key.
type typeWalk struct {
	decoder *Decoder
	name    string
	homes   map[string]bool
	seen    map[reflect.Type]bool
}

func (w *typeWalk) visit(t reflect.Type, path string) {
	switch w.decoder.formOf(t) {
	case formPointer, formList, formMap:
		w.visit(t.Elem(), path)
	case formOrdered:
		w.visit(reflect.New(t).Interface().(ordered).element(), path)
	case formUnion:
		if w.seen[t] {
			return
		}
		w.seen[t] = true
		for _, v := range reflect.New(t).Interface().(Union).Variants() {
			w.visit(reflect.TypeOf(v.New()).Elem(), join(path, v.Name))
		}
	case formStruct:
		w.visitStruct(t, path)
	}
}

func (w *typeWalk) visitStruct(t reflect.Type, path string) {
	if w.seen[t] {
		return
	}
	w.seen[t] = true
	for _, f := range w.decoder.structOf(t).fields {
		if f.name == w.name {
			if path == "" {
				w.homes["at the top level"] = true
			} else {
				w.homes["under `"+path+"`"] = true
			}
		}
		w.visit(f.typ, join(path, f.name))
	}
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
