package fieldtype

import (
	"strings"

	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
	"github.com/tieout/tieout/transforms/calendar"
)

// Type says what a field of a stream is: `decimal`, or a mapping of type and
// more.
type Type struct {
	Type       document.Text      `yaml:"type" required:"true" doc:"text, integer, decimal, boolean, date, month, timestamp, list or record; or dotnet_date, dotnet_timestamp, unix, unix_ms, http_date, percent_text, which are read from what services write; or a name under types of the connection." example:"date"`
	Pattern    document.Text      `yaml:"pattern" doc:"How dates, months and timestamps are written; ISO when not given. dotnet, unix, unix_ms and http_date are patterns too, and percent one of decimals." example:"DD/MM/YYYY"`
	Column     []document.Text    `yaml:"column,one_or_list" doc:"Names the field may have in the source, or dotted paths to it where records are nested; the first that is there counts." example:"[Qty, Takeoff]"`
	Optional   bool               `yaml:"optional" doc:"The source may lack the field; otherwise that fails the run."`
	Scale      *int               `yaml:"scale" doc:"Digits after the point every value of a decimal is written with; a value with more is refused." example:"2"`
	MinorUnits bool               `yaml:"minor_units" doc:"The decimal comes as whole minor units: 1234 is 12.34."`
	Fields     document.Map[Type] `yaml:"fields" doc:"Types of the fields of a list's or record's children."`

	Kind record.Kind `yaml:"-"` // of Type; record.Unknown when it was reported
}

// Keys is the mapping form of a Type.
type Keys Type

// maxScale bounds the declared digits after the point.
const maxScale = 30

// DecodeDocument reads either form and checks that the keys fit the type.
func (t *Type) DecodeDocument(n *document.Node, d *document.Decoder) {
	if n.Kind() == document.Mapping {
		d.Decode(n, (*Keys)(t))
	} else {
		d.DecodeField(n, &t.Type, "")
	}
	if t.Type.IsZero() {
		return
	}
	t.borrow(n)
	if !t.settle(d.Report) {
		return
	}
	t.checkPattern(d.Report)
	t.checkKeys(n, d.Report)
}

func (t *Type) unknown(r *document.Report) {
	hint, fix := otherWord(t.Type.Value)
	if hint == "" {
		s := document.Suggest(t.Type.Value, record.KindNames())
		if other := document.Suggest(t.Type.Value, BuiltIn()); s.Fix == "" && other.Fix != "" {
			s = other
		}
		hint, fix = s.Hint, s.Fix
	}
	d := document.DiagnosticAt(t.Type, document.CodeSourceUnknownType, hint, "there is no type %q", t.Type.Value)
	d.Fix = fix
	r.Add(d)
}

// otherWord knows what other systems call the types.
func otherWord(word string) (hint, fix string) {
	switch strings.ToLower(word) {
	case "string", "str", "varchar", "char", "uuid":
		return "Write text.", "text"
	case "int", "bigint", "int64", "smallint", "long":
		return "Write integer.", "integer"
	case "float", "double", "real", "number", "numeric", "money", "currency", "amount":
		return "Write decimal: it is exact.", "decimal"
	case "bool":
		return "Write boolean.", "boolean"
	case "datetime", "time", "timestamptz":
		return "Write timestamp.", "timestamp"
	case "array":
		return "Write list.", "list"
	case "object", "json", "struct", "map":
		return "Write record.", "record"
	}
	return "", ""
}

