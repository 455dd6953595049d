package document

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// Schema writes the JSON Schema (draft 2020-12) of a document kind from the
// structs it is decoded into. Several prototypes make one mapping, as in Decode.
// The output is the same for the same structs.
func Schema(kind string, prototypes ...any) ([]byte, error) {
	g := &generator{decoder: &Decoder{}, defs: make(map[string]any), names: make(map[reflect.Type]string)}
	types := make([]reflect.Type, len(prototypes))
	for i, p := range prototypes {
		types[i] = typeOf(p)
	}
	root := g.object(types)
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = kind
	if len(g.defs) > 0 {
		root["$defs"] = g.defs
	}
	raw, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write the schema of %s: %w", kind, err)
	}
	return append(raw, '\n'), nil
}

func typeOf(prototype any) reflect.Type {
	t := reflect.TypeOf(prototype)
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t
}

type object = map[string]any

// generator collects the definitions of named types, so that a type that holds
// itself ends.
type generator struct {
	decoder *Decoder
	defs    map[string]any
	names   map[reflect.Type]string
}

// object describes one mapping made of several structs.
func (g *generator) object(types []reflect.Type) object {
	properties := object{}
	var required []string
	for _, t := range types {
		for _, f := range g.decoder.structOf(t).fields {
			properties[f.name] = g.field(f)
			if f.required && !contains(required, f.name) {
				required = append(required, f.name)
			}
		}
	}
	o := object{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		o["required"] = required
	}
	return o
}

func (g *generator) field(f field) object {
	o := g.fieldType(f)
	if f.doc != "" {
		o["description"] = f.doc
	}
	if f.hasDef {
		o["default"] = jsonDefault(f)
	}
	if f.example != "" {
		o["examples"] = []any{exampleValue(f)}
	}
	return o
}

// fieldType is the type's schema with the field's choices, references and single
// form worked in.
func (g *generator) fieldType(f field) object {
	if f.form == formPointer {
		f.typ = f.typ.Elem()
		f.form = g.decoder.formOf(f.typ)
		return g.fieldType(f)
	}
	switch f.form {
	case formList:
		item := f
		item.single, item.typ = false, f.typ.Elem()
		item.form = g.decoder.formOf(item.typ)
		one := g.fieldType(item)
		list := object{"type": "array", "items": one}
		if f.single {
			return object{"anyOf": []any{one, list}}
		}
		return list
	case formMap:
		item := f
		item.typ = f.typ.Elem()
		item.form = g.decoder.formOf(item.typ)
		return object{"type": "object", "additionalProperties": g.fieldType(item)}
	case formOrdered:
		item := f
		item.typ = reflect.New(f.typ).Interface().(ordered).element()
		item.form = g.decoder.formOf(item.typ)
		return object{"type": "object", "additionalProperties": g.fieldType(item)}
	}
	return g.leaf(f)
}

func (g *generator) leaf(f field) object {
	switch {
	case len(f.enum) > 0:
		choices := object{"enum": f.enum}
		if f.ref {
			return object{"anyOf": []any{choices, referenceSchema()}}
		}
		return choices
	case !f.form.scalar():
		return g.named(f.typ, f.form)
	}
	o := scalarSchema(f.form)
	if f.ref && f.form != formString && f.form != formText {
		return object{"anyOf": []any{o, referenceSchema()}}
	}
	return o
}

func referenceSchema() object {
	return object{"type": "string", "pattern": `\$\{(` + strings.Join(referenceSchemes(), "|") + `):[^}]+\}`}
}

// scalarSchema allows what YAML may make of the text: an editor reads 0123 as a
// number where the decoder keeps it as text.
func scalarSchema(f form) object {
	switch f {
	case formBool:
		return object{"type": "boolean"}
	case formInt:
		return object{"type": "integer"}
	case formDuration:
		return object{"type": "string", "pattern": `^[0-9]+(ms|s|m|h|d)$`}
	case formPercent:
		return object{"type": "string", "pattern": `^[-+]?[0-9]+(\.[0-9]+)?\s*%$`}
	case formSize:
		return object{"type": "string", "pattern": `^[0-9]+([KMGT]iB|[KMGT]B|B)$`}
	case formDecimal:
		return object{"anyOf": []any{object{"type": "number"}, object{"type": "string", "pattern": `^[-+]?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?$`}}}
	}
	return object{"type": []any{"string", "number", "boolean"}}
}

// named gives a reference to a type's definition, made on first use.
func (g *generator) named(t reflect.Type, f form) object {
	if f == formNode {
		return object{}
	}
	if t.Name() == "" {
		return g.define(t, f)
	}
	name, done := g.names[t]
	if !done {
		name = t.Name()
		for n := 2; g.defs[name] != nil; n++ {
			name = t.Name() + strconv.Itoa(n)
		}
		g.names[t] = name
		g.defs[name] = object{}
		g.defs[name] = g.define(t, f)
	}
	return object{"$ref": "#/$defs/" + strings.NewReplacer("~", "~0", "/", "~1", "%", "%25", "[", "%5B", "]", "%5D").Replace(name)}
}

func (g *generator) define(t reflect.Type, f form) object {
	switch f {
	case formUnion:
		return g.union(t)
	case formDecodable:
		if s, ok := reflect.New(t).Interface().(Schemer); ok {
			if o, ok := s.DocumentSchema(g.sub).(object); ok {
				return o
			}
		}
		return object{}
	}
	return g.object([]reflect.Type{t})
}

func (g *generator) sub(prototype any) any {
	t := typeOf(prototype)
	return g.fieldType(field{typ: t, form: g.decoder.formOf(t)})
}

// union is a choice of mappings with one key each, beside the common keys.
func (g *generator) union(t reflect.Type) object {
	u := reflect.New(t).Interface().(Union)
	var forms []any
	for _, v := range u.Variants() {
		forms = append(forms, g.variant(u, v))
		if v.Bare {
			forms = append(forms, object{"const": v.Name})
		}
	}
	return object{"oneOf": forms}
}

func (g *generator) variant(u Union, v Variant) object {
	inner := typeOf(v.New())
	value := g.fieldType(field{typ: inner, form: g.decoder.formOf(inner)})
	if v.Bare {
		value = object{"anyOf": []any{value, object{"type": "null"}}}
	}
	if v.Doc != "" {
		value["description"] = v.Doc
	}
	o := object{"type": "object", "properties": object{}, "additionalProperties": false}
	required := []string{v.Name}
	if c, ok := u.(Companion); ok {
		beside := g.object([]reflect.Type{typeOf(c.Beside())})
		o["properties"] = beside["properties"]
		if more, ok := beside["required"].([]string); ok {
			required = append(required, more...)
		}
	}
	o["properties"].(object)[v.Name] = value
	o["required"] = required
	return o
}

// jsonDefault writes a default as the JSON value an editor would insert.
func jsonDefault(f field) any {
	t := f.typ
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch classify(t) {
	case formBool:
		return f.def == "true"
	case formInt, formDecimal:
		return json.RawMessage(f.def)
	case formList:
		return strings.Split(f.def, ",")
	}
	return f.def
}

// exampleValue keeps an example as text unless it is a value of another type.
func exampleValue(f field) any {
	if f.form == formInt || f.form == formBool {
		if json.Valid([]byte(f.example)) {
			return json.RawMessage(f.example)
		}
	}
	return f.example
}
