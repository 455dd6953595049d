package document

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Span is a stretch of one line. EndColumn is the first column after it, 0 when
// only the start is known.
type Span struct {
	Position
	EndColumn int
}

// Place is anything that stands somewhere in a document: a *Node, a Text or an Expr.
type Place interface {
	Span() Span
	Path() string
}

// maxFindings bounds what one report keeps per file, so that a hostile file
// cannot fill memory with complaints.
const maxFindings = 1000

// Report collects findings while documents are parsed, decoded and checked. It
// remembers the sources of the parsed files so that a rendering can show lines.
// The zero value is ready. It is not for concurrent use: give each goroutine one
// and Merge them.
type Report struct {
	found   Diagnostics
	perFile map[string]int
	sources map[string]*source
}

// Add records findings. A message is one line: a name from the file may hold a
// line break, which becomes a blank.
func (r *Report) Add(found ...Diagnostic) {
	for _, d := range found {
		if strings.ContainsAny(d.Message, "\r\n") {
			d.Message = strings.Join(strings.Fields(d.Message), " ")
		}
		if r.perFile == nil {
			r.perFile = make(map[string]int)
		}
		n := r.perFile[d.File] + 1
		r.perFile[d.File] = n
		switch {
		case n <= maxFindings:
			r.found = append(r.found, d)
		case n == maxFindings+1:
			d = Diagnostic{Code: CodeTooMany, Position: d.Position, Message: fmt.Sprintf("more than %d problems in this file; the rest is not shown", maxFindings)}
			r.found = append(r.found, d)
		}
	}
}

// Errorf records an error at a position. Path and hint may be "".
func (r *Report) Errorf(code Code, at Position, path, hint, format string, args ...any) {
	r.Add(Diagnostic{Code: code, Position: at, Path: path, Hint: hint, Message: fmt.Sprintf(format, args...)})
}

// Warnf records a warning at a position. Path and hint may be "".
func (r *Report) Warnf(code Code, at Position, path, hint, format string, args ...any) {
	r.Add(Diagnostic{Code: code, Severity: Warning, Position: at, Path: path, Hint: hint, Message: fmt.Sprintf(format, args...)})
}

// ErrorAt records an error over a node or a text; its span and path are kept.
func (r *Report) ErrorAt(at Place, code Code, hint, format string, args ...any) {
	r.Add(DiagnosticAt(at, code, hint, format, args...))
}

// WarnAt records a warning over a node or a text.
func (r *Report) WarnAt(at Place, code Code, hint, format string, args ...any) {
	d := DiagnosticAt(at, code, hint, format, args...)
	d.Severity = Warning
	r.Add(d)
}

// DiagnosticAt builds an error over a place, for a caller that wants to set Fix
// or Severity before adding it.
func DiagnosticAt(at Place, code Code, hint, format string, args ...any) Diagnostic {
	span := at.Span()
	return Diagnostic{Code: code, Position: span.Position, EndColumn: span.EndColumn, Path: at.Path(), Hint: hint, Message: fmt.Sprintf(format, args...)}
}

// Merge takes the findings and sources of another report.
func (r *Report) Merge(other *Report) {
	r.Add(other.found...)
	for _, s := range other.sources {
		r.remember(s)
	}
}

// Diagnostics gives a sorted copy of what was found, without repeats.
func (r *Report) Diagnostics() Diagnostics {
	out := append(Diagnostics(nil), r.found...)
	out.Sort()
	return out
}

// Errors counts the errors so far; a caller compares it before and after a step.
func (r *Report) Errors() int { return r.found.Errors() }

// Err is nil when nothing found is an error.
func (r *Report) Err() error { return r.Diagnostics().Err() }

// Files lists the files parsed into this report, sorted.
func (r *Report) Files() []string { return slices.Sorted(maps.Keys(r.sources)) }

// Within gives a report of the findings and sources of some files.
func (r *Report) Within(keep func(file string) bool) *Report {
	out := new(Report)
	for _, d := range r.found {
		if keep(d.File) {
			out.Add(d)
		}
	}
	for _, s := range r.sources {
		if keep(s.file) {
			out.remember(s)
		}
	}
	return out
}

// Line gives one line of a parsed file without its line break, "" when unknown.
func (r *Report) Line(file string, line int) string {
	s := r.sources[file]
	if s == nil || line < 1 || line > len(s.lines) {
		return ""
	}
	return strings.TrimRight(string(s.line(line)), "\r\n")
}

func (r *Report) remember(s *source) {
	if r.sources == nil {
		r.sources = make(map[string]*source)
	}
	r.sources[s.file] = s
}
