package cli

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tieout/tieout/runner/project"
	"github.com/tieout/tieout/runner/state"
)

// linkFlags say which links a command is about.
type linkFlags struct{ from, to, tenant string }

func (f *linkFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.from, "from", "", "the stream of the keys, as connection.stream")
	flags.StringVar(&f.to, "to", "", "the stream of the ids, as connection.stream")
	flags.StringVar(&f.tenant, "each", "", "the row of for_each they belong to")
}

// both checks that the streams are named and that their connections exist.
func (f *linkFlags) both(p *project.Project) error {
	for name, stream := range map[string]string{"--from": f.from, "--to": f.to} {
		connection, rest, ok := strings.Cut(stream, ".")
		if !ok || connection == "" || rest == "" {
			return usage(fmt.Errorf("%s %q is no connection.stream", name, stream), "write --from appfolio.tenants --to quickbooks.customers")
		}
		if !slices.Contains(p.Workspace.ConnectionNames(), connection) {
			return usage(fmt.Errorf("%s %s: there is no connection %q in tieout.yaml", name, stream, connection), "name one of: "+strings.Join(p.Workspace.ConnectionNames(), ", "))
		}
	}
	return nil
}

func (a *app) linksCommand() *cobra.Command {
	return a.noun("links", "Which record of one system is which of another", "  tieout links import customers.csv --from appfolio.tenants --to quickbooks.customers\n  tieout links list",
		a.linksListCommand(), a.linksImportCommand(), a.linksRemoveCommand())
}

func (a *app) linksListCommand() *cobra.Command {
	var f linkFlags
	var limit int
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List what is linked to what",
		Example: "  tieout links list --from appfolio.tenants -o json",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.linksList(cmd.Context(), &f, limit) },
	}
	f.add(cmd)
	cmd.Flags().IntVar(&limit, "limit", 1000, "how many at most")
	return cmd
}

var errEnough = errors.New("enough")

func (a *app) linksList(ctx context.Context, f *linkFlags, limit int) error {
	p, err := a.loaded()
	if err != nil {
		return err
	}
	list, more := []state.Link{}, false
	err = a.looking(ctx, p, func(store *state.Store) error {
		err := store.Links(ctx, p.LinkScope(f.from, f.to, f.tenant), func(l state.Link) error {
			if more = len(list) == limit; more {
				return errEnough
			}
			list = append(list, l)
			return nil
		})
		if errors.Is(err, errEnough) {
			return nil
		}
		return err
	})
	if err != nil {
		return err
	}
	return a.out.write(exitOK, "", map[string]any{"links": list, "more": more}, func(w io.Writer) {
		if len(list) == 0 {
			fmt.Fprintln(w, "There are no links.")
			fmt.Fprintln(w, "Next: tieout links import FILE --from appfolio.tenants --to quickbooks.customers")
			return
		}
		var rows [][]string
		for i := range list {
			l := &list[i]
			rows = append(rows, []string{l.Tenant, l.From, short(l.Key, 40), l.To, short(l.ID, 40), l.Origin, l.Stamp})
		}
		table(w, []string{"each", "from", "key", "to", "id", "by", "changed"}, rows)
		if more {
			fmt.Fprintf(w, "There are more; --limit %d shows twice as many.\n", 2*limit)
		}
	})
}

func (a *app) linksImportCommand() *cobra.Command {
	var f linkFlags
	var replace bool
	cmd := &cobra.Command{
		Use:   "import FILE",
		Short: "Take links from a CSV file with the columns key and id",
		Example: `  tieout links import customers.csv --from appfolio.tenants --to quickbooks.customers
  tieout links import customers.csv --from appfolio.tenants --to quickbooks.customers --replace`,
		Args: exactly("a CSV file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.linksImport(cmd.Context(), args[0], &f, replace)
		},
	}
	f.add(cmd)
	cmd.Flags().BoolVar(&replace, "replace", false, "let the file win where a key is linked to another id")
	return cmd
}

// mostLinkBytes bounds the file of links.
const mostLinkBytes = 256 << 20

