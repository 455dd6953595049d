// Package sql reads from and writes to SQL databases: the connectors postgres,
// mysql and sqlite; from SQL Server (sqlserver) it only reads.
//
// A load is one transaction. Rows go into the target itself (PostgreSQL and
// MySQL, append) or into a temporary staging table, and the merge, the ledger
// row and the position become visible in one COMMIT. The package runs no step and no
// rule, keeps no state of its own beside the two ledger tables in the target
// database, and retries nothing: a statement whose outcome is unknown is
// settled by looking.
//
// Read definition.go first, then sink.go and writer.go for a load, merge.go
// for what it does to the target, and source.go for a read. words.go is what
// the databases say differently.
package sql
