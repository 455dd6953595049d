// Package connectors is the contract between the runner and the systems it
// reads from and writes to: Source, Sink, Definition and Env.
//
// It knows no protocol (those are the folders below it), no pipeline YAML and
// no schedule. A connector is thin: it moves batches and reports what
// happened. Batching across steps, rules, the gate, cursors, held records and
// the balance belong to the runner.
//
// Read definition.go first, then source.go and sink.go.
package connectors
