package cli

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tieout/tieout/runner/project"
	"github.com/tieout/tieout/runner/schedule"
	"github.com/tieout/tieout/runner/state"
)

// keeper is what the store keeps of this project's schedule.
func (a *app) keeper(p *project.Project, store *state.Store) *state.Timekeeper {
	return store.Schedule(p.Workspace.Project.Project.Value, a.environment)
}

func (a *app) runsSlotsCommand() *cobra.Command {
	var f state.SlotFilter
	var status string
	cmd := &cobra.Command{
		Use:   "slots",
		Short: "List the times pipelines were due, newest first, and what became of each",
		Example: `  tieout runs slots
  tieout runs slots --pipeline rent_roll --limit 5
  tieout runs slots --status missed -o json`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.Limit < 1 {
				return usage(fmt.Errorf("--limit %d is less than 1", f.Limit), "write --limit 20")
			}
			if status != "" && !slices.Contains(slotStatuses(), status) {
				return usage(fmt.Errorf("--status %q is no state of a slot%s", status, didYouMean(status, slotStatuses())), "write one of "+strings.Join(slotStatuses(), ", "))
			}
			f.Status = schedule.Status(status)
			return a.runsSlots(cmd.Context(), f)
		},
	}
	cmd.Flags().IntVar(&f.Limit, "limit", 20, "how many at most")
	cmd.Flags().StringVar(&f.Pipeline, "pipeline", "", "only those of one pipeline")
	cmd.Flags().StringVar(&status, "status", "", "only those that are so: "+strings.Join(slotStatuses(), ", "))
	a.completeFlags(cmd, slotStatuses())
	return cmd
}

func slotStatuses() []string {
	var names []string
	for _, s := range []schedule.Status{schedule.Due, schedule.Running, schedule.Done, schedule.Failed, schedule.Blocked, schedule.Skipped, schedule.Missed, schedule.Coalesced} {
		names = append(names, string(s))
	}
	return names
}

// slotLine is a slot in a list.
type slotLine struct {
	schedule.Slot
	// LagSeconds is from the nominal instant to the start of the last attempt.
	LagSeconds *int64 `json:"lag_seconds,omitempty"`
}

func lineOfSlot(s *schedule.Slot) slotLine {
	l := slotLine{Slot: *s}
	if !s.StartedAt.IsZero() {
		lag := int64(s.StartedAt.Sub(s.Nominal).Seconds())
		l.LagSeconds = &lag
	}
	return l
}

func (a *app) runsSlots(ctx context.Context, f state.SlotFilter) error {
	p, err := a.loaded()
	if err != nil {
		return err
	}
	return a.looking(ctx, p, func(store *state.Store) error {
		slots, err := a.keeper(p, store).Slots(ctx, f)
		if err != nil {
			return err
		}
		lines := make([]slotLine, len(slots))
		for i := range slots {
			lines[i] = lineOfSlot(&slots[i])
		}
		return a.out.write(exitOK, "", map[string]any{"slots": lines}, func(w io.Writer) { writeSlots(w, lines) })
	})
}

func writeSlots(w io.Writer, lines []slotLine) {
	if len(lines) == 0 {
		fmt.Fprintln(w, "No slots.")
		fmt.Fprintln(w, "Next: tieout next")
		return
	}
	rows := make([][]string, len(lines))
	next := "tieout next"
	for i := range lines {
		l := &lines[i]
		lag, run := "-", "-"
		if !l.StartedAt.IsZero() {
			lag = spanText(l.StartedAt.Sub(l.Nominal))
		}
		if l.RunID != "" {
			run = l.RunID
			if next == "tieout next" {
				next = "tieout runs show " + run
			}
		}
		rows[i] = []string{l.Pipeline, slotText(&l.Slot), string(l.Origin), string(l.Status), strconv.Itoa(l.Attempts), lag, run, reasonText(&l.Slot)}
	}
	table(w, []string{"pipeline", "slot", "by", "status", ">attempts", ">lag", "run", "reason"}, rows)
	fmt.Fprintln(w, "Next: "+next)
}

// slotText is a slot's local time, of a stretch both ends.
func slotText(s *schedule.Slot) string {
	if s.Through.IsZero() {
		return s.Local
	}
	return s.Local + " to " + when(s.Through)
}

// reasonText is why a slot is as it is, or else what made it.
func reasonText(s *schedule.Slot) string {
	if s.Reason != "" || len(s.Cause) == 0 {
		return s.Reason
	}
	switch s.Origin {
	case schedule.ByTrigger:
		text := "asked for by " + s.Cause["by"]
		if note := s.Cause["note"]; note != "" {
			text += ": " + note
		}
		return text
	case schedule.ByFiles:
		return "files came: " + short(strings.Join(slices.Sorted(maps.Keys(s.Cause)), ", "), 60)
	}
	return "after " + strings.Join(slices.Sorted(maps.Keys(s.Cause)), ", ")
}
