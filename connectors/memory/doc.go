// Package memory is a source and a sink that keep their records in memory, for
// tests of whatever stands between them. The sink can be told to fail the way
// real ones do.
//
// It keeps nothing beyond the process and is in no registry. Values are held
// as texts in the canonical form of their kind.
//
// Read database.go first.
package memory
