// Package faults puts a proxy between a program and a server, for tests: it
// counts the bytes that pass and, at one of them, breaks the connection in one
// of the ways networks do.
//
// It knows no protocol. What it does is decided by counts of bytes alone, so
// that a moment found in one run can be hit in the next. It listens on
// loopback and is for tests alone.
package faults
