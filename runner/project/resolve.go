package project

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tieout/tieout/pipelines"
	"github.com/tieout/tieout/schemas/document"
)

// resolver finds what ${env:…} and ${file:…} stand for, and a ${secret:…}
// that tieout.yaml does not name in the environment. Variables and named
// secrets are found by the workspace.
type resolver struct {
	dir    string
	getenv func(string) (string, bool)
}

var errNotSet = errors.New("is not set")

// Resolve finds one reference. The error never holds a value.
func (r *resolver) Resolve(ref document.Reference) (value string, secret bool, err error) {
	switch ref.Scheme {
	case "env":
		if value, set := r.getenv(ref.Name); set && value != "" {
			return value, false, nil
		}
		if ref.HasDefault {
			return ref.Default, false, nil
		}
		return "", false, errNotSet
	case "file":
		value, err := r.file(ref.Name)
		return value, false, err
	case "secret":
		name := "TIEOUT_SECRET_" + strings.ToUpper(strings.NewReplacer("-", "_", ".", "_").Replace(ref.Name))
		if value, set := r.getenv(name); set && value != "" {
			return value, true, nil
		}
		return "", true, fmt.Errorf("is neither under secrets in tieout.yaml nor in %s", name)
	}
	return "", false, errNotSet
}

// Secrets are the values of every secret in the settings of connections and
// alerts that can be resolved now, longest first, for a caller that keeps them
// out of what it writes.
func (p *Project) Secrets() []string {
	w := p.Workspace
	seen := make(map[string]bool)
	add := func(name string, each *pipelines.Row) bool {
		c, err := w.Connection(name, each)
		if err != nil {
			return false
		}
		for _, s := range c.Secrets {
			seen[s.Reveal()] = true
		}
		return true
	}
	whole := make(map[string]bool) // connections that need no row of for_each
	for _, name := range w.ConnectionNames() {
		whole[name] = add(name, nil)
	}
	for _, one := range w.Pipelines {
		for _, c := range []*pipelines.Connection{one.Source.At, one.Sink.At} {
			if one.Each != nil && c != nil && !whole[c.Name] {
				add(c.Name, one.Each)
			}
		}
	}
	if w.Project != nil {
		for _, name := range w.Project.Alerts.Keys() {
			if t, err := w.Alert(name); err == nil {
				for _, s := range []document.Secret{t.Slack, t.GoogleChat, t.Webhook} {
					seen[s.Reveal()] = true
				}
			}
		}
	}
	delete(seen, "")
	return slices.SortedFunc(maps.Keys(seen), func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
}

// file reads a small file, such as a mounted secret, without its last line
// end.
func (r *resolver) file(name string) (string, error) {
	if !filepath.IsAbs(name) {
		name = filepath.Join(r.dir, name)
	}
	info, err := os.Stat(name)
	if err != nil {
		return "", errors.New("the file cannot be read")
	}
	const most = 64 << 10
	if !info.Mode().IsRegular() || info.Size() > most {
		return "", fmt.Errorf("it is no regular file of at most %d bytes", most)
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return "", errors.New("the file cannot be read")
	}
	return strings.TrimRight(string(text), "\r\n"), nil
}
