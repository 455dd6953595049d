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

func (a *app) stateCommand() *cobra.Command {
	return a.noun("state", "See and move the position of a pipeline", `  tieout state show charges
  tieout state set charges 2026-01-31T00:00:00Z
  tieout state reset charges --yes`,
		a.stateShowCommand(), a.stateSetCommand(), a.stateResetCommand(), a.stateHistoryCommand(), a.stateExportCommand(), a.stateImportCommand())
}

// positionResult is a pipeline's position in output.
type positionResult struct {
	Pipeline string               `json:"pipeline"`
	Position *connectors.Position `json:"position"` // null at the beginning
}

func (a *app) stateShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show PIPELINE",
		Short: "Show the position, as it stands in the target",
		Example: `  tieout state show charges
  tieout state show charges -o json`,
		Args:              exactly("the pipeline's name"),
		ValidArgsFunction: a.completePipelines,
		RunE: func(cmd *cobra.Command, args []string) error {
			_, pipeline, pos, err := a.position(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return a.out.write(exitOK, "", positionResult{pipeline.Name(), pos}, func(w io.Writer) {
				fmt.Fprintf(w, "%s: %s\n", pipeline.Name(), positionText(pos))
				if pos != nil {
					fmt.Fprintf(w, "  epoch %d, load %s, %s\n", pos.Epoch, pos.LoadID, boundaryText(pos))
				}
				fmt.Fprintf(w, "Next: tieout state history %s\n", pipeline.Name())
			})
		},
	}
}

// boundaryText says what is kept beside the value of a position.
func boundaryText(pos *connectors.Position) string {
	if n := runner.PartCount(pos); n > 0 {
		return fmt.Sprintf("the greatest of %d parts, each with a value of its own", n)
	}
	return fmt.Sprintf("%d records at exactly this value", len(pos.Seen))
}

// position reads a pipeline's position from its target; nil is the beginning.
func (a *app) position(ctx context.Context, name string) (*project.Project, *pipelines.Pipeline, *connectors.Position, error) {
	p, pipeline, err := a.sound(name)
	if err != nil {
		return nil, nil, nil, err
	}
	pos, found, err := p.Position(ctx, pipeline)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("read the position of %q: %w", pipeline.Name(), err)
	}
	if !found || pos.Field == "" {
		return p, pipeline, nil, nil
	}
	return p, pipeline, &pos, nil
}

func (a *app) stateSetCommand() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "set PIPELINE VALUE",
		Short: "Move the position; the next run reads from there on, VALUE included",
		Example: `  tieout state set charges 2026-01-31T00:00:00Z
  tieout state set charges 4711 --yes`,
		Args:              exactly("the pipeline's name", "the cursor value"),
		ValidArgsFunction: a.completePipelines,
		RunE: func(cmd *cobra.Command, args []string) error {
			p, pipeline, before, err := a.position(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			after, err := p.PositionAt(pipeline, args[1], before)
			if err != nil {
				return usage(err, "write the value as the source writes it")
			}
			return a.move(cmd.Context(), p, pipeline, state.Move{Verb: "set", Before: before, After: after}, yes)
		},
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return cmd
}

func (a *app) stateResetCommand() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:               "reset PIPELINE",
		Short:             "Forget the position; the next run reads everything again",
		Example:           "  tieout state reset charges --yes",
		Args:              exactly("the pipeline's name"),
		ValidArgsFunction: a.completePipelines,
		RunE: func(cmd *cobra.Command, args []string) error {
			p, pipeline, before, err := a.position(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return a.move(cmd.Context(), p, pipeline, state.Move{Verb: "reset", Before: before}, yes)
		},
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return cmd
}

// move changes a position, writes down who did it, and says how to undo it.
func (a *app) move(ctx context.Context, p *project.Project, pipeline *pipelines.Pipeline, m state.Move, yes bool) error {
	name := pipeline.Name()
	question := fmt.Sprintf("move %s from %s to %s", name, positionText(m.Before), positionText(m.After))
	if err := a.confirm(yes, question); err != nil {
		return err
	}
	if err := p.SetPosition(ctx, pipeline, m.After); err != nil {
		return fmt.Errorf("move the position of %q: %w", name, err)
	}
	m.Pipeline, m.Actor = name, a.actor()
	if err := a.withState(ctx, p, func(store *state.Store) error {
		return store.AddMove(ctx, p.Workspace.Project.Project.Value, a.environment, m)
	}); err != nil {
		return fmt.Errorf("the position is moved, but who moved it could not be written down: %w", err)
	}
	undo := "tieout state reset " + name + " --yes"
	if m.Before != nil {
		undo = fmt.Sprintf("tieout state set %s %s --yes", name, quoted(m.Before.Text))
	}
	result := struct {
		Pipeline string               `json:"pipeline"`
		Before   *connectors.Position `json:"before"`
		After    *connectors.Position `json:"after"`
		Undo     string               `json:"undo"`
	}{name, m.Before, m.After, undo}
	return a.out.write(exitOK, "", result, func(w io.Writer) {
		fmt.Fprintf(w, "%s: the position was %s and is now %s\n", name, positionText(m.Before), positionText(m.After))
		fmt.Fprintf(w, "  to put it back: %s\n", undo)
		fmt.Fprintf(w, "Next: tieout run %s\n", name)
	})
}

// quoted writes an argument so that a shell takes it as it is.
func quoted(text string) string {
	for _, ch := range text {
		if !(ch >= '0' && ch <= '9' || ch >= 'a' && ch <= 'z' || ch >= 'A' && ch <= 'Z' || ch == '-' || ch == ':' || ch == '.' || ch == '_' || ch == '/' || ch == '+') {
			return shellQuote(text)
		}
	}
	if text == "" {
		return "''"
	}
	return text
}
