package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/tieout/tieout/connectors/file"
	"github.com/tieout/tieout/pipelines"
	"github.com/tieout/tieout/pipelines/catalog"
	"github.com/tieout/tieout/runner/project"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/transforms"
)

// catalogWorkspace loads the catalog that is built in. References give their
// defaults, so that the data files beside it are found.
func (a *app) catalogWorkspace() *pipelines.Workspace {
	resolver := document.ResolverFunc(func(r document.Reference) (string, bool, error) {
		if r.HasDefault {
			return r.Default, false, nil
		}
		return "", false, errors.New("is not set")
	})
	return pipelines.Load(catalog.FS(), pipelines.Options{Connectors: project.Connectors(a.Registry), Resolver: resolver})
}

// catalogNames are the pipelines of the catalog that begin as typed.
func (a *app) catalogNames(typed string) []string {
	var names []string
	for _, p := range a.catalogWorkspace().Pipelines {
		if strings.HasPrefix(p.Name(), typed) {
			names = append(names, p.Name())
		}
	}
	return names
}

// fromCatalog copies one pipeline of the catalog with the project document,
// the tables it looks things up in, and the records it reads.
func (a *app) fromCatalog(name, dir string) (*seed, error) {
	w := a.catalogWorkspace()
	p, err := w.Find(name)
	if err != nil {
		names := a.catalogNames("")
		return nil, usage(fmt.Errorf("the catalog has no pipeline %q%s", name, didYouMean(name, names)), "it has "+strings.Join(names, ", "))
	}
	folder := path.Dir(p.File)
	s := &seed{pipeline: p.Name(), folder: folder, files: make(map[string][]byte)}
	names := []string{p.File}
	for _, table := range tablesOf(p) {
		if _, err := fs.Stat(catalog.FS(), table); err == nil {
			names = append(names, table)
		}
	}
	data, err := dataOf(w, p)
	if err != nil {
		return nil, err
	}
	if len(data) > 0 {
		s.given = data[0]
	}
	for _, n := range append(names, data...) {
		if s.files[n], err = fs.ReadFile(catalog.FS(), n); err != nil {
			return nil, err
		}
	}
	document, err := fs.ReadFile(catalog.FS(), pipelines.ProjectFile)
	if err != nil {
		return nil, err
	}
	named := regexp.MustCompile(`(?m)^project: .*$`).ReplaceAll(document, []byte("project: "+projectName(dir)))
	s.files[pipelines.ProjectFile] = regexp.MustCompile(`(?m)^description: .*\n`).ReplaceAll(named, nil)
	return s, nil
}

// tablesOf lists the mapping files of a pipeline.
func tablesOf(p *pipelines.Pipeline) []string {
	var out []string
	for i := range p.Transforms {
		if l, is := p.Transforms[i].Spec.(*transforms.Lookup); is {
			out = append(out, l.In.Value)
		}
	}
	for i := range p.Gate {
		if r, is := p.Gate[i].Spec.(*pipelines.ReferencesCondition); is {
			out = append(out, r.In.Value)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// dataOf lists the files of the catalog that a pipeline reads.
func dataOf(w *pipelines.Workspace, p *pipelines.Pipeline) ([]string, error) {
	c, err := w.Connection(p.Source.Connection.Value, p.Each)
	if err != nil {
		return nil, err
	}
	settings, is := c.Settings.(*file.Connection)
	if !is {
		return nil, nil
	}
	return fs.Glob(catalog.FS(), path.Join(settings.Path.Value, p.Source.Stream.Value))
}
