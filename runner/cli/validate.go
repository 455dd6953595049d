package cli

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/document/render"
)

func (a *app) validateCommand() *cobra.Command {
	var strict bool
	cmd := &cobra.Command{
		Use:   "validate [PATHS...]",
		Short: "Check every file of the project, without network or secrets",
		Example: `  tieout validate
  tieout validate pipelines/rent_roll.yaml
  tieout validate -o github -o sarif=tieout.sarif`,
		Annotations: map[string]string{"formats": "checks"},
		RunE: func(_ *cobra.Command, paths []string) error {
			return a.validate(paths, strict)
		},
	}
	cmd.Flags().BoolVar(&strict, "strict", false, "warnings count as errors")
	return cmd
}

// validate reports the findings of all files, or of those below the paths.
func (a *app) validate(paths []string, strict bool) error {
	started := a.Now()
	p, err := a.open()
	if err != nil {
		return err
	}
	report := p.Workspace.Report
	if len(paths) > 0 {
		if report, err = a.only(report, paths); err != nil {
			return err
		}
	}
	if report.Errors() > 0 || strict && len(report.Diagnostics()) > 0 {
		a.exit = exitConfig
	}
	return a.out.findings(report, func(r *render.Report) {
		r.Elapsed = a.Now().Sub(started)
		r.Color, r.ASCII = a.out.color, !a.out.color
	})
}

// only keeps the findings of some files and folders.
func (a *app) only(all *document.Report, paths []string) (*document.Report, error) {
	var below []string
	for _, p := range paths {
		abs := p
		if !filepath.IsAbs(abs) {
			abs = filepath.Join(a.dir, p)
		}
		rel, err := filepath.Rel(a.dir, abs)
		if err != nil || strings.HasPrefix(rel, "..") {
			return nil, usage(fmt.Errorf("%q is not below the project %s", p, a.dir), "name the project with -C")
		}
		below = append(below, filepath.ToSlash(rel))
	}
	return all.Within(func(file string) bool {
		return slices.ContainsFunc(below, func(p string) bool { return p == "." || file == p || strings.HasPrefix(file, p+"/") })
	}), nil
}
