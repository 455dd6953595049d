package runner

import (
	"fmt"

	"github.com/tieout/tieout/schemas/record"
)

// Entry is the shape of the records at a place where a held one may enter
// again: before the first step, after each step that gathers, and before the
// sink. A retry rebuilds its records from it.
type Entry struct {
	Enter  int          `json:"enter"` // index of the step the records come to
	Fields []EntryField `json:"fields"`
}

// EntryField is one field of an Entry.
type EntryField struct {
	Name    string       `json:"name"`
	Kind    string       `json:"kind"`
	Scale   *int32       `json:"scale,omitempty"`
	Inexact bool         `json:"inexact,omitempty"`
	Fields  []EntryField `json:"fields,omitempty"`
}

// entries lists the places of a chain.
func (ch *chain) entries() []Entry {
	var out []Entry
	for i := range ch.segments {
		out = append(out, Entry{Enter: ch.segments[i].first, Fields: FieldsOf(ch.segments[i].in)})
	}
	if last := len(ch.steps); out[len(out)-1].Enter != last {
		out = append(out, Entry{Enter: last, Fields: FieldsOf(ch.out)})
	}
	return out
}

// FieldsOf writes a shape down.
func FieldsOf(s *record.Shape) []EntryField {
	out := make([]EntryField, len(s.Fields))
	for i := range s.Fields {
		f := &s.Fields[i]
		out[i] = EntryField{Name: f.Name, Kind: f.Kind.String(), Inexact: f.Inexact}
		if f.Scale != record.NoScale {
			out[i].Scale = &f.Scale
		}
		if f.Child != nil {
			out[i].Fields = FieldsOf(f.Child)
		}
	}
	return out
}

// Shape rebuilds the shape of an entry.
func (e *Entry) Shape() (*record.Shape, error) { return entryShape(e.Fields) }

func entryShape(fields []EntryField) (*record.Shape, error) {
	out := make([]record.Field, len(fields))
	for i, f := range fields {
		kind, known := record.ParseKind(f.Kind)
		if !known {
			return nil, fmt.Errorf("field %q has the unknown kind %q", f.Name, f.Kind)
		}
		out[i] = record.NewField(f.Name, kind)
		out[i].Inexact = f.Inexact
		if f.Scale != nil {
			out[i].Scale = *f.Scale
		}
		if len(f.Fields) > 0 {
			child, err := entryShape(f.Fields)
			if err != nil {
				return nil, err
			}
			out[i].Child = child
		}
	}
	return record.NewShape(out...)
}
