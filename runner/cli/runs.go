package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/tieout/tieout/runner"
	"github.com/tieout/tieout/runner/project"
	"github.com/tieout/tieout/runner/schedule"
	"github.com/tieout/tieout/runner/state"
	"github.com/tieout/tieout/schemas/document"
)

func (a *app) runsCommand() *cobra.Command {
	return a.noun("runs", "See what runs did", `  tieout runs list
  tieout runs show 01a1fdf6
  tieout runs logs 01a1fdf6
  tieout runs slots`, a.runsListCommand(), a.runsShowCommand(), a.runsLogsCommand(), a.runsSlotsCommand())
}

func (a *app) runsListCommand() *cobra.Command {
	var limit int
	var pipeline, status string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List runs, newest first",
		Example: `  tieout runs list
  tieout runs list --pipeline rent_roll --limit 5
  tieout runs list --status failed -o json`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if limit < 1 {
				return usage(fmt.Errorf("--limit %d is less than 1", limit), "write --limit 20")
			}
			return a.runsList(cmd.Context(), state.RunFilter{Pipeline: pipeline, Status: runner.Status(status), Limit: limit})
		},
	}
	cmd.Flags().IntVar(&limit, "limit", 20, "how many at most")
	cmd.Flags().StringVar(&pipeline, "pipeline", "", "only those of one pipeline")
	cmd.Flags().StringVar(&status, "status", "", "only those that ended so: loaded, nothing_new, blocked, failed, interrupted, unknown or running")
	a.completeFlags(cmd, []string{"loaded", "nothing_new", "blocked", "failed", "interrupted", "unknown", "running"})
	return cmd
}

// runLine is a run in a list.
type runLine struct {
	RunID      string        `json:"run_id"`
	Pipeline   string        `json:"pipeline"`
	Trigger    string        `json:"trigger"`
	Slot       string        `json:"slot,omitempty"` // nominal instant of the slot it ran for
	Attempt    int           `json:"attempt,omitempty"`
	Status     runner.Status `json:"status"`
	StartedAt  string        `json:"started_at"`
	FinishedAt string        `json:"finished_at,omitempty"`
	Read       int64         `json:"read"`
	Written    int64         `json:"written"`
	Held       int64         `json:"held"`
	Error      string        `json:"error,omitempty"`
}

func lineOf(r *runner.Run) runLine {
	l := runLine{RunID: r.RunID, Pipeline: r.Pipeline, Trigger: r.Trigger, Status: r.Status, StartedAt: when(r.StartedAt),
		Read: r.Counts.Read, Written: r.Counts.Inserted + r.Counts.Changed, Held: r.Counts.Held + r.Counts.Refused, Error: r.Error}
	if !r.FinishedAt.IsZero() {
		l.FinishedAt = when(r.FinishedAt)
	}
	if !r.Slot.IsZero() {
		l.Slot, l.Attempt = when(r.Slot), r.Attempt
	}
	return l
}

func (a *app) runsList(ctx context.Context, f state.RunFilter) error {
	p, err := a.loaded()
	if err != nil {
		return err
	}
	return a.looking(ctx, p, func(store *state.Store) error {
		f.Project, f.Environment = p.Workspace.Project.Project.Value, a.environment
		runs, err := store.Runs(ctx, f)
		if err != nil {
			return err
		}
		who, err := servingOf(ctx, p, a.keeper(p, store))
		if err != nil {
			return err
		}
		lines := make([]runLine, len(runs))
		for i := range runs {
			lines[i] = lineOf(&runs[i])
		}
		return a.out.write(exitOK, "", map[string]any{"runs": lines}, func(w io.Writer) { writeRunList(w, lines, &who) })
	})
}

func writeRunList(w io.Writer, lines []runLine, who *serving) {
	if len(lines) == 0 {
		next := "tieout run PIPELINE"
		if who.Running {
			next = "tieout next"
		}
		fmt.Fprintf(w, "No runs.\nNext: %s\n", next)
		return
	}
	rows := make([][]string, len(lines))
	for i, l := range lines {
		slot := "-"
		if l.Slot != "" {
			slot = l.Slot
		}
		rows[i] = []string{l.RunID, l.StartedAt, l.Pipeline, string(l.Status), l.Trigger, slot, thousands(l.Read), thousands(l.Written), thousands(l.Held)}
	}
	table(w, []string{"run", "started", "pipeline", "result", "trigger", "slot", ">read", ">written", ">held"}, rows)
	fmt.Fprintf(w, "Next: tieout runs show %s\n", lines[0].RunID)
}

