package pipelines

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tieout/tieout/schemas/document"
)

// book knows the connections of a project while its pipelines are decoded and
// checked. Once filled it is only read, but for the zones.
type book struct {
	connectors  Connectors
	connections map[string]*Connection
	names       []string

	mu    sync.Mutex
	zones map[string]*time.Location
}

// at finds the connection that a source or sink names.
func (b *book) at(n *document.Node) *Connection {
	if b == nil || n.Get("connection") == nil {
		return nil
	}
	c := b.connections[n.Get("connection").Text()]
	if c == nil || c.Settings == nil {
		return nil
	}
	return c
}

// zone finds a time zone by its IANA name, once for all files.
func (b *book) zone(name string) (*time.Location, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if z, ok := b.zones[name]; ok {
		return z, nil
	}
	if name == "" || strings.EqualFold(name, "local") {
		return nil, fmt.Errorf("%q is no IANA time zone", name)
	}
	z, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("%q is no IANA time zone", name)
	}
	if b.zones == nil {
		b.zones = make(map[string]*time.Location)
	}
	b.zones[name] = z
	return z, nil
}

// checkZone reports a name that is no zone and gives the zone otherwise.
func (b *book) checkZone(name document.Text, r *document.Report) *time.Location {
	if name.IsZero() {
		return nil
	}
	z, err := b.zone(name.Value)
	if err != nil {
		r.ErrorAt(name, document.CodeTimezone, "Write its IANA name, such as America/Chicago, Europe/London or UTC.", "timezone: %v", err)
		return nil
	}
	return z
}

// open decodes one connection. over are an environment's settings for it, nil
// when there are none; one that names another connector replaces base.
func (b *book) open(d *document.Decoder, name string, base, over *document.Node) *Connection {
	c := &Connection{Name: name, Node: base}
	zone := base.Get("timezone")
	if over != nil {
		if other := over.Get("connector"); other != nil && connectorOf(base) != other.Text() {
			base, over = over, nil
		}
	}
	var keys connectionKeys
	named := base.Get("connector")
	kind, ok := b.connectors.Lookup(connectorOf(base))
	switch {
	case !ok:
		decodeKnown(d, base, &keys)
		if named != nil && named.Kind() == document.Scalar && !named.IsNull() {
			b.unknownConnector(d.Report, named)
		}
	case over == nil:
		c.Kind, c.Settings = kind, kind.Connection()
		d.Decode(base, &keys, c.Settings)
	default:
		c.Kind, c.Settings = kind, kind.Connection()
		c.Secrets = layOver(d, base, over, []any{&keys, c.Settings}, []any{new(connectionKeys), kind.Connection()})
	}
	if c.Settings != nil && kind.Streams != nil {
		c.Streams = kind.Streams(c.Settings)
	}
	c.Connector, c.Timezone, c.Concurrency = keys.Connector, keys.Timezone, keys.Concurrency
	at := base.Get("concurrency")
	if over != nil && over.Get("concurrency") != nil {
		at = over.Get("concurrency")
	}
	if at != nil && !upTo(c.Concurrency, at, mostAtOnce) {
		d.Report.ErrorAt(at, document.CodeWrongType, "", "concurrency is a number from 1 to %d, not %s", mostAtOnce, at.Text())
	}
	if c.Timezone.IsZero() && zone != nil {
		c.Timezone = zone.Scalar()
	}
	c.Zone = b.checkZone(c.Timezone, d.Report)
	return c
}

func connectorOf(n *document.Node) string {
	if c := n.Get("connector"); c != nil {
		return c.Text()
	}
	return ""
}

func (b *book) unknownConnector(r *document.Report, at *document.Node) {
	s := document.Suggest(at.Text(), b.connectors.Names())
	d := document.DiagnosticAt(at, document.CodeBadChoice, s.Hint, "this version has no connector %q", at.Text())
	d.Fix = s.Fix
	r.Add(d)
}

// Connection opens a connection of the project for use: with the settings of
// the chosen environment and with every reference resolved, those to a row of
// for_each where each is not nil. The error is a *document.InvalidError when
// settings are wrong or missing.
func (w *Workspace) Connection(name string, each *Row) (*Connection, error) {
	base, over := w.settings(name)
	if base == nil {
		var names []string
		if w.book != nil {
			names = w.book.names
		}
		return nil, fmt.Errorf("there is no connection %q%s", name, didYouMean(name, names))
	}
	var r document.Report
	d := w.decoder(&r, each)
	c := w.book.open(d, name, base, over)
	c.Secrets = append(c.Secrets, d.Secrets()...)
	return c, r.Err()
}

// settings finds what a connection's settings are written in.
func (w *Workspace) settings(name string) (base, over *document.Node) {
	if w.Project == nil {
		return nil, nil
	}
	c, ok := w.Project.Connections.Get(name)
	if !ok {
		return nil, nil
	}
	if env, ok := w.Project.Environments.Get(w.Environment); ok {
		over, _ = env.Connections.Get(name)
	}
	return c.Node, over
}

// ConnectionNames lists the project's connections, sorted.
func (w *Workspace) ConnectionNames() []string {
	if w.book == nil {
		return nil
	}
	return slices.Clone(w.book.names)
}

// didYouMean words what is known of a name that does not exist.
func didYouMean(name string, known []string) string {
	hint := document.Suggest(name, known).Hint
	if hint == "" {
		return ""
	}
	return "; " + strings.ToLower(hint[:1]) + strings.ReplaceAll(hint[1:], "\n", " ")
}
