package render

import (
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/tieout/tieout/schemas/document"
)

// Report is what a command found and what it ran on.
type Report struct {
	Command  string // "validate"
	Version  string
	RunID    string // "" when the command made no run
	Findings document.Diagnostics
	Files    []string      // files that were read, in order; those without findings too
	Elapsed  time.Duration // 0: not shown
	// Lines gives a source line without its break, "" when unknown; nil is allowed.
	// (*document.Report).Line fits.
	Lines func(file string, line int) string
	// Failure is an error that is not a finding in a file, such as a run that
	// stopped; nil when there is none.
	Failure *document.Diagnostic
	Color   bool // text form only
	ASCII   bool // text form only: [OK] and [FAIL] instead of the glyphs
}

// Formats lists the names Write knows.
func Formats() []string {
	return []string{"text", "json", "ndjson", "junit", "sarif", "github", "markdown"}
}

// Write writes the report in a format of Formats.
func Write(w io.Writer, format string, r Report) error {
	writers := map[string]func(io.Writer, Report) error{
		"text": Text, "json": JSON, "ndjson": NDJSON, "junit": JUnit, "sarif": SARIF, "github": GitHub, "markdown": Markdown,
	}
	write, ok := writers[format]
	if !ok {
		return fmt.Errorf("unknown output format %q: use one of %v", format, Formats())
	}
	return write(w, r)
}

// OK reports that nothing is an error.
func (r Report) OK() bool { return r.Findings.Errors() == 0 && r.Failure == nil }

// all gives the findings with the failure last.
func (r Report) all() document.Diagnostics {
	if r.Failure == nil {
		return r.Findings
	}
	return append(slices.Clone(r.Findings), *r.Failure)
}

// fileCount counts the files read, at least those with findings.
func (r Report) fileCount() int {
	names := slices.Clone(r.Files)
	for _, d := range r.Findings {
		if d.File != "" {
			names = append(names, d.File)
		}
	}
	slices.Sort(names)
	return len(slices.Compact(names))
}

func (r Report) line(d document.Diagnostic) string {
	if r.Lines == nil || !d.Known() {
		return ""
	}
	return r.Lines(d.File, d.Line)
}

func plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}
