package cli

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tieout/tieout/runner/project"
	"github.com/tieout/tieout/runner/state"
)

func (a *app) completionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "completion bash|zsh|fish|powershell",
		Short: "Write a completion script for a shell",
		Example: `  source <(tieout completion bash)
  tieout completion zsh > "${fpath[1]}/_tieout"
  tieout completion fish > ~/.config/fish/completions/tieout.fish`,
		Args:      exactly("the shell"),
		ValidArgs: []string{"bash", "zsh", "fish", "powershell"},
		RunE: func(cmd *cobra.Command, args []string) error {
			root := cmd.Root()
			switch args[0] {
			case "bash":
				return root.GenBashCompletionV2(a.Stdout, true)
			case "zsh":
				return root.GenZshCompletion(a.Stdout)
			case "fish":
				return root.GenFishCompletion(a.Stdout, true)
			case "powershell":
				return root.GenPowerShellCompletionWithDesc(a.Stdout)
			}
			return usage(fmt.Errorf("there is no completion for %q%s", args[0], didYouMean(args[0], cmd.ValidArgs)), "name bash, zsh, fish or powershell")
		},
	}
}

// completing opens the project while a shell completes a line; what is wrong
// with it is not shown then.
func (a *app) completing() (*project.Project, bool) {
	dir, err := filepath.Abs(a.dir)
	if err != nil {
		return nil, false
	}
	a.dir = dir
	p, err := a.loaded()
	return p, err == nil
}

// completePipelines offers the names of pipelines that begin as typed.
func (a *app) completePipelines(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	p, ok := a.completing()
	if !ok {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	for _, pipeline := range p.Workspace.Pipelines {
		if name := pipeline.Name(); strings.HasPrefix(name, typed) {
			names = append(names, name+"\t"+short(pipeline.Description, 60))
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// completeFlags completes --pipeline and --status of a list.
func (a *app) completeFlags(cmd *cobra.Command, statuses []string) {
	// The flags are there: the errors are of flags that are not.
	_ = cmd.RegisterFlagCompletionFunc("pipeline", a.completePipelines)
	_ = cmd.RegisterFlagCompletionFunc("status", cobra.FixedCompletions(statuses, cobra.ShellCompDirectiveNoFileComp))
}

// completeRuns offers the ids of the last runs.
func (a *app) completeRuns(cmd *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
	return a.completeFrom(cmd, func(ctx context.Context, store *state.Store, of string) []string {
		runs, err := store.Runs(ctx, state.RunFilter{Project: of, Environment: a.environment, Limit: 50})
		if err != nil {
			return nil
		}
		var ids []string
		for i := range runs {
			if strings.HasPrefix(runs[i].RunID, typed) {
				ids = append(ids, fmt.Sprintf("%s\t%s %s %s", runs[i].RunID, runs[i].Pipeline, runs[i].Status, when(runs[i].StartedAt)))
			}
		}
		return ids
	})
}

// completeHeld offers the numbers of records that wait.
func (a *app) completeHeld(cmd *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
	return a.completeFrom(cmd, func(ctx context.Context, store *state.Store, of string) []string {
		held, err := store.Held(ctx, state.HeldFilter{Project: of, Environment: a.environment, Status: state.Waiting, Limit: 200})
		if err != nil {
			return nil
		}
		var ids []string
		for i := range held {
			if id := strconv.FormatInt(held[i].ID, 10); strings.HasPrefix(id, typed) {
				ids = append(ids, id+"\t"+held[i].Pipeline+" "+short(held[i].Key, 40))
			}
		}
		return ids
	})
}

func (a *app) completeFrom(cmd *cobra.Command, list func(context.Context, *state.Store, string) []string) ([]string, cobra.ShellCompDirective) {
	p, ok := a.completing()
	if !ok {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	ctx := cmd.Context()
	store, err := p.LookState(ctx)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	defer store.Close()
	return list(ctx, store, p.Workspace.Project.Project.Value), cobra.ShellCompDirectiveNoFileComp
}
