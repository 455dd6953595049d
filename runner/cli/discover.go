package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tieout/tieout/runner/project"
)

func (a *app) discoverCommand() *cobra.Command {
	var save bool
	cmd := &cobra.Command{
		Use:   "discover CONNECTION [STREAM]",
		Short: "List the streams of a connection, or the fields of a stream",
		Example: `  tieout discover warehouse
  tieout discover files rent.csv
  tieout discover files rent.csv --save`,
		Args: between(1, 2, "a connection"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				if save {
					return usage(errors.New("--save needs a stream"), "see `tieout discover "+args[0]+"` for the streams there are")
				}
				return a.discoverStreams(cmd.Context(), args[0])
			}
			return a.discoverFields(cmd.Context(), args[0], args[1], save)
		},
	}
	cmd.Flags().BoolVar(&save, "save", false, "write a schema document, which closes the stream: a name it lacks is then an error")
	return cmd
}

func (a *app) discoverStreams(ctx context.Context, connection string) error {
	p, err := a.loaded()
	if err != nil {
		return err
	}
	names, err := p.Streams(ctx, connection)
	if err != nil {
		return err
	}
	return a.out.write(exitOK, "", map[string]any{"connection": connection, "streams": names}, func(w io.Writer) {
		for _, name := range names {
			fmt.Fprintln(w, name)
		}
		if len(names) > 0 {
			fmt.Fprintf(w, "Next: tieout discover %s %s\n", connection, names[0])
		}
	})
}

func (a *app) discoverFields(ctx context.Context, connection, stream string, save bool) error {
	p, err := a.loaded()
	if err != nil {
		return err
	}
	found, err := p.Discover(ctx, connection, stream)
	if err != nil {
		return err
	}
	file := ""
	if save {
		if file, err = a.saveSchema(&found); err != nil {
			return err
		}
	}
	return a.out.write(exitOK, "", map[string]any{"discovered": found, "file": file}, func(w io.Writer) {
		var rows [][]string
		listFields(&rows, found.Fields, "")
		table(w, []string{"field", "type", ""}, rows)
		fmt.Fprintf(w, "%s looked at\n", count(found.Rows, "record"))
		if file != "" {
			fmt.Fprintf(w, "Next: read %s, and correct the types that were guessed\n", file)
		} else {
			fmt.Fprintf(w, "Next: tieout discover %s %s --save\n", connection, stream)
		}
	})
}

func listFields(rows *[][]string, fields []project.DiscoveredField, indent string) {
	for i := range fields {
		f := &fields[i]
		kind, note := f.Type, ""
		if f.Scale != nil {
			kind = fmt.Sprintf("%s, %d digits", f.Type, *f.Scale)
		}
		if f.Guessed {
			note = "guessed from the values"
		}
		*rows = append(*rows, []string{indent + f.Name, kind, note})
		listFields(rows, f.Fields, indent+"  ")
	}
}

// saveSchema writes the schema document of a stream. One that is there is not
// overwritten.
func (a *app) saveSchema(d *project.Discovered) (string, error) {
	name := strings.Map(func(r rune) rune {
		if strings.ContainsRune("/\\*?\"<>|: ", r) {
			return '_'
		}
		return r
	}, d.Stream)
	file := filepath.Join("schemas", name+".yaml")
	full := filepath.Join(a.dir, file)
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		return "", fmt.Errorf("make the folder schemas: %w", err)
	}
	f, err := os.OpenFile(full, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return "", usage(fmt.Errorf("%s is there already", file), "remove it first, or edit it")
	}
	if err != nil {
		return "", fmt.Errorf("write the schema: %w", err)
	}
	_, err = f.WriteString(d.YAML(a.Now().UTC().Format(time.DateOnly)))
	return file, errors.Join(err, f.Close())
}
