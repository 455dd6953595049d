package document

import "reflect"

// Decoder fills structs from nodes. It remembers the struct types it has seen:
// use one for many documents. It is not for concurrent use.
type Decoder struct {
	Report   *Report
	Resolver Resolver // nil: references are checked for their form and stay unresolved

	types   map[reflect.Type]*structType
	roots   []reflect.Type
	secrets []Secret
}

// Secrets lists every secret resolved so far, for a caller that keeps their
// values out of logs.
func (d *Decoder) Secrets() []Secret { return d.secrets }

// Decode fills the targets, pointers to structs, from one mapping. Several
// targets share the mapping: each takes the keys it declares, and a key none of
// them declares is an error.
func (d *Decoder) Decode(n *Node, targets ...any) {}

type structType struct{}
