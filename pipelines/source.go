package pipelines

import (
	"strings"

	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/transforms/fieldtype"
)

// Source says what to read. The keys beside these belong to the connector and
// are decoded into Options.
type Source struct {
	Connection document.Text                `yaml:"connection" required:"true" doc:"Name of a connection in tieout.yaml." example:"files"`
	Stream     document.Text                `yaml:"stream" ref:"true" doc:"What to read there: a file name or pattern, a table, an API stream." example:"rent.csv"`
	Fields     document.Map[fieldtype.Type] `yaml:"fields" doc:"Types of fields; fields not listed come as the source has them." example:"{rent: decimal}"`
	Key        []document.Text              `yaml:"key,one_or_list" doc:"Fields that identify a source record." example:"[id]"`
	Cursor     *Cursor                      `yaml:"cursor" doc:"Read only what is new since the last run."`
	Changes    string                       `yaml:"changes" enum:"full,compare" default:"full" doc:"compare reads everything and passes on only records that were added, changed or deleted since the last load; the field change says which."`
	AllowEmpty bool                         `yaml:"allow_empty" doc:"A full read that finds nothing is fine."`

	Node *document.Node `yaml:"."`

	// At is the connection, nil when there is no such connection; Options are
	// the connector's keys, nil when it has no source.
	At      *Connection `yaml:"-"`
	Options any         `yaml:"-"`

	book   *book
	schema *Schema // of the stream, nil when there is none
}

// Cursor makes a read incremental.
type Cursor struct {
	Field    document.Text     `yaml:"field" doc:"Field that grows with every change." example:"updated_at"`
	Start    document.Text     `yaml:"start" ref:"true" doc:"Where the very first read begins; everything when not given." example:"2026-01-01"`
	Lookback document.Duration `yaml:"lookback" doc:"How far before the last position each read begins again, for records that change late." example:"2d"`
	Lag      document.Duration `yaml:"lag" doc:"How far the upper bound stays behind the newest record of a database, or of a service behind the clock, for records that become visible late." example:"5m"`
	Window   document.Duration `yaml:"window" doc:"Read a long range in slices of this length." example:"31d"`

	Node *document.Node `yaml:"."`
}

// Sink says where to write. The keys beside these belong to the connector and
// are decoded into Options.
type Sink struct {
	Connection document.Text   `yaml:"connection" required:"true" doc:"Name of a connection in tieout.yaml." example:"warehouse"`
	Stream     document.Text   `yaml:"stream" required:"true" ref:"true" doc:"Table or file to write." example:"rent_roll"`
	Key        []document.Text `yaml:"key,one_or_list" doc:"Fields that identify a record in the target." example:"[id]"`
	Mode       document.Text   `yaml:"mode" enum:"append,upsert,replace,history" doc:"How the target changes; upsert when there is a key, append otherwise. history keeps every version of a record with the time it was valid, in valid_from and valid_to."`
	Missing    Missing         `yaml:"missing" doc:"What becomes of records of the target that a whole read of the source no longer has; keep when not given. More than 5% of them and more than 5 block the run, unless a bound is written." example:"{delete: {max: 10%}}"`
	Where      document.Expr   `yaml:"where" doc:"The part of the target that replace replaces, or whose missing records are taken away: comparisons joined by and." example:"property == var.property and period == month_of(run.date)"`
	AllowEmpty bool            `yaml:"allow_empty" doc:"A load that would leave the target empty is fine."`

	Node *document.Node `yaml:"."`

	// At and Options are as in Source.
	At      *Connection `yaml:"-"`
	Options any         `yaml:"-"`

	book *book
}

// sourceKeys and sinkKeys are the same structs without a way of their own to
// be decoded: the keys every connector shares.
type (
	sourceKeys Source
	sinkKeys   Sink
)

// DecodeDocument reads the common keys together with those of the connector
// that the connection belongs to.
func (s *Source) DecodeDocument(n *document.Node, d *document.Decoder) {
	targets := []any{(*sourceKeys)(s)}
	s.At = s.book.at(n)
	if s.At != nil && s.At.Kind.Source != nil {
		s.Options = s.At.Kind.Source()
		d.Decode(n, append(targets, s.Options)...)
		s.inherit()
		return
	}
	decodeKnown(d, n, targets...)
}

// inherit takes what the stream says of itself and the pipeline does not.
func (s *Source) inherit() {
	stream := s.At.Stream(s.Stream.Value)
	if stream == nil {
		return
	}
	if len(s.Key) == 0 {
		for _, name := range stream.Key {
			s.Key = append(s.Key, document.TextAt(name, s.Stream.Position(0)))
		}
	}
	if s.Cursor != nil && s.Cursor.Field.IsZero() && stream.Cursor != "" {
		s.Cursor.Field = document.TextAt(stream.Cursor, s.Stream.Position(0))
	}
}

// ChangeField is the field that says what became of a record of a source that
// is compared with its last read: one of the words below.
const ChangeField = "change"

// What becomes of a record.
const (
	Added   = "added"
	Changed = "changed"
	Deleted = "deleted"
)

// Compares reports whether only differences from the last read are passed on.
func (s *Source) Compares() bool { return s.Changes == "compare" }

// Partial reports whether a run sees only what is new since the last.
func (s *Source) Partial() bool { return s.Cursor != nil || s.Compares() }

// Declared are the fields that pipeline and schema declare.
func (s *Source) Declared() *document.Map[fieldtype.Type] { return s.schema.stream().Lay(&s.Fields) }

// Types are the types of fields, those the stream itself says among them.
func (s *Source) Types() *document.Map[fieldtype.Type] {
	return s.At.Stream(s.Stream.Value).Lay(s.schema.stream().Lay(&s.Fields))
}

// DecodeDocument is that of Source, for a sink.
func (s *Sink) DecodeDocument(n *document.Node, d *document.Decoder) {
	targets := []any{(*sinkKeys)(s)}
	s.At = s.book.at(n)
	if s.At != nil && s.At.Kind.Sink != nil {
		s.Options = s.At.Kind.Sink()
		d.Decode(n, append(targets, s.Options)...)
		return
	}
	decodeKnown(d, n, targets...)
}

// decodeKnown decodes a mapping of which some keys belong to a connector that
// is not known: those are passed over.
func decodeKnown(d *document.Decoder, n *document.Node, targets ...any) {
	var r document.Report
	scratch := document.Decoder{Report: &r, Resolver: d.Resolver}
	scratch.Decode(n, targets...)
	for _, f := range r.Diagnostics() {
		if f.Code != document.CodeUnknownKey && f.Code != document.CodeMisplacedKey || n.KeyNode(lastKey(f.Path)) == nil {
			d.Report.Add(f)
		}
	}
}

// lastKey is the last part of a JSON pointer.
func lastKey(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

// DocumentType says what is written for a source.
func (s *Source) DocumentType() string {
	return "mapping of the keys of `source` below and the connector's"
}

// DocumentType says what is written for a sink.
func (s *Sink) DocumentType() string {
	return "mapping of the keys of `sink` below and the connector's"
}
