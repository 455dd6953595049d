package render

import (
	"fmt"
	"io"
	"strings"
)

// GitHub writes workflow commands, which become annotations on the changed lines.
func GitHub(w io.Writer, r Report) error {
	var b strings.Builder
	for _, d := range r.all() {
		properties := []string{}
		add := func(name, value string) {
			properties = append(properties, name+"="+escapeProperty(value))
		}
		if d.File != "" {
			add("file", d.File)
		}
		if d.Known() {
			add("line", fmt.Sprint(d.Line))
			add("col", fmt.Sprint(d.Column))
			if d.EndColumn > d.Column {
				add("endColumn", fmt.Sprint(d.EndColumn))
			}
		}
		add("title", string(d.Code))
		text := d.Message
		if d.Hint != "" {
			text += "\n" + d.Hint
		}
		text = strings.ReplaceAll(text, "\x1b", "\ufffd")
		fmt.Fprintf(&b, "::%s %s::%s\n", d.Severity, strings.Join(properties, ","), escapeData(text))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func escapeData(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(s)
}

func escapeProperty(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C").Replace(s)
}
