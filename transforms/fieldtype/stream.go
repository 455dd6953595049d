package fieldtype

import "github.com/tieout/tieout/schemas/document"

// Stream is what the settings of a connection say about one of its streams,
// known before anything is opened.
type Stream struct {
	Name   string
	Fields *document.Map[Type] // the types of fields; there may be more; nil for none
	Key    []string            // fields that identify a record
	Cursor string              // the field a read is bounded by, "" for none
	// Read and Write say which sides the stream has.
	Read, Write bool
}

// Lay puts the fields a pipeline declares before those of its stream: one of
// the same name wins, and one that reads a column of the stream takes the
// place of the field of that name.
func (s *Stream) Lay(fields *document.Map[Type]) *document.Map[Type] {
	if s == nil || s.Fields == nil || s.Fields.Len() == 0 {
		return fields
	}
	taken := make(map[string]bool)
	out := &document.Map[Type]{Entries: fields.Entries[:len(fields.Entries):len(fields.Entries)]}
	for i := range fields.Entries {
		e := &fields.Entries[i]
		taken[e.Key.Value] = true
		for _, c := range e.Value.Column {
			taken[c.Value] = true
		}
	}
	for _, e := range s.Fields.Entries {
		if !taken[e.Key.Value] {
			out.Entries = append(out.Entries, e)
		}
	}
	return out
}
