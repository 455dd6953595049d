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
	name   string              // of that field
	values map[string]struct{} // what held records have there
	// later are the keys of records held behind a gathering step or by the
	// sink, by the step they come in at again.
	later   map[int]map[string]struct{}
	waiting []waitingRecord
}

// waitingRecord is the key of a held record, and where it was read.
type waitingRecord struct{ key, input string }

// newHeldIndex starts an index of records of a shape; keyed says that they
// have a key of their own.
func newHeldIndex(shape *record.Shape, keyed bool) *heldIndex {
	x := &heldIndex{keys: make(map[string]struct{}), field: -1, later: make(map[int]map[string]struct{})}
	if keyed {
		return x
	}
	for i := range shape.Fields {
		if !shape.Fields[i].Kind.Nested() {
			x.field, x.name, x.values = i, shape.Fields[i].Name, make(map[string]struct{})
			break
		}
	}
	return x
}

// add takes in one held record. When it has no value in the field looked at
// first, nothing can be told from that field any more.
func (x *heldIndex) add(h *Held) {
	x.keys[h.Key] = struct{}{}
	x.waiting = append(x.waiting, waitingRecord{h.Key, h.Input})
	if h.Enter > 0 {
		if x.later[h.Enter] == nil {
			x.later[h.Enter] = make(map[string]struct{})
		}
		x.later[h.Enter][h.Key] = struct{}{}
		return
	}
	if x.field < 0 {
		return
	}
	value, ok := memberText(h.Record, x.name)
	if !ok {
		x.field, x.values = -1, nil
		return
	}
	x.values[value] = struct{}{}
}

// memberText is the text of one member of a record in JSON.
func memberText(text, name string) (value string, ok bool) {
	var members map[string]json.RawMessage
	if json.Unmarshal([]byte(text), &members) != nil {
		return "", false
	}
	raw := members[name]
	if len(raw) == 0 || string(raw) == "null" {
		return "", false
	}
	if json.Unmarshal(raw, &value) != nil {
		value = string(raw)
	}
	return value, true
}

// holds reports whether a row is held by an earlier run, and its key.
func (x *heldIndex) holds(b *record.Batch, row int, keys *Keyer, scratch []byte) (key []byte, held bool) {
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
	key = keys.Key(b, row)
	_, held = x.keys[string(key)]
	return key, held
}

// meet notes the live records that come to a step, or to the sink, and that
// earlier runs held there.
func (x *heldIndex) meet(at int, b *record.Batch, keys *Keyer, met map[string]struct{}) {
	if x == nil || len(x.later[at]) == 0 {
		return
	}
	for _, row := range b.Live {
		key := keys.Key(b, int(row))
		if _, held := x.later[at][string(key)]; held {
			met[string(key)] = struct{}{}
		}
	}
}
