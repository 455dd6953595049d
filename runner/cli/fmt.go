package cli

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"

	"github.com/spf13/cobra"

	"github.com/tieout/tieout/pipelines"
	"github.com/tieout/tieout/runner/cli/format"
	"github.com/tieout/tieout/runner/project"
	"github.com/tieout/tieout/schemas/document"
)

func (a *app) fmtCommand() *cobra.Command {
	var check, upgrade bool
	cmd := &cobra.Command{
		Use:   "fmt [PATHS...]",
		Short: "Write files in the house style; comments and order stay",
		Example: `  tieout fmt
  tieout fmt --check
  tieout fmt pipelines/rent_roll.yaml`,
		RunE: func(_ *cobra.Command, paths []string) error { return a.fmt(paths, check, upgrade) },
	}
	cmd.Flags().BoolVar(&check, "check", false, "write nothing; exit 2 and list the files that would change")
	cmd.Flags().BoolVar(&upgrade, "upgrade", false, "bring documents of older versions to this one as well")
	return cmd
}

// formatted is what fmt did.
type formatted struct {
	Changed  []string `json:"changed"`
	Files    int      `json:"files"`
	Check    bool     `json:"check"`
	Upgraded []string `json:"upgraded"`
}

func (a *app) fmt(paths []string, check, upgrade bool) error {
	p, err := a.loaded()
	if err != nil {
		return err
	}
	report := p.Workspace.Report
	if len(paths) > 0 {
		if report, err = a.only(report, paths); err != nil {
			return err
		}
	}
	result := formatted{Check: check, Changed: []string{}, Upgraded: []string{}}
	for _, file := range report.Files() {
		changed, err := a.fmtFile(p, file, check)
		if err != nil {
			return &exitError{err: err, exit: exitConfig, code: string(document.CodeRunFormat), hint: "see `tieout validate " + file + "`"}
		}
		result.Files++
		if changed {
			result.Changed = append(result.Changed, file)
		}
	}
	if check && len(result.Changed) > 0 {
		a.exit = exitConfig
	}
	return a.out.write(a.exit, "", result, func(w io.Writer) { writeFmt(w, &result, upgrade) })
}

func writeFmt(w io.Writer, r *formatted, upgrade bool) {
	for _, file := range r.Changed {
		fmt.Fprintln(w, file)
	}
	switch {
	case r.Check && len(r.Changed) > 0:
		fmt.Fprintf(w, "%d of %d files are not in the house style.\nNext: tieout fmt\n", len(r.Changed), r.Files)
		return
	case len(r.Changed) > 0:
		fmt.Fprintf(w, "%d of %d files changed.\n", len(r.Changed), r.Files)
	default:
		fmt.Fprintf(w, "%d files are in the house style.\n", r.Files)
	}
	if upgrade {
		fmt.Fprintln(w, "Every document has version 1, the only one there is; nothing is upgraded.")
	}
	fmt.Fprintln(w, "Next: tieout validate")
}

// fmtFile formats one file of the project, and reports whether it changes.
func (a *app) fmtFile(p *project.Project, file string, check bool) (bool, error) {
	path := filepath.Join(a.dir, filepath.FromSlash(file))
	raw, err := os.ReadFile(path)
	if err != nil {
		return false, err
	}
	text, err := format.Document(file, raw, expressionsOf(p.Workspace, file))
	if err != nil || bytes.Equal(text, raw) || check {
		return err == nil && !bytes.Equal(text, raw), err
	}
	return true, replaceFile(path, text)
}

// replaceFile writes a file beside the old one and puts it in its place, so
// that a crash leaves one or the other.
func replaceFile(path string, text []byte) error {
	mode := os.FileMode(0o644)
	if info, err := os.Stat(path); err == nil {
		mode = info.Mode().Perm()
	}
	temp := path + ".tieout-fmt"
	if err := os.WriteFile(temp, text, mode); err != nil {
		return err
	}
	if err := os.Rename(temp, path); err != nil {
		os.Remove(temp)
		return err
	}
	return nil
}

// expressionsOf lists where the expressions of a file begin.
func expressionsOf(w *pipelines.Workspace, file string) []document.Position {
	var places []document.Position
	for _, p := range w.Pipelines {
		if p.File == file {
			expressions(reflect.ValueOf(p).Elem(), func(x document.Expr) {
				if n := x.Node(); n != nil {
					places = append(places, n.Position())
				}
			})
		}
	}
	return places
}

// expressions walks a decoded document to every expression in it.
func expressions(v reflect.Value, found func(document.Expr)) {
	if x, is := v.Interface().(document.Expr); is {
		found(x)
		return
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if _, node := v.Interface().(*document.Node); !node && !v.IsNil() {
			expressions(v.Elem(), found)
		}
	case reflect.Slice:
		for i := range v.Len() {
			expressions(v.Index(i), found)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				expressions(v.Field(i), found)
			}
		}
	}
}