// looking opens the state store for a command that only looks: where nothing
// ever ran, it makes none.
func (a *app) looking(ctx context.Context, p *project.Project, fn func(*state.Store) error) error {
	store, err := p.LookState(ctx)
	if err != nil {
		return err
	}
	defer store.Close()
	return fn(store)
}

// withState opens the state store for a command that writes to it.
func (a *app) withState(ctx context.Context, p *project.Project, fn func(*state.Store) error) error {
	store, err := p.State(ctx)
	if err != nil {
		return err
	}
	defer store.Close()
	return fn(store)
}

func (a *app) runsShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show RUN",
		Short: "Show one run: counts, steps, gate, positions, held records",
		Example: `  tieout runs show 01a1fdf6
  tieout runs show 01a1fdf6 -o json`,
		Args:              exactly("the run's id"),
		ValidArgsFunction: a.completeRuns,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.runsShow(cmd.Context(), args[0]) },
	}
}

// runDetail is everything the store has about a run.
type runDetail struct {
	runner.Run
	Scheduled *schedule.Slot    `json:"scheduled,omitempty"` // the slot it ran for
	Held      []state.HeldEntry `json:"held"`
}

// shownOfRun is how many held records of a run are shown with it.
const shownOfRun = 20

func (a *app) runDetail(ctx context.Context, id string) (runDetail, error) {
	p, err := a.loaded()
	if err != nil {
		return runDetail{}, err
	}
	var d runDetail
	return d, a.looking(ctx, p, func(store *state.Store) error {
		if d.Run, err = store.RunByID(ctx, id); err != nil {
			return missing(err, "see `tieout runs list` for the runs there are")
		}
		d.Entries = nil // for retries, not for people
		if err := a.slotOfRun(ctx, p, store, &d); err != nil {
			return err
		}
		d.Held, err = store.Held(ctx, state.HeldFilter{RunID: d.RunID, Limit: shownOfRun})
		return err
	})
}

func (a *app) slotOfRun(ctx context.Context, p *project.Project, store *state.Store, d *runDetail) error {
	if d.Slot.IsZero() {
		return nil
	}
	slots, err := a.keeper(p, store).Slots(ctx, state.SlotFilter{Pipeline: d.Pipeline, Nominal: d.Slot, Limit: 1})
	if len(slots) > 0 {
		d.Scheduled = &slots[0]
	}
	return err
}

// missing turns an id the store does not know into a usage error.
func missing(err error, hint string) error {
	if errors.Is(err, state.ErrMissing) || errors.Is(err, state.ErrAmbiguous) {
		return &exitError{err: err, exit: exitConfig, code: string(document.CodeStateMissing), hint: hint}
	}
	return err
}

func (a *app) runsShow(ctx context.Context, id string) error {
	d, err := a.runDetail(ctx, id)
	if err != nil {
		return err
	}
	return a.out.write(exitOK, d.RunID, d, func(w io.Writer) { a.writeRunDetail(w, &d) })
}

func (a *app) runsLogsCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "logs RUN",
		Short:             "Show what a run warned of and why it failed",
		Example:           "  tieout runs logs 01a1fdf6",
		Args:              exactly("the run's id"),
		ValidArgsFunction: a.completeRuns,
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := a.runDetail(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			lines := logLines(&d.Run)
			result := map[string]any{"run_id": d.RunID, "lines": lines}
			return a.out.write(exitOK, d.RunID, result, func(w io.Writer) { writeLogs(w, &d.Run, lines) })
		},
	}
}

// logLine is one thing a run said.
type logLine struct {
	Level   string `json:"level"`
	Code    string `json:"code,omitempty"`
	Message string `json:"message"`
}

func logLines(r *runner.Run) []logLine {
	lines := []logLine{}
	for _, text := range r.Warnings {
		lines = append(lines, logLine{Level: "warning", Message: text})
	}
	for _, f := range r.Gate.Findings {
		switch {
		case f.Passed:
		case f.Warn:
			lines = append(lines, logLine{Level: "warning", Code: f.Code, Message: f.Condition + ": " + f.Message})
		default:
			lines = append(lines, logLine{Level: "error", Code: f.Code, Message: f.Condition + ": " + f.Message})
		}
	}
	if r.Error != "" {
		lines = append(lines, logLine{Level: "error", Code: r.ErrorCode, Message: r.Error})
	}
	return lines
}

func writeLogs(w io.Writer, r *runner.Run, lines []logLine) {
	for _, l := range lines {
		fmt.Fprintf(w, "%-8s %s\n", l.Level, l.Message)
	}
	if len(lines) == 0 {
		fmt.Fprintln(w, "The run warned of nothing and did not fail. What it said on the way went to its stderr and is not kept.")
	}
	fmt.Fprintf(w, "Next: tieout runs show %s\n", r.RunID)
}
