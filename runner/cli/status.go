package cli

import (
	"context"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/pipelines"
	"github.com/tieout/tieout/runner"
	"github.com/tieout/tieout/runner/project"
	"github.com/tieout/tieout/runner/schedule"
	"github.com/tieout/tieout/runner/state"
)

func (a *app) statusCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "status [PIPELINE...]",
		Short: "Say how each pipeline stands, what is late and what waits",
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

	Schedule string          `json:"schedule,omitempty"` // in words
	Next     *nextTime       `json:"next,omitempty"`
	Paused   *schedule.Pause `json:"paused,omitempty"`
	Open     []schedule.Slot `json:"open_slots,omitempty"` // due or running, oldest first

	LastSuccess string `json:"last_success,omitempty"`
	FreshWithin string `json:"fresh_within,omitempty"` // what is promised
	Late        bool   `json:"late"`
	LateSince   string `json:"late_since,omitempty"`
}

// past is what the store knows of all pipelines.
type past struct {
	successes map[string]schedule.Success
	since     map[string]time.Time
	pauses    map[string]schedule.Pause
	open      map[string][]schedule.Slot
	serving   serving
}

func readPast(ctx context.Context, keeper *state.Timekeeper) (past, error) {
	var p past
	open, err := keeper.Open(ctx)
	if err == nil {
		p.successes, err = keeper.LastSuccesses(ctx)
	}
	if err == nil {
		p.since, err = keeper.Enrolled(ctx)
	}
	if err == nil {
		p.pauses, err = keeper.Pauses(ctx)
	}
	if err == nil {
		p.serving.Holder, p.serving.Running, err = keeper.Watching(ctx)
	}
	p.open = make(map[string][]schedule.Slot)
	for _, s := range open {
		p.open[s.Pipeline] = append(p.open[s.Pipeline], s)
	}
	return p, err
}

func (a *app) status(ctx context.Context, names []string) error {
	p, err := a.loaded()
	if err != nil {
		return err
	}
	list, err := a.chosen(p, names)
	if err != nil {
		return err
	}
	out := make([]pipelineStatus, len(list))
	var known past
	err = a.looking(ctx, p, func(store *state.Store) error {
		if known, err = readPast(ctx, a.keeper(p, store)); err != nil {
			return err
		}
		for i, pipeline := range list {
			if out[i], err = a.statusOf(ctx, p, store, pipeline); err != nil {
				return err
			}
			a.scheduleStatus(&out[i], pipeline, &known)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return a.out.write(exitOK, "", map[string]any{"pipelines": out, "serving": known.serving}, func(w io.Writer) { writeStatus(w, out, known.serving) })
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

// scheduleStatus adds how a pipeline stands with its schedule and with what
// it promises.
func (a *app) scheduleStatus(s *pipelineStatus, pipeline *pipelines.Pipeline, known *past) {
	words := scheduleOf(pipeline)
	s.Schedule = words.words()
	if times := timesOf(pipeline, a.Now(), 1); len(times) > 0 {
		s.Next = &times[0]
	}
	if pause, paused := known.pauses[s.Pipeline]; paused {
		s.Paused = &pause
	}
	s.Open = known.open[s.Pipeline]
	last, ran := known.successes[s.Pipeline]
	from, enrolled := known.since[s.Pipeline]
	if ran {
		s.LastSuccess, from = when(last.EndedAt), last.EndedAt
	}
	within := pipeline.FreshWithin.Std()
	if within <= 0 {
		return
	}
	s.FreshWithin = pipeline.FreshWithin.String()
	if (ran || enrolled) && a.Now().Sub(from) > within {
		s.Late, s.LateSince = true, when(from.Add(within))
	}
}
