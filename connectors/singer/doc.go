// Package singer reads from taps: programs that print SCHEMA, RECORD and STATE
// messages as lines of JSON, as Singer and Meltano define them.
//
// A tap runs to its end before a record is passed on, so that one that dies on
// the way, or prints something else, loads nothing. Its last STATE is the
// position that is committed with the records, and is handed to it the next
// time. It gets no shell, no environment but what the connection names, and
// its settings in files that are removed when it has ended; it is killed with
// everything it has started when the run ends before it.
//
// It writes to no target, and knows no tap. Read definition.go first, then
// source.go, command.go (the process), message.go and schema.go.
package singer
