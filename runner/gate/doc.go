// Package gate decides, once a run's records are all known and none is
// visible yet, whether they may be.
//
// It is pure: it meters the batches that pass, and judges them together with
// facts the runner hands it. It never holds, drops or changes a record. A
// verdict does not depend on the order of the batches, and may be asked for
// again with other facts.
//
// Read gate.go first, then plan.go; each condition has its meter in a file
// named after it.
package gate
