package pipelines_test

import (
	"slices"
	"testing/fstest"

	"github.com/tieout/tieout/pipelines"
	"github.com/tieout/tieout/schemas/document"
)

// The connectors of these tests: settings as the real ones have them, and
// nothing behind them.

type folder struct {
	Path document.Text `yaml:"path" required:"true" ref:"true" doc:"The folder." example:"./data"`
}

type dialect struct {
	Delimiter document.Text   `yaml:"delimiter" doc:"One character between fields."`
	Nulls     []document.Text `yaml:"nulls,one_or_list" doc:"Texts that mean no value."`
}

type folderSource struct {
	Format string  `yaml:"format" enum:"csv,json,jsonl" doc:"Format of the files."`
	CSV    dialect `yaml:"csv" doc:"How the CSV files are written."`
}

type folderSink struct {
	Format string `yaml:"format" enum:"csv,json,jsonl" doc:"Format of the file."`
}

type database struct {
	URL document.Secret `yaml:"url" required:"true" doc:"Address of the database."`
}

type embedded struct {
	Path document.Text `yaml:"path" required:"true" ref:"true" doc:"The database file."`
}

type tableSource struct {
	Query document.Text `yaml:"query" doc:"A SELECT to read instead of a table."`
}

type tableSink struct {
	Ledger document.Text `yaml:"ledger" doc:"Schema of the ledger tables."`
}

type service struct {
	BaseURL document.Text   `yaml:"base_url" required:"true" ref:"true" doc:"Address."`
	Token   document.Secret `yaml:"token" doc:"Token."`
}

type serviceSource struct {
	Page int `yaml:"page" default:"100" doc:"Records of a page."`
}

type double []pipelines.Connector

func (d double) Lookup(name string) (pipelines.Connector, bool) {
	i := slices.IndexFunc(d, func(c pipelines.Connector) bool { return c.Name == name })
	if i < 0 {
		return pipelines.Connector{}, false
	}
	return d[i], true
}

func (d double) Names() []string {
	var names []string
	for _, c := range d {
		names = append(names, c.Name)
	}
	return names
}

func connectors() double {
	modes := []string{"append", "upsert", "replace"}
	return double{
		{Name: "feed", Summary: "Reads a service.", Connection: func() any { return new(service) }, Source: func() any { return new(serviceSource) }, Cursor: true},
		{Name: "file", Summary: "Files in a folder.", Connection: func() any { return new(folder) }, Source: func() any { return new(folderSource) },
			Sink: func() any { return new(folderSink) }, Modes: modes},
		{Name: "ledger", Summary: "Writes to a service.", Connection: func() any { return new(service) }, Sink: func() any { return new(tableSink) }, Modes: []string{"append", "upsert"}},
		{Name: "postgres", Summary: "A PostgreSQL database.", Connection: func() any { return new(database) }, Source: func() any { return new(tableSource) },
			Sink: func() any { return new(tableSink) }, Modes: append([]string{"history"}, modes...), Missing: true, Typed: true, Cursor: true, Lag: true},
		{Name: "sqlite", Summary: "An SQLite file.", Connection: func() any { return new(embedded) }, Source: func() any { return new(tableSource) },
			Sink: func() any { return new(tableSink) }, Modes: append([]string{"history"}, modes...), Missing: true, Typed: true, Cursor: true, Lag: true},
	}
}

// load loads files given as name, text, name, text.
func load(o pipelines.Options, files ...string) *pipelines.Workspace {
	root := fstest.MapFS{}
	for i := 0; i < len(files); i += 2 {
		root[files[i]] = &fstest.MapFile{Data: []byte(files[i+1])}
	}
	if o.Connectors == nil {
		o.Connectors = connectors()
	}
	return pipelines.Load(root, o)
}

const project = `tieout: 1
project: maple-court
timezone: America/Chicago
connections:
  files: { connector: file, path: ./data }
  books: { connector: sqlite, path: .tieout/books.db }
  warehouse: { connector: postgres, url: "${env:WAREHOUSE_URL}" }
  app: { connector: feed, base_url: "https://app.example.com", token: "${env:APP_TOKEN}" }
  erp: { connector: ledger, base_url: "https://erp.example.com" }
alerts:
  finance: { slack: "${env:SLACK_WEBHOOK}" }
`
