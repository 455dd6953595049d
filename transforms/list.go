package transforms

import (
	"slices"

	"github.com/tieout/tieout/schemas/document"
)

// Step is one entry of `transforms:`, such as `- filter: amount != 0`.
type Step struct {
	Name string
	At   document.Position
	Spec Spec
}

// Variants lists the steps an analyst may write.
func (s *Step) Variants() []document.Variant {
	return []document.Variant{
		{Name: "rename", Doc: "Give fields new names.", New: func() any { return new(document.Map[document.Text]) }},
		{Name: "select", Doc: "Keep only the named fields, in this order.", New: func() any { return new([]document.Text) }},
		{Name: "set", Doc: "Compute fields, one after the other.", New: func() any { return new(document.Map[document.Expr]) }},
		{Name: "filter", Doc: "Keep the records for which the expression is true.", New: func() any { return new(document.Expr) }},
		{Name: "lookup", Doc: "Add fields from a mapping table or another stream.", New: func() any { return new(Lookup) }},
		{Name: "link", Doc: "Find what a record is called in another system.", New: func() any { return new(Link) }},
		{Name: "explode", Doc: "Make one record of each element of a list.", New: func() any { return new(Explode) }},
		{Name: "lines", Doc: "Make several lines of one record.", New: func() any { return new(Lines) }},
		{Name: "group", Doc: "Make one document with lines of the records that agree in some fields.", New: func() any { return new(Group) }},
		{Name: "summarize", Doc: "Make one record of the records that agree in some fields.", New: func() any { return new(Summarize) }},
		{Name: "allocate", Doc: "Split an amount to the penny.", New: func() any { return new(Allocate) }},
		{Name: "dedupe", Doc: "Keep one record of those that agree in some fields.", New: func() any { return new(Dedupe) }},
	}
}

// UnknownVariant is the code of a step that does not exist, and what it is.
func (s *Step) UnknownVariant() (document.Code, string) { return document.CodeStepUnknown, "step" }

// SetVariant receives a decoded step.
func (s *Step) SetVariant(name string, value any, at document.Position) {
	s.Name, s.At = name, at
	switch v := value.(type) {
	case *document.Map[document.Text]:
		s.Spec = &Rename{Fields: *v}
	case *[]document.Text:
		s.Spec = &Select{Fields: *v}
	case *document.Map[document.Expr]:
		s.Spec = &Set{Fields: *v}
	case *document.Expr:
		s.Spec = &Filter{Keep: *v}
	case Spec:
		s.Spec = v
	}
}

// Sets reports whether the step may give a field another value, so that the
// field's sum over the same records may change.
func (s *Step) Sets(field string) bool {
	switch spec := s.Spec.(type) {
	case *Filter, *Select, *Dedupe:
		return false
	case *Set:
		_, sets := spec.Fields.Get(field)
		return sets
	case *Lookup:
		_, adds := spec.Add.Get(field)
		return adds
	case *Link:
		_, adds := spec.Fields.Get(field)
		return adds
	}
	return true
}

// Keeps tells the name that a field of the step's output had before it, when
// the step passes its value on as it is: the records of a group have the
// values of its by fields.
func (s *Step) Keeps(field string) (before string, kept bool) {
	switch spec := s.Spec.(type) {
	case *Rename:
		if old, renamed := spec.Fields.Get(field); renamed {
			return old.Value, true
		}
		return field, true
	case *Filter, *Select, *Dedupe, *Set, *Lookup:
		return field, !s.Sets(field)
	case *Allocate:
		return field, field != spec.Set.Value
	case *Lines:
		return field, field != spec.As.Value
	case *Explode:
		return field, field != spec.As.Value
	case *Group:
		return field, named(spec.By, field)
	case *Summarize:
		return field, named(spec.By, field)
	}
	return "", false
}

func named(list []document.Text, name string) bool {
	return slices.ContainsFunc(list, func(t document.Text) bool { return t.Value == name })
}
