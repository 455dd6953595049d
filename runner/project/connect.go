package project

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/auth"
	"github.com/tieout/tieout/connectors/web"
	"github.com/tieout/tieout/pipelines"
	"github.com/tieout/tieout/runner/state"
	"github.com/tieout/tieout/runner/vault"
)

// newVault makes the vault of the project: beside a SQLite state, or in the
// database of a PostgreSQL state.
func (p *Project) newVault() *vault.Vault {
	if p.Workspace.Project == nil {
		return nil
	}
	return vault.New(vault.Options{Project: p.Workspace.Project.Project.Value, KeyFile: filepath.Join(p.StateDir(), "key"),
		Getenv: p.options.Getenv, Open: p.openVault})
}

func (p *Project) openVault(ctx context.Context) (vault.Backend, error) {
	place, err := p.statePlace()
	if err != nil {
		return nil, err
	}
	if !state.IsURL(place) {
		return vault.Files{Dir: filepath.Join(filepath.Dir(place), "vault")}, nil
	}
	store, err := state.Open(ctx, place, p.options.Now)
	if err != nil {
		return nil, err
	}
	return store.Safe(p.Workspace.Project.Project.Value), nil
}

// Settings resolves the settings of a connection for use apart from a
// pipeline. The error says what is wrong with them.
func (p *Project) Settings(name string) (*pipelines.Connection, error) {
	c, _, err := p.settings(name, "")
	return c, err
}

// settings is Settings for a row of for_each; "" takes the first there is.
func (p *Project) settings(name, each string) (c *pipelines.Connection, row *pipelines.Row, err error) {
	rows := p.rowsOf(name)
	if len(rows) > 0 {
		row = rows[0]
	}
	if each != "" {
		i := slices.IndexFunc(rows, func(r *pipelines.Row) bool { return r.Name == each })
		if i < 0 {
			return nil, nil, fmt.Errorf("%w: no pipeline with for_each uses connection %q for a row %q", connectors.ErrConfig, name, each)
		}
		row = rows[i]
	}
	c, err = p.Workspace.Connection(name, row)
	return c, row, err
}

// Consent begins to ask for the consent of a person, if the connection needs
// one; it is nil otherwise. each is the row of for_each it is for, where each
// row has a consent of its own. A port that is not 0 is listened on instead of
// that of the settings. The caller closes it.
func (p *Project) Consent(name, each string, port int) (*auth.Consent, error) {
	c, row, err := p.settings(name, each)
	if err != nil {
		return nil, err
	}
	holder, holds := c.Settings.(auth.Holder)
	if !holds || !holder.Authentication().NeedsConsent() {
		return nil, nil
	}
	if holder.Authentication().PerRow() && each == "" {
		var names []string
		for _, r := range p.rowsOf(name) {
			names = append(names, r.Name)
		}
		return nil, fmt.Errorf("%w: each row of for_each has a consent of its own to connection %q; name one with --each: %s", connectors.ErrConfig, name, strings.Join(names, ", "))
	}
	return auth.NewConsent(*holder.Authentication(), p.env(name, row), web.Options{Now: p.options.Now}, port)
}

// Kept tells what is kept of the consent to a connection, of the one that ends
// first where each row of for_each has its own; found is false when nothing
// is, and for connections that keep nothing.
func (p *Project) Kept(ctx context.Context, name string) (k auth.Kept, found bool, err error) {
	c, first, err := p.settings(name, "")
	if err != nil {
		return auth.Kept{}, false, err
	}
	holder, holds := c.Settings.(auth.Holder)
	if !holds || !holder.Authentication().Keeps() {
		return auth.Kept{}, false, nil
	}
	rows := []*pipelines.Row{first}
	if holder.Authentication().PerRow() {
		rows = p.rowsOf(name)
	}
	for _, row := range rows {
		one, has, err := auth.Look(ctx, holder.Authentication(), p.env(name, row), p.vault.Look)
		if err != nil {
			return auth.Kept{}, false, err
		}
		if has && (!found || !one.Ends.IsZero() && (k.Ends.IsZero() || one.Ends.Before(k.Ends))) {
			k, found = one, true
		}
	}
	return k, found, nil
}

// DDL gives the statements that make what the sink of a connection keeps its
// ledger in.
func (p *Project) DDL(name string) (string, error) {
	c, err := p.Settings(name)
	if err != nil {
		return "", err
	}
	def := p.options.Registry.Lookup(c.Kind.Name)
	if def.NewTarget != nil {
		return "", fmt.Errorf("%w: connection %q (%s) is a service: its ledger and positions are kept in the state, so there are no statements to run", connectors.ErrConfig, name, def.Name)
	}
	if def.NewSink == nil || def.Sink == nil {
		return "", fmt.Errorf("%w: connection %q (%s) is not written to, so there are no tables to make", connectors.ErrConfig, name, def.Name)
	}
	sinks := p.sinksOf(name)
	if len(sinks) == 0 {
		one, err := def.NewSink(p.env(name, nil), c.Settings, def.Sink())
		if err != nil {
			return "", err
		}
		sinks = append(sinks, one)
	}
	var texts []string
	for _, sink := range sinks {
		scripter, can := sink.(connectors.Scripter)
		if !can {
			return "", fmt.Errorf("%w: connection %q (%s) keeps its ledger without tables of its own, so there are no statements to run", connectors.ErrConfig, name, def.Name)
		}
		text, err := scripter.DDL()
		if err != nil {
			return "", err
		}
		if !slices.Contains(texts, text) {
			texts = append(texts, text)
		}
	}
	return strings.Join(texts, "\n\n"), nil
}

// sinksOf builds the sinks of the pipelines that write to a connection: each
// says where its ledger stands. One that cannot be built says why when it
// runs.
func (p *Project) sinksOf(connection string) (sinks []connectors.Sink) {
	for _, pipeline := range p.Workspace.Pipelines {
		if pipeline.Sink.Connection.Value != connection {
			continue
		}
		resolved, err := p.Workspace.Resolved(pipeline)
		if err != nil {
			continue
		}
		if sink, err := p.sink(resolved, ""); err == nil {
			sinks = append(sinks, sink)
		}
	}
	return sinks
}

// ConnectorOf names the connector of a connection, "" for one that is not
// known.
func (p *Project) ConnectorOf(name string) string {
	if p.Workspace.Project == nil {
		return ""
	}
	c, ok := p.Workspace.Project.Connections.Get(name)
	if !ok || c.Node.Get("connector") == nil {
		return ""
	}
	return c.Node.Get("connector").Text()
}
