package http

import (
	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
	"github.com/tieout/tieout/transforms/calendar"
)

// FieldType says what a field of a stream is: `decimal`, or a mapping.
type FieldType struct {
	Type       document.Text           `yaml:"type" required:"true" doc:"text, integer, decimal, boolean, date, month, timestamp, list or record." example:"date"`
	Pattern    document.Text           `yaml:"pattern" doc:"How dates, months and timestamps are written; ISO when not given." example:"DD/MM/YYYY"`
	Column     []document.Text         `yaml:"column,one_or_list" doc:"Where the value stands in a record, a name or a dotted path; the first that is there counts." example:"customer.id"`
	Optional   bool                    `yaml:"optional" doc:"The service may leave the field out; otherwise that fails the run."`
	Scale      *int                    `yaml:"scale" doc:"Digits after the point every value of a decimal is written with." example:"2"`
	MinorUnits bool                    `yaml:"minor_units" doc:"The decimal comes as whole minor units: 1234 is 12.34."`
	Fields     document.Map[FieldType] `yaml:"fields" doc:"Types of the fields of a list's or record's children."`

	kind record.Kind
}

// fieldKeys is the mapping form of a FieldType.
type fieldKeys FieldType

// maxScale bounds the declared digits after the point.
const maxScale = 30

// DecodeDocument reads either form.
func (t *FieldType) DecodeDocument(n *document.Node, d *document.Decoder) {
	if n.Kind() == document.Mapping {
		d.Decode(n, (*fieldKeys)(t))
	} else {
		d.DecodeField(n, &t.Type, "")
	}
	if t.Type.IsZero() {
		return
	}
	var ok bool
	if t.kind, ok = record.ParseKind(t.Type.Value); !ok {
		s := document.Suggest(t.Type.Value, record.KindNames())
		found := document.DiagnosticAt(t.Type, document.CodeSourceUnknownType, s.Hint, "there is no type %q", t.Type.Value)
		found.Fix = s.Fix
		d.Report.Add(found)
		return
	}
	if t.Scale != nil && (t.kind != record.Decimal || *t.Scale < 0 || *t.Scale > maxScale) {
		d.Report.ErrorAt(n.Get("scale"), document.CodeWrongType, "Most amounts have 2.", "scale is a number from 0 to %d, of a decimal", maxScale)
	}
	t.checkPattern(d.Report)
	if !t.kind.Nested() && n.KeyNode("fields") != nil {
		d.Report.ErrorAt(n.KeyNode("fields"), document.CodeMisplacedKey, "Remove it, or change the type.", "%q belongs to a list or record, and this is %s", "fields", t.kind)
	}
}

func (t *FieldType) checkPattern(r *document.Report) {
	if t.Pattern.IsZero() {
		return
	}
	p, err := calendar.CompilePattern(t.Pattern.Value)
	fits := err == nil && p.HasDate()
	switch t.kind {
	case record.Date, record.Timestamp:
	case record.Month:
		fits = err == nil && p.HasMonth()
	default:
		r.ErrorAt(t.Pattern, document.CodeWrongType, "Remove the pattern, or make the type date, month or timestamp.", "%s has no pattern", t.kind)
		return
	}
	if !fits {
		r.ErrorAt(t.Pattern, document.CodeWrongType, "Patterns are made of YYYY MM DD HH mm ss MMM and the characters between them, such as DD/MM/YYYY.", "the pattern %q does not give a whole %s", t.Pattern.Value, t.kind)
	}
}

// DocumentType says what is written.
func (t *FieldType) DocumentType() string {
	return "a type, or a mapping of `type`, `pattern`, `column`, `optional`, `scale`, `minor_units` and `fields`"
}

// DocumentSchema allows both forms.
func (t *FieldType) DocumentSchema(sub func(any) any) any {
	return map[string]any{"anyOf": []any{map[string]any{"enum": record.KindNames()}, sub(fieldKeys{})}}
}

// specs are the fields as a read declares them.
func specs(fields *document.Map[FieldType]) []connectors.FieldSpec {
	var out []connectors.FieldSpec
	for i := range fields.Entries {
		e := &fields.Entries[i]
		t := &e.Value
		spec := connectors.FieldSpec{Name: e.Key.Value, Kind: t.kind, Pattern: t.Pattern.Value, Scale: record.NoScale,
			Optional: t.Optional, MinorUnits: t.MinorUnits, Fields: specs(&t.Fields)}
		if t.Scale != nil {
			spec.Scale = int32(*t.Scale)
		}
		for _, c := range t.Column {
			spec.Columns = append(spec.Columns, c.Value)
		}
		out = append(out, spec)
	}
	return out
}

// declared lays the fields of a pipeline over those of the stream: one of the
// same name wins, and one the pipeline calls otherwise takes the place of the
// field it reads.
func declared(stream, pipeline []connectors.FieldSpec) []connectors.FieldSpec {
	taken := make(map[string]bool)
	for _, f := range pipeline {
		taken[f.Name] = true
		for _, c := range f.Columns {
			taken[c] = true
		}
	}
	out := pipeline[:len(pipeline):len(pipeline)]
	for _, f := range stream {
		if !taken[f.Name] {
			out = append(out, f)
		}
	}
	return out
}
