package project

import (
	"context"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/pipelines"
	"github.com/tieout/tieout/runner"
	"github.com/tieout/tieout/runner/delivery"
	"github.com/tieout/tieout/runner/state"
)

// deliverySink makes a sink of a service. It works once the state store is
// given to it with withStore.
func (p *Project) deliverySink(target connectors.Target, pipeline *pipelines.Pipeline, runID string) *delivery.Sink {
	from := pipeline.Source.Stream.Value
	if from == "" { // a query: the pipeline's name stands for it
		from = pipeline.Pipeline.Value
	}
	s := delivery.Settings{Target: target, From: pipeline.Source.Connection.Value + "." + from,
		To: pipeline.Sink.Connection.Value + "." + pipeline.Sink.Stream.Value, RunID: runID, Enter: len(pipeline.Transforms),
		AllowUnprotected: p.options.AllowUnprotected, Now: p.options.Now, Log: p.options.Log, Sleep: connectors.Wait}
	if pipeline.Each != nil {
		s.Tenant = pipeline.Each.Name
	}
	return delivery.New(s)
}

// withStore gives the state store to a sink that keeps its ledger there.
func withStore(sink connectors.Sink, store *state.Store, load *connectors.Load) {
	d, delivers := sink.(*delivery.Sink)
	if !delivers {
		return
	}
	project, environment, pipeline := load.Project, load.Environment, load.Pipeline
	d.Keep(store.Deliveries(), func(ctx context.Context, runID string, held []runner.Held) error {
		return store.HoldOnce(ctx, runner.Run{RunID: runID, Project: project, Environment: environment, Pipeline: pipeline}, held)
	})
}
