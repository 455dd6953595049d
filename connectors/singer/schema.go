package singer

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/go-faster/jx"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/record"
)

// jsonSchema is what is read of the JSON Schema of a stream.
type jsonSchema struct {
	Type       types        `json:"type"`
	Format     string       `json:"format"`
	Properties members      `json:"properties"`
	Items      *jsonSchema  `json:"items"`
	AnyOf      []jsonSchema `json:"anyOf"`
	OneOf      []jsonSchema `json:"oneOf"`
}

// types is one name or several.
type types []string

// UnmarshalJSON reads both.
func (t *types) UnmarshalJSON(text []byte) error {
	if len(text) > 0 && text[0] == '"' {
		*t = types{""}
		return json.Unmarshal(text, &(*t)[0])
	}
	return json.Unmarshal(text, (*[]string)(t))
}

// members are properties in the order they are written.
type members struct {
	names   []string
	schemas []jsonSchema
}

// UnmarshalJSON reads a mapping.
func (m *members) UnmarshalJSON(text []byte) error {
	return jx.DecodeBytes(text).Obj(func(d *jx.Decoder, name string) error {
		raw, err := d.Raw()
		if err != nil {
			return err
		}
		var one jsonSchema
		if len(raw) > 0 && raw[0] == '{' { // true stands for anything
			if err := json.Unmarshal(raw, &one); err != nil {
				return fmt.Errorf("%q: %w", name, err)
			}
		}
		m.names, m.schemas = append(m.names, name), append(m.schemas, one)
		return nil
	})
}

// fieldsOf gives the fields a schema declares.
func fieldsOf(text []byte, limits connectors.Limits) ([]connectors.FieldSpec, error) {
	var s jsonSchema
	if err := json.Unmarshal(text, &s); err != nil {
		return nil, fmt.Errorf("it cannot be read: %w", err)
	}
	return s.fields(limits.Depth, limits.FieldCount)
}

func (s *jsonSchema) fields(depth, most int) ([]connectors.FieldSpec, error) {
	if depth == 0 || len(s.Properties.names) > most {
		return nil, fmt.Errorf("it has more than %d fields, or is nested too deep", most)
	}
	var list []connectors.FieldSpec
	for i, name := range s.Properties.names {
		if name == "" {
			continue // no field can be called ""
		}
		f, known, err := s.Properties.schemas[i].field(name, depth, most)
		if err != nil {
			return nil, err
		}
		if known {
			list = append(list, f)
		}
	}
	return list, nil
}

// field is what a property becomes; known is false where its type is not told.
func (s *jsonSchema) field(name string, depth, most int) (f connectors.FieldSpec, known bool, err error) {
	f = connectors.FieldSpec{Name: name, Columns: []string{name}, Scale: record.NoScale, Optional: true}
	if alternatives := slices.Concat(s.AnyOf, s.OneOf); len(s.Type) == 0 && len(alternatives) > 0 {
		return eitherOf(f, alternatives, depth, most)
	}
	kinds := slices.DeleteFunc(slices.Clone(s.Type), func(t string) bool { return t == "null" })
	if slices.Contains(kinds, "number") {
		kinds = slices.DeleteFunc(kinds, func(t string) bool { return t == "integer" })
	}
	if len(kinds) == 0 {
		return f, false, nil
	}
	if len(kinds) > 1 { // values of several types are told apart by nobody
		f.Kind = record.Text
		return f, !slices.Contains(kinds, "object") && !slices.Contains(kinds, "array"), nil
	}
	return s.plain(f, kinds[0], depth, most)
}

func (s *jsonSchema) plain(f connectors.FieldSpec, kind string, depth, most int) (connectors.FieldSpec, bool, error) {
	var err error
	switch kind {
	case "number":
		f.Kind = record.Decimal
	case "integer":
		f.Kind = record.Integer
	case "boolean":
		f.Kind = record.Boolean
	case "string":
		f.Kind = map[string]record.Kind{"date-time": record.Timestamp, "date": record.Date, "singer.decimal": record.Decimal}[s.Format]
		if f.Kind == record.Unknown {
			f.Kind = record.Text
		}
	case "object":
		f.Kind = record.Record
		f.Fields, err = s.fields(depth-1, most)
	case "array":
		if f.Kind = record.List; s.Items != nil {
			f.Fields, err = s.Items.fields(depth-1, most)
		}
	default:
		return f, false, nil
	}
	return f, true, err
}

// eitherOf is the field of a property that may be one of several: their type
// when they agree, text when they do not.
func eitherOf(f connectors.FieldSpec, alternatives []jsonSchema, depth, most int) (connectors.FieldSpec, bool, error) {
	found := false
	out := f
	for i := range alternatives {
		one, known, err := alternatives[i].field(f.Name, depth-1, most)
		if err != nil {
			return f, false, err
		}
		switch {
		case !known:
		case !found:
			out, found = one, true
		case one.Kind != out.Kind && (one.Kind.Nested() || out.Kind.Nested()):
			return f, false, nil
		case one.Kind != out.Kind:
			out = f
			out.Kind = record.Text
		}
	}
	return out, found, nil
}

// lay puts the fields a pipeline declares before those of the schema.
func lay(declared, fromSchema []connectors.FieldSpec, wanted []string) []connectors.FieldSpec {
	out := slices.Clone(declared)
	for _, f := range fromSchema {
		taken := slices.ContainsFunc(declared, func(d connectors.FieldSpec) bool {
			return d.Name == f.Name || slices.Contains(d.Columns, f.Name)
		})
		if !taken && (wanted == nil || slices.Contains(wanted, f.Name)) {
			out = append(out, f)
		}
	}
	return out
}
