package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/transforms/expression"
)

// usageText is the form of every command's help: examples first.
const usageText = `{{if .HasExample}}Examples:
{{.Example}}

{{end}}Usage:
  {{.UseLine}}{{if .HasAvailableSubCommands}}
{{$cmds := .Commands}}{{if eq (len .Groups) 0}}
Commands:{{range $cmds}}{{if .IsAvailableCommand}}
  {{rpad .Name .NamePadding}} {{.Short}}{{end}}{{end}}
{{else}}{{range $group := .Groups}}
{{.Title}}{{range $cmds}}{{if (and (eq .GroupID $group.ID) .IsAvailableCommand)}}
  {{rpad .Name .NamePadding}} {{.Short}}{{end}}{{end}}
{{end}}{{end}}{{end}}{{if .HasAvailableLocalFlags}}
Flags:
{{.LocalFlags.FlagUsages | trimTrailingWhitespaces}}
{{end}}{{if .HasAvailableInheritedFlags}}
Flags of every command:
{{.InheritedFlags.FlagUsages | trimTrailingWhitespaces}}
{{end}}{{if not .HasParent}}
Read on: tieout help exit-codes, environment, formatting, functions, error CODE
{{end}}`

// dressHelp gives the commands their form of help and the help topics.
func (a *app) dressHelp(root *cobra.Command) {
	root.Example = `  tieout init books
  tieout validate
  tieout run rent_roll --dry-run
  tieout run rent_roll`
	root.SetUsageTemplate(usageText)
	root.SetHelpTemplate("{{.Short}}\n\n{{.UsageString}}")
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetHelpCommand(a.helpCommand())
}

// topics are the help texts beside those of the commands.
func topics() map[string]string {
	return map[string]string{"exit-codes": exitCodesText, "environment": environmentText, "formatting": formattingText}
}

func topicNames() []string {
	return []string{"exit-codes", "environment", "formatting", "error", "functions"}
}

func (a *app) helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND | TOPIC]",
		Short: "Help about a command or a topic",
		Example: `  tieout help run
  tieout help exit-codes
  tieout help error source.bad_value
  tieout help functions prorate`,
		ValidArgsFunction: a.completeHelp,
		RunE: func(cmd *cobra.Command, args []string) error {
			root := cmd.Root()
			if len(args) == 0 {
				return root.Help()
			}
			if text, is := topics()[args[0]]; is {
				_, err := io.WriteString(a.Stdout, text)
				return err
			}
			switch args[0] {
			case "error":
				return a.helpError(args[1:])
			case "functions":
				return a.helpFunctions(args[1:])
			}
			found, rest, err := root.Find(args)
			if err != nil || found == root || len(rest) > 0 {
				names := topicNames()
				for _, c := range root.Commands() {
					names = append(names, c.Name())
				}
				return usage(fmt.Errorf("there is no help on %q%s", strings.Join(args, " "), didYouMean(args[0], names)), "see `tieout help`")
			}
			return found.Help()
		},
	}
}

func (a *app) completeHelp(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	var names []string
	if len(args) == 1 && args[0] == "error" {
		for _, row := range document.CodeTable() {
			names = append(names, string(row.Code)+"\t"+row.Summary)
		}
	}
	if len(args) == 0 {
		names = topicNames()
		for _, c := range cmd.Root().Commands() {
			names = append(names, c.Name()+"\t"+c.Short)
		}
	}
	var out []string
	for _, n := range names {
		if strings.HasPrefix(n, typed) {
			out = append(out, n)
		}
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}

// helpError prints the page of a code, or the table of codes.
func (a *app) helpError(args []string) error {
	if len(args) == 0 {
		for _, row := range document.CodeTable() {
			fmt.Fprintf(a.Stdout, "%-28s %s\n", row.Code, row.Summary)
		}
		return nil
	}
	row, known := document.LookupCode(document.Code(args[0]))
	if !known {
		var codes []string
		for _, r := range document.CodeTable() {
			codes = append(codes, string(r.Code))
		}
		return usage(fmt.Errorf("there is no error %q%s", args[0], didYouMean(args[0], codes)), "see `tieout help error` for all of them")
	}
	fmt.Fprintf(a.Stdout, "%s: %s\n\n%s\n", row.Code, row.Summary, strings.TrimSpace(row.Help))
	return nil
}

// helpFunctions prints the reference of the functions, or of one.
func (a *app) helpFunctions(args []string) error {
	page := string(expression.Reference())
	if len(args) == 0 {
		_, err := io.WriteString(a.Stdout, page)
		return err
	}
	var names []string
	for _, section := range strings.Split(page, "\n### ")[1:] {
		name, _, _ := strings.Cut(section, "\n")
		names = append(names, name)
		if name == args[0] {
			text, _, _ := strings.Cut(section, "\n## ")
			fmt.Fprintln(a.Stdout, strings.TrimSpace(text))
			return nil
		}
	}
	return usage(fmt.Errorf("there is no function %q%s", args[0], didYouMean(args[0], names)), "see `tieout help functions` for all of them")
}
