package transforms

import (
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
)

// requireField returns the index of a field a step names. In an open shape a
// field that is not known yet may still exist: its index is then past the
// end, and the run fails if the source lacks it. -1 means it was reported.
func requireField(in *record.Shape, name document.Text, c *Context) int {
	if i := in.Index(name.Value); i >= 0 {
		return i
	}
	if in.Open {
		if c.Env.Assumed != nil {
			c.Env.Assumed(name.Value, name)
		}
		return len(in.Fields)
	}
	c.Report.ErrorAt(name, document.CodeStepMissingField, knownFields(in, name.Value), "there is no field %q", name.Value)
	return -1
}

func knownFields(in *record.Shape, wanted string) string {
	return document.Suggest(wanted, in.Names()).Hint
}

// assumedField is a field of an open shape that nothing is known about yet.
func assumedField(name string, c *Context) record.Field {
	return record.NewField(name, c.Env.Assume)
}

// planShape builds a step's output shape and reports a name that is there
// twice at the entry that brought it in.
func planShape[T any](fields []record.Field, open bool, entries []document.Entry[T], c *Context) *record.Shape {
	shape, err := record.NewShape(fields...)
	if err == nil {
		shape.Open = open
		return shape
	}
	seen := make(map[string]int)
	for i := range fields {
		seen[fields[i].Name]++
	}
	for i := range entries {
		if key := entries[i].Key; seen[key.Value] > 1 {
			c.Report.ErrorAt(key, document.CodeStepDuplicateField, "rename or leave out one of the two", "there is already a field %q", key.Value)
		}
	}
	return nil
}
