package pipelines

import (
	"cmp"
	"slices"
	"strings"

	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/transforms/fieldtype"
)

// The answers to a source whose fields are not those it was expected to have.
const (
	Evolve     = "evolve"
	Freeze     = "freeze"
	Quarantine = "quarantine"
)

// Contract says what happens when the fields of a source drift away from
// those declared. What is not written is "".
type Contract struct {
	Extra   string `yaml:"extra" enum:"evolve,freeze,quarantine" doc:"A field that is not declared: it is passed on and a table that a load created gets a column for it (written in the pipeline, any table does), it fails the run, or it holds the records that have it. evolve when not given; freeze for a stream with a schema."`
	Missing string `yaml:"missing" enum:"evolve,freeze,quarantine" doc:"A declared field that the source lacks: it has no value, fails the run, or holds the records without it. freeze when not given."`
	Retyped string `yaml:"retyped" enum:"freeze,quarantine" doc:"A value that is not of the declared type fails the run, or holds its record. quarantine when not given."`
}

// over lays the policies of a pipeline over those of a schema.
func (c *Contract) over(base *Contract) Contract {
	out := *base
	if c != nil {
		out = Contract{Extra: cmp.Or(c.Extra, base.Extra), Missing: cmp.Or(c.Missing, base.Missing), Retyped: cmp.Or(c.Retyped, base.Retyped)}
	}
	return out
}

// Schema is a document that says which fields a stream has. It closes the
// stream: a name it lacks is an error in every pipeline that reads it.
type Schema struct {
	Schema   document.Text                `yaml:"schema" required:"true" doc:"The stream it describes, as connection.stream." example:"files.rent.csv"`
	AsOf     document.Text                `yaml:"as_of" doc:"When the fields were looked at." example:"2026-11-21"`
	Title    string                       `yaml:"title" doc:"What the stream holds, in a sentence."`
	Key      []document.Text              `yaml:"key,one_or_list" doc:"Fields that identify a record." example:"[id]"`
	Contract Contract                     `yaml:"contract" doc:"What happens when the source's fields change."`
	Fields   document.Map[fieldtype.Type] `yaml:"fields" required:"true" doc:"Every field of the stream and its type." example:"{id: text, rent: decimal}"`

	File string         `yaml:"-"`
	Root *document.Node `yaml:"."`
}

// stream is the schema as what is known of a stream.
func (s *Schema) stream() *fieldtype.Stream {
	if s == nil {
		return nil
	}
	return &fieldtype.Stream{Name: s.Schema.Value, Fields: &s.Fields, Key: texts(s.Key), Read: true}
}

// checkSchemas reports schemas of streams that cannot be, and two of one.
func (w *Workspace) checkSchemas() {
	slices.SortStableFunc(w.schemas, func(a, b *Schema) int {
		return cmp.Or(strings.Compare(a.Schema.Value, b.Schema.Value), strings.Compare(a.File, b.File))
	})
	for i, s := range w.schemas {
		connection, stream, ok := strings.Cut(s.Schema.Value, ".")
		switch {
		case s.Schema.IsZero():
		case !ok || connection == "" || stream == "":
			w.Report.ErrorAt(s.Schema, document.CodeWrongType, "Write it like files.rent.csv.", "%q is no connection.stream", s.Schema.Value)
		case w.Project != nil && !slices.Contains(w.book.names, connection):
			at := s.Schema.Slice(0, len(connection))
			d := document.DiagnosticAt(at, document.CodeSourceUnknownConnection, document.Suggest(connection, w.book.names).Hint, "there is no connection %q in tieout.yaml", connection)
			w.Report.Add(d)
		case i > 0 && w.schemas[i-1].Schema.Value == s.Schema.Value:
			w.Report.ErrorAt(s.Schema, document.CodeDuplicateKey, "Keep one of the two.", "%s has a schema of this stream already", w.schemas[i-1].File)
		}
		known := s.Fields.Keys()
		for _, name := range s.Key {
			if !slices.Contains(known, name.Value) {
				w.Report.ErrorAt(name, document.CodeSourceMissingColumn, document.Suggest(name.Value, known).Hint, "the key names %q, which is not among the fields", name.Value)
			}
		}
	}
}

// schemaOf finds the schema of a pipeline's source, or nil.
func (w *Workspace) schemaOf(p *Pipeline) *Schema {
	name := p.Source.Connection.Value + "." + p.Source.Stream.Value
	i, found := slices.BinarySearchFunc(w.schemas, name, func(s *Schema, name string) int { return strings.Compare(s.Schema.Value, name) })
	if !found {
		return nil
	}
	return w.schemas[i]
}

// adopt gives a source the schema of its stream.
func (s *Source) adopt(schema *Schema) {
	s.schema = schema
	if schema != nil && len(s.Key) == 0 {
		s.Key = schema.Key
	}
}

// HasSchema reports whether a document says which fields the stream has.
func (s *Source) HasSchema() bool { return s.schema != nil }

// Policy is the contract in force, with the answers that stand when none is
// written.
func (p *Pipeline) Policy() Contract {
	c, extra := p.contract(), Evolve
	if p.Source.schema != nil {
		extra = Freeze
	}
	return Contract{Extra: cmp.Or(c.Extra, extra), Missing: cmp.Or(c.Missing, Freeze), Retyped: cmp.Or(c.Retyped, Quarantine)}
}

// contract is what the pipeline and its schema write.
func (p *Pipeline) contract() Contract {
	base := Contract{}
	if p.Source.schema != nil {
		base = p.Source.schema.Contract
	}
	return p.Contract.over(&base)
}

// LacksNone reports whether a declared field may not even be gone from some
// records, as `missing: freeze` says where it is written.
func (p *Pipeline) LacksNone() bool { return p.contract().Missing == Freeze }

// Widens reports whether the pipeline itself says that fields nobody declared
// go on, so that any target may be given columns for them. What a schema says
// is about the source alone.
func (p *Pipeline) Widens() bool { return p.Contract != nil && p.Contract.Extra == Evolve }

// Closed reports whether the stream has no fields but those declared.
func (p *Pipeline) Closed() bool { return p.Source.schema != nil && p.Policy().Extra == Freeze }
