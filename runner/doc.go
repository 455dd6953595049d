// Package runner carries out one run of one pipeline: settle what a crash
// left, read from the position, apply steps and rules, ask the gate, commit
// records, ledger and position together, and check that everything balances.
//
// It knows no vendor, no command line and no schedule. The clock, the state
// store, the spill folder, the source and the sink are handed in.
//
// Read run.go first: Run is the walk. Then flow.go (how batches move),
// chain.go (steps and rules over one batch) and balance.go (the proof).
package runner
