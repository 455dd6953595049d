// Package gate decides, once a run's records are all known and none is
// visible yet, whether they may be.
//
// It is pure: it meters the batches that pass, and judges them together with
// facts the runner hands it. It never holds, drops or changes a record.
//
// Read gate.go first.
package gate
