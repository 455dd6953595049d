// Package file reads and writes CSV, JSON and JSON lines in a folder.
//
// It has its own CSV scanner, because the standard one changes line ends
// inside quotes, refuses a bare quote and loses count of blank lines; values
// nobody computes with stay the bytes that were read. A record that does not
// fit its file is held with line and byte, never skipped. Writes are one
// temporary file, a manifest and a rename.
//
// It knows no pipeline and no network. Read definition.go first, then
// csvscan.go and csvread.go, jsonread.go, sink.go.
package file
