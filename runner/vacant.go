package runner

import (
	"errors"
	"fmt"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/runner/gate"
)

// vacant decides about a run that cannot be planned because its source gave no
// record: fields that nobody declared are then not known, and nothing is wrong
// with the pipeline. why is what planning came upon, and the answer when there
// were records.
func (e *execution) vacant(reader connectors.Reader, why error) error {
	v, can := reader.(connectors.Vacant)
	if !can || !v.Vacant() || e.writer != nil || errors.Is(why, connectors.ErrEnvironment) || errors.Is(why, connectors.ErrFenced) {
		return why
	}
	source, sink := &e.job.Pipeline.Source, &e.job.Pipeline.Sink
	part := e.job.Backfill() || resumed(reader) || e.cursor != nil && e.run.Before != nil && !e.job.FullRefresh
	allowed := source.AllowEmpty || sink.AllowEmpty
	e.run.After = e.run.Before
	switch {
	case part:
		return nil
	case allowed && (e.job.Load.Mode == connectors.Replace || e.takesAway()):
		return fmt.Errorf("%w: the source holds no records, and what the target has cannot be taken away while its fields are not known; declare them under source.fields (%w)", connectors.ErrConfig, why)
	case allowed:
		return nil
	}
	c := e.job.Context
	decision, err := gate.Plan(nil, reader.Shape(), &c).Decide(gate.Facts{FullRead: true, AsOf: e.job.AsOf})
	if err != nil {
		return err
	}
	e.run.Gate = decision
	return ErrBlocked
}
