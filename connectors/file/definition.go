package file

import (
	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/document"
)

// Connection is a folder of files.
type Connection struct {
	Path document.Text `yaml:"path" required:"true" ref:"true" doc:"The folder, relative to the project. Files outside it are never opened." example:"./data"`
}

// SourceOptions are the keys beside the common ones under source:.
type SourceOptions struct {
	Format string `yaml:"format" enum:"csv,json,jsonl" doc:"Format of the files; by extension when not given."`
	CSV    CSV    `yaml:"csv" doc:"How the CSV files are written."`
	JSON   JSON   `yaml:"json" doc:"Where records are in JSON files."`
}

// CSV is a dialect.
type CSV struct {
	Delimiter   document.Text   `yaml:"delimiter" doc:"One character between fields, or tab; a comma when not given, a tab for .tsv." example:";"`
	Encoding    string          `yaml:"encoding" enum:"utf-8,utf-16,utf-16le,utf-16be,windows-1252,iso-8859-1,iso-8859-15" default:"utf-8" doc:"Character encoding; a byte order mark wins."`
	Header      *bool           `yaml:"header" doc:"Whether the first line names the columns; true when not given. Without, they are column_1, column_2 and so on."`
	DecimalMark string          `yaml:"decimal_mark" enum:".,comma" default:"." doc:"What stands before the digits after the point: . or comma."`
	Nulls       []document.Text `yaml:"nulls,one_or_list" doc:"Texts that mean no value, beside the empty one." example:"[-, N/A]"`
	Comment     document.Text   `yaml:"comment" doc:"Lines that begin with this character are skipped." example:"#"`
}

// JSON says where the records are.
type JSON struct {
	Records document.Text `yaml:"records" doc:"Path to the list of records, such as data.items; the document itself when not given."`
}

// SinkOptions are the keys beside the common ones under sink:.
type SinkOptions struct {
	Format          string `yaml:"format" enum:"csv,json,jsonl" doc:"Format of the file; by extension when not given."`
	SpreadsheetSafe bool   `yaml:"spreadsheet_safe" doc:"Put an apostrophe before CSV texts that a spreadsheet would take for a formula."`
}

// Definition describes the connector.
func Definition() connectors.Definition {
	return connectors.Definition{
		Name:       "file",
		Summary:    "CSV, JSON and JSON lines in a local folder.",
		Connection: func() any { return new(Connection) },
		Source:     func() any { return new(SourceOptions) },
		Sink:       func() any { return new(SinkOptions) },
		Modes:      []connectors.Mode{connectors.Append, connectors.Upsert, connectors.Replace},
		Cursor:     true,
		NewSource: func(env connectors.Env, connection, options any) (connectors.Source, error) {
			return newSource(env, connection.(*Connection), options.(*SourceOptions))
		},
		NewSink: func(env connectors.Env, connection, options any) (connectors.Sink, error) {
			return newSink(env, connection.(*Connection), options.(*SinkOptions))
		},
	}
}
