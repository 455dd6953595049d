// Package expression is the language of computed fields, filters and rules:
// it turns the text an analyst wrote into a typed function over record batches.
//
// Lexer, parser and syntax tree are those of expr-lang; checking and
// evaluating are ours, because amounts must stay exact and a formula must not
// run without bound. There is no binary float: a literal is read from the
// source text as a decimal. A missing value (nil) travels through every
// operator but the few that look at it. Loops and the text they make are
// counted, and a record that crosses a limit fails alone.
//
// The package reads no clock, no environment and no network; a formula sees
// the fields of its record and the constants it is given, nothing else.
//
// Read program.go first, then compiler.go; functions.go lists the functions.
package expression
