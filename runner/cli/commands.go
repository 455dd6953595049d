package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tieout/tieout/schemas/document"
)

// The groups of commands, in the order help shows them.
const (
	groupAuthor  = "author"
	groupRun     = "run"
	groupOperate = "operate"
	groupTool    = "tool"
)

// commands lists every command, in the order of the day.
func (a *app) commands() []*cobra.Command {
	grouped := []struct {
		group string
		list  []*cobra.Command
	}{
		{groupAuthor, []*cobra.Command{a.initCommand(), a.validateCommand(), a.previewCommand(), a.explainCommand(), a.fmtCommand()}},
		{groupRun, []*cobra.Command{a.runCommand(), a.serveCommand(), a.nextCommand(), a.triggerCommand(), a.pauseCommand(), a.resumeCommand()}},
		{groupOperate, []*cobra.Command{a.statusCommand(), a.runsCommand(), a.quarantineCommand(), a.outboxCommand(), a.linksCommand(), a.stateCommand()}},
		{groupTool, []*cobra.Command{a.connectCommand(), a.checkCommand(), a.discoverCommand(), a.sandboxCommand(), a.doctorCommand(), a.schemaCommand(), a.completionCommand(), a.versionCommand()}},
	}
	var out []*cobra.Command
	for _, g := range grouped {
		for _, c := range g.list {
			c.GroupID = g.group
			out = append(out, c)
		}
	}
	return out
}

// groups names the groups for help.
func groups() []*cobra.Group {
	return []*cobra.Group{
		{ID: groupAuthor, Title: "Write pipelines:"},
		{ID: groupRun, Title: "Run them:"},
		{ID: groupOperate, Title: "See and repair what happened:"},
		{ID: groupTool, Title: "The tool itself:"},
	}
}

// noun makes a command that only holds others, such as `runs`.
func (a *app) noun(use, short, example string, verbs ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Example: example, Args: cobra.ArbitraryArgs, RunE: unknownCommand}
	cmd.AddCommand(verbs...)
	return cmd
}

// unknownCommand is what a command that only holds others does: help without
// an argument, and with one a usage error that names the nearest.
func unknownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return cmd.Help()
	}
	var names []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	return usage(fmt.Errorf("there is no command %q%s", strings.TrimSpace(cmd.CommandPath()+" "+args[0]), didYouMean(args[0], names)),
		"see `"+cmd.CommandPath()+" --help` for the commands there are")
}

// flagError makes a mistake in flags a usage error that names the nearest.
func flagError(cmd *cobra.Command, err error) error {
	hint := "see `" + cmd.CommandPath() + " --help`"
	var unknown *pflag.NotExistError
	if errors.As(err, &unknown) {
		var names []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
		name := unknown.GetSpecifiedName()
		if len(name) > 1 {
			return usage(fmt.Errorf("%s has no flag --%s%s", cmd.CommandPath(), name, didYouMean(name, names)), hint)
		}
	}
	return usage(err, hint)
}

// didYouMean names the nearest of the known names, as the end of a message.
func didYouMean(name string, known []string) string {
	near := document.Suggest(name, known).Near
	if len(near) == 0 {
		return ""
	}
	return "; did you mean " + strings.Join(near, " or ") + "?"
}

// exactly wants a number of arguments and says which one is missing.
func exactly(names ...string) cobra.PositionalArgs {
	return between(len(names), len(names), names...)
}

// between wants at least and at most so many arguments.
func between(least, most int, names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		hint := "write `" + cmd.UseLine() + "`"
		switch {
		case len(args) < least:
			return usage(fmt.Errorf("%s: %s is missing", cmd.CommandPath(), names[len(args)]), hint)
		case len(args) > most:
			return usage(fmt.Errorf("%s: %q is one argument too many", cmd.CommandPath(), args[most]), hint)
		}
		return nil
	}
}
