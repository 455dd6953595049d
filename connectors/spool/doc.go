// Package spool keeps what a read has brought from far away on this machine's
// disk until it is used. A file of it has no name while it is in use, where the
// system allows that, so that a killed process leaves nothing behind, and it
// is sealed with keys that this process has in memory alone, so that a copy of
// the disk shows nothing: what is read back is what was written, or an error.
//
// A File holds parts that are read here and there, as often as needed. A Stream
// is one compressed file that is written whole and then read once. What a page
// or a record looks like inside is up to who writes it.
//
// Read file.go first, then stream.go.
package spool
