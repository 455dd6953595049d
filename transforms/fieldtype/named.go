package fieldtype

import (
	"slices"

	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
)

// Ways in which services write values, in place of a pattern.
const (
	DotNet     = "dotnet"    // /Date(1539993600000+0000)/
	Unix       = "unix"      // seconds since 1970
	UnixMillis = "unix_ms"   // milliseconds since 1970
	HTTPDate   = "http_date" // Sat, 21 Nov 2026 08:00:00 GMT
	Percent    = "percent"   // 8.25%
)

// Encoding reports whether a pattern is one of these ways.
func Encoding(pattern string) bool {
	switch pattern {
	case DotNet, Unix, UnixMillis, HTTPDate, Percent:
		return true
	}
	return false
}

// builtIn gives a type that is known by a name of its own.
func builtIn(name string) (kind record.Kind, pattern string, ok bool) {
	switch name {
	case "dotnet_date":
		return record.Date, DotNet, true
	case "dotnet_timestamp":
		return record.Timestamp, DotNet, true
	case "unix":
		return record.Timestamp, Unix, true
	case "unix_ms":
		return record.Timestamp, UnixMillis, true
	case "http_date":
		return record.Timestamp, HTTPDate, true
	case "percent_text":
		return record.Decimal, Percent, true
	}
	return record.Unknown, "", false
}

// BuiltIn lists the names of the types beside the kinds.
func BuiltIn() []string {
	return []string{"dotnet_date", "dotnet_timestamp", "unix", "unix_ms", "http_date", "percent_text"}
}

// Named is a type a connection gives a name.
type Named struct {
	As         document.Text `yaml:"as" required:"true" doc:"text, integer, decimal, boolean, date, month or timestamp, or one of the types with names: dotnet_date, dotnet_timestamp (/Date(1539993600000+0000)/), unix, unix_ms (numbers since 1970), http_date, percent_text (8.25% is 0.0825)." example:"date"`
	Pattern    document.Text `yaml:"pattern" doc:"How dates, months and timestamps are written." example:"MM/DD/YYYY"`
	Scale      *int          `yaml:"scale" doc:"Digits after the point every value of a decimal is written with." example:"2"`
	MinorUnits bool          `yaml:"minor_units" doc:"The decimal comes as whole minor units: 1234 is 12.34."`
}

// namedKeys is Named without a way of its own to be decoded.
type namedKeys Named

// DecodeDocument reads the keys and checks that they make a type.
func (t *Named) DecodeDocument(n *document.Node, d *document.Decoder) {
	d.Decode(n, (*namedKeys)(t))
	if key := n.Key(); key != nil && (slices.Contains(record.KindNames(), key.Text()) || slices.Contains(BuiltIn(), key.Text())) {
		d.Report.ErrorAt(key, document.CodeWrongType, "Give it another name.", "%q is the name of a type already", key.Text())
	}
	if t.As.IsZero() {
		return
	}
	whole := t.whole()
	if !whole.settle(d.Report) {
		return
	}
	if whole.Kind.Nested() {
		d.Report.ErrorAt(t.As, document.CodeWrongType, "Write its fields where it is used.", "a named type is a single value, not %s", whole.Kind)
		return
	}
	whole.checkPattern(d.Report)
	whole.checkKeys(n, d.Report)
}

// DocumentSchema is that of the keys.
func (t *Named) DocumentSchema(sub func(any) any) any { return sub(namedKeys{}) }

// DocumentType says what is written.
func (t *Named) DocumentType() string {
	return "a mapping of `as`, `pattern`, `scale` and `minor_units`"
}

func (t *Named) whole() Type {
	return Type{Type: t.As, Pattern: t.Pattern, Scale: t.Scale, MinorUnits: t.MinorUnits}
}

// typesKey is the key of a connection under which types have their names.
const typesKey = "types"

// named finds a type by its name in what stands around a node.
func named(n *document.Node, name string) *Named {
	for ; n != nil; n = n.Parent() {
		if n.Kind() != document.Mapping || n.Get(typesKey) == nil {
			continue
		}
		if at := n.Get(typesKey).Get(name); at != nil {
			t := new(Named)
			own := document.Decoder{Report: new(document.Report)} // what is wrong is reported where it stands
			own.Decode(at, (*namedKeys)(t))
			return t
		}
	}
	return nil
}

// settle finds the kind of a type, by its kind's name or a built-in one. It
// reports a name that nobody knows.
func (t *Type) settle(r *document.Report) bool {
	kind, ok := record.ParseKind(t.Type.Value)
	if pattern := ""; !ok {
		if kind, pattern, ok = builtIn(t.Type.Value); ok && t.Pattern.IsZero() {
			t.Pattern = document.TextAt(pattern, document.Position{})
		}
	}
	if !ok {
		t.unknown(r)
		return false
	}
	t.Kind = kind
	return true
}

// borrow makes the type what a name stands for.
func (t *Type) borrow(n *document.Node) {
	other := named(n, t.Type.Value)
	if other == nil {
		return
	}
	t.Type = document.TextAt(other.As.Value, t.Type.Node().Position())
	if t.Pattern.IsZero() {
		t.Pattern = document.TextAt(other.Pattern.Value, document.Position{})
	}
	if t.Scale == nil {
		t.Scale = other.Scale
	}
	t.MinorUnits = t.MinorUnits || other.MinorUnits
}
