package render

import (
	"fmt"
	"io"
	"strings"
)

// Markdown writes a comment for a pull request: a summary and one table.
func Markdown(w io.Writer, r Report) error {
	var b strings.Builder
	found := r.all()
	if len(found) == 0 {
		fmt.Fprintf(&b, "### tieout %s: no problems\n\n%s checked.\n", r.Command, plural(r.fileCount(), "file"))
		_, err := io.WriteString(w, b.String())
		return err
	}
	fmt.Fprintf(&b, "### tieout %s: %s, %s in %s\n\n", r.Command, plural(found.Errors(), "error"), plural(found.Warnings(), "warning"), plural(r.fileCount(), "file"))
	b.WriteString("| | place | code | problem |\n|---|---|---|---|\n")
	for _, d := range found {
		place := d.File
		if d.Known() {
			place = d.Position.String()
		}
		problem := escapeMarkdown(d.Message)
		if d.Hint != "" {
			problem += "<br>" + escapeMarkdown(d.Hint)
		}
		fmt.Fprintf(&b, "| %s | %s | `%s` | %s |\n", d.Severity, codeSpan(place), d.Code, problem)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// escapeMarkdown keeps text from a file from becoming markup, links or mentions.
func escapeMarkdown(s string) string {
	escape := strings.NewReplacer("\\", "\\\\", "|", "\\|", "<", "&lt;", ">", "&gt;", "&", "&amp;", "*", "\\*", "_", "\\_", "`", "\\`", "[", "\\[", "]", "\\]", "@", "&#64;", "#", "\\#")
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = escape.Replace(printable(lines[i]))
	}
	return strings.Join(lines, "<br>")
}

func codeSpan(s string) string {
	if s == "" {
		return ""
	}
	return "`" + strings.NewReplacer("`", "'", "|", "\\|").Replace(printable(s)) + "`"
}
