package document

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// Position is a place in a file. Line and Column count from 1 and Column counts
// runes, as editors do. The zero Position means "no place known".
type Position struct {
	File   string
	Line   int
	Column int
}

// String gives file:line:column.
func (p Position) String() string {
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// Known reports whether the position names a line.
func (p Position) Known() bool { return p.Line > 0 }

// Severity says whether a finding stops the work.
type Severity uint8

// An Error makes a document unusable; a Warning is worth reading.
const (
	Error Severity = iota
	Warning
)

// String gives "error" or "warning".
func (s Severity) String() string {
	if s == Warning {
		return "warning"
	}
	return "error"
}

// Code is the stable name of a kind of finding, "area.reason". The constants and
// their texts are in codes.go and the help folder.
type Code string

// Diagnostic is one finding. Message is one line in lower case with values
// quoted; Hint is the next step, "" or one or more lines; Fix replaces the marked
// span, from Position up to EndColumn, "" when there is no sure correction.
type Diagnostic struct {
	Code     Code
	Severity Severity
	Position
	EndColumn int    // first column after the span on the same line; 0 when only the start is known
	Path      string // JSON pointer of the value, "/transforms/3/set/amount"
	Message   string
	Hint      string
	Fix       string
}

// String is the first line of the text form: file:line:col code message.
func (d Diagnostic) String() string {
	return fmt.Sprintf("%s %s %s", d.Position, d.Code, d.Message)
}

// Diagnostics is a list of findings.
type Diagnostics []Diagnostic

// Add appends findings.
func (ds *Diagnostics) Add(more ...Diagnostic) { *ds = append(*ds, more...) }

// Sort orders by file, line, column, code and message, and drops exact repeats.
func (ds *Diagnostics) Sort() {
	slices.SortStableFunc(*ds, func(a, b Diagnostic) int {
		return cmp.Or(
			cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column),
			cmp.Compare(a.Code, b.Code), cmp.Compare(a.Message, b.Message))
	})
	*ds = slices.Compact(*ds)
}

// Errors counts the findings of severity Error.
func (ds Diagnostics) Errors() int { return len(ds) - ds.Warnings() }

// Warnings counts the findings of severity Warning.
func (ds Diagnostics) Warnings() int {
	n := 0
	for _, d := range ds {
		if d.Severity == Warning {
			n++
		}
	}
	return n
}

// Has reports whether a finding carries the code.
func (ds Diagnostics) Has(code Code) bool {
	return slices.ContainsFunc(ds, func(d Diagnostic) bool { return d.Code == code })
}

// First gives the first error, or the first warning where there is none; the
// list is not empty.
func (ds Diagnostics) First() Diagnostic {
	for _, d := range ds {
		if d.Severity == Error {
			return d
		}
	}
	return ds[0]
}

// Err is nil when no finding is an error, else an *InvalidError holding them all.
func (ds Diagnostics) Err() error {
	if ds.Errors() == 0 {
		return nil
	}
	return &InvalidError{Diagnostics: ds}
}

// InvalidError says that documents cannot be used, and why.
type InvalidError struct{ Diagnostics Diagnostics }

// Error gives the first error and how many more there are.
func (e *InvalidError) Error() string {
	n := e.Diagnostics.Errors()
	for _, d := range e.Diagnostics {
		if d.Severity != Error {
			continue
		}
		if n > 1 {
			return fmt.Sprintf("%s (and %d more)", d, n-1)
		}
		return d.String()
	}
	return "invalid document"
}

// AsDiagnostics finds the findings inside an error.
func AsDiagnostics(err error) (Diagnostics, bool) {
	var invalid *InvalidError
	if errors.As(err, &invalid) {
		return invalid.Diagnostics, true
	}
	return nil, false
}
