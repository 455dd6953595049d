package document

import (
	"fmt"
	"reflect"
	"strings"
)

// ReferencePage writes the Markdown page of a document kind: a table of keys for
// the document and for each mapping inside it, in the order they are declared.
func ReferencePage(kind, summary string, prototypes ...any) string {
	p := &page{generator: &generator{decoder: &Decoder{}, names: make(map[reflect.Type]string)}}
	fmt.Fprintf(&p.out, "# %s\n\n%s\n", kind, summary)
	types := make([]reflect.Type, len(prototypes))
	for i, proto := range prototypes {
		types[i] = typeOf(proto)
	}
	p.table(kind, types)
	for len(p.queue) > 0 {
		next := p.queue[0]
		p.queue = p.queue[1:]
		p.section(next)
	}
	return p.out.String()
}

type page struct {
	generator *generator
	out       strings.Builder
	queue     []section
}

// section is a mapping or union still to be described, under the path of its key.
type section struct {
	path string
	typ  reflect.Type
	form form
}

func (p *page) section(s section) {
	fmt.Fprintf(&p.out, "\n## `%s`\n", s.path)
	if s.form == formStruct {
		p.table(s.path, []reflect.Type{s.typ})
		return
	}
	u := reflect.New(s.typ).Interface().(Union)
	fmt.Fprint(&p.out, "\nExactly one of:\n\n| key | value | meaning |\n|---|---|---|\n")
	for _, v := range u.Variants() {
		t := typeOf(v.New())
		form := p.generator.decoder.formOf(t)
		fmt.Fprintf(&p.out, "| `%s` | %s | %s |\n", v.Name, p.typeName(field{typ: t, form: form}), cell(v.Doc))
		p.enqueue(s.path+"."+v.Name, t)
	}
	if c, ok := u.(Companion); ok {
		fmt.Fprint(&p.out, "\nBeside it:\n")
		p.table(s.path, []reflect.Type{typeOf(c.Beside())})
	}
}

func (p *page) table(path string, types []reflect.Type) {
	fmt.Fprint(&p.out, "\n| key | type | required | default | meaning |\n|---|---|---|---|---|\n")
	seen := make(map[string]bool)
	var fields []field
	for _, t := range types {
		for _, f := range p.generator.decoder.structOf(t).fields {
			if !seen[f.name] {
				seen[f.name] = true
				fields = append(fields, f)
			}
		}
	}
	for _, f := range fields {
		required, def, doc := "", "", cell(f.doc)
		if f.required {
			required = "yes"
		}
		if f.hasDef {
			def = "`" + cell(f.def) + "`"
		}
		if f.example != "" {
			doc += " Example: `" + cell(f.example) + "`"
		}
		fmt.Fprintf(&p.out, "| `%s` | %s | %s | %s | %s |\n", f.name, p.typeName(f), required, def, strings.TrimSpace(doc))
	}
	prefix := path + "."
	if !strings.Contains(p.out.String(), "\n## ") {
		prefix = ""
	}
	for _, f := range fields {
		p.enqueue(prefix+f.name, f.typ)
	}
}

// enqueue plans a section for the first mapping or union inside a type.
func (p *page) enqueue(path string, t reflect.Type) {
	form := p.generator.decoder.formOf(t)
	switch form {
	case formPointer, formList:
		p.enqueue(path, t.Elem())
	case formMap:
		p.enqueue(path+".<name>", t.Elem())
	case formOrdered:
		p.enqueue(path+".<name>", reflect.New(t).Interface().(ordered).element())
	case formStruct, formUnion:
		if p.generator.names[t] == "" {
			p.generator.names[t] = path
			p.queue = append(p.queue, section{path: path, typ: t, form: form})
		}
	case formDecodable:
		// A type that decodes itself tells the mapping it is written as, if it
		// is one, while its schema is made.
		if s, ok := reflect.New(t).Interface().(Schemer); ok {
			s.DocumentSchema(func(prototype any) any {
				if keys := typeOf(prototype); p.generator.decoder.formOf(keys) == formStruct {
					p.enqueue(path, keys)
				}
				return object{}
			})
		}
	}
}

func cell(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "\n", " "), "|", "\\|")
}

func (p *page) typeName(f field) string {
	if len(f.enum) > 0 && f.form.scalar() {
		return "`" + strings.Join(f.enum, "` \\| `") + "`"
	}
	inner := func(t reflect.Type) string {
		in := f
		in.typ, in.form, in.single = t, p.generator.decoder.formOf(t), false
		return p.typeName(in)
	}
	switch f.form {
	case formPointer:
		in := f
		in.typ = f.typ.Elem()
		in.form = p.generator.decoder.formOf(in.typ)
		return p.typeName(in)
	case formList:
		if f.single {
			return inner(f.typ.Elem()) + ", or a list"
		}
		return "list of " + inner(f.typ.Elem())
	case formMap:
		return "mapping of name to " + inner(f.typ.Elem())
	case formOrdered:
		return "mapping of name to " + inner(reflect.New(f.typ).Interface().(ordered).element())
	case formStruct:
		return "mapping"
	case formUnion:
		return "one of several forms"
	case formDecodable:
		if t, ok := reflect.New(f.typ).Interface().(Describer); ok {
			return cell(t.DocumentType())
		}
		return "any"
	case formNode:
		return "any"
	case formExpr:
		return "expression"
	case formSecret:
		return "secret, a reference such as `${env:NAME}`"
	}
	return strings.TrimPrefix(strings.TrimPrefix(formName(f.form), "a "), "an ")
}
