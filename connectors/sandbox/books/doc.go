// Package books is a small accounting service for tests and dry runs: it keeps
// customers, invoices, payments, bills and journals of several companies in
// memory, and is as particular as the real ones are.
//
// Documents are made, changed with the version they have, and voided, never
// removed. A request that is sent again under its Idempotency-Key gets the
// first answer once more. Numbers are unique within a kind, totals are those of
// the lines, journals balance, and nothing is dated in a closed period. A
// script makes requests go wrong as they do on a network. It speaks JSON, and
// XML where it is asked in XML.
//
// It stands in for no vendor and runs on loopback alone. Read server.go first,
// then document.go.
package books
