package pipelines

import (
	"slices"
	"time"

	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/transforms/fieldtype"
)

// Project is tieout.yaml.
type Project struct {
	Tieout       int                           `yaml:"tieout" required:"true" enum:"1" doc:"Version of the document format; 1."`
	Project      document.Text                 `yaml:"project" required:"true" doc:"Name of the project; part of every ledger row." example:"maple-court"`
	Description  string                        `yaml:"description" doc:"What the project is for."`
	Timezone     document.Text                 `yaml:"timezone" doc:"IANA zone that zone-less stamps and run.date belong to unless a connection or pipeline names its own." example:"America/Chicago"`
	State        document.Text                 `yaml:"state" default:".tieout/state.db" ref:"true" doc:"Where runs, held records and positions are kept: a file, or a postgres:// address."`
	Connections  document.Map[Connection]      `yaml:"connections" doc:"The systems pipelines read from and write to, by name."`
	Environments document.Map[Environment]     `yaml:"environments" doc:"Named sets of connection settings that replace those above, chosen with --env."`
	Alerts       document.Map[AlertTarget]     `yaml:"alerts" doc:"Named places that alerts go to."`
	Serve        Serve                         `yaml:"serve" doc:"How the project runs unattended."`
	Vars         document.Map[document.Text]   `yaml:"vars" ref:"true" doc:"Default values of ${var:…} and var.…, replaced with --var."`
	Secrets      document.Map[document.Secret] `yaml:"secrets" doc:"Named secrets for ${secret:…}: each an ${env:…} or ${file:…} reference."`

	File string         `yaml:"-"`
	Root *document.Node `yaml:"."`
}

// Connection is one entry of `connections:`. The keys beside those of
// connectionKeys belong to the connector and are decoded into Settings.
type Connection struct {
	Name      string
	Connector document.Text
	Timezone  document.Text
	// Concurrency is how many runs may use the connection at once, 0 when
	// nothing limits them.
	Concurrency int
	Node        *document.Node

	// Kind is the connector, with no name when there is none of that name.
	Kind Connector
	// Settings are the connector's struct, nil without a connector. Those of
	// a connection of a Project hold references as they were written;
	// Workspace.Connection resolves them.
	Settings any
	// Streams are those the settings list, nil when they list none.
	Streams []fieldtype.Stream
	// Zone is that of Timezone, nil when the connection names none.
	Zone *time.Location
	// Secrets are those Settings hold, for a caller that keeps their values
	// out of logs. Workspace.Connection fills them.
	Secrets []document.Secret
}

// Stream is the stream of a name that the settings list, or nil.
func (c *Connection) Stream(name string) *fieldtype.Stream {
	if c == nil {
		return nil
	}
	if i := slices.IndexFunc(c.Streams, func(s fieldtype.Stream) bool { return s.Name == name }); i >= 0 {
		return &c.Streams[i]
	}
	return nil
}

// connectionKeys are the keys every connector shares.
type connectionKeys struct {
	Connector   document.Text `yaml:"connector" required:"true" doc:"Which connector it is." example:"file"`
	Timezone    document.Text `yaml:"timezone" doc:"IANA zone of the system's zone-less stamps." example:"America/Chicago"`
	Concurrency int           `yaml:"concurrency" doc:"How many runs may use the connection at once; any number when not given." example:"2"`
}

// DecodeDocument keeps the mapping: its keys are known once the connector is.
func (c *Connection) DecodeDocument(n *document.Node, _ *document.Decoder) { c.Node = n }

// DocumentType says what is written for a connection.
func (c *Connection) DocumentType() string {
	return "mapping of `connector`, `timezone`, `concurrency` and the connector's keys"
}

// Environment replaces settings of connections.
type Environment struct {
	Connections document.Map[*document.Node] `yaml:"connections" doc:"Settings laid over those of the connections of the same names; one that names another connector replaces the connection."`
}
