package format

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/tieout/tieout/schemas/document"
)

// Document formats one file. exprs are the places where expressions begin,
// their quotes included. The result is raw itself when there is nothing to
// change. The error says that the file cannot be formatted, and then it stays
// as it is.
func Document(file string, raw []byte, exprs []document.Position) ([]byte, error) {
	before, err := parse(file, raw)
	if err != nil {
		return nil, err
	}
	if text := trimmed(raw); same(file, before, text) {
		raw = text
	}
	text, err := unflow(raw, offsets(raw, exprs))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if !same(file, before, text) {
		return nil, fmt.Errorf("%s: the rewritten document would not mean the same; write the expression in block form by hand", file)
	}
	return text, nil
}

func parse(file string, raw []byte) ([]*document.Document, error) {
	var r document.Report
	docs := document.ParseWith(file, raw, &r, document.Options{Multiple: true})
	return docs, r.Err()
}

// same reports whether text decodes to the documents before.
func same(file string, before []*document.Document, text []byte) bool {
	after, err := parse(file, text)
	return err == nil && slices.EqualFunc(before, after, func(a, b *document.Document) bool { return equal(a.Root, b.Root) })
}

// equal compares two values with the order of their keys.
func equal(a, b *document.Node) bool {
	if a.Kind() != b.Kind() {
		return false
	}
	if a.Kind() == document.Scalar {
		return a.Text() == b.Text() && a.IsNull() == b.IsNull()
	}
	return slices.EqualFunc(a.Keys(), b.Keys(), func(x, y *document.Node) bool { return x.Text() == y.Text() }) &&
		slices.EqualFunc(a.Children(), b.Children(), equal)
}

// trimmed takes blanks off the ends of lines and empty lines off the end of
// the file.
func trimmed(raw []byte) []byte {
	var out bytes.Buffer
	for line := range bytes.Lines(raw) {
		text, end := bytes.TrimRight(line, "\r\n"), "\n"
		if bytes.HasSuffix(line, []byte("\r\n")) {
			end = "\r\n"
		}
		out.Write(bytes.TrimRight(text, " \t\r"))
		out.WriteString(end)
	}
	text := out.Bytes()
	for bytes.HasSuffix(text, []byte("\n\n")) || bytes.HasSuffix(text, []byte("\n\r\n")) {
		text = bytes.TrimSuffix(bytes.TrimSuffix(text, []byte("\n")), []byte("\r"))
	}
	return text
}

// offsets turns places into byte offsets, since columns count runes.
func offsets(raw []byte, places []document.Position) map[int]bool {
	starts := []int{0}
	for i, ch := range raw {
		if ch == '\n' {
			starts = append(starts, i+1)
		}
	}
	out := make(map[int]bool, len(places))
	for _, p := range places {
		if p.Line < 1 || p.Line > len(starts) {
			continue
		}
		at := starts[p.Line-1]
		column := 1
		for i := range string(raw[at:]) {
			if column == p.Column {
				out[at+i] = true
				break
			}
			column++
		}
	}
	return out
}

// NeedsBlock reports whether an expression must stand in block form.
func NeedsBlock(expr string) bool { return strings.ContainsAny(expr, `,"'[]{}`) }
