package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/runner"
	"github.com/tieout/tieout/runner/state"
)

// shellQuote puts a text in single quotes.
func shellQuote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

func (a *app) stateHistoryCommand() *cobra.Command {
	var limit int
	cmd := &cobra.Command{
		Use:               "history PIPELINE",
		Short:             "Show how the position moved: by runs, and by people",
		Example:           "  tieout state history charges --limit 10",
		Args:              exactly("the pipeline's name"),
		ValidArgsFunction: a.completePipelines,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.stateHistory(cmd.Context(), args[0], limit) },
	}
	cmd.Flags().IntVar(&limit, "limit", 20, "how many at most")
	return cmd
}

// step is one change of a position, by a run or by a person.
type step struct {
	At     time.Time            `json:"at"`
	By     string               `json:"by"` // "run ID", or who and how
	Before *connectors.Position `json:"before"`
	After  *connectors.Position `json:"after"`
}

func (a *app) stateHistory(ctx context.Context, name string, limit int) error {
	if limit < 1 {
		return usage(fmt.Errorf("--limit %d is less than 1", limit), "write --limit 20")
	}
	p, pipeline, err := a.pipeline(name)
	if err != nil {
		return err
	}
	var steps []step
	err = a.looking(ctx, p, func(store *state.Store) error {
		of := p.Workspace.Project.Project.Value
		runs, err := store.Runs(ctx, state.RunFilter{Project: of, Environment: a.environment, Pipeline: pipeline.Name(), Status: runner.Loaded, Limit: limit})
		if err != nil {
			return err
		}
		moves, err := store.Moves(ctx, of, a.environment, pipeline.Name(), limit)
		if err != nil {
			return err
		}
		steps = merged(runs, moves, limit)
		return nil
	})
	if err != nil {
		return err
	}
	result := map[string]any{"pipeline": pipeline.Name(), "history": steps}
	return a.out.write(exitOK, "", result, func(w io.Writer) {
		rows := make([][]string, len(steps))
		for i, s := range steps {
			rows[i] = []string{when(s.At), positionText(s.Before), positionText(s.After), s.By}
		}
		table(w, []string{"at", "from", "to", "by"}, rows)
		fmt.Fprintf(w, "Next: tieout state show %s\n", pipeline.Name())
	})
}

// merged puts the moves of runs and people in one list, newest first.
func merged(runs []runner.Run, moves []state.Move, limit int) []step {
	steps := []step{}
	for i := range runs {
		r := &runs[i]
		if r.After != nil && (r.Before == nil || r.Before.Text != r.After.Text) {
			steps = append(steps, step{At: r.FinishedAt, By: "run " + r.RunID, Before: r.Before, After: r.After})
		}
	}
	for _, m := range moves {
		steps = append(steps, step{At: m.At, By: m.Actor + " (" + m.Verb + ")", Before: m.Before, After: m.After})
	}
	slices.SortStableFunc(steps, func(a, b step) int { return b.At.Compare(a.At) })
	return steps[:min(limit, len(steps))]
}

// exported is a position in a file.
type exported struct {
	Tieout      int                  `json:"tieout"`
	Project     string               `json:"project"`
	Environment string               `json:"environment"`
	Pipeline    string               `json:"pipeline"`
	Position    *connectors.Position `json:"position"`
}

func (a *app) stateExportCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "export PIPELINE",
		Short:             "Write the position as JSON to stdout, for `state import`",
		Example:           "  tieout state export charges > charges.position.json",
		Args:              exactly("the pipeline's name"),
		ValidArgsFunction: a.completePipelines,
		RunE: func(cmd *cobra.Command, args []string) error {
			p, pipeline, pos, err := a.position(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			e := exported{Tieout: 1, Project: p.Workspace.Project.Project.Value, Environment: a.environment, Pipeline: pipeline.Name(), Position: pos}
			return a.out.write(exitOK, "", e, func(w io.Writer) { _ = encode(w, "json", e) })
		},
	}
}

func (a *app) stateImportCommand() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "import PIPELINE FILE",
		Short: "Set the position that `state export` wrote; - reads stdin",
		Example: `  tieout state import charges charges.position.json
  tieout state import charges - --yes < charges.position.json`,
		Args:              exactly("the pipeline's name", "the file"),
		ValidArgsFunction: a.completePipelines,
		RunE: func(cmd *cobra.Command, args []string) error {
			e, err := a.readExported(args[1])
			if err != nil {
				return err
			}
			p, pipeline, before, err := a.position(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if e.Pipeline != pipeline.Name() {
				return usage(fmt.Errorf("the file holds the position of %q, not of %q", e.Pipeline, pipeline.Name()), "name the pipeline of the file")
			}
			if e.Position != nil {
				known, err := p.PositionAt(pipeline, e.Position.Text, before)
				if err != nil {
					return usage(err, "export it again")
				}
				if known.Field != e.Position.Field {
					return usage(fmt.Errorf("the file's cursor is %q, the pipeline's %q", e.Position.Field, known.Field), "export it again")
				}
			}
			return a.move(cmd.Context(), p, pipeline, state.Move{Verb: "import", Before: before, After: e.Position}, yes)
		},
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return cmd
}

// mostExported bounds the file of a position.
const mostExported = 8 << 20

func (a *app) readExported(name string) (exported, error) {
	in := a.Stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return exported{}, usage(err, "name the file `state export` wrote")
		}
		defer f.Close()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, mostExported))
	if err != nil {
		return exported{}, err
	}
	var e exported
	if err := json.Unmarshal(text, &e); err != nil {
		return exported{}, usage(fmt.Errorf("%s is no exported position: %w", name, err), "write it with `tieout state export`")
	}
	if e.Tieout != 1 || e.Pipeline == "" {
		return exported{}, usage(errors.New("the file is no exported position"), "write it with `tieout state export`")
	}
	return e, nil
}
