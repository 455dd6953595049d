package state

import (
	"context"
	"fmt"
	"time"

	"github.com/tieout/tieout/runner"
)

// RunFilter chooses runs; zero fields choose all.
type RunFilter struct {
	Project, Environment, Pipeline string
	Status                         runner.Status
	Limit                          int
}

// Runs lists runs, newest first.
func (s *Store) Runs(ctx context.Context, f RunFilter) ([]runner.Run, error) {
	h := HeldFilter{Project: f.Project, Environment: f.Environment, Pipeline: f.Pipeline, Status: HeldStatus(f.Status)}
	where, args := h.where()
	query := `SELECT report FROM tieout_runs` + where + ` ORDER BY started_at DESC, run_id DESC`
	if f.Limit > 0 {
		query += fmt.Sprintf(" LIMIT %d", f.Limit)
	}
	return s.reports(ctx, query, args...)
}

// RunByID finds a run by its id or a unique beginning of it.
func (s *Store) RunByID(ctx context.Context, id string) (runner.Run, error) {
	runs, err := s.reports(ctx, `SELECT report FROM tieout_runs WHERE substr(run_id, 1, ?) = ? ORDER BY started_at DESC LIMIT 2`, len(id), id)
	switch {
	case err != nil:
		return runner.Run{}, err
	case len(runs) == 0:
		return runner.Run{}, fmt.Errorf("run %q: %w", id, ErrMissing)
	case len(runs) > 1:
		return runner.Run{}, fmt.Errorf("run %q: %w", id, ErrAmbiguous)
	}
	return runs[0], nil
}

// Committed finds the run of a slot that loaded or found nothing new, so that
// the slot is not run again.
func (s *Store) Committed(ctx context.Context, project, environment, pipeline string, slot time.Time) (runner.Run, bool, error) {
	runs, err := s.reports(ctx, `SELECT report FROM tieout_runs WHERE project = ? AND environment = ? AND pipeline = ? AND slot = ? AND slot <> ''
		AND status IN ('loaded', 'nothing_new') ORDER BY started_at LIMIT 1`, project, environment, pipeline, stamp(slot))
	if err != nil || len(runs) == 0 {
		return runner.Run{}, false, err
	}
	return runs[0], true, nil
}
