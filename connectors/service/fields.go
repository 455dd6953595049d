package service

import (
	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/transforms/fieldtype"
)

// streamsOf lists what the settings of a connection say about its streams.
func streamsOf(connection any) []fieldtype.Stream {
	var out []fieldtype.Stream
	c := connection.(described).settings()
	for i := range c.Streams.Entries {
		e := &c.Streams.Entries[i]
		s := fieldtype.Stream{Name: e.Key.Value, Fields: &e.Value.Fields, Read: e.Value.readable, Write: e.Value.write != nil}
		for _, k := range e.Value.Key {
			s.Key = append(s.Key, k.Value)
		}
		if e.Value.Cursor != nil {
			s.Cursor = e.Value.Cursor.Field.Value
		}
		out = append(out, s)
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
