package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tieout/tieout/pipelines"
	"github.com/tieout/tieout/runner/schedule"
	"github.com/tieout/tieout/runner/state"
)

func (a *app) triggerCommand() *cobra.Command {
	var note string
	cmd := &cobra.Command{
		Use:   "trigger PIPELINE...",
		Short: "Make pipelines due now; tieout serve runs them",
		Example: `  tieout trigger rent_roll
  tieout trigger rent_roll charges --note "the bank file was late"`,
		Args:              some("a pipeline"),
		ValidArgsFunction: a.completePipelines,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.trigger(cmd.Context(), args, note) },
	}
	cmd.Flags().StringVar(&note, "note", "", "why, for the record")
	return cmd
}

// triggered is what `tieout trigger` did.
type triggered struct {
	Slots   []schedule.Slot `json:"slots"`
	Serving serving         `json:"serving"`
}

func (a *app) trigger(ctx context.Context, names []string, note string) error {
	note, err := oneLine(note)
	if err != nil {
		return err
	}
	p, err := a.loaded()
	if err != nil {
		return err
	}
	list, err := a.chosen(p, names)
	if err != nil {
		return err
	}
	for _, pipeline := range list {
		if err := p.Problems(pipeline); err != nil {
			return err
		}
	}
	var done triggered
	err = a.withState(ctx, p, func(store *state.Store) error {
		keeper := a.keeper(p, store)
		for _, pipeline := range list {
			slot, err := a.proposeNow(ctx, keeper, pipeline, note)
			if err != nil {
				return err
			}
			done.Slots = append(done.Slots, slot)
		}
		done.Serving, err = servingOf(ctx, p, keeper)
		return err
	})
	if err != nil {
		return err
	}
	return a.out.write(exitOK, "", done, func(w io.Writer) { writeTriggered(w, &done) })
}

// proposeTries is how many microseconds may be taken by other slots already.
const proposeTries = 100

// proposeNow makes a pipeline due now. An instant that is taken is left to
// its slot: the next microsecond serves as well.
func (a *app) proposeNow(ctx context.Context, keeper *state.Timekeeper, pipeline *pipelines.Pipeline, note string) (schedule.Slot, error) {
	now := a.Now().UTC().Truncate(time.Microsecond)
	cause := map[string]string{"by": a.actor()}
	if note != "" {
		cause["note"] = note
	}
	zone := zoneOf(pipeline)
	for i := range proposeTries {
		at := now.Add(time.Duration(i) * time.Microsecond)
		slot := schedule.NewSlot(pipeline.Name(), at, zone, schedule.ByTrigger, now)
		slot.NotBefore, slot.Cause = at, cause
		added, err := keeper.Propose(ctx, []schedule.Slot{slot}, time.Time{})
		if err != nil || len(added) > 0 {
			return slot, err
		}
	}
	return schedule.Slot{}, errors.New("every instant about now has a slot of the pipeline already; run again")
}

func writeTriggered(w io.Writer, t *triggered) {
	var names []string
	for i := range t.Slots {
		fmt.Fprintf(w, "%s  due now, slot %s\n", t.Slots[i].Pipeline, t.Slots[i].Local)
		names = append(names, t.Slots[i].Pipeline)
	}
	if t.Serving.Running {
		fmt.Fprintf(w, "It is taken by the running tieout serve: %s\n", t.Serving.Holder)
		fmt.Fprintln(w, "Next: tieout status "+strings.Join(names, " "))
		return
	}
	next := "tieout serve"
	if t.Serving.Other == "" {
		fmt.Fprint(w, "No tieout serve is running: it waits until one is started.")
	} else {
		next = "tieout status " + strings.Join(names, " ")
		fmt.Fprintf(w, "%s\nIt waits until a tieout serve is started here.", t.Serving.elsewhere())
	}
	fmt.Fprintln(w, " tieout run runs a pipeline at once, but leaves the slot.")
	fmt.Fprintln(w, "Next: "+next)
}
