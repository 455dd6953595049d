package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/pipelines"
	"github.com/tieout/tieout/runner"
	"github.com/tieout/tieout/runner/project"
	"github.com/tieout/tieout/runner/state"
)

func (a *app) statusCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "status [PIPELINE...]",
		Short: "Say how each pipeline stands",
		Example: `  tieout status
  tieout status rent_roll -o json`,
		ValidArgsFunction: a.completePipelines,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.status(cmd.Context(), args) },
	}
}

// pipelineStatus is how one pipeline stands. Its position is the one its last
// run left; `state show` asks the target.
type pipelineStatus struct {
	Pipeline string               `json:"pipeline"`
	File     string               `json:"file"`
	Problems int                  `json:"problems"`
	Result   runner.Status        `json:"result,omitempty"` // of the last run, "" when it never ran
	RunID    string               `json:"run_id,omitempty"`
	At       string               `json:"at,omitempty"`
	Written  int64                `json:"written"`
	Held     int64                `json:"held_waiting"`
	Position *connectors.Position `json:"position,omitempty"`
	Error    string               `json:"error,omitempty"`
}

func (a *app) status(ctx context.Context, names []string) error {
	p, err := a.loaded()
	if err != nil {
		return err
	}
	list := p.Workspace.Pipelines
	if len(names) > 0 {
		list = nil
		for _, name := range names {
			found, err := p.Workspace.Find(name)
			if err != nil {
				return a.unknownPipeline(p, err)
			}
			list = append(list, found)
		}
	}
	out := make([]pipelineStatus, len(list))
	err = a.withState(ctx, p, func(store *state.Store) error {
		for i, pipeline := range list {
			if out[i], err = a.statusOf(ctx, p, store, pipeline); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return a.out.write(exitOK, "", map[string]any{"pipelines": out}, func(w io.Writer) { writeStatus(w, out) })
}

func (a *app) statusOf(ctx context.Context, p *project.Project, store *state.Store, pipeline *pipelines.Pipeline) (pipelineStatus, error) {
	s := pipelineStatus{Pipeline: pipeline.Name(), File: pipeline.File, Problems: p.Workspace.Problems(pipeline).Errors()}
	name := p.Workspace.Project.Project.Value
	last, err := store.Runs(ctx, state.RunFilter{Project: name, Environment: a.environment, Pipeline: s.Pipeline, Limit: 1})
	if err != nil {
		return s, err
	}
	s.Held, err = store.CountHeld(ctx, state.HeldFilter{Project: name, Environment: a.environment, Pipeline: s.Pipeline, Status: state.Waiting})
	if err != nil || len(last) == 0 {
		return s, err
	}
	r := &last[0]
	s.Result, s.RunID, s.At, s.Error = r.Status, r.RunID, when(r.StartedAt), r.Error
	s.Written = r.Counts.Inserted + r.Counts.Changed
	s.Position = r.Before
	if r.Status == runner.Loaded || r.Status == runner.NothingNew {
		s.Position = r.After
	}
	return s, nil
}

func writeStatus(w io.Writer, list []pipelineStatus) {
	if len(list) == 0 {
		fmt.Fprintln(w, "There are no pipelines.")
		fmt.Fprintln(w, "Next: tieout init")
		return
	}
	rows := make([][]string, len(list))
	next := "tieout run " + list[0].Pipeline
	for i := range list {
		s := &list[i]
		result, at := string(s.Result), s.At
		switch {
		case s.Problems > 0:
			result = count(s.Problems, "error")
		case s.Result == "":
			result, at = "never ran", "-"
		}
		position := "-"
		if s.Position != nil && s.Position.Field != "" {
			position = positionText(s.Position)
		}
		rows[i] = []string{s.Pipeline, result, at, thousands(s.Written), thousands(s.Held), position}
	}
	table(w, []string{"pipeline", "last result", "at", ">written", ">held", "position"}, rows)
	for i := len(list) - 1; i >= 0; i-- {
		s := &list[i]
		switch {
		case s.Problems > 0:
			next = "tieout validate " + s.File
		case s.Held > 0:
			next = "tieout quarantine list " + s.Pipeline
		case s.Error != "":
			next = "tieout runs show " + s.RunID
		}
	}
	fmt.Fprintf(w, "Next: %s\n", next)
}
