package pipelines

import (
	"fmt"
	"strings"

	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/transforms/expression"
	"github.com/tieout/tieout/transforms/fieldtype"
)

// Reference writes the reference pages, by file name, from the same structs
// that documents are decoded into.
func Reference(list Connectors) map[string][]byte {
	return map[string][]byte{
		"project.md":    projectPage(),
		"pipeline.md":   pipelinePage(),
		"connectors.md": connectorsPage(list),
		"functions.md":  expression.Reference(),
		"errors.md":     errorsPage(),
	}
}

// Generated lists every file that is written from the structs, by its path in
// the repository: the JSON Schemas and the reference pages.
func Generated(list Connectors) (map[string][]byte, error) {
	schemas, err := Schemas(list)
	if err != nil {
		return nil, err
	}
	out := make(map[string][]byte)
	for name, text := range schemas {
		out["schemas/generated/"+name] = text
	}
	for name, text := range Reference(list) {
		out["docs/reference/"+name] = text
	}
	return out, nil
}

func projectPage() []byte {
	page := document.ReferencePage("tieout.yaml", "The project: what its pipelines are connected to, and what they share. A reference such as `${env:NAME}` may stand in settings.", Project{})
	return []byte(page + lower(document.ReferencePage("connections.<name>", "The keys beside these belong to the connector; see [connectors](connectors.md).", connectionKeys{})))
}

func pipelinePage() []byte {
	var b strings.Builder
	b.WriteString(document.ReferencePage("pipeline", "One pipeline: from where, through which steps, past which rules and gate, to where. Expressions are described in [functions](functions.md).", Pipeline{}))
	b.WriteString(lower(document.ReferencePage("source", "The keys beside these belong to the connector; see [connectors](connectors.md).", sourceKeys{})))
	b.WriteString(lower(document.ReferencePage("source.fields.<name>", "A type by its name, or a mapping of these keys.", fieldtype.Keys{})))
	b.WriteString(lower(document.ReferencePage("sink", "The keys beside these belong to the connector; see [connectors](connectors.md).", sinkKeys{})))
	return []byte(b.String())
}

func connectorsPage(list Connectors) []byte {
	var b strings.Builder
	b.WriteString("# Connectors\n\nThe keys of each connector, beside the common ones of [connections](project.md) and of [source and sink](pipeline.md).\n")
	for _, c := range all(list) {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n", c.Name, c.Summary)
		b.WriteString(keysOf("connection", c.Connection, ""))
		b.WriteString(keysOf("source", c.Source, "It is not read from."))
		b.WriteString(keysOf("sink", c.Sink, "It is not written to."))
		if len(c.Modes) > 0 {
			fmt.Fprintf(&b, "\nModes: `%s`.\n", strings.Join(c.Modes, "`, `"))
		}
	}
	return []byte(b.String())
}

func keysOf(side string, prototype func() any, none string) string {
	if prototype == nil {
		return fmt.Sprintf("\n### In %s\n\n%s\n", side, none)
	}
	return "\n" + strings.TrimLeft(lower(lower(document.ReferencePage("In "+side, "", prototype()))), "\n")
}

// lower makes a page a section: every heading goes one level down.
func lower(page string) string {
	lines := strings.Split(strings.TrimRight(page, "\n"), "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, "#") {
			lines[i] = "#" + line
		}
	}
	text := strings.Join(lines, "\n")
	for strings.Contains(text, "\n\n\n") {
		text = strings.ReplaceAll(text, "\n\n\n", "\n\n")
	}
	return "\n" + text + "\n"
}

func errorsPage() []byte {
	var b strings.Builder
	b.WriteString("# Errors\n\nEvery finding carries a code, which never changes its meaning. `tieout help error CODE` prints its section.\n")
	area := ""
	for _, row := range document.CodeTable() {
		if a := row.Code.Area(); a != area {
			area = a
			fmt.Fprintf(&b, "\n## %s\n", area)
		}
		fmt.Fprintf(&b, "\n### %s\n\n%s\n\n%s\n", row.Code, row.Summary, row.Help)
	}
	return []byte(b.String())
}
