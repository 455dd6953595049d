package pipelines

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
	"github.com/tieout/tieout/transforms"
	"github.com/tieout/tieout/transforms/calendar"
	"github.com/tieout/tieout/transforms/fieldtype"
)

func (c *checker) source() {
	s := &c.p.Source
	if s.Node == nil {
		return
	}
	if c.connection(s.Connection, document.CodeSourceUnknownConnection) && s.At != nil && s.At.Kind.Source == nil {
		c.r.ErrorAt(s.Connection, document.CodeSourceUnknownConnection, "Name a connection that can be read.", "the connection %q (%s) cannot be read", s.Connection.Value, s.At.Kind.Name)
		s.At = nil
	}
	if s.Stream.IsZero() && s.Node.Get("stream") == nil && s.Node.Get("query") == nil {
		c.r.ErrorAt(keyOf(s.Node), document.CodeMissingKey, "stream: What to read there: a file name or pattern, a table, an API stream.", "%q needs the key %q%s", "source", "stream", c.orQuery())
	}
	c.stream(s.At, s.Stream, "read", func(f *fieldtype.Stream) bool { return f.Read })
	for i := range s.Fields.Entries {
		e := &s.Fields.Entries[i]
		if strings.TrimSpace(e.Key.Value) == "" {
			c.r.ErrorAt(e.Key, document.CodeKeyNotText, "Give the field a name.", "a field has no name")
		}
	}
	c.repeated(s.Key)
	c.compares()
	c.cursor()
}

// connection reports a name that is not declared.
func (c *checker) connection(name document.Text, code document.Code) bool {
	if name.IsZero() || c.w.Project == nil {
		return false
	}
	if _, ok := c.w.Project.Connections.Get(name.Value); !ok {
		c.suggest(name, code, c.w.book.names, "there is no connection %q in tieout.yaml", name.Value)
		return false
	}
	return true
}

// stream reports a name that the connection's settings do not list, among
// those that can be read or written.
func (c *checker) stream(at *Connection, name document.Text, done string, can func(*fieldtype.Stream) bool) {
	if at == nil || at.Kind.Streams == nil || name.IsZero() || strings.Contains(name.Value, "${") {
		return
	}
	var names []string
	for i := range at.Streams {
		if can(&at.Streams[i]) {
			names = append(names, at.Streams[i].Name)
		}
	}
	if slices.Contains(names, name.Value) {
		return
	}
	if at.Stream(name.Value) != nil {
		c.r.ErrorAt(name, document.CodeSourceUnknownStream, "Streams that can be: "+strings.Join(names, ", "), "the stream %q of %q cannot be %s", name.Value, at.Name, done)
		return
	}
	c.suggest(name, document.CodeSourceUnknownStream, names, "the connection %q has no stream %q", at.Name, name.Value)
}

// orQuery adds that a query would do as well, where one may be written.
func (c *checker) orQuery() string {
	if o := c.p.Source.Options; o != nil && hasKey(o, "query") {
		return " or \"query\""
	}
	return ""
}

func keyOf(n *document.Node) document.Place {
	if n.Key() != nil {
		return n.Key()
	}
	return n
}

// repeated reports fields a key names twice.
func (c *checker) repeated(key []document.Text) {
	seen := make(map[string]bool)
	for _, name := range key {
		if seen[name.Value] {
			c.r.ErrorAt(name, document.CodeDuplicateKey, "Name it once.", "the key names %q twice", name.Value)
		}
		seen[name.Value] = true
	}
}

// compares checks what comparing with the last read needs.
func (c *checker) compares() {
	s := &c.p.Source
	at := s.Node.KeyNode("changes")
	if !s.Compares() || at == nil {
		return
	}
	if s.Cursor != nil && s.Cursor.Node != nil {
		c.r.ErrorAt(keyOf(s.Cursor.Node), document.CodeSourceCursor, "Leave out one of the two.", "changes: compare reads everything, and a cursor reads only what is new")
	}
	if len(s.Key) == 0 && len(c.p.Sink.Key) == 0 {
		c.r.ErrorAt(at, document.CodeMissingKey, "Name the fields that tell records apart: key: [id].", "changes: compare needs the key of the source")
	}
	if f, ok := s.Types().Get(ChangeField); ok {
		c.r.ErrorAt(f.Type, document.CodeDuplicateKey, "Read it under another name: { column: "+ChangeField+" }.", "changes: compare adds a field %q, and the source has one", ChangeField)
	}
}