func (a *app) linksImport(ctx context.Context, file string, f *linkFlags, replace bool) error {
	p, err := a.loaded()
	if err != nil {
		return err
	}
	if err := f.both(p); err != nil {
		return err
	}
	info, err := os.Stat(file)
	if err != nil {
		return usage(fmt.Errorf("read the links: %w", err), "name a CSV file with the columns key and id; a relative path begins where you are")
	}
	if info.Size() > mostLinkBytes {
		return usage(fmt.Errorf("the file %q is larger than %d MiB", file, mostLinkBytes>>20), "divide it")
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		return usage(fmt.Errorf("read the links: %w", err), "name a CSV file with the columns key and id")
	}
	links, err := readLinks(raw, "import by "+a.actor())
	if err != nil {
		return usage(fmt.Errorf("%s: %w", file, err), "its first line is key,id and each other line has one pair")
	}
	var done state.Linked
	err = a.withState(ctx, p, func(store *state.Store) error {
		done, err = store.PutLinks(ctx, p.LinkScope(f.from, f.to, f.tenant), links, replace)
		return err
	})
	if errors.Is(err, state.ErrLinked) {
		return usage(err, "nothing was imported; mend the file, or let it win with --replace")
	}
	if err != nil {
		return err
	}
	return a.out.write(exitOK, "", map[string]any{"added": done.Added, "changed": done.Changed, "unchanged": done.Unchanged}, func(w io.Writer) {
		fmt.Fprintf(w, "%s %s -> %s: %d new, %d changed, %d as they were\n", count(len(links), "link"), f.from, f.to, done.Added, done.Changed, done.Unchanged)
	})
}

// readLinks reads pairs from CSV. Errors name the line.
func readLinks(raw []byte, origin string) ([]state.Link, error) {
	in := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(raw, []byte("\ufeff"))))
	head, err := in.Read()
	if err != nil {
		return nil, errors.New("it has no header")
	}
	for i := range head {
		head[i] = strings.ToLower(strings.TrimSpace(head[i]))
	}
	key, id, version := slices.Index(head, "key"), slices.Index(head, "id"), slices.Index(head, "version")
	if key < 0 || id < 0 {
		return nil, fmt.Errorf("its header %q lacks key or id", strings.Join(head, ","))
	}
	var links []state.Link
	seen := make(map[string]string)
	for {
		row, err := in.Read()
		if errors.Is(err, io.EOF) {
			return links, nil
		}
		if err != nil {
			return nil, err
		}
		line, _ := in.FieldPos(0)
		l := state.Link{Key: strings.TrimSpace(row[key]), ID: strings.TrimSpace(row[id]), Origin: origin}
		if version >= 0 {
			l.Version = strings.TrimSpace(row[version])
		}
		if l.Key == "" || l.ID == "" {
			return nil, fmt.Errorf("line %d has no key or no id", line)
		}
		if other, twice := seen[l.Key]; twice {
			if other != l.ID {
				return nil, fmt.Errorf("line %d links %q to %q, and an earlier line to %q", line, l.Key, l.ID, other)
			}
			continue
		}
		seen[l.Key] = l.ID
		links = append(links, l)
	}
}

func (a *app) linksRemoveCommand() *cobra.Command {
	var f linkFlags
	var all bool
	cmd := &cobra.Command{
		Use:   "remove [KEY...]",
		Short: "Forget links; no record of any system changes",
		Example: `  tieout links remove T-7 --from appfolio.tenants --to quickbooks.customers
  tieout links remove --all --from appfolio.tenants --to quickbooks.customers`,
		RunE: func(cmd *cobra.Command, args []string) error { return a.linksRemove(cmd.Context(), args, &f, all) },
	}
	f.add(cmd)
	cmd.Flags().BoolVar(&all, "all", false, "every link between the two streams")
	return cmd
}

func (a *app) linksRemove(ctx context.Context, keys []string, f *linkFlags, all bool) error {
	if all == (len(keys) > 0) {
		return usage(errors.New("name keys, or say --all"), "see `tieout links list`")
	}
	p, err := a.loaded()
	if err != nil {
		return err
	}
	if err := f.both(p); err != nil {
		return err
	}
	if all {
		keys = nil
	}
	var removed int64
	err = a.withState(ctx, p, func(store *state.Store) error {
		removed, err = store.RemoveLinks(ctx, p.LinkScope(f.from, f.to, f.tenant), keys)
		return err
	})
	if err != nil {
		return err
	}
	return a.out.write(exitOK, "", map[string]any{"removed": removed}, func(w io.Writer) {
		fmt.Fprintf(w, "%s removed\n", count(int(removed), "link"))
	})
}
