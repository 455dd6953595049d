package pipelines

import (
	"slices"

	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
	"github.com/tieout/tieout/transforms"
	"github.com/tieout/tieout/transforms/fieldtype"
)

// Connector is what this package must know of a connector: its settings and
// what it can do. Connection, Source and Sink give a pointer to a zero
// settings struct; Source or Sink is nil when the connector has no such side.
type Connector struct {
	Name    string
	Summary string

	Connection, Source, Sink func() any

	Modes  []string // load modes of its sink
	Typed  bool     // its source knows the kinds of its fields by itself
	Cursor bool     // its source can read from a cursor
	Lag    bool     // and can stay behind the newest record
	// Missing says that its sink can take away records that a load does not
	// hold, in the whole target or a part of it.
	Missing bool
	// CheckSink says why a load cannot be with the settings of a connection and
	// a sink; nil when the modes say all.
	CheckSink func(connection, sink any, load SinkLoad) []SinkFault

	// Streams lists what the settings of a connection say about its streams;
	// nil when they do not list them.
	Streams func(connection any) []fieldtype.Stream
}

// SinkLoad is what is known of a load before anything is opened. Shape is that
// of the records that reach the sink, nil while nothing is known of it.
type SinkLoad struct {
	Stream, Mode string
	Key          []string
	Shape        *record.Shape
}

// SinkFault is one reason why a load cannot be.
type SinkFault struct {
	Code document.Code
	Text string
}

// Connectors finds connectors by name.
type Connectors interface {
	Lookup(name string) (Connector, bool)
	// Names lists the connectors, sorted.
	Names() []string
}

// Options say what a workspace is loaded with.
type Options struct {
	Connectors Connectors
	// Dir is the folder of the project, for paths a person gives.
	Dir string
	// Environment is the chosen one of tieout.yaml, "" for none.
	Environment string
	// Resolver finds what ${env:…} and ${file:…} stand for; vars and secrets
	// declared in tieout.yaml are found without it. It is asked when a value
	// is needed, never while files are checked, so that a run needs only the
	// secrets of its own connections. Without it, nothing is resolved.
	Resolver document.Resolver
	// Vars are values given for this start; they win over those of tieout.yaml.
	Vars map[string]string
	// Tables gives the headers of mapping tables for the checks; may be nil.
	Tables transforms.Tables
}

// canLoad reports whether the connector's sink supports a mode.
func (c *Connector) canLoad(mode string) bool { return slices.Contains(c.Modes, mode) }
