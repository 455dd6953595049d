package document

import "time"

// Text is a scalar that remembers where it stood. Value is the text after YAML's
// quoting and folding; Position maps an offset in it back to the file. Two Texts
// are == only when they have the same value and the same place: compare Value.
type Text struct {
	Value string

	node *Node    // nil when the text was not read from a document
	at   Position // start, for a text given a place by TextAt
	base int      // offset of Value within the node's whole text
}

// TextAt makes a text that stands on one line at a known place, such as a
// command line argument; a zero position is allowed.
func TextAt(value string, at Position) Text { return Text{Value: value, at: at} }

// String gives the value.
func (t Text) String() string { return t.Value }

// IsZero reports whether the text was never set.
func (t Text) IsZero() bool { return t.Value == "" && t.node == nil && !t.at.Known() }

// Node gives the scalar the text was read from, nil when there is none.
func (t Text) Node() *Node { return t.node }

// Expr is a scalar that holds an expression. It maps offsets back to the file for
// plain, 'single', "double", | and > scalars alike, over one or many lines.
type Expr struct{ Text }

// ExprAt makes an expression that does not stand in a document.
func ExprAt(value string, at Position) Expr { return Expr{TextAt(value, at)} }

// Map is a mapping whose order is kept: set, rename, match, add.
type Map[T any] struct{ Entries []Entry[T] }

// Entry is one key of a Map.
type Entry[T any] struct {
	Key   Text
	Value T
}

// Len counts the entries.
func (m Map[T]) Len() int { return len(m.Entries) }

// Get finds an entry by key.
func (m Map[T]) Get(key string) (T, bool) {
	for i := range m.Entries {
		if m.Entries[i].Key.Value == key {
			return m.Entries[i].Value, true
		}
	}
	var none T
	return none, false
}

// Keys lists the keys in the order they were written.
func (m Map[T]) Keys() []string {
	keys := make([]string, len(m.Entries))
	for i := range m.Entries {
		keys[i] = m.Entries[i].Key.Value
	}
	return keys
}

// Duration is a length of time written as one number and a unit: 250ms, 90s,
// 15m, 2h, 3d. A day is 24 hours.
type Duration time.Duration

// Std gives the standard library's type.
func (d Duration) Std() time.Duration { return time.Duration(d) }

// Size is a number of bytes written as 512B, 64MiB, 1GiB or 10MB.
type Size int64

// Variant is one form of a Union. New returns a pointer to decode into.
type Variant struct {
	Name string
	Doc  string // one sentence for the reference page
	New  func() any
	Bare bool // the name may stand alone, without a value: `- open_period`
}

// Union is a mapping of exactly one key whose key names the variant, such as a
// step or a gate condition. SetVariant receives the pointer New gave, decoded.
type Union interface {
	Variants() []Variant
	SetVariant(name string, value any, at Position)
}

// UnionCoder is a Union that has its own code for a name it does not know, and a
// word for what it is: step.unknown and "step".
type UnionCoder interface {
	UnknownVariant() (code Code, what string)
}

// Companion is a Union that allows keys beside the one that names the variant,
// such as `otherwise` beside a gate condition. Beside gives a pointer to a struct.
type Companion interface{ Beside() any }

// Decodable is a value with a shape that struct tags cannot say, such as a field
// type written `decimal` or `{type: date, pattern: …}`. It is called on a pointer
// and reports its findings through the decoder's Report.
type Decodable interface {
	DecodeDocument(n *Node, d *Decoder)
}

// Schemer is a Decodable that describes its JSON Schema. Sub gives the schema of
// another prototype.
type Schemer interface {
	DocumentSchema(sub func(prototype any) any) any
}

// Describer is a Decodable that says on the reference page what is written for
// it: "a type, or a mapping with type and pattern".
type Describer interface{ DocumentType() string }

// Reference is one ${scheme:name} or ${scheme:name:-default}.
type Reference struct {
	Scheme     string // env, file, secret, var, each
	Name       string
	Default    string
	HasDefault bool
}

// Resolver finds what a reference stands for. Secret says that the value may only
// be held by a Secret field. The error is shown to the user behind the name of the
// reference and must not contain the value.
type Resolver interface {
	Resolve(ref Reference) (value string, secret bool, err error)
}

// ResolverFunc is a function as a Resolver.
type ResolverFunc func(Reference) (string, bool, error)

// Resolve calls the function.
func (f ResolverFunc) Resolve(ref Reference) (string, bool, error) { return f(ref) }
