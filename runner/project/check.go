package project

import (
	"context"
	"slices"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/pipelines"
)

// CheckConnection proves that a connection works, as the pipelines use it: an
// SQLite file that only a sink writes need not be there yet.
func (p *Project) CheckConnection(ctx context.Context, name string) error {
	c, err := p.Workspace.Connection(name, nil)
	if err != nil {
		return err
	}
	def := p.options.Registry.Lookup(c.Kind.Name)
	written := slices.ContainsFunc(p.Workspace.Pipelines, func(one *pipelines.Pipeline) bool { return one.Sink.Connection.Value == name })
	read := slices.ContainsFunc(p.Workspace.Pipelines, func(one *pipelines.Pipeline) bool { return one.Source.Connection.Value == name })
	if def.Sink != nil && (written || def.Source == nil) {
		sink, err := def.NewSink(p.env(), c.Settings, def.Sink())
		if err := checked(ctx, sink, err); err != nil {
			return err
		}
	}
	if def.Source == nil || written && !read {
		return nil
	}
	source, err := def.NewSource(p.env(), c.Settings, def.Source())
	return checked(ctx, source, err)
}

// checked asks one side of a connection, if it can tell.
func checked(ctx context.Context, side any, err error) error {
	if err != nil {
		return err
	}
	if checker, can := side.(connectors.Checker); can {
		return checker.Check(ctx)
	}
	return nil
}