func (c *checker) cursor() {
	s := &c.p.Source
	cursor := s.Cursor
	if cursor == nil || cursor.Node == nil {
		return
	}
	if s.At != nil && !s.At.Kind.Cursor {
		c.r.ErrorAt(keyOf(cursor.Node), document.CodeSourceCursor, "Remove it: everything is read each time, and a sink with a key changes only what differs.", "the connector %s cannot read from a cursor", s.At.Kind.Name)
		return
	}
	if cursor.Field.IsZero() {
		c.r.ErrorAt(keyOf(cursor.Node), document.CodeSourceCursor, "field: Field that grows with every change.\nExample: field: updated_at", "the cursor names no field")
		return
	}
	kind := record.Unknown
	if f, ok := s.Types().Get(cursor.Field.Value); ok {
		kind = f.Kind
	}
	c.cursorKind(cursor, kind)
	dated := kind == record.Unknown || kind == record.Date || kind == record.Timestamp // else it is reported already
	if cursor.Lag > 0 && dated && s.At != nil && !s.At.Kind.Lag {
		c.r.ErrorAt(cursor.Node.Get("lag"), document.CodeSourceCursor, "Use lookback, which reads late records again; it needs a sink with a key.",
			"the connector %s reads what there is, up to the newest record, and cannot stay behind it", s.At.Kind.Name)
	}
	if cursor.Lookback > 0 && c.p.Mode() == "append" {
		c.r.ErrorAt(cursor.Node.Get("lookback"), document.CodeSourceAppendLookback, "Give the sink a key and let it upsert, or drop the lookback.",
			"a lookback reads records again, and append would add them again")
	}
}

// cursorKind checks what depends on the type of the cursor's field; unknown
// fits everything.
func (c *checker) cursorKind(cursor *Cursor, kind record.Kind) {
	switch kind {
	case record.Boolean, record.Decimal, record.List, record.Record:
		c.r.ErrorAt(cursor.Field, document.CodeSourceCursor, "Name a field of type integer, date, month, timestamp or text that only grows.", "%q is a %s, which is no cursor", cursor.Field.Value, kind)
		return
	case record.Integer, record.Month, record.Text:
		for _, key := range []string{"lookback", "lag", "window"} {
			if n := cursor.Node.Get(key); n != nil {
				c.r.ErrorAt(n, document.CodeSourceCursor, "Remove it, or name a field of type date or timestamp.", "%s is a length of time, and %q is %s", key, cursor.Field.Value, kind)
			}
		}
	}
	if err := checkStart(cursor.Start.Value, kind); err != nil {
		c.r.ErrorAt(cursor.Start, document.CodeSourceCursor, "Write it as the source writes the field.", "start: %v", err)
	}
}

// checkStart reads the first position as the type of its field.
func checkStart(text string, kind record.Kind) error {
	if text == "" {
		return nil
	}
	ok := true
	switch kind {
	case record.Date:
		_, ok = calendar.ParseISO([]byte(text))
	case record.Month:
		_, ok = calendar.ParseMonth([]byte(text))
	case record.Timestamp:
		_, date := calendar.ParseISO([]byte(text))
		_, err := calendar.ParseTimestamp([]byte(text), time.UTC)
		ok = date || err == nil
	case record.Integer:
		ok = strings.Trim(text, "0123456789") == "" || text[0] == '-' && len(text) > 1 && strings.Trim(text[1:], "0123456789") == ""
	}
	if !ok {
		return fmt.Errorf("%q is no %s", text, kind)
	}
	return nil
}

// links reports streams of connections that do not exist.
func (c *checker) links() {
	for i := range c.p.Transforms {
		link, ok := c.p.Transforms[i].Spec.(*transforms.Link)
		if !ok {
			continue
		}
		for _, at := range []document.Text{link.From, link.To} {
			if name, _, ok := strings.Cut(at.Value, "."); ok && name != "" {
				c.connection(at.Slice(0, len(name)), document.CodeSourceUnknownConnection)
			}
		}
	}
}
