package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/tieout/tieout/runner/project"
	"github.com/tieout/tieout/runner/state"
)

func (a *app) quarantineCommand() *cobra.Command {
	return a.noun("quarantine", "See, correct and retry the records that were held", `  tieout quarantine list rent_roll
  tieout quarantine show 12
  tieout quarantine edit 12 --set rent=1500.00
  tieout quarantine retry rent_roll 12`,
		a.quarantineListCommand(), a.quarantineShowCommand(), a.quarantineEditCommand(), a.quarantineRetryCommand(), a.quarantineDiscardCommand())
}

func (a *app) quarantineListCommand() *cobra.Command {
	var status string
	var limit int
	cmd := &cobra.Command{
		Use:   "list [PIPELINE]",
		Short: "List held records with their reasons",
		Example: `  tieout quarantine list
  tieout quarantine list rent_roll --limit 100
  tieout quarantine list rent_roll --status resolved -o ndjson`,
		Args:              between(0, 1, "the pipeline's name"),
		ValidArgsFunction: a.completePipelines,
		RunE: func(cmd *cobra.Command, args []string) error {
			if limit < 1 {
				return usage(fmt.Errorf("--limit %d is less than 1", limit), "write --limit 50")
			}
			f := state.HeldFilter{Status: state.HeldStatus(status), Limit: limit}
			if status == "all" {
				f.Status = ""
			}
			if len(args) == 1 {
				f.Pipeline = args[0]
			}
			return a.quarantineList(cmd.Context(), f)
		},
	}
	cmd.Flags().StringVar(&status, "status", "waiting", "waiting, resolved, replaced, discarded, evidence, pending or all")
	cmd.Flags().IntVar(&limit, "limit", 50, "how many at most")
	return cmd
}

// heldView is a held record in output; the records are JSON, not text of it.
type heldView struct {
	state.HeldEntry
	Record   json.RawMessage `json:"record"`
	Original json.RawMessage `json:"original,omitempty"`
}

func view(e *state.HeldEntry) heldView {
	return heldView{HeldEntry: *e, Record: asJSON(e.Record), Original: asJSON(e.Original)}
}

// asJSON gives the text of a record as JSON, whatever is in the store.
func asJSON(text string) json.RawMessage {
	if text == "" {
		return nil
	}
	if json.Valid([]byte(text)) {
		return json.RawMessage(text)
	}
	quoted, err := json.Marshal(text)
	if err != nil {
		return nil
	}
	return quoted
}

func (a *app) quarantineList(ctx context.Context, f state.HeldFilter) error {
	p, err := a.loaded()
	if err != nil {
		return err
	}
	f.Project, f.Environment = p.Workspace.Project.Project.Value, a.environment
	if f.Pipeline != "" {
		// A pipeline that is gone may still have held records.
		if found, err := p.Workspace.Find(f.Pipeline); err == nil {
			f.Pipeline = found.Name()
		}
	}
	return a.looking(ctx, p, func(store *state.Store) error {
		entries, err := store.Held(ctx, f)
		if err != nil {
			return err
		}
		limit := f.Limit
		f.Limit = 0
		total, err := store.CountHeld(ctx, f)
		if err != nil {
			return err
		}
		if len(entries) == 0 && f.Pipeline != "" {
			if _, err := p.Workspace.Find(f.Pipeline); err != nil {
				return a.unknownPipeline(p, err)
			}
		}
		evidence, err := store.CountHeld(ctx, state.HeldFilter{Project: f.Project, Environment: f.Environment, Pipeline: f.Pipeline, Status: state.Evidence})
		if err != nil {
			return err
		}
		views := make([]heldView, len(entries))
		for i := range entries {
			views[i] = view(&entries[i])
		}
		result := map[string]any{"total": total, "held": views, "evidence": evidence}
		return a.out.write(exitOK, "", result, func(w io.Writer) {
			if len(entries) == 0 {
				writeNoneHeld(w, evidence)
				return
			}
			writeHeldList(w, entries, total, limit)
		})
	})
}

func writeNoneHeld(w io.Writer, evidence int64) {
	fmt.Fprintln(w, "No records are held.")
	if evidence > 0 {
		fmt.Fprintf(w, "%s are kept as evidence of runs that loaded nothing: --status evidence\n", thousands(evidence))
	}
	fmt.Fprintln(w, "Next: tieout status")
}

func writeHeldList(w io.Writer, entries []state.HeldEntry, total int64, limit int) {
	pipeline := ""
	for i := range entries {
		e := &entries[i]
		if e.Pipeline != pipeline {
			pipeline = e.Pipeline
			fmt.Fprintln(w, pipeline)
		}
		writeHeldEntry(w, e)
	}
	if total > int64(len(entries)) {
		fmt.Fprintf(w, "%s of %s; see more with --limit %d\n", thousands(int64(len(entries))), thousands(total), limit*2)
	}
	fmt.Fprintf(w, "Next: tieout quarantine show %d\n", entries[0].ID)
}

