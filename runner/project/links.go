package project

import (
	"context"
	"fmt"

	"github.com/tieout/tieout/pipelines"
	"github.com/tieout/tieout/runner/state"
	"github.com/tieout/tieout/schemas/record"
	"github.com/tieout/tieout/transforms"
)

// linkShape is the shape of the table a link is looked up in.
func linkShape() *record.Shape {
	return record.MustShape(record.NewField(transforms.LinkKey, record.Text), record.NewField(transforms.LinkID, record.Text))
}

// LinkScope is the scope of the links between two streams of the project.
func (p *Project) LinkScope(from, to, tenant string) state.LinkScope {
	return state.LinkScope{Project: p.Workspace.Project.Project.Value, Environment: p.options.Environment, Tenant: tenant, From: from, To: to}
}

// links reads the links between two streams as a table.
func (p *Project) links(ctx context.Context, from, to string, each *pipelines.Row) (*record.Batch, error) {
	store, err := p.LookState(ctx)
	if err != nil {
		return nil, err
	}
	defer store.Close()
	tenant := ""
	if each != nil {
		tenant = each.Name
	}
	b := new(record.Batch)
	b.Reset(linkShape(), 0)
	err = store.Links(ctx, p.LinkScope(from, to, tenant), func(l state.Link) error {
		if l.Tenant != tenant {
			return nil
		}
		if b.Rows >= tableRows {
			return fmt.Errorf("more than %d links", tableRows)
		}
		b.SetRows(b.Rows + 1)
		b.Columns[0].SetString(b.Rows-1, l.Key)
		b.Columns[1].SetString(b.Rows-1, l.ID)
		return nil
	})
	b.AllLive()
	return b, err
}
