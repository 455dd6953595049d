package render

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"

	"github.com/tieout/tieout/schemas/document"
)

// Text writes findings for people. The first line of each is exactly
// `file:line:col code message`, so that editors and grep can follow it; below it
// stand the source line, a caret line and the hints, indented.
func Text(w io.Writer, r Report) error {
	var b strings.Builder
	for _, d := range r.all() {
		writeFinding(&b, r, d)
	}
	writeSummary(&b, r)
	_, err := io.WriteString(w, b.String())
	return err
}

func writeFinding(b *strings.Builder, r Report, d document.Diagnostic) {
	b.WriteString(r.paint(d.Severity, head(d)) + "\n")
	if line := r.line(d); line != "" {
		writeSource(b, r, d, line)
	}
	if d.Severity == document.Warning {
		b.WriteString("  A warning: it stops nothing.\n")
	}
	for _, hint := range strings.Split(d.Hint, "\n") {
		if hint != "" {
			b.WriteString("  " + printable(hint) + "\n")
		}
	}
	if d.Fix != "" && !strings.Contains(d.Hint, d.Fix) && strings.TrimSpace(d.Fix) != "" {
		b.WriteString("  Write: " + printable(d.Fix) + "\n")
	}
	b.WriteByte('\n')
}

// head is the first line. A finding without a file names only code and message.
func head(d document.Diagnostic) string {
	code := string(d.Code)
	message := printable(d.Message)
	switch {
	case d.Known():
		return fmt.Sprintf("%s:%d:%d %s %s", printable(d.File), d.Line, d.Column, code, message)
	case d.File != "":
		return printable(d.File) + " " + code + " " + message
	}
	return code + " " + message
}

// maxLineShown bounds a source line; the part around the span is shown.
const maxLineShown = 160

func writeSource(b *strings.Builder, r Report, d document.Diagnostic, line string) {
	runes := []rune(line)
	start, from := 0, d.Column-1
	if len(runes) > maxLineShown {
		start = max(0, min(from-maxLineShown/2, len(runes)-maxLineShown))
		runes = runes[start : start+maxLineShown]
	}
	width := 1
	if d.EndColumn > d.Column {
		width = d.EndColumn - d.Column
	}
	from = min(max(from-start, 0), len(runes))
	width = max(1, min(width, len(runes)-from))
	number := fmt.Sprintf("%5d", d.Line)
	fmt.Fprintf(b, "%s | %s\n", number, printable(string(runes)))
	fmt.Fprintf(b, "%s | %s%s\n", strings.Repeat(" ", len(number)), caretIndent(runes[:from]), r.paint(d.Severity, strings.Repeat("^", width)))
}

// caretIndent is as wide as the text above it: a tab stays a blank, a wide rune
// takes two columns.
func caretIndent(before []rune) string {
	var b strings.Builder
	for _, c := range before {
		switch {
		case wide(c):
			b.WriteString("  ")
		case unicode.Is(unicode.Mn, c):
		default:
			b.WriteByte(' ')
		}
	}
	return b.String()
}

func wide(c rune) bool {
	return c >= 0x1100 && c <= 0x115f || c >= 0x2e80 && c <= 0xa4cf || c >= 0xac00 && c <= 0xd7a3 ||
		c >= 0xf900 && c <= 0xfaff || c >= 0xfe30 && c <= 0xfe6f || c >= 0xff00 && c <= 0xff60 || c >= 0x1f300 && c <= 0x1faff
}

// printable keeps control characters of a hostile file from reaching the
// terminal; a tab becomes one blank, so that columns hold.
func printable(s string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c == '\t':
			return ' '
		case unicode.IsControl(c) || c >= 0x202a && c <= 0x202e || c >= 0x2066 && c <= 0x2069:
			return '\ufffd'
		}
		return c
	}, s)
}

func writeSummary(b *strings.Builder, r Report) {
	errors, warnings := r.all().Errors(), r.all().Warnings()
	mark := r.mark(errors, warnings)
	elapsed := ""
	if r.Elapsed > 0 {
		elapsed = fmt.Sprintf(" (%d ms)", r.Elapsed.Round(time.Millisecond).Milliseconds())
	}
	if errors == 0 && warnings == 0 {
		fmt.Fprintf(b, "%s %s checked, no problems%s\n", mark, plural(r.fileCount(), "file"), elapsed)
		return
	}
	counts := []string{}
	if errors > 0 {
		counts = append(counts, plural(errors, "error"))
	}
	if warnings > 0 {
		counts = append(counts, plural(warnings, "warning"))
	}
	fmt.Fprintf(b, "%s %s in %s%s\n", mark, strings.Join(counts, ", "), plural(r.fileCount(), "file"), elapsed)
	fmt.Fprintf(b, "Next: see `tieout help error %s`\n", r.all().First().Code)
}

func (r Report) mark(errors, warnings int) string {
	switch {
	case errors > 0 && r.ASCII:
		return "[FAIL]"
	case errors > 0:
		return r.paint(document.Error, "✗")
	case warnings > 0 && r.ASCII:
		return "[WARN]"
	case warnings > 0:
		return r.paint(document.Warning, "⚠")
	case r.ASCII:
		return "[OK]"
	}
	return "✓"
}

func (r Report) paint(s document.Severity, text string) string {
	switch {
	case !r.Color:
		return text
	case s == document.Warning:
		return "\x1b[33m" + text + "\x1b[0m"
	}
	return "\x1b[31m" + text + "\x1b[0m"
}
