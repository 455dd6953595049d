package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tieout/tieout/pipelines"
	"github.com/tieout/tieout/runner/project"
	"github.com/tieout/tieout/schemas/document"
)

func (a *app) schemaCommand() *cobra.Command {
	return a.noun("schema", "The JSON Schemas that editors use", `  tieout schema print pipeline
  tieout schema write`, a.schemaPrintCommand(), a.schemaWriteCommand())
}

// schemaEnd ends the name of a schema's file; the kind is before it.
const schemaEnd = ".schema.json"

// schemas are the JSON Schemas of every kind of document, by kind.
func (a *app) schemas() (map[string][]byte, error) {
	files, err := pipelines.Schemas(project.Connectors(a.Registry))
	if err != nil {
		return nil, err
	}
	out := make(map[string][]byte, len(files))
	for name, text := range files {
		out[strings.TrimSuffix(name, schemaEnd)] = text
	}
	return out, nil
}

func (a *app) schemaPrintCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "print [KIND]",
		Short: "Print the JSON Schema of a kind of document",
		Example: `  tieout schema print pipeline
  tieout schema print project > .tieout/schemas/project.schema.json`,
		Args:      between(0, 1, "the kind"),
		ValidArgs: []string{"project", "pipeline"},
		RunE: func(_ *cobra.Command, args []string) error {
			kind := "pipeline"
			if len(args) == 1 {
				kind = args[0]
			}
			all, err := a.schemas()
			if err != nil {
				return err
			}
			text, known := all[kind]
			if !known {
				kinds := slices.Sorted(maps.Keys(all))
				return usage(fmt.Errorf("there is no schema of %q%s", kind, didYouMean(kind, kinds)), fmt.Sprintf("the kinds are %v", kinds))
			}
			return a.out.write(exitOK, "", json.RawMessage(text), func(w io.Writer) { _, _ = w.Write(text) })
		},
	}
}

func (a *app) schemaWriteCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "write",
		Short:   "Write the schemas to .tieout/schemas, where pipelines name them",
		Example: "  tieout schema write",
		Args:    exactly(),
		RunE: func(*cobra.Command, []string) error {
			files, err := a.schemaFiles()
			if err != nil {
				return err
			}
			if err := writeFiles(a.dir, files); err != nil {
				return err
			}
			names := slices.Sorted(maps.Keys(files))
			return a.out.write(exitOK, "", map[string]any{"files": names}, func(w io.Writer) {
				for _, name := range names {
					fmt.Fprintln(w, name)
				}
				fmt.Fprintln(w, "Next: open a pipeline in an editor that knows yaml-language-server")
			})
		},
	}
}

// schemaFiles are the schemas under the names pipelines refer to.
func (a *app) schemaFiles() (map[string][]byte, error) {
	all, err := a.schemas()
	if err != nil {
		return nil, err
	}
	files := make(map[string][]byte, len(all))
	for kind, text := range all {
		files[".tieout/schemas/"+kind+schemaEnd] = text
	}
	return files, nil
}

// writeFiles writes files below a folder; the names have slashes.
func writeFiles(dir string, files map[string][]byte) error {
	for _, name := range slices.Sorted(maps.Keys(files)) {
		path := filepath.Join(dir, filepath.FromSlash(name))
		err := os.MkdirAll(filepath.Dir(path), 0o755)
		if err == nil {
			err = os.WriteFile(path, files[name], 0o644)
		}
		if err != nil {
			return &exitError{err: err, exit: exitEnvironment, code: string(document.CodeRunOutput), hint: "check the folder and its permissions"}
		}
	}
	return nil
}