func (t *Type) checkPattern(r *document.Report) {
	if t.Pattern.Value == "" || Encoding(t.Pattern.Value) {
		t.checkEncoding(r)
		return
	}
	switch t.Kind {
	case record.Date, record.Month, record.Timestamp:
	default:
		r.ErrorAt(t.Pattern, document.CodeWrongType, "Remove the pattern, or make the type date, month or timestamp.", "%s has no pattern", t.Kind)
		return
	}
	p, err := calendar.CompilePattern(t.Pattern.Value)
	switch {
	case err != nil:
		r.ErrorAt(t.Pattern, document.CodeWrongType, "Patterns are made of YYYY MM DD HH mm ss MMM and the characters between them, such as DD/MM/YYYY.", "%v", err)
	case t.Kind == record.Month && !p.HasMonth():
		r.ErrorAt(t.Pattern, document.CodeWrongType, "Write it like YYYY-MM.", "the pattern %q has no month", t.Pattern.Value)
	case t.Kind != record.Month && !p.HasDate():
		r.ErrorAt(t.Pattern, document.CodeWrongType, "Write it like YYYY-MM-DD.", "the pattern %q has no whole date", t.Pattern.Value)
	case t.Kind == record.Date && p.HasTime():
		r.ErrorAt(t.Pattern, document.CodeWrongType, "Make the type timestamp, and take its local_date in a step.", "the pattern %q of a date holds a time", t.Pattern.Value)
	}
}

// checkEncoding reports a way of writing that is none of the kind's.
func (t *Type) checkEncoding(r *document.Report) {
	dated := t.Kind == record.Date || t.Kind == record.Timestamp
	switch t.Pattern.Value {
	case "":
	case Percent:
		if t.Kind != record.Decimal || t.MinorUnits {
			r.ErrorAt(t.Pattern, document.CodeWrongType, "Make the type decimal.", "%s is not written as %s", t.Kind, t.Pattern.Value)
		}
	default:
		if !dated {
			r.ErrorAt(t.Pattern, document.CodeWrongType, "Make the type date or timestamp.", "%s is not written as %s", t.Kind, t.Pattern.Value)
		}
	}
}

// checkKeys reports keys that mean nothing for the type.
func (t *Type) checkKeys(n *document.Node, r *document.Report) {
	refuse := func(key, only string) {
		if at := n.KeyNode(key); at != nil {
			r.ErrorAt(at, document.CodeMisplacedKey, "Remove it, or change the type.", "%q belongs to %s, and this is %s", key, only, t.Kind)
		}
	}
	if t.Kind != record.Decimal {
		refuse("scale", "a decimal")
		refuse("minor_units", "a decimal")
	}
	if !t.Kind.Nested() {
		refuse("fields", "a list or record")
	}
	if t.Scale != nil && (*t.Scale < 0 || *t.Scale > maxScale) {
		r.ErrorAt(n.Get("scale"), document.CodeWrongType, "Most amounts have 2.", "scale is a number from 0 to %d, not %d", maxScale, *t.Scale)
	}
}

// Digits is the declared scale, or record.NoScale.
func (t *Type) Digits() int32 {
	switch {
	case t.Kind != record.Decimal:
		return record.NoScale
	case t.Scale != nil:
		return int32(*t.Scale)
	case t.MinorUnits:
		return 2
	}
	return record.NoScale
}

// Field is the field as it stands in a shape.
func (t *Type) Field(name string) record.Field {
	f := record.Field{Name: name, Kind: t.Kind, Scale: t.Digits()}
	if t.Kind.Nested() && t.Fields.Len() > 0 {
		f.Child = Shape(&t.Fields)
	}
	return f
}

// Shape makes a closed shape of declared fields. Names that are not usable
// were reported and are left out.
func Shape(fields *document.Map[Type]) *record.Shape {
	var list []record.Field
	seen := make(map[string]bool, fields.Len())
	for i := range fields.Entries {
		e := &fields.Entries[i]
		if e.Key.Value != "" && !seen[e.Key.Value] {
			seen[e.Key.Value] = true
			list = append(list, e.Value.Field(e.Key.Value))
		}
	}
	return record.MustShape(list...)
}

// DocumentType says what is written for a field type.
func (t *Type) DocumentType() string {
	return "a type, or a mapping of `type`, `pattern`, `column`, `optional`, `scale`, `minor_units` and `fields`"
}

// DocumentSchema allows both forms.
func (t *Type) DocumentSchema(sub func(any) any) any {
	names := append(record.KindNames(), BuiltIn()...)
	return map[string]any{"anyOf": []any{map[string]any{"enum": names}, map[string]any{"type": "string"}, sub(Keys{})}}
}
