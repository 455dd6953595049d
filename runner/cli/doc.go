// Package cli is the command line: it parses arguments, calls the packages
// that do the work, and says what happened.
//
// Results go to stdout and everything else to stderr; each command has one
// exit code from the table in exit.go and, with -o json, one envelope from
// output.go. The package decides nothing about records, pipelines or state.
//
// Read app.go first, then run.go for the command that matters most.
package cli
