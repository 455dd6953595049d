package record

import (
	"fmt"
	"slices"
	"strings"
)

// Kind is the type of a field's values. Any field may also be nil (present
// without a value) or absent (the source did not send it).
type Kind uint8

// The kinds. There is no float and no duration.
const (
	// Unknown is a field whose kind is not known before the source is opened.
	// It appears in static checks only, never in a Batch.
	Unknown   Kind = iota
	Text           // UTF-8 bytes
	Integer        // int64
	Decimal        // exact decimal
	Boolean        // 0 or 1
	Date           // days since 1970-01-01
	Month          // months since 1970-01
	Timestamp      // microseconds since 1970-01-01T00:00:00Z
	List           // several child records
	Record         // one child record
)

var kindNames = [...]string{"unknown", "text", "integer", "decimal", "boolean", "date", "month", "timestamp", "list", "record"}

// String returns the name an analyst writes, such as "decimal".
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("kind(%d)", uint8(k))
}

// ParseKind returns the kind an analyst wrote, and whether there is one of
// that name. "unknown" is no kind.
func ParseKind(name string) (Kind, bool) {
	for i := 1; i < len(kindNames); i++ {
		if kindNames[i] == name {
			return Kind(i), true
		}
	}
	return Unknown, false
}

// KindNames lists the names an analyst may write, in order.
func KindNames() []string { return append([]string(nil), kindNames[1:]...) }

// Nested reports whether values of the kind are child records.
func (k Kind) Nested() bool { return k == List || k == Record }

// NoScale is the Scale of a decimal field that declares none.
const NoScale int32 = -1

// Field is one named column of a Shape.
type Field struct {
	Name string
	Kind Kind
	// Scale is the number of digits after the point that every value of a
	// decimal field is written with, or NoScale. Values may have fewer digits,
	// never more.
	Scale int32
	// Child is the shape of a nested field's records. A nested field with no
	// Child is opaque: its values are JSON text nobody reads.
	Child *Shape
	// Inexact marks a decimal that came out of a binary float; it may feed an
	// amount only through a rounding.
	Inexact bool
}

// Opaque reports whether the field is nested but kept as one piece of JSON.
func (f *Field) Opaque() bool { return f.Kind.Nested() && f.Child == nil }

// NewField returns a field of the kind with no declared scale.
func NewField(name string, kind Kind) Field {
	return Field{Name: name, Kind: kind, Scale: NoScale}
}

// Shape is an ordered list of fields with unique names. It is immutable once
// built and may be shared between goroutines.
type Shape struct {
	Fields []Field
	// Open says that the source may have further fields, whose kinds are
	// unknown until it is opened. Used by static checks; a Batch's Shape is
	// closed.
	Open   bool
	index  map[string]int
	byName []int // places of the fields, sorted by name
}

// NewShape builds a closed shape. Duplicate or empty names are an error.
func NewShape(fields ...Field) (*Shape, error) {
	s := &Shape{Fields: fields, index: make(map[string]int, len(fields)), byName: make([]int, len(fields))}
	for i := range fields {
		name := fields[i].Name
		if name == "" {
			return nil, fmt.Errorf("field %d has no name", i+1)
		}
		if _, dup := s.index[name]; dup {
			return nil, fmt.Errorf("field %q appears twice", name)
		}
		s.index[name], s.byName[i] = i, i
	}
	slices.SortFunc(s.byName, func(a, b int) int { return strings.Compare(fields[a].Name, fields[b].Name) })
	return s, nil
}

// MustShape is NewShape for fields known to be sound, as in tests.
// It panics on a duplicate name.
func MustShape(fields ...Field) *Shape {
	s, err := NewShape(fields...)
	if err != nil {
		panic(err)
	}
	return s
}

// Index returns the position of a field, or -1.
func (s *Shape) Index(name string) int {
	if i, ok := s.index[name]; ok {
		return i
	}
	return -1
}

// Names returns the field names in order.
func (s *Shape) Names() []string {
	names := make([]string, len(s.Fields))
	for i := range s.Fields {
		names[i] = s.Fields[i].Name
	}
	return names
}

// Equal reports whether both shapes have the same fields in the same order.
func (s *Shape) Equal(o *Shape) bool {
	if s == o {
		return true
	}
	if s == nil || o == nil || len(s.Fields) != len(o.Fields) {
		return false
	}
	for i := range s.Fields {
		a, b := &s.Fields[i], &o.Fields[i]
		if a.Name != b.Name || a.Kind != b.Kind || a.Scale != b.Scale || !a.Child.Equal(b.Child) {
			return false
		}
	}
	return true
}

// String writes the shape as `name kind, name kind`, for messages.
func (s *Shape) String() string {
	var b strings.Builder
	for i := range s.Fields {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(s.Fields[i].Name + " " + s.Fields[i].Kind.String())
	}
	return b.String()
}
