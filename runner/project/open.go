package project

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/pipelines"
	"github.com/tieout/tieout/runner/state"
	"github.com/tieout/tieout/runner/vault"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
	"github.com/tieout/tieout/transforms"
)

// Options say which project to open and what of the world it may use.
type Options struct {
	Dir         string // the folder of tieout.yaml
	Environment string
	Vars        map[string]string
	Registry    *connectors.Registry
	Now         func() time.Time
	NewID       func() string // UUIDv7
	Getenv      func(string) (string, bool)
	Log         *slog.Logger
	// AllowUnprotected lets documents be sent to services that are not on this
	// machine.
	AllowUnprotected bool
}

// Project is an open folder of pipelines. Nothing is connected until a run,
// a preview or a look at the state asks for it.
type Project struct {
	Workspace *pipelines.Workspace
	options   Options
	vault     *vault.Vault
}

// Open loads and checks every file of the folder. It reads no secret and
// opens no socket; what is wrong with the files is in Workspace.Report.
func Open(o Options) *Project {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	p := &Project{options: o}
	p.Workspace = pipelines.Load(os.DirFS(o.Dir), pipelines.Options{
		Connectors:  registry{o.Registry},
		Dir:         o.Dir,
		Environment: o.Environment,
		Resolver:    &resolver{dir: o.Dir, getenv: o.Getenv},
		Vars:        o.Vars,
		Tables:      p.tables(context.Background(), false, nil),
	})
	p.vault = p.newVault()
	return p
}

// Problems are the errors that keep a pipeline from running, or nil.
func (p *Project) Problems(pipeline *pipelines.Pipeline) error {
	return p.Workspace.Problems(pipeline).Err()
}

// StateDir is the folder for what the project keeps beside its state.
func (p *Project) StateDir() string { return filepath.Join(p.options.Dir, ".tieout") }

// State opens the state store. The caller closes it.
func (p *Project) State(ctx context.Context) (*state.Store, error) {
	place, err := p.statePlace()
	if err != nil {
		return nil, err
	}
	return state.Open(ctx, place, p.options.Now)
}

// LookState opens the state store for a command that only looks, and makes no
// file where there is none. The caller closes it.
func (p *Project) LookState(ctx context.Context) (*state.Store, error) {
	place, err := p.statePlace()
	if err != nil {
		return nil, err
	}
	return state.Look(ctx, place, p.options.Now)
}

func (p *Project) statePlace() (string, error) {
	place, err := p.Workspace.State()
	if err == nil && !state.IsURL(place) && !filepath.IsAbs(place) {
		place = filepath.Join(p.options.Dir, place)
	}
	return place, err
}

// env is what a connector gets for a connection, "" for none, and the row of
// for_each it is used for, nil for none.
func (p *Project) env(connection string, each *pipelines.Row) connectors.Env {
	e := connectors.Env{Dir: p.options.Dir, Now: p.options.Now, Log: p.options.Log, Limits: connectors.DefaultLimits(),
		Name: connection, Environment: p.options.Environment}
	if each != nil {
		e.Row = each.Name
	}
	if p.vault != nil {
		e.Vault = p.vault
	}
	return e
}

// source builds the source a pipeline or a lookup reads from. spool is the
// folder it may fetch ahead into, "" for none; each the row of for_each the
// pipeline stands for.
func (p *Project) source(connection string, each *pipelines.Row, options any, spool string) (connectors.Source, *pipelines.Connection, error) {
	c, err := p.Workspace.Connection(connection, each)
	if err != nil {
		return nil, nil, err
	}
	def := p.options.Registry.Lookup(c.Kind.Name)
	if def.Source == nil {
		return nil, nil, fmt.Errorf("%w: connector %q cannot be read from", connectors.ErrConfig, def.Name)
	}
	if options == nil {
		options = def.Source()
	}
	env := p.env(connection, each)
	env.Spool = spool
	src, err := def.NewSource(env, c.Settings, options)
	return src, c, err
}

