package document

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/tieout/tieout/schemas/decimal"
)

// form is how a Go type is decoded.
type form uint8

const (
	formStruct form = iota
	formString
	formBool
	formInt
	formText
	formExpr
	formSecret
	formDuration
	formPercent
	formSize
	formDecimal
	formNode
	formDecodable
	formUnion
	formOrdered
	formPointer
	formList
	formMap
)

// scalar reports the forms that are written as one value.
func (f form) scalar() bool { return f >= formString && f <= formDecimal }

// structType is what the tags of one struct say. Fields of embedded structs are
// part of it.
type structType struct {
	typ    reflect.Type
	fields []field
	byName map[string]int
	self   [][]int // fields tagged yaml:"." that receive the mapping's own node
}

// field is one key of a mapping.
type field struct {
	name     string
	index    []int
	typ      reflect.Type
	form     form
	required bool
	single   bool // one_or_list
	ref      bool
	enum     []string
	def      string
	hasDef   bool
	doc      string
	example  string
}

// structOf reads a struct's tags once. A tag it cannot read is a mistake in the
// program and panics, so that the first test finds it.
func (d *Decoder) structOf(t reflect.Type) *structType {
	if st := d.types[t]; st != nil {
		return st
	}
	st := &structType{typ: t, byName: make(map[string]int)}
	d.collect(st, t, nil)
	for i := range st.fields {
		st.byName[st.fields[i].name] = i
	}
	if d.types == nil {
		d.types = make(map[reflect.Type]*structType)
	}
	d.types[t] = st
	return st
}

func (d *Decoder) collect(st *structType, t reflect.Type, prefix []int) {
	for i := range t.NumField() {
		sf := t.Field(i)
		index := append(append([]int(nil), prefix...), i)
		tag, tagged := sf.Tag.Lookup("yaml")
		name, option, _ := strings.Cut(tag, ",")
		switch {
		case name == "-" || !sf.IsExported() && !sf.Anonymous:
		case sf.Anonymous && name == "" || option == "inline":
			d.collect(st, sf.Type, index)
		case name == ".":
			st.self = append(st.self, index)
		case !tagged || name == "":
			panic(fmt.Sprintf("document: field %s of %s has no yaml tag", sf.Name, t))
		default:
			st.fields = append(st.fields, d.fieldOf(sf, name, option, index))
		}
	}
}

func (d *Decoder) fieldOf(sf reflect.StructField, name, option string, index []int) field {
	f := field{name: name, index: index, typ: sf.Type, form: d.formOf(sf.Type), single: option == "one_or_list"}
	f.required = sf.Tag.Get("required") == "true"
	f.ref = sf.Tag.Get("ref") == "true"
	f.doc, f.example = sf.Tag.Get("doc"), sf.Tag.Get("example")
	f.def, f.hasDef = sf.Tag.Lookup("default")
	if enum := sf.Tag.Get("enum"); enum != "" {
		f.enum = strings.Split(enum, ",")
	}
	return f
}

// ordered is what every Map[T] offers the decoder.
type ordered interface {
	appendEntry(key Text) any
	element() reflect.Type
}

func (m *Map[T]) appendEntry(key Text) any {
	m.Entries = append(m.Entries, Entry[T]{Key: key})
	return &m.Entries[len(m.Entries)-1].Value
}

func (m *Map[T]) element() reflect.Type { return reflect.TypeFor[T]() }

// formOf classifies a type.
func (d *Decoder) formOf(t reflect.Type) form {
	if f, ok := d.forms[t]; ok {
		return f
	}
	f := classify(t)
	if d.forms == nil {
		d.forms = make(map[reflect.Type]form)
	}
	d.forms[t] = f
	return f
}

func classify(t reflect.Type) form {
	switch t {
	case reflect.TypeFor[Text]():
		return formText
	case reflect.TypeFor[Expr]():
		return formExpr
	case reflect.TypeFor[Secret]():
		return formSecret
	case reflect.TypeFor[Duration]():
		return formDuration
	case reflect.TypeFor[Percent]():
		return formPercent
	case reflect.TypeFor[Size]():
		return formSize
	case reflect.TypeFor[decimal.Decimal]():
		return formDecimal
	case reflect.TypeFor[*Node]():
		return formNode
	}
	switch p := reflect.PointerTo(t); {
	case p.Implements(reflect.TypeFor[Decodable]()):
		return formDecodable
	case p.Implements(reflect.TypeFor[Union]()):
		return formUnion
	case p.Implements(reflect.TypeFor[ordered]()):
		return formOrdered
	}
	return classifyKind(t)
}

func classifyKind(t reflect.Type) form {
	switch t.Kind() {
	case reflect.String:
		return formString
	case reflect.Bool:
		return formBool
	case reflect.Int, reflect.Int64, reflect.Int32, reflect.Int16, reflect.Int8:
		return formInt
	case reflect.Pointer:
		return formPointer
	case reflect.Slice:
		return formList
	case reflect.Map:
		if t.Key().Kind() == reflect.String {
			return formMap
		}
	case reflect.Struct:
		return formStruct
	}
	panic(fmt.Sprintf("document: a value of type %s cannot be decoded", t))
}