func (a *app) quarantineShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show ID",
		Short: "Show one held record, every reason, and what was edited",
		Example: `  tieout quarantine show 12
  tieout quarantine show 12 -o json`,
		Args:              exactly("the record's number"),
		ValidArgsFunction: a.completeHeld,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.held(cmd.Context(), args[0], func(p *project.Project, _ *state.Store, e *state.HeldEntry) error {
				return a.out.write(exitOK, e.RunID, view(e), func(w io.Writer) { writeHeldDetail(w, e, lone(p, e)) })
			})
		},
	}
}

// held finds one held record of this project.
func (a *app) held(ctx context.Context, id string, fn func(*project.Project, *state.Store, *state.HeldEntry) error) error {
	n, err := heldID(id)
	if err != nil {
		return err
	}
	p, err := a.loaded()
	if err != nil {
		return err
	}
	return a.looking(ctx, p, func(store *state.Store) error {
		e, err := store.HeldByID(ctx, n)
		if err != nil {
			return missing(err, "see `tieout quarantine list` for the records there are")
		}
		return fn(p, store, &e)
	})
}

func heldID(text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 1 {
		return 0, usage(fmt.Errorf("%q is no number of a held record", text), "see `tieout quarantine list`")
	}
	return n, nil
}

// writeHeldDetail shows a held record; noRetry is why it cannot be run by
// itself, nil when it can.
func writeHeldDetail(w io.Writer, e *state.HeldEntry, noRetry error) {
	writeHeldEntry(w, e)
	fmt.Fprintf(w, "  pipeline  %s\n", e.Pipeline)
	fmt.Fprintf(w, "  stage     %s\n", e.Stage)
	fmt.Fprintf(w, "  run       %s\n", e.RunID)
	fmt.Fprintf(w, "  held at   %s\n", e.CreatedAt)
	if e.EditedBy != "" {
		fmt.Fprintf(w, "  edited    %s by %s\n", e.EditedAt, e.EditedBy)
	}
	if e.ChangedBy != "" && e.Status != state.Waiting {
		fmt.Fprintf(w, "  %-9s %s by %s\n", e.Status, e.ChangedAt, e.ChangedBy)
	}
	fmt.Fprintf(w, "  record\n%s\n", pretty(e.Record))
	if e.Original != "" {
		fmt.Fprintf(w, "  as it was held\n%s\n", pretty(e.Original))
	}
	if e.Status != state.Waiting {
		fmt.Fprintf(w, "Next: tieout quarantine list %s\n", e.Pipeline)
		return
	}
	if noRetry != nil {
		fmt.Fprintf(w, "  %s\n", indented(noRetry.Error()))
		fmt.Fprintf(w, "Next: tieout run %s\n", e.Pipeline)
		return
	}
	fmt.Fprintf(w, "Next: tieout quarantine edit %d --set FIELD=VALUE, then tieout quarantine retry %s %d\n", e.ID, e.Pipeline, e.ID)
}

func pretty(text string) string {
	var b bytes.Buffer
	if json.Indent(&b, []byte(text), "    ", "  ") != nil {
		return "    " + text
	}
	return "    " + b.String()
}

func (a *app) quarantineDiscardCommand() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:               "discard ID...",
		Short:             "Give held records up; they are kept, with who did it",
		Example:           "  tieout quarantine discard 12 13 --yes",
		Args:              between(1, 10_000, "the record's number"),
		ValidArgsFunction: a.completeHeld,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.discard(cmd.Context(), args, yes) },
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return cmd
}

func (a *app) discard(ctx context.Context, args []string, yes bool) error {
	p, err := a.loaded()
	if err != nil {
		return err
	}
	ids := make([]int64, len(args))
	for i, arg := range args {
		if ids[i], err = heldID(arg); err != nil {
			return err
		}
	}
	return a.looking(ctx, p, func(store *state.Store) error {
		for _, id := range ids {
			e, err := store.HeldByID(ctx, id)
			if err == nil && e.Status != state.Waiting {
				err = fmt.Errorf("held record %d is %s: %w", id, e.Status, state.ErrMissing)
			}
			if err != nil {
				return missing(err, "see `tieout quarantine list` for the records that wait")
			}
		}
		if err := a.confirm(yes, "discard "+count(len(ids), "held record")+", never to be loaded"); err != nil {
			return err
		}
		for _, id := range ids {
			if err := store.CloseHeld(ctx, id, state.Discarded, a.actor()); err != nil {
				return missing(err, "another command changed it; see `tieout quarantine show`")
			}
		}
		result := map[string]any{"discarded": ids, "actor": a.actor()}
		return a.out.write(exitOK, "", result, func(w io.Writer) {
			fmt.Fprintf(w, "%s discarded by %s, kept in the store as evidence.\n", count(len(ids), "record"), a.actor())
			fmt.Fprintln(w, "Next: tieout quarantine list")
		})
	})
}

var errNoEdit = errors.New("say what to change")
