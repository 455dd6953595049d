package service

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
	"github.com/tieout/tieout/transforms/fieldtype"
)

// accepted are the fields a stream says its documents are made of.
type accepted struct {
	fields *document.Map[fieldtype.Type]
}

func (a accepted) get(name string) (fieldtype.Type, bool) {
	t, ok := a.fields.Get(name)
	return t, ok
}

var recordField = regexp.MustCompile(`\brecord(?:\.([A-Za-z_]\w*)|\["([^"\\]*)"\])`)

// used lists the fields of records that the expressions look at, in order.
func (w *writing) used() []string {
	var names []string
	w.formulas(func(f *formula) {
		for _, m := range recordField.FindAllStringSubmatch(f.Value, -1) {
			if name := m[1] + m[2]; !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	})
	return names
}

// fits checks that documents can be made of the records of a load: every field
// they need is there, of the right type, and none is left over. What an open
// shape does not list, and a kind that is not known, may fit.
func (w *writing) fits(load *connectors.Load) error {
	used := w.used()
	var lacking, extra []string
	need := func(name string) {
		if !load.Shape.Open && load.Shape.Index(name) < 0 && !slices.Contains(lacking, name) {
			lacking = append(lacking, name)
		}
	}
	for _, name := range used {
		if t, ok := w.accepts.get(name); !ok || !t.Optional {
			need(name)
		}
	}
	for i := range w.accepts.fields.Entries {
		if e := &w.accepts.fields.Entries[i]; !e.Value.Optional {
			need(e.Key.Value)
		}
	}
	var found error
	for i := range load.Shape.Fields {
		f := &load.Shape.Fields[i]
		t, declared := w.accepts.get(f.Name)
		if declared && !compatible(t.Kind, f.Kind) {
			found = errors.Join(found, fmt.Errorf("%w: %s: %s takes %q as %s, and the records have it as %s; convert it in a step", connectors.ErrConfig, document.CodeSinkType, load.Stream, f.Name, t.Kind, f.Kind))
		}
		if !declared && !slices.Contains(used, f.Name) && !slices.Contains(load.Key, f.Name) {
			extra = append(extra, f.Name)
		}
	}
	if len(lacking) > 0 {
		found = errors.Join(found, fmt.Errorf("%w: %s: documents of %s need %s, and the records have %s; rename or set what is lacking in a step", connectors.ErrConfig, document.CodeSinkMissingColumn, load.Stream, listed(lacking), listed(load.Shape.Names())))
	}
	if len(extra) > 0 {
		found = errors.Join(found, fmt.Errorf("%w: %s: documents of %s have no place for %s; leave it out with select, or name it under accepts of the stream", connectors.ErrConfig, document.CodeSinkMissingColumn, load.Stream, listed(extra)))
	}
	return found
}

// checkSink finds, before a run, what Open would.
func checkSink(c *Connection, load connectors.Load) error {
	def, ok := c.Streams.Get(load.Stream)
	switch {
	case !ok || def.write == nil || def.write.create == nil && def.write.update == nil:
		return nil // that is said of the connection
	case len(load.Key) == 0:
		return noKey(load.Stream)
	case load.Shape == nil:
		return nil
	}
	return def.write.fits(&load)
}

// noKey is the error of a load of documents that nothing tells apart.
func noKey(stream string) error {
	return fmt.Errorf("%w: %s: %s is a service: name the fields that tell documents apart with key:, so that none is sent twice", connectors.ErrConfig, document.CodeSinkMissingKey, stream)
}

// compatible reports whether a value of one kind can stand where another is
// wanted.
func compatible(want, have record.Kind) bool {
	return want == have || want == record.Unknown || have == record.Unknown || want == record.Decimal && have == record.Integer || want == record.Text && !have.Nested()
}

func listed(names []string) string {
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = fmt.Sprintf("%q", name)
	}
	return strings.Join(out, ", ")
}

// specs declare the fields of a load's records, so that JSON of them is read
// back with the kinds they had, and the fields it may lack.
func (w *writing) specs(shape *record.Shape) []connectors.FieldSpec {
	out := specsOf(shape)
	for i := range w.accepts.fields.Entries {
		e := &w.accepts.fields.Entries[i]
		if shape.Index(e.Key.Value) < 0 {
			f := e.Value.Field(e.Key.Value)
			spec := specOf(&f)
			spec.Optional = true
			out = append(out, spec)
		}
	}
	return out
}

func specsOf(shape *record.Shape) []connectors.FieldSpec {
	var out []connectors.FieldSpec
	for i := range shape.Fields {
		out = append(out, specOf(&shape.Fields[i]))
	}
	return out
}

func specOf(f *record.Field) connectors.FieldSpec {
	spec := connectors.FieldSpec{Name: f.Name, Columns: []string{f.Name}, Kind: f.Kind, Scale: f.Scale, Optional: true}
	if f.Kind == record.Unknown {
		spec.Kind = record.Text
	}
	if f.Child != nil {
		spec.Fields = specsOf(f.Child)
	}
	return spec
}
