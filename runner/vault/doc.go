// Package vault keeps small secrets of a project sealed: the tokens that
// services give and change. It implements connectors.Vault.
//
// Entries are sealed with age under the key of the project, and each knows
// its own name, so that none can stand in for another. Where they lie is a
// Backend: Files beside a SQLite state, or a table of a PostgreSQL state. The
// backend gives one process at a time the turn for an entry and keeps what it
// is handed before it returns.
//
// What cannot be opened is never overwritten. The package knows nothing of
// tokens, connections or the network. Read vault.go first, then key.go and
// files.go.
package vault
