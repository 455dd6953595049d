package pipelines

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/tieout/tieout/schemas/document"
)

// Schemas writes the JSON Schemas that editors use, by file name:
// project.schema.json and pipeline.schema.json. What belongs to connectors is
// taken from the list.
func Schemas(list Connectors) (map[string][]byte, error) {
	project, err := schemaOf("tieout.yaml", Project{})
	if err != nil {
		return nil, err
	}
	if err := project.define("Connection", connectionSchema(list)); err != nil {
		return nil, err
	}
	if tieout := project.key("tieout"); tieout != nil {
		tieout["enum"] = []any{json.Number("1")} // a number, where a choice is text
	}
	pipeline, err := schemaOf("pipeline", Pipeline{})
	if err != nil {
		return nil, err
	}
	var sources, sinks []any
	for _, c := range all(list) {
		sources, sinks = appendKeys(sources, c.Source), appendKeys(sinks, c.Sink)
	}
	if err := pipeline.define("Source", union(sourceKeys{}, sources)); err != nil {
		return nil, err
	}
	if err := pipeline.define("Sink", union(sinkKeys{}, sinks)); err != nil {
		return nil, err
	}
	pipeline.listedTypes()
	out := make(map[string][]byte)
	for name, s := range map[string]schema{"project.schema.json": project, "pipeline.schema.json": pipeline} {
		raw, err := json.MarshalIndent(s, "", "  ")
		if err != nil {
			return nil, fmt.Errorf("write %s: %w", name, err)
		}
		out[name] = append(raw, '\n')
	}
	return out, nil
}

// all lists the connectors by name.
func all(list Connectors) []Connector {
	var out []Connector
	for _, name := range list.Names() {
		if c, ok := list.Lookup(name); ok {
			out = append(out, c)
		}
	}
	return out
}

func appendKeys(to []any, prototype func() any) []any {
	if prototype == nil {
		return to
	}
	return append(to, prototype())
}

// schema is a JSON Schema as it is encoded.
type schema map[string]any

func schemaOf(title string, prototypes ...any) (schema, error) {
	raw, err := document.Schema(title, prototypes...)
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var s schema
	if err := d.Decode(&s); err != nil {
		return nil, fmt.Errorf("read the schema of %s: %w", title, err)
	}
	return s, nil
}

// key gives what a key of the document takes.
func (s schema) key(name string) map[string]any {
	properties, _ := s["properties"].(map[string]any)
	key, _ := properties[name].(map[string]any)
	return key
}

// listedTypes takes types with names of their own out of a schema: only a
// connection can give a type a name.
func (s schema) listedTypes() {
	defs, _ := s["$defs"].(map[string]any)
	kind, _ := defs["Type"].(map[string]any)
	forms, _ := kind["anyOf"].([]any)
	kind["anyOf"] = slices.DeleteFunc(forms, func(form any) bool { return sameJSON(form, map[string]any{"type": "string"}) })
}

// define replaces a definition by a schema of its own, whose definitions move
// up beside it.
func (s schema) define(name string, make func() (schema, error)) error {
	part, err := make()
	if err != nil {
		return err
	}
	defs, ok := s["$defs"].(map[string]any)
	if !ok || defs[name] == nil {
		return fmt.Errorf("the schema has no definition %q", name)
	}
	inner, _ := part["$defs"].(map[string]any)
	for _, key := range slices.Sorted(maps.Keys(inner)) {
		if known, clash := defs[key]; clash && !sameJSON(known, inner[key]) {
			return fmt.Errorf("two definitions are named %q", key)
		}
		defs[key] = inner[key]
	}
	for _, key := range []string{"$defs", "$schema", "title"} {
		delete(part, key)
	}
	defs[name] = part
	return nil
}

func sameJSON(a, b any) bool {
	x, errA := json.Marshal(a)
	y, errB := json.Marshal(b)
	return errA == nil && errB == nil && bytes.Equal(x, y)
}

// union allows the common keys and those of every connector: which connector
// it is stands in another file, so an editor cannot know. Only the common
// keys are required.
func union(common any, options []any) func() (schema, error) {
	return func() (schema, error) {
		s, err := schemaOf("keys", append([]any{common}, options...)...)
		if err != nil {
			return nil, err
		}
		plain, err := schemaOf("keys", common)
		if err != nil {
			return nil, err
		}
		s["required"] = plain["required"]
		return s, nil
	}
}

// connectionSchema is a choice of connectors, each with its own keys.
func connectionSchema(list Connectors) func() (schema, error) {
	return func() (schema, error) {
		var forms []any
		defs := make(map[string]any)
		for _, c := range all(list) {
			s, err := schemaOf(c.Name, connectionKeys{}, c.Connection())
			if err != nil {
				return nil, err
			}
			if properties, ok := s["properties"].(map[string]any); ok {
				properties["connector"] = map[string]any{"const": c.Name, "description": c.Summary}
			}
			if inner, ok := s["$defs"].(map[string]any); ok {
				maps.Copy(defs, inner)
			}
			delete(s, "$defs")
			delete(s, "$schema")
			forms = append(forms, s)
		}
		return schema{"oneOf": forms, "$defs": defs}, nil
	}
}
