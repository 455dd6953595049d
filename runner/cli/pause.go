package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tieout/tieout/runner/project"
	"github.com/tieout/tieout/runner/schedule"
	"github.com/tieout/tieout/runner/state"
)

// mostNote is how long a note may be, in characters.
const mostNote = 500

func (a *app) pauseCommand() *cobra.Command {
	var note string
	cmd := &cobra.Command{
		Use:   "pause PIPELINE...",
		Short: "Keep pipelines from being started by schedule",
		Example: `  tieout pause rent_roll
  tieout pause rent_roll charges --note "year-end close"`,
		Args:              some("a pipeline"),
		ValidArgsFunction: a.completePipelines,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.pause(cmd.Context(), args, note) },
	}
	cmd.Flags().StringVar(&note, "note", "", "why, for those who find it paused")
	return cmd
}

// some wants at least one argument.
func some(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return usage(fmt.Errorf("%s: name %s", cmd.CommandPath(), what), "see `tieout status` for the pipelines there are")
		}
		return nil
	}
}

// oneLine checks a note and makes one line of it.
func oneLine(note string) (string, error) {
	note = strings.Join(strings.Fields(note), " ")
	if n := len([]rune(note)); n > mostNote {
		return "", usage(fmt.Errorf("--note has %d characters, more than %d", n, mostNote), "say it shorter")
	}
	return note, nil
}

// pausedOne is what became of one pipeline.
type pausedOne struct {
	Pipeline string          `json:"pipeline"`
	Paused   *schedule.Pause `json:"paused"`
	Changed  bool            `json:"changed"` // false: it was so already
	was      *schedule.Pause
	noted    bool // it was paused already, with another note
}

func (a *app) pause(ctx context.Context, names []string, note string) error {
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
	var done []pausedOne
	err = a.withState(ctx, p, func(store *state.Store) error {
		keeper := a.keeper(p, store)
		before, err := keeper.Pauses(ctx)
		if err != nil {
			return err
		}
		for _, pipeline := range list {
			name := pipeline.Name()
			pause, already := before[name]
			d := pausedOne{Pipeline: name, Changed: !already, noted: already && note != "" && note != pause.Note}
			if d.Changed || d.noted {
				fresh := schedule.Pause{By: a.actor(), At: a.Now().UTC(), Note: note}
				if err := keeper.Pause(ctx, name, fresh); err != nil {
					return err
				}
				if pause.Note = note; !already {
					pause = fresh
				}
			}
			d.Changed, d.Paused = d.Changed || d.noted, &pause
			done = append(done, d)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return a.out.write(exitOK, "", map[string]any{"pipelines": done}, func(w io.Writer) {
		for _, d := range done {
			switch {
			case d.noted:
				fmt.Fprintf(w, "%s  was paused already; its note is new: %s\n", d.Pipeline, pausedText(d.Paused))
			case d.Changed:
				fmt.Fprintf(w, "%s  paused; its slots are skipped, and tieout run still works\n", d.Pipeline)
			default:
				fmt.Fprintf(w, "%s  is already %s\n", d.Pipeline, pausedText(d.Paused))
			}
		}
		fmt.Fprintf(w, "Next: tieout resume %s\n", strings.Join(namesOf(done), " "))
	})
}

func namesOf(list []pausedOne) []string {
	var names []string
	for _, d := range list {
		names = append(names, d.Pipeline)
	}
	return names
}

func pausedText(p *schedule.Pause) string {
	text := fmt.Sprintf("paused since %s by %s", when(p.At), p.By)
	if p.Note != "" {
		text += ": " + p.Note
	}
	return text
}

func (a *app) resumeCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "resume PIPELINE...",
		Short:             "Let paused pipelines be started by schedule again",
		Example:           "  tieout resume rent_roll",
		Args:              some("a pipeline"),
		ValidArgsFunction: a.completePipelines,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.resume(cmd.Context(), args) },
	}
}

func (a *app) resume(ctx context.Context, names []string) error {
	p, err := a.loaded()
	if err != nil {
		return err
	}
	var done []pausedOne
	err = a.looking(ctx, p, func(store *state.Store) error {
		keeper := a.keeper(p, store)
		paused, err := keeper.Pauses(ctx)
		if err != nil {
			return err
		}
		if names, err = a.pausedNames(p, names, paused); err != nil {
			return err
		}
		for _, name := range names {
			was, changed, err := keeper.Resume(ctx, name)
			if err != nil {
				return err
			}
			done = append(done, pausedOne{Pipeline: name, Changed: changed, was: &was})
		}
		return nil
	})
	if err != nil {
		return err
	}
	return a.out.write(exitOK, "", map[string]any{"pipelines": done}, func(w io.Writer) {
		for _, d := range done {
			if d.Changed {
				fmt.Fprintf(w, "%s  resumed; it was %s\n", d.Pipeline, pausedText(d.was))
			} else {
				fmt.Fprintf(w, "%s  was not paused\n", d.Pipeline)
			}
		}
		fmt.Fprintf(w, "Next: tieout next %s\n", strings.Join(namesOf(done), " "))
	})
}

// pausedNames turns what was named into names of pipelines. One that is
// paused may be resumed by name when its file is gone.
func (a *app) pausedNames(p *project.Project, args []string, paused map[string]schedule.Pause) ([]string, error) {
	var names []string
	for _, arg := range args {
		if _, known := paused[arg]; known {
			names = append(names, arg)
			continue
		}
		found, err := p.Workspace.Find(arg)
		if err != nil {
			return nil, a.unknownPipeline(p, err)
		}
		names = append(names, found.Name())
	}
	return names, nil
}
