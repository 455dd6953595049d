package cli

import (
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// scaffold holds the files a new project begins with. {{project}},
// {{pipeline}}, {{given}} and {{folder}} stand for what is new.
//
//go:embed scaffold
var scaffold embed.FS

func (a *app) initCommand() *cobra.Command {
	var from string
	cmd := &cobra.Command{
		Use:   "init [DIR]",
		Short: "Make a project that runs at once, offline",
		Example: `  tieout init books && cd books && tieout run rent_roll
  tieout init books --from permits`,
		Args: between(0, 1, "the folder"),
		RunE: func(_ *cobra.Command, args []string) error {
			dir, shown := a.dir, a.given
			if len(args) == 1 {
				dir, shown = args[0], filepath.Join(a.given, args[0])
				if !filepath.IsAbs(dir) {
					dir = filepath.Join(a.dir, dir)
				} else {
					shown = dir
				}
			}
			return a.init(dir, shown, from)
		},
	}
	cmd.Flags().StringVar(&from, "from", "", "a pipeline of the catalog to begin with, with what it needs")
	_ = cmd.RegisterFlagCompletionFunc("from", func(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
		return a.catalogNames(typed), cobra.ShellCompDirectiveNoFileComp
	})
	return cmd
}

// seed is what a new project is made of.
type seed struct {
	pipeline string            // its name
	given    string            // a file of records for dry runs, "" when there is none
	folder   string            // of the pipeline
	files    map[string][]byte // by name below the project
}

// init makes the project; shown is the folder as a person named it.
func (a *app) init(dir, shown, from string) error {
	s, err := a.seed(from, dir)
	if err != nil {
		return err
	}
	if err := s.addEditor(); err != nil {
		return err
	}
	schemas, err := a.schemaFiles()
	if err != nil {
		return err
	}
	kept := keep(dir, s.files, ".gitignore")
	if there := present(dir, s.files); len(there) > 0 {
		return usage(fmt.Errorf("%s holds %s already; nothing was written", shown, strings.Join(there, ", ")), "name another folder: tieout init DIR")
	}
	if err := writeFiles(dir, s.files); err != nil {
		return err
	}
	if err := writeFiles(dir, schemas); err != nil {
		return err
	}
	names := append(slices.Sorted(maps.Keys(s.files)), slices.Sorted(maps.Keys(schemas))...)
	result := map[string]any{"dir": shown, "pipeline": s.pipeline, "files": names}
	return a.out.write(exitOK, "", result, func(w io.Writer) {
		fmt.Fprintf(w, "A project in %s with the pipeline %s:\n", shown, s.pipeline)
		for _, name := range names {
			fmt.Fprintf(w, "  %s\n", name)
		}
		if kept {
			fmt.Fprintln(w, "The .gitignore there is left as it is; it should name .tieout/")
		}
		fmt.Fprintf(w, "Next: tieout -C %s run %s\n", quoted(shown), s.pipeline)
	})
}

func (a *app) seed(from, dir string) (*seed, error) {
	if from != "" {
		return a.fromCatalog(from, dir)
	}
	s := &seed{pipeline: "rent_roll", given: "data/rent.csv", folder: "pipelines", files: make(map[string][]byte)}
	for name, file := range map[string]string{"tieout.yaml": "tieout.yaml", "pipelines/rent_roll.yaml": "rent_roll.yaml",
		"data/rent.csv": "rent.csv", "mappings/properties.csv": "properties.csv"} {
		if err := s.add(name, file, projectName(dir)); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// addEditor adds what every project gets: for git, for CI, for the editor.
func (s *seed) addEditor() error {
	return errors.Join(s.add(".gitignore", "gitignore", ""), s.add(".github/workflows/tieout.yml", "workflow.yml", ""),
		s.add(".vscode/settings.json", "settings.json", ""))
}

// add puts a file of the scaffold into the project.
func (s *seed) add(name, file, project string) error {
	text, err := fs.ReadFile(scaffold, "scaffold/"+file)
	if err != nil {
		return err
	}
	filled := strings.NewReplacer("{{project}}", project, "{{pipeline}}", s.pipeline, "{{folder}}", s.folder).Replace(string(text))
	if s.given == "" {
		filled = withoutLines(filled, "{{given}}")
	}
	s.files[name] = []byte(strings.ReplaceAll(filled, "{{given}}", quoted(s.given)))
	return nil
}

// withoutLines leaves out the lines that hold a text.
func withoutLines(text, held string) string {
	var out []string
	for line := range strings.Lines(text) {
		if !strings.Contains(line, held) {
			out = append(out, line)
		}
	}
	return strings.Join(out, "")
}

// keep takes a file that is there already out of what is written.
func keep(dir string, files map[string][]byte, name string) bool {
	if _, err := os.Lstat(filepath.Join(dir, name)); err != nil {
		return false
	}
	delete(files, name)
	return true
}

// present lists the files that are there already.
func present(dir string, files map[string][]byte) []string {
	var there []string
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if _, err := os.Lstat(filepath.Join(dir, filepath.FromSlash(name))); err == nil {
			there = append(there, name)
		}
	}
	return there
}

// projectName makes a name of a folder's.
func projectName(dir string) string {
	var b strings.Builder
	for _, ch := range strings.ToLower(filepath.Base(dir)) {
		switch {
		case ch >= 'a' && ch <= 'z', ch >= '0' && ch <= '9':
			b.WriteRune(ch)
		case b.Len() > 0:
			b.WriteByte('-')
		}
	}
	name := strings.Trim(b.String(), "-")
	if name == "" || name[0] <= '9' {
		return strings.TrimSuffix("project-"+name, "-")
	}
	return name
}
