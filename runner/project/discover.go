package project

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/pipelines"
	"github.com/tieout/tieout/schemas/record"
	"github.com/tieout/tieout/transforms/calendar"
)

// Discovered is what a look at a stream showed.
type Discovered struct {
	Stream string            `json:"stream"` // connection.stream
	Fields []DiscoveredField `json:"fields"`
	Key    []string          `json:"key,omitempty"` // where the connection's settings name it
	Rows   int               `json:"rows"`          // how many were looked at
}

// DiscoveredField is one field of a stream. Type is that of the source, or
// guessed from the values where the source has no types.
type DiscoveredField struct {
	Name    string            `json:"name"`
	Type    string            `json:"type"`
	Guessed bool              `json:"guessed,omitempty"`
	Scale   *int32            `json:"scale,omitempty"`
	Fields  []DiscoveredField `json:"fields,omitempty"`
}

// reading opens a connection for looking at it: with the first row of for_each
// where its settings need one.
func (p *Project) reading(name string) (connectors.Source, *pipelines.Connection, error) {
	var row *pipelines.Row
	if rows := p.rowsOf(name); len(rows) > 0 {
		row = rows[0]
	}
	return p.source(name, row, nil, "")
}

// Streams lists what can be read from a connection.
func (p *Project) Streams(ctx context.Context, connection string) ([]string, error) {
	src, c, err := p.reading(connection)
	if err != nil {
		return nil, err
	}
	if c.Kind.Streams != nil {
		var names []string
		for i := range c.Streams {
			if c.Streams[i].Read {
				names = append(names, c.Streams[i].Name)
			}
		}
		slices.Sort(names)
		return names, nil
	}
	lister, can := src.(connectors.Lister)
	if !can {
		return nil, fmt.Errorf("%w: the connector %s cannot list its streams; name one: tieout discover %s STREAM", connectors.ErrConfig, c.Kind.Name, connection)
	}
	return lister.Streams(ctx)
}

// sampleRows is how many records are looked at to guess types.
const sampleRows = 5_000

// Discover looks at the first records of a stream.
func (p *Project) Discover(ctx context.Context, connection, stream string) (Discovered, error) {
	src, c, err := p.reading(connection)
	if err != nil {
		return Discovered{}, err
	}
	out := Discovered{Stream: connection + "." + stream}
	if s := c.Stream(stream); s != nil {
		out.Key = s.Key
	}
	zone := c.Zone
	r, err := src.Open(ctx, connectors.Read{Stream: stream, Zone: zone})
	if err != nil {
		return out, err
	}
	defer r.Close()
	guesses := newGuesses(r.Shape())
	var b record.Batch
	for out.Rows < sampleRows {
		err := r.Next(ctx, &b)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return out, err
		}
		out.Rows += b.Rows
		guesses.add(&b, b.Live)
	}
	out.Fields = guesses.fields()
	return out, nil
}

// guesses follow what the texts of each column look like.
type guesses struct {
	shape *record.Shape
	list  []guess
}

type guess struct {
	seen          bool
	date, instant bool // every value so far is one
	number, point bool // every value is a number; one of them has a point
	boolean       bool
	child         *guesses
}

func newGuesses(s *record.Shape) *guesses {
	g := &guesses{shape: s, list: make([]guess, len(s.Fields))}
	for i := range g.list {
		g.list[i] = guess{date: true, instant: true, number: true, boolean: true}
		if child := s.Fields[i].Child; child != nil {
			g.list[i].child = newGuesses(child)
		}
	}
	return g
}

// add looks at some rows of a batch.
func (g *guesses) add(b *record.Batch, rows []int32) {
	for i := range g.list {
		c, one := &b.Columns[i], &g.list[i]
		if one.child != nil && c.Child != nil {
			one.child.add(c.Child, c.AppendChildren(nil, rows))
			continue
		}
		if c.Kind != record.Text && c.Kind != record.Unknown {
			continue
		}
		for _, row := range rows {
			if c.Presence[row] == record.Value {
				one.look(bytes.TrimSpace(c.Text(int(row))))
			}
		}
	}
}

func (g *guess) look(text []byte) {
	if len(text) == 0 {
		return
	}
	g.seen = true
	if g.date {
		_, g.date = calendar.ParseISO(text)
	}
	if g.instant {
		_, err := calendar.ParseTimestamp(text, nil)
		g.instant = err == nil
	}
	if g.boolean {
		g.boolean = string(text) == "true" || string(text) == "false"
	}
	if g.number {
		point := bytes.IndexByte(text, '.')
		digits := bytes.TrimPrefix(text, []byte("-"))
		whole, _, _ := bytes.Cut(digits, []byte("."))
		leading := len(whole) > 1 && whole[0] == '0' // 0042 is a name, not a number
		g.number = !leading && len(whole) > 0 && len(bytes.Trim(digits, "0123456789.")) == 0 && bytes.Count(digits, []byte(".")) <= 1
		g.point = g.point || point >= 0
	}
}

// kind is the type that fits. Whole numbers stay text: most are names of
// things, and a name that looks like a number must not become one.
func (g *guess) kind() (string, bool) {
	switch {
	case !g.seen:
		return "text", false
	case g.date:
		return "date", true
	case g.instant:
		return "timestamp", true
	case g.boolean:
		return "boolean", true
	case g.number && g.point:
		return "decimal", true
	}
	return "text", false
}

func (g *guesses) fields() []DiscoveredField {
	out := make([]DiscoveredField, len(g.list))
	for i := range g.list {
		f := &g.shape.Fields[i]
		out[i] = DiscoveredField{Name: f.Name, Type: f.Kind.String()}
		if f.Scale != record.NoScale && f.Kind == record.Decimal {
			out[i].Scale = &f.Scale
		}
		switch {
		case g.list[i].child != nil:
			out[i].Fields = g.list[i].child.fields()
		case f.Kind == record.Text || f.Kind == record.Unknown:
			out[i].Type, out[i].Guessed = g.list[i].kind()
		}
	}
	return out
}

// YAML writes what was discovered as a schema document.
func (d *Discovered) YAML(asOf string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "schema: %s\nas_of: %s\n", plainOrQuoted(d.Stream), asOf)
	if len(d.Key) > 0 {
		var names []string
		for _, k := range d.Key {
			names = append(names, plainOrQuoted(k))
		}
		fmt.Fprintf(&b, "key: [%s]\n", strings.Join(names, ", "))
	}
	b.WriteString("fields:\n")
	writeFields(&b, d.Fields, "  ")
	return b.String()
}

func writeFields(b *strings.Builder, fields []DiscoveredField, indent string) {
	for i := range fields {
		f := &fields[i]
		name := plainOrQuoted(f.Name)
		switch {
		case len(f.Fields) > 0:
			fmt.Fprintf(b, "%s%s:\n%s  type: %s\n%s  fields:\n", indent, name, indent, f.Type, indent)
			writeFields(b, f.Fields, indent+"    ")
		case f.Scale != nil:
			fmt.Fprintf(b, "%s%s: { type: %s, scale: %d }\n", indent, name, f.Type, *f.Scale)
		default:
			fmt.Fprintf(b, "%s%s: %s\n", indent, name, f.Type)
		}
	}
}

// plainOrQuoted writes a text so that YAML reads it back as it is.
func plainOrQuoted(s string) string {
	plain := s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-/") == "" &&
		strings.ContainsAny(s[:1], "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_")
	switch strings.ToLower(s) {
	case "y", "n", "yes", "no", "on", "off", "true", "false", "null":
		plain = false
	}
	if plain {
		return s
	}
	return fmt.Sprintf("%q", s)
}
