package runner

import (
	"encoding/json"

	"github.com/tieout/tieout/schemas/record"
)

// heldIndex finds the records that earlier runs hold when they are read
// again. Where records have no key but a hash of all they hold, one field's
// value tells most of them apart before a hash is made.
type heldIndex struct {
	keys   map[string]struct{}
	field  int                 // column looked at first, or -1
	values map[string]struct{} // what held records have there
}

// newHeldIndex indexes held records, given as key and JSON, of a shape.
func newHeldIndex(held map[string]string, shape *record.Shape, keyed bool) *heldIndex {
	x := &heldIndex{keys: make(map[string]struct{}, len(held)), field: -1}
	for key := range held {
		x.keys[key] = struct{}{}
	}
	if keyed || len(held) == 0 {
		return x
	}
	for i := range shape.Fields {
		if !shape.Fields[i].Kind.Nested() {
			x.look(i, shape.Fields[i].Name, held)
			break
		}
	}
	return x
}

// look takes note of the values of a field, unless a record has none: then
// nothing can be told from it.
func (x *heldIndex) look(i int, name string, held map[string]string) {
	values := make(map[string]struct{}, len(held))
	for _, text := range held {
		var members map[string]json.RawMessage
		if json.Unmarshal([]byte(text), &members) != nil {
			return
		}
		raw := members[name]
		if len(raw) == 0 || string(raw) == "null" {
			return
		}
		var value string
		if json.Unmarshal(raw, &value) != nil {
			value = string(raw)
		}
		values[value] = struct{}{}
	}
	x.field, x.values = i, values
}

// holds reports whether a row is held by an earlier run, and its key.
func (x *heldIndex) holds(b *record.Batch, row int, keys *keyer, scratch []byte) (key []byte, held bool) {
	if x.field >= 0 {
		c := &b.Columns[x.field]
		if c.Presence[row] != record.Value {
			return nil, false
		}
		value := record.AppendValue(scratch[:0], &b.Shape.Fields[x.field], c, row)
		if _, maybe := x.values[string(value)]; !maybe {
			return nil, false
		}
	}
	key = keys.key(b, row)
	_, held = x.keys[string(key)]
	return key, held
}
