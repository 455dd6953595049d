package singer

import (
	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/document"
)

// Connection is a tap and what it is told.
type Connection struct {
	Command  []document.Text               `yaml:"command,one_or_list" required:"true" ref:"true" doc:"The tap and its arguments. It is started without a shell; a single text is taken apart at its blanks." example:"[tap-ledger, --quiet]"`
	Config   *Config                       `yaml:"config" doc:"What the tap reads as its configuration, by --config. It is written to a file only the tap's user can read, and removed when the tap has ended." example:"{start_date: 2026-01-01, api_key: \"${env:TAP_KEY}\"}"`
	Catalog  document.Text                 `yaml:"catalog" ref:"true" doc:"A catalog file to be passed on by --catalog, relative to the project." example:"taps/catalog.json"`
	Discover bool                          `yaml:"discover" doc:"Ask the tap for its catalog with --discover before each run, select the stream that is read in it, and pass it on by --catalog. Most taps need this; without it and without catalog the tap decides what it sends."`
	Env      document.Map[document.Secret] `yaml:"env" doc:"Variables of the tap's environment. It gets PATH, HOME, LANG, TZ and TMPDIR besides, and nothing else." example:"{LEDGER_TOKEN: \"${env:LEDGER_TOKEN}\"}"`
	Dir      document.Text                 `yaml:"dir" ref:"true" doc:"Folder the tap is started in, relative to the project; the project's own when not given." example:"taps"`
	Timeout  document.Duration             `yaml:"timeout" default:"6h" doc:"How long the tap may run."`
	Idle     document.Duration             `yaml:"idle" default:"15m" doc:"How long the tap may print nothing."`
}

// SourceOptions are the keys beside the common ones under source:.
type SourceOptions struct {
	Replication string        `yaml:"replication" enum:"incremental,full_table,log_based" doc:"How the tap reads the stream, where the catalog leaves a choice."`
	By          document.Text `yaml:"replication_key" doc:"The field an incremental replication goes by, where the catalog leaves a choice." example:"updated_at"`
}

// Definition describes the connector.
func Definition() connectors.Definition {
	return connectors.Definition{
		Name:       "singer",
		Summary:    "Streams of a Singer tap, a program that prints records as JSON lines.",
		Connection: func() any { return new(Connection) },
		Source:     func() any { return new(SourceOptions) },
		Typed:      true,
		NewSource: func(env connectors.Env, connection, options any) (connectors.Source, error) {
			return newSource(env, connection.(*Connection), options.(*SourceOptions))
		},
	}
}
