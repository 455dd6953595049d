package project

import (
	"context"
	"fmt"
	"slices"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/pipelines"
)

// CheckConnection proves that a connection works, as the pipelines use it: an
// SQLite file that only a sink writes need not be there yet. One that takes
// settings from the rows of for_each is proved for each row.
func (p *Project) CheckConnection(ctx context.Context, name string) error {
	rows := p.rowsOf(name)
	if len(rows) == 0 {
		return p.checkRow(ctx, name, nil)
	}
	for _, row := range rows {
		if err := p.checkRow(ctx, name, row); err != nil {
			return fmt.Errorf("for %s: %w", row.Name, err)
		}
	}
	return nil
}

// rowsOf lists the rows of for_each that pipelines use a connection with.
func (p *Project) rowsOf(name string) []*pipelines.Row {
	var rows []*pipelines.Row
	for _, one := range p.Workspace.Pipelines {
		uses := one.Sink.Connection.Value == name || one.Source.Connection.Value == name
		if uses && one.Each != nil && !slices.ContainsFunc(rows, func(r *pipelines.Row) bool { return r.Name == one.Each.Name }) {
			rows = append(rows, one.Each)
		}
	}
	return rows
}

func (p *Project) checkRow(ctx context.Context, name string, row *pipelines.Row) error {
	c, err := p.Workspace.Connection(name, row)
	if err != nil {
		return err
	}
	def := p.options.Registry.Lookup(c.Kind.Name)
	written := slices.ContainsFunc(p.Workspace.Pipelines, func(one *pipelines.Pipeline) bool { return one.Sink.Connection.Value == name })
	read := slices.ContainsFunc(p.Workspace.Pipelines, func(one *pipelines.Pipeline) bool { return one.Source.Connection.Value == name })
	if def.Sink != nil && (written || def.Source == nil) {
		sink, err := p.side(def, c, row)
		if err := checked(ctx, sink, err); err != nil {
			return err
		}
	}
	if def.Source == nil || written && !read {
		return nil
	}
	source, err := def.NewSource(p.env(name, row), c.Settings, def.Source())
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

// side is the sink of a connection, or what takes its place.
func (p *Project) side(def *connectors.Definition, c *pipelines.Connection, row *pipelines.Row) (any, error) {
	if def.NewTarget != nil {
		return def.NewTarget(p.env(c.Name, row), c.Settings, def.Sink())
	}
	return def.NewSink(p.env(c.Name, row), c.Settings, def.Sink())
}
