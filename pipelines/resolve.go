package pipelines

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/tieout/tieout/schemas/document"
)

// resolver adds the vars and secrets of the project to what the caller can
// resolve. It is for one decoder at a time.
type resolver struct {
	w     *Workspace
	each  *Row     // of the pipeline the settings are for
	under []string // references being resolved, against circles
}

// Resolve finds what a reference stands for.
func (s *resolver) Resolve(ref document.Reference) (string, bool, error) {
	switch ref.Scheme {
	case "var":
		if v, ok := s.w.options.Vars[ref.Name]; ok {
			return v, false, nil
		}
		if s.w.Project != nil {
			if v, ok := s.w.Project.Vars.Get(ref.Name); ok {
				return s.inner(ref, v.Node())
			}
		}
		if ref.HasDefault {
			return ref.Default, false, nil
		}
		return "", false, errors.New("not declared under vars of tieout.yaml")
	case "each":
		switch value, ok := s.each.get(ref.Name); {
		case s.each == nil:
			return "", false, errors.New("it has a value only in a pipeline with for_each")
		case ok && (value != "" || !ref.HasDefault):
			return value, false, nil
		case ref.HasDefault:
			return ref.Default, false, nil
		}
		return "", false, errors.New("the table of for_each has no such column")
	case "secret":
		if s.w.Project != nil {
			if v, ok := s.w.Project.Secrets.Get(ref.Name); ok {
				text, _, err := s.inner(ref, v.Node())
				return text, true, err
			}
		}
	}
	return s.w.options.Resolver.Resolve(ref)
}

// inner resolves the references in the value of a var or secret.
func (s *resolver) inner(ref document.Reference, n *document.Node) (string, bool, error) {
	name := ref.Scheme + ":" + ref.Name
	if slices.Contains(s.under, name) {
		return "", false, errors.New("it refers to itself")
	}
	s.under = append(s.under, name)
	defer func() { s.under = s.under[:len(s.under)-1] }()
	var r document.Report
	var secret document.Secret
	d := document.Decoder{Report: &r, Resolver: s}
	d.Decode(n, &secret)
	if err := r.Err(); err != nil {
		found, _ := document.AsDiagnostics(err)
		return "", false, errors.New(found[0].Message)
	}
	return secret.Reveal(), false, nil
}

// decoder is one that resolves references, those to a row of for_each among
// them when there is one.
func (w *Workspace) decoder(r *document.Report, each *Row) *document.Decoder {
	d := &document.Decoder{Report: r}
	if w.options.Resolver != nil {
		d.Resolver = &resolver{w: w, each: each}
	}
	return d
}

// State is the place of the state store, with its references resolved.
func (w *Workspace) State() (string, error) {
	if w.Project == nil {
		return "", errors.New("there is no project")
	}
	if w.Project.Root.Get("state") == nil {
		return w.Project.State.Value, nil
	}
	return w.text(w.Project.Root.Get("state"))
}

// Vars are the variables of the project with the values given for this start,
// their references resolved. A given one that is not declared is an error.
func (w *Workspace) Vars() (map[string]string, error) {
	out := make(map[string]string)
	if w.Project == nil {
		return out, nil
	}
	for _, e := range w.Project.Vars.Entries {
		if _, given := w.options.Vars[e.Key.Value]; given {
			continue
		}
		text, err := w.text(e.Value.Node())
		if err != nil {
			return nil, err
		}
		out[e.Key.Value] = text
	}
	for _, name := range slices.Sorted(maps.Keys(w.options.Vars)) {
		if _, ok := w.Project.Vars.Get(name); !ok {
			return nil, fmt.Errorf("there is no var %q in tieout.yaml%s", name, didYouMean(name, w.Project.Vars.Keys()))
		}
		out[name] = w.options.Vars[name]
	}
	return out, nil
}

func (w *Workspace) text(n *document.Node) (string, error) {
	var r document.Report
	var text document.Text
	w.decoder(&r, nil).DecodeField(n, &text, `ref:"true"`)
	return text.Value, r.Err()
}

// Alert gives the settings of an alert target, resolved.
func (w *Workspace) Alert(name string) (AlertTarget, error) {
	var out AlertTarget
	if w.Project == nil {
		return out, errors.New("there is no project")
	}
	if _, ok := w.Project.Alerts.Get(name); !ok {
		return out, fmt.Errorf("there is no alert %q%s", name, didYouMean(name, w.Project.Alerts.Keys()))
	}
	var r document.Report
	w.decoder(&r, nil).Decode(w.Project.Root.Get("alerts").Get(name), &out)
	return out, r.Err()
}
