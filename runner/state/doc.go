// Package state keeps what outlives a run: runs, held records, locks, and the
// slots, pauses and letters of the schedule, in SQLite by default and in
// PostgreSQL when the project says so.
//
// It is not where the truth about a load lives: ledger and position are in
// the sink, committed with the data. A lost state store costs history and
// held records, never correctness.
//
// Read store.go first, then journal.go for what a run writes and in which
// order, held.go for the quarantine, lock.go for who may run, and slots.go for
// the schedule.
package state
