package file

import (
	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/document"
)

// SourceOptions are the keys beside the common ones under source:.
type SourceOptions struct {
	Format string          `yaml:"format" enum:"csv,json,jsonl,xlsx,xml,parquet" doc:"Format of the files; by extension when not given. Files ending in .gz are unpacked, and so are those in a .zip, as in batch.zip/*.csv."`
	CSV    CSV             `yaml:"csv" doc:"How the CSV files are written."`
	JSON   JSON            `yaml:"json" doc:"Where records are in JSON files."`
	XML    XML             `yaml:"xml" doc:"Where records are in XML files."`
	Sheet  []document.Text `yaml:"sheet,one_or_list" doc:"Sheets of a workbook to read, by name, number or pattern; the first visible one when not given. A part in braces, as in \"Rent {month}\", becomes a field." example:"Takeoff"`
	Header *Header         `yaml:"header" doc:"Where the header of a sheet or CSV file is; its first row that is not blank when not given."`
	Rows   *Rows           `yaml:"rows" doc:"Which rows of a sheet or CSV file are records; all that are not blank when not given."`
	Name   document.Text   `yaml:"name" doc:"How the files are called; each part in braces becomes a text field of every record." example:"{job} Takeoff.xlsx"`
}

// XML says where the records are.
type XML struct {
	Records document.Text `yaml:"records" doc:"Path of names from the root to the element that is a record, such as Invoices.Invoice; * stands for any name. The root itself when not given." example:"Invoices.Invoice"`
}

// Header says where column names are.
type Header struct {
	Contains []document.Text `yaml:"contains,one_or_list" doc:"Cells the header has; the first row that has them all is the header, and what stands above is passed over." example:"[Item, Qty]"`
	Row      int             `yaml:"row" doc:"Number of the header's row, counted from 1." example:"4"`
}

// Rows says which rows are records.
type Rows struct {
	Until []document.Text `yaml:"until,one_or_list" doc:"Where the table ends: blank for its first blank row, or what the first filled cell of a row begins with." example:"Grand total"`
	Skip  []document.Text `yaml:"skip,one_or_list" doc:"Rows whose first filled cell begins with one of these texts are passed over." example:"[Total, Subtotal]"`
	Leaf  *Leaf           `yaml:"leaf" doc:"Of rows in a tree, read only those without rows below them, so that subtotals do not count twice."`
}

// Leaf says how the level of a row is told.
type Leaf struct {
	Level   document.Text `yaml:"level" doc:"Column that holds the level as a whole number." example:"Level"`
	Number  document.Text `yaml:"number" doc:"Column that numbers the rows: 1, 1.1, 1.1.1." example:"\"Item #\""`
	Indent  document.Text `yaml:"indent" doc:"Column whose texts are indented by blanks or by the style of their cell." example:"Name"`
	Outline string        `yaml:"outline" enum:"above,below" doc:"By the outline of the sheet; says where the row that sums others up stands."`
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
	Format          string `yaml:"format" enum:"csv,json,jsonl,parquet" doc:"Format of the file; by extension when not given. A file ending in .gz is packed."`
	SpreadsheetSafe bool   `yaml:"spreadsheet_safe" doc:"Put an apostrophe before CSV texts that a spreadsheet would take for a formula."`
}

// Definition describes the connector.
func Definition() connectors.Definition {
	return connectors.Definition{
		Name:       "file",
		Summary:    "CSV, JSON, JSON lines, spreadsheets (.xlsx), XML and Parquet in a folder of this machine, on an SFTP server or in an S3 bucket, also packed as .gz or .zip.",
		Connection: func() any { return new(Connection) },
		Source:     func() any { return new(SourceOptions) },
		Sink:       func() any { return new(SinkOptions) },
		Modes:      []connectors.Mode{connectors.Append, connectors.Upsert, connectors.Replace},
		Cursor:     true,
		CheckSink: func(_, options any, load connectors.Load) error {
			_, err := checkLoad(options.(*SinkOptions), load)
			return err
		},
		NewSource: func(env connectors.Env, connection, options any) (connectors.Source, error) {
			return newSource(env, connection.(*Connection), options.(*SourceOptions))
		},
		NewSink: func(env connectors.Env, connection, options any) (connectors.Sink, error) {
			return newSink(env, connection.(*Connection), options.(*SinkOptions))
		},
	}
}