// sink builds the sink of a pipeline for a run. One that sends documents to a
// service is given the state with withStore before it is used.
func (p *Project) sink(pipeline *pipelines.Pipeline, runID string) (connectors.Sink, error) {
	c, err := p.Workspace.Connection(pipeline.Sink.Connection.Value, pipeline.Each)
	if err != nil {
		return nil, err
	}
	def := p.options.Registry.Lookup(c.Kind.Name)
	if def.NewTarget == nil {
		env := p.env(c.Name, pipeline.Each)
		if runID != "" {
			env.Spool = filepath.Join(p.StateDir(), "spool", runID)
		}
		return def.NewSink(env, c.Settings, pipeline.SinkOptions())
	}
	target, err := def.NewTarget(p.env(c.Name, pipeline.Each), c.Settings, pipeline.SinkOptions())
	if err != nil {
		return nil, err
	}
	return p.deliverySink(target, pipeline, runID), nil
}

// tables makes the lookup tables of one run, or of the static checks. each is
// the row the run is for, if any.
func (p *Project) tables(ctx context.Context, remote bool, each *pipelines.Row) *tables {
	t := &tables{ctx: ctx, remote: remote, dir: p.options.Dir, env: p.env("", nil), registry: p.options.Registry}
	t.links = func(from, to string) (*record.Batch, error) { return p.links(ctx, from, to, each) }
	t.stream = func(connection, stream string) (connectors.Source, connectors.Read, error) {
		src, c, err := p.source(connection, each, nil, "")
		if err != nil {
			return nil, connectors.Read{}, err
		}
		return src, connectors.Read{Stream: stream, Zone: c.Zone}, nil
	}
	return t
}

// Exit classes of what may go wrong outside a run.

// IsConfig reports whether an error is a mistake in files or settings.
func IsConfig(err error) bool {
	if found, ok := document.AsDiagnostics(err); ok {
		return !found.Has(document.CodeAuthSecretMissing) && !found.Has(document.CodeReferenceMissing)
	}
	return errors.Is(err, connectors.ErrConfig) || errors.Is(err, ErrNoRetry)
}

// IsEnvironment reports whether an error is the environment's: a missing
// secret, an unreachable system, a lock.
func IsEnvironment(err error) bool {
	if found, ok := document.AsDiagnostics(err); ok {
		return found.Has(document.CodeAuthSecretMissing) || found.Has(document.CodeReferenceMissing)
	}
	for _, kind := range []error{connectors.ErrEnvironment, connectors.ErrFenced, connectors.ErrCommitUnknown,
		state.ErrLocked, state.ErrCorrupt, state.ErrNewer, state.ErrUnreachable, state.ErrLogin} {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}

// registry shows connectors to the package pipelines.
type registry struct{ r *connectors.Registry }

// Lookup finds a connector.
func (r registry) Lookup(name string) (pipelines.Connector, bool) {
	def := r.r.Lookup(name)
	if def == nil {
		return pipelines.Connector{}, false
	}
	c := pipelines.Connector{Name: def.Name, Summary: def.Summary, Connection: def.Connection, Source: def.Source, Sink: def.Sink,
		Typed: def.Typed, Cursor: def.Cursor, Lag: def.Lag, Missing: def.Missing, Streams: def.Streams}
	for _, m := range def.Modes {
		c.Modes = append(c.Modes, string(m))
	}
	if def.CheckSink != nil {
		c.CheckSink = func(connection, sink any, load pipelines.SinkLoad) []pipelines.SinkFault {
			return sinkFaults(def.CheckSink(connection, sink, connectors.Load{Stream: load.Stream, Mode: connectors.Mode(load.Mode), Key: load.Key, Shape: load.Shape}))
		}
	}
	return c, true
}

// sinkFaults takes what a connector says about a load apart: each error that
// was joined stands on a line, with the code before its words.
func sinkFaults(err error) []pipelines.SinkFault {
	if err == nil {
		return nil
	}
	var out []pipelines.SinkFault
	prefix := connectors.ErrConfig.Error() + ": "
	for text := range strings.SplitSeq(strings.TrimPrefix(err.Error(), prefix), "\n"+prefix) {
		fault := pipelines.SinkFault{Code: document.CodeSinkMode, Text: text}
		if code, rest, ok := strings.Cut(text, ": "); ok {
			if _, known := document.LookupCode(document.Code(code)); known {
				fault.Code, fault.Text = document.Code(code), rest
			}
		}
		out = append(out, fault)
	}
	return out
}

// Names lists the connectors.
func (r registry) Names() []string { return r.r.Names() }

// Connectors shows a registry to the package pipelines, for schemas and
// reference pages.
func Connectors(r *connectors.Registry) pipelines.Connectors { return registry{r} }

var _ transforms.Tables = (*tables)(nil)
