package runner

import (
	"slices"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/pipelines"
	"github.com/tieout/tieout/schemas/record"
	"github.com/tieout/tieout/transforms"
	"github.com/tieout/tieout/transforms/fieldtype"
)

// undeclared names the fields of a load that the source has, that nobody
// declared and that came through the steps under their own names: a target
// that lacks one may be given a column for it. What the sink's settings name
// is not among them, as a name written there is meant for a column that is
// there.
func undeclared(p *pipelines.Pipeline, in *record.Shape, load *connectors.Load) (names []string) {
	if p.Policy().Extra != pipelines.Evolve {
		return nil
	}
	for i := range load.Shape.Fields {
		name := load.Shape.Fields[i].Name
		named := slices.Contains(load.Key, name) || slices.ContainsFunc(load.Where, func(c connectors.Condition) bool { return c.Field == name })
		change := name == pipelines.ChangeField && p.Source.Compares()
		if !named && !change && brought(p, in, name) && untouched(p, name) {
			names = append(names, name)
		}
	}
	return names
}

// brought reports whether the source has a field that is not declared, in its
// records or in the elements of a list that a step explodes beside them.
func brought(p *pipelines.Pipeline, in *record.Shape, name string) bool {
	types := p.Source.Types()
	if in.Index(name) >= 0 {
		return !slices.Contains(types.Keys(), name)
	}
	for i := range p.Transforms {
		explode, is := p.Transforms[i].Spec.(*transforms.Explode)
		if !is || explode.As.Value != "" {
			continue
		}
		at := in.Index(explode.List.Value)
		if at < 0 || in.Fields[at].Child == nil || in.Fields[at].Child.Index(name) < 0 {
			continue
		}
		list, _ := types.Get(explode.List.Value)
		return !declares(&list, name)
	}
	return false
}

// declares reports whether the type of a list names a field of its elements.
func declares(list *fieldtype.Type, name string) bool {
	return slices.Contains(list.Fields.Keys(), name)
}

// untouched reports whether a field comes through all steps as it is.
func untouched(p *pipelines.Pipeline, name string) bool {
	for i := range p.Transforms {
		if before, kept := p.Transforms[i].Keeps(name); !kept || before != name {
			return false
		}
	}
	return true
}
