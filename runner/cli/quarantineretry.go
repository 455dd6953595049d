package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/tieout/tieout/pipelines"
	"github.com/tieout/tieout/runner"
	"github.com/tieout/tieout/runner/project"
	"github.com/tieout/tieout/runner/state"
)

func (a *app) quarantineRetryCommand() *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:   "retry PIPELINE (ID... | --all)",
		Short: "Run held records again: steps, rules, gate and load",
		Example: `  tieout quarantine retry rent_roll 12 13
  tieout quarantine retry rent_roll --all`,
		Args:              between(1, 10_000, "the pipeline's name"),
		ValidArgsFunction: a.completePipelines,
		RunE: func(cmd *cobra.Command, args []string) error {
			if all == (len(args) > 1) {
				return usage(errors.New("say which records to retry"), "name them by their numbers, or add --all")
			}
			return a.retry(cmd.Context(), args[0], args[1:])
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "all records of the pipeline that wait")
	a.unprotectedFlag(cmd.Flags())
	return cmd
}

// retry runs the records in as many runs as there are steps they begin with.
func (a *app) retry(ctx context.Context, name string, ids []string) error {
	p, pipeline, err := a.sound(name)
	if err != nil {
		return err
	}
	entries, err := a.waiting(ctx, p, pipeline, ids)
	if err != nil {
		return err
	}
	groups, err := p.RetryGroups(ctx, pipeline, entries)
	if err != nil {
		return err
	}
	var reports []runReport
	for _, group := range groups {
		f := &runFlags{RunOptions: project.RunOptions{Trigger: runner.TriggerRetry, Retry: group}}
		reports = append(reports, a.runOne(ctx, p, pipeline, f))
		if ctx.Err() != nil {
			break
		}
	}
	return a.reportRuns(reports)
}

// waiting finds the records of a pipeline that wait: all of them, or those
// with the numbers given.
func (a *app) waiting(ctx context.Context, p *project.Project, pipeline *pipelines.Pipeline, ids []string) ([]state.HeldEntry, error) {
	var wanted []int64
	for _, id := range ids {
		n, err := heldID(id)
		if err != nil {
			return nil, err
		}
		wanted = append(wanted, n)
	}
	var out []state.HeldEntry
	err := a.looking(ctx, p, func(store *state.Store) error {
		list, err := store.Held(ctx, state.HeldFilter{Project: p.Workspace.Project.Project.Value, Environment: a.environment,
			Pipeline: pipeline.Name(), Status: state.Waiting})
		if err != nil {
			return err
		}
		for i := range list {
			if at := slices.Index(wanted, list[i].ID); at >= 0 || len(ids) == 0 {
				out = append(out, list[i])
				if at >= 0 {
					wanted = slices.Delete(wanted, at, at+1)
				}
			}
		}
		return nil
	})
	hint := "see `tieout quarantine list " + pipeline.Name() + "`"
	switch {
	case err != nil:
		return nil, err
	case len(wanted) > 0:
		return nil, missing(fmt.Errorf("%s holds no record %d that waits: %w", pipeline.Name(), wanted[0], state.ErrMissing), hint)
	case len(out) == 0:
		return nil, missing(fmt.Errorf("%s holds no records that wait: %w", pipeline.Name(), state.ErrMissing), hint)
	}
	return out, nil
}
