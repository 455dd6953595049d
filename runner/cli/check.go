package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tieout/tieout/runner/project"
)

func (a *app) checkCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check [NAME...]",
		Short: "Prove that connections work, with the cheapest request each",
		Example: `  tieout check
  tieout check warehouse quickbooks -o json`,
		ValidArgsFunction: a.completeConnections,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.checkAll(cmd.Context(), args) },
	}
}

// proof is what a check of one connection found.
type proof struct {
	Connection   string `json:"connection"`
	Connector    string `json:"connector"`
	OK           bool   `json:"ok"`
	Milliseconds int64  `json:"milliseconds"`
	Code         string `json:"code,omitempty"`
	Detail       string `json:"detail,omitempty"`
	Hint         string `json:"hint,omitempty"`
	ConsentEnds  string `json:"consent_ends,omitempty"`
	EndsSoon     bool   `json:"consent_ends_soon,omitempty"`

	exit int
}

func (a *app) checkAll(ctx context.Context, names []string) error {
	p, err := a.loaded()
	if err != nil {
		return err
	}
	if names, err = connectionsNamed(p, names); err != nil {
		return err
	}
	list, failed := make([]proof, len(names)), 0
	for i, name := range names {
		list[i] = a.prove(ctx, p, name)
		if err := ctx.Err(); err != nil {
			return err
		}
		if !list[i].OK {
			failed++
			a.exit = worst(a.exit, list[i].exit)
		}
	}
	result := map[string]any{"connections": list, "failed": failed}
	return a.out.write(a.exit, "", result, func(w io.Writer) { writeProofs(w, list, failed) })
}

// connectionsNamed are the connections to check: all of them when none is
// named.
func connectionsNamed(p *project.Project, names []string) ([]string, error) {
	known := p.Workspace.ConnectionNames()
	if len(names) == 0 {
		return known, nil
	}
	var out []string
	for _, name := range names {
		if !slices.Contains(known, name) {
			return nil, usage(fmt.Errorf("there is no connection %q%s", name, didYouMean(name, known)), "connections are declared in tieout.yaml: "+strings.Join(known, ", "))
		}
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out, nil
}

// prove checks one connection. Settings that are wrong are a mistake in files;
// whatever the other side does is the environment's.
func (a *app) prove(ctx context.Context, p *project.Project, name string) proof {
	one := proof{Connection: name, Connector: p.ConnectorOf(name), OK: true}
	checking, stop := context.WithTimeout(ctx, checkTime)
	defer stop()
	started := a.Now()
	err := p.CheckConnection(checking, name)
	one.Milliseconds = a.Now().Sub(started).Milliseconds()
	if err != nil {
		f := describe(err)
		one.OK, one.Code, one.Detail, one.Hint, one.exit = false, f.Code, f.Message, f.Hint, exitEnvironment
		if _, settings := p.Settings(name); settings != nil && exitOf(settings) == exitConfig {
			one.exit = exitConfig
		}
		return one
	}
	if kept, found, err := p.Kept(ctx, name); err == nil && found && !kept.Ends.IsZero() {
		one.ConsentEnds, one.EndsSoon = when(kept.Ends), kept.Soon
	}
	return one
}

func writeProofs(w io.Writer, list []proof, failed int) {
	if len(list) == 0 {
		fmt.Fprintln(w, "There are no connections.\nNext: declare them in tieout.yaml")
		return
	}
	rows := make([][]string, len(list))
	for i, one := range list {
		result, note := "OK", ""
		if !one.OK {
			result = "FAILED"
		}
		if one.ConsentEnds != "" {
			note = "consent ends " + one.ConsentEnds
		}
		rows[i] = []string{one.Connection, one.Connector, result, thousands(one.Milliseconds), note}
	}
	table(w, []string{"connection", "connector", "result", ">ms", ""}, rows)
	for _, one := range list {
		if one.EndsSoon {
			fmt.Fprintf(w, "%s: the consent ends soon; give it again with `tieout connect %s`\n", one.Connection, one.Connection)
		}
		if one.OK {
			continue
		}
		fmt.Fprintf(w, "%s: %s\n", one.Connection, indented(one.Detail))
		if one.Hint != "" {
			fmt.Fprintf(w, "       hint: %s\n", indented(one.Hint))
		}
	}
	if failed > 0 {
		fmt.Fprintf(w, "%d of %s failed.\nNext: correct them, then tieout check\n", failed, count(len(list), "connection"))
		return
	}
	fmt.Fprintf(w, "%s answered.\nNext: tieout status\n", count(len(list), "connection"))
}

// completeConnections offers the names of connections that begin as typed.
func (a *app) completeConnections(_ *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	p, ok := a.completing()
	if !ok {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	for _, name := range p.Workspace.ConnectionNames() {
		if strings.HasPrefix(name, typed) && !slices.Contains(args, name) {
			names = append(names, name+"\t"+p.ConnectorOf(name))
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
