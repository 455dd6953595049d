// Package file reads CSV, JSON, JSON lines, workbooks, XML and Parquet in a
// folder, packed or not, and writes CSV, JSON, JSON lines and Parquet.
//
// It has its own CSV scanner, because the standard one changes line ends
// inside quotes, refuses a bare quote and loses count of blank lines; values
// nobody computes with stay the bytes that were read. It has its own reader of
// workbooks, because numbers must not become floats on the way. A record that
// does not fit its file is held with its place, never skipped. Writes are one
// temporary file, a manifest and a rename.
//
// It knows no pipeline and no network. Read definition.go first, then
// source.go, input.go (what a stream names, and unpacking) and table.go (named
// columns); csvscan.go and csvread.go, xlsxsheet.go and xlsxread.go,
// recordread.go (JSON and XML), parquetschema.go and parquetread.go; sink.go.
package file
