package pipelines

import (
	"reflect"
	"strings"

	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
	"github.com/tieout/tieout/transforms/fieldtype"
)

func (c *checker) sink() {
	s := &c.p.Sink
	if s.Node == nil {
		return
	}
	if c.connection(s.Connection, document.CodeSinkUnknownConnection) && s.At != nil && s.At.Kind.Sink == nil {
		c.r.ErrorAt(s.Connection, document.CodeSinkUnknownConnection, "Name a connection that can be written.", "the connection %q (%s) cannot be written", s.Connection.Value, s.At.Kind.Name)
		s.At = nil
	}
	c.stream(s.At, s.Stream, "written", func(f *fieldtype.Stream) bool { return f.Write })
	c.repeated(s.Key)
	c.mode()
	c.missing()
	c.where()
}

// mode checks that the target can load that way, and that key, cursor and
// mode do not contradict each other.
func (c *checker) mode() {
	s := &c.p.Sink
	mode := c.p.Mode()
	var at document.Place = s.Mode
	if s.Mode.IsZero() {
		if s.Node.Get("mode") != nil {
			return // reported
		}
		at = keyOf(s.Node)
	}
	switch {
	case s.At != nil && !s.At.Kind.canLoad(mode):
		c.r.ErrorAt(at, document.CodeSinkMode, "Its modes: "+strings.Join(s.At.Kind.Modes, ", ")+".", "the connector %s cannot load in the mode %q", s.At.Kind.Name, mode)
	case (mode == "upsert" || mode == "history") && len(s.Key) == 0:
		c.r.ErrorAt(at, document.CodeSinkMissingKey, "Name the fields that tell records apart: key: [id].", "the mode %s needs a key", mode)
	case mode == "replace" && c.p.Source.Cursor != nil:
		c.r.ErrorAt(at, document.CodeSinkMode, "Use upsert with a key, or leave out source.cursor so that everything is read each time.",
			"replace leaves only the records of one run, and with a cursor a run reads only what is new")
	case mode == "replace" && c.p.Source.Compares():
		c.r.ErrorAt(at, document.CodeSinkMode, "Use upsert with a key, or leave out source.changes so that everything is passed on each time.",
			"replace leaves only the records of one run, and changes: compare passes on only what is new")
	default:
		c.settings(nil)
	}
}

// settings asks the connector whether the load can be with the settings of
// connection and sink, first without and then with the fields that reach it.
// A stream with a reference is known only when the pipeline runs.
func (c *checker) settings(shape *record.Shape) {
	s := &c.p.Sink
	if c.unfit || s.At == nil || s.At.Kind.CheckSink == nil || s.Options == nil || s.Stream.IsZero() || strings.Contains(s.Stream.Value, "${") {
		return
	}
	for _, fault := range s.At.Kind.CheckSink(s.At.Settings, s.Options, SinkLoad{Stream: s.Stream.Value, Mode: c.p.Mode(), Key: texts(s.Key), Shape: shape}) {
		c.unfit = true
		c.r.ErrorAt(s.Stream, fault.Code, "", "%s", fault.Text)
	}
}

// hasKey reports whether a settings struct takes a key.
func hasKey(settings any, key string) bool {
	found := false
	eachKey(reflect.ValueOf(settings).Elem(), func(k string, _ reflect.StructField, _ reflect.Value) { found = found || k == key })
	return found
}
