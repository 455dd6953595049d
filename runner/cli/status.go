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
	Ahead    string               `json:"position_ahead,omitempty"` // that it lies in the future, and what to do
	Error    string               `json:"error,omitempty"`
	Slot     string               `json:"slot,omitempty"` // local time of the one the result is of, where it has no run

	Schedule string          `json:"schedule,omitempty"` // in words
	Next     *nextTime       `json:"next,omitempty"`
	Paused   *schedule.Pause `json:"paused,omitempty"`
	Open     []schedule.Slot `json:"open_slots,omitempty"` // due or running, oldest first

	LastSuccess string `json:"last_success,omitempty"`
	FreshWithin string `json:"fresh_within,omitempty"` // what is promised
	Late        bool   `json:"late"`
	LateSince   string `json:"late_since,omitempty"`

	Incidents []openIncident `json:"incidents,omitempty"`

	mistakes int // errors of its own file, without those of tieout.yaml
}

// past is what the store knows of all pipelines.
type past struct {
	successes map[string]schedule.Success
	since     map[string]time.Time
	pauses    map[string]schedule.Pause
	open      map[string][]schedule.Slot
	incidents map[string][]openIncident
	alerts    alertStatus
	serving   serving
}

func (a *app) readPast(ctx context.Context, p *project.Project, keeper *state.Timekeeper) (past, error) {
	var known past
	open, err := keeper.Open(ctx)
	if err == nil {
		known.successes, err = keeper.LastSuccesses(ctx)
	}
	if err == nil {
		known.since, err = keeper.Enrolled(ctx)
	}
	if err == nil {
		known.pauses, err = keeper.Pauses(ctx)
	}
	if err == nil {
		known.incidents, err = openIncidents(ctx, keeper)
	}
	if err == nil {
		known.alerts, err = a.alertStatus(ctx, keeper)
	}
	if err == nil {
		known.serving, err = servingOf(ctx, p, keeper)
	}
	known.open = make(map[string][]schedule.Slot)
	for _, s := range open {
		known.open[s.Pipeline] = append(known.open[s.Pipeline], s)
	}
	return known, err
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
	out := statusReport{Pipelines: make([]pipelineStatus, len(list)), Files: []brokenFile{}}
	if len(names) == 0 {
		out.Files, out.Consents = brokenFiles(p), endingConsents(ctx, p)
	}
	err = a.looking(ctx, p, func(store *state.Store) error {
		known, err := a.readPast(ctx, p, a.keeper(p, store))
		if err != nil {
			return err
		}
		out.Alerts, out.Serving = known.alerts, known.serving
		for i, pipeline := range list {
			s := &out.Pipelines[i]
			if *s, err = a.statusOf(ctx, p, store, pipeline); err != nil {
				return err
			}
			a.scheduleStatus(s, pipeline, &known)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return a.out.write(exitOK, "", out, func(w io.Writer) { out.write(w) })
}

func (a *app) statusOf(ctx context.Context, p *project.Project, store *state.Store, pipeline *pipelines.Pipeline) (pipelineStatus, error) {
	problems := p.Workspace.Problems(pipeline)
	s := pipelineStatus{Pipeline: pipeline.Name(), File: pipeline.File, Problems: problems.Errors(), mistakes: errorsIn(problems, pipeline.File)}
	name := p.Workspace.Project.Project.Value
	last, err := store.Runs(ctx, state.RunFilter{Project: name, Environment: a.environment, Pipeline: s.Pipeline, Limit: 1})
	if err != nil {
		return s, err
	}
	s.Held, err = store.CountHeld(ctx, state.HeldFilter{Project: name, Environment: a.environment, Pipeline: s.Pipeline, Status: state.Waiting})
	if err != nil {
		return s, err
	}
	if len(last) > 0 {
		s.setRun(&last[0])
	}
	if pipeline.Source.Cursor != nil {
		s.Ahead = runner.Ahead(s.Pipeline, s.Position, a.Now())
	}
	tried, found, err := a.keeper(p, store).LastTried(ctx, s.Pipeline)
	if found && (len(last) == 0 || without(&tried, &last[0])) {
		s.setSlot(&tried)
	}
	return s, err
}

// setRun takes the result of the last run.
func (s *pipelineStatus) setRun(r *runner.Run) {
	s.Result, s.RunID, s.At, s.Error = r.Status, r.RunID, when(r.StartedAt), r.Error
	s.Written = r.Counts.Inserted + r.Counts.Changed
	s.Position = r.Before
	if r.Status == runner.Loaded || r.Status == runner.NothingNew {
		s.Position = r.After
	}
}

// without reports whether the last attempt at a slot left no run: it is newer
// than the last run there is, and another one.
func without(slot *schedule.Slot, last *runner.Run) bool {
	tried := slot.StartedAt
	if tried.IsZero() {
		tried = slot.EndedAt
	}
	return slot.RunID != last.RunID && tried.After(last.StartedAt)
}

// setSlot takes the result of a slot that ended badly before its run began.
func (s *pipelineStatus) setSlot(slot *schedule.Slot) {
	switch slot.Status {
	case schedule.Failed:
		s.Result = runner.Failed
	case schedule.Blocked:
		s.Result = runner.Blocked
	default:
		return
	}
	s.RunID, s.At, s.Error, s.Written, s.Slot = "", when(slot.EndedAt), slot.Reason, 0, slot.Local
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
	s.Open, s.Incidents = known.open[s.Pipeline], known.incidents[s.Pipeline]
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
