package document

import (
	"regexp"
	"strings"
)

// LintExpression looks at the text of an expression for mistakes that YAML or the
// habits of other languages cause. A checker calls it before compiling and leaves
// an expression with findings alone, so that nothing is said twice.
func LintExpression(e Expr) Diagnostics {
	if e.node != nil && e.node.broken {
		return nil
	}
	masked := maskStrings(e.Value)
	var found Diagnostics
	if d, ok := lintComment(e.Text, masked); ok {
		return Diagnostics{d}
	}
	found = append(found, lintDates(e.Text, masked)...)
	found = append(found, lintAssignment(e.Text, masked)...)
	return found
}

// maskStrings replaces what stands in quotes by blanks of the same length.
func maskStrings(s string) string {
	b := []byte(s)
	var quote byte
	for i := 0; i < len(b); i++ {
		c := b[i]
		switch {
		case quote == 0 && (c == '"' || c == '\'' || c == '`'):
			quote = c
		case quote != 0 && c == '\\' && quote != '`' && i+1 < len(b):
			b[i], b[i+1] = ' ', ' '
			i++
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
			b[i] = ' '
		}
	}
	return string(b)
}

// lintComment finds an unquoted expression with a comment directly behind it that
// is not complete: a bracket or quote is open, or it ends in an operator. A
// complete expression followed by a comment is what the writer meant.
func lintComment(t Text, masked string) (Diagnostic, bool) {
	rest, ok := t.commentBehind()
	if !ok || !unfinished(t.Value, masked) {
		return Diagnostic{}, false
	}
	whole := t.node.Text() + rest
	hint := "Put the whole expression in single quotes: " + singleQuoted(whole)
	d := DiagnosticAt(t.node, CodeExprCommentCut, hint, "a blank and # begin a comment, so the expression ends at %q", clip(lastWords(t.Value)))
	d.Fix = singleQuoted(whole)
	if d.EndColumn > 0 {
		d.EndColumn += len([]rune(rest))
	}
	return d, true
}

func lastWords(s string) string {
	r := []rune(s)
	return string(r[max(0, len(r)-20):])
}

// commentBehind gives the rest of the line behind an unquoted scalar when a
// comment begins there.
func (t Text) commentBehind() (string, bool) {
	if t.node == nil || t.node.Quoted() || t.base+len(t.Value) != len(t.node.Text()) {
		return "", false
	}
	_, end, ok := t.node.layout()
	if !ok {
		return "", false
	}
	raw := t.node.src.raw[end:]
	if i := strings.IndexAny(string(raw[:min(len(raw), 4096)]), "\r\n"); i >= 0 {
		raw = raw[:i]
	}
	text := strings.TrimRight(string(raw), " \t")
	if trimmed := strings.TrimLeft(text, " \t"); trimmed == text || !strings.HasPrefix(trimmed, "#") {
		return "", false
	}
	return text, true
}

var endsOpen = regexp.MustCompile(`(?:[-+*/%<>=!&|?:,.(\[{^]|\b(?:and|or|not|in|contains|matches|startsWith|endsWith|if|else))\s*$`)

func unfinished(value, masked string) bool {
	depth, quote := balance(value)
	return depth > 0 || quote != 0 || endsOpen.MatchString(masked)
}

var dateArithmetic = regexp.MustCompile(`\b(\d{4})\s?-\s?(0[1-9]|1[0-2])\s?-\s?(0[1-9]|[12]\d|3[01])\b`)

// lintDates finds 2026-01-31, which is two subtractions.
func lintDates(t Text, masked string) Diagnostics {
	var found Diagnostics
	for _, m := range dateArithmetic.FindAllStringSubmatchIndex(masked, -1) {
		if m[0] > 0 && (masked[m[0]-1] == '.' || masked[m[0]-1] == '"') {
			continue
		}
		date := masked[m[2]:m[3]] + "-" + masked[m[4]:m[5]] + "-" + masked[m[6]:m[7]]
		d := DiagnosticAt(t.Slice(m[0], m[1]), CodeExprDateSubtraction, `Write date("`+date+`").`, "%s is a subtraction, not a date", masked[m[0]:m[1]])
		d.Fix = `date("` + date + `")`
		if t.node != nil && t.node.style() == doubleQuoted {
			d.Fix = `date(\"` + date + `\")`
		}
		found = append(found, d)
	}
	return found
}

// lintAssignment finds = where == is meant.
func lintAssignment(t Text, masked string) Diagnostics {
	var found Diagnostics
	for i := 0; i < len(masked); i++ {
		if masked[i] != '=' {
			continue
		}
		if i+1 < len(masked) && (masked[i+1] == '=' || masked[i+1] == '~' || masked[i+1] == '>') {
			i++
			continue
		}
		if i > 0 && strings.IndexByte("!<>=", masked[i-1]) >= 0 {
			continue
		}
		if letBinding.MatchString(masked[:i]) {
			continue
		}
		d := DiagnosticAt(t.Slice(i, i+1), CodeExprAssignment, "Write == to compare.", "= does not compare")
		d.Fix = "=="
		found = append(found, d)
	}
	return found
}

var letBinding = regexp.MustCompile(`\blet\s+[A-Za-z_]\w*\s*$`)

// QuotesEaten reports that YAML may have taken the quotes of a text: the scalar
// was written in quotes and holds none of its own, so `"Rent"` arrived as the
// name Rent. A checker asks when a name is not a field.
func (e Expr) QuotesEaten() bool {
	if e.node == nil || e.base != 0 {
		return false
	}
	s := e.node.style()
	return (s == doubleQuoted || s == singleQuotedStyle) && !strings.ContainsAny(e.Value, "\"'`")
}

// QuotesEatenFinding is the finding for an expression that QuotesEaten and whose
// name is no field.
func QuotesEatenFinding(e Expr) Diagnostic {
	fix := singleQuoted(`"` + e.Value + `"`)
	d := DiagnosticAt(e.node, CodeExprQuotesEaten, "Write "+fix+" for the text; without the inner quotes it is the name of a field.", "there is no field %q; YAML took the quotes", clip(e.Value))
	d.Fix = fix
	return d
}
