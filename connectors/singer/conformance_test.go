package singer

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/connectortest"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
)

// A tap whose values are all texts, as a source of any kind gives them.
func TestConformance(t *testing.T) {
	connectortest.RunSource(t, connectortest.SourceHarness{New: func(t *testing.T) connectortest.SourceTarget {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "out"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		conn := &Connection{Command: []document.Text{document.TextAt("cat", document.Position{}), document.TextAt("out", document.Position{})}, Dir: document.TextAt(dir, document.Position{})}
		src, err := newSource(connectors.Env{Dir: dir, Spool: filepath.Join(t.TempDir(), "spool", "run"), Limits: connectors.DefaultLimits()}, conn, new(SourceOptions))
		if err != nil {
			t.Fatal(err)
		}
		return connectortest.SourceTarget{Source: unlisted{src}, Stream: "rows", Fill: func(t *testing.T, columns []connectortest.Column, rows []connectortest.Row) {
			if err := os.WriteFile(filepath.Join(dir, "out"), printed(columns, rows), 0o600); err != nil {
				t.Fatal(err)
			}
		}}
	}})
}

// unlisted is a tap that gives no catalog.
type unlisted struct{ connectors.Source }

func printed(columns []connectortest.Column, rows []connectortest.Row) []byte {
	b := []byte(`{"type":"SCHEMA","stream":"rows","key_properties":[],"schema":{"properties":{`)
	for i, c := range columns {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(record.AppendJSONString(b, []byte(c.Name)), `:{"type":["null","string"]}`...)
	}
	b = append(b, "}}}\n"...)
	for _, row := range rows {
		b = append(b, `{"type":"RECORD","stream":"rows","record":{`...)
		for i, c := range columns {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(record.AppendJSONString(b, []byte(c.Name)), ':')
			if v, has := row[c.Name]; has {
				b = record.AppendJSONString(b, []byte(v))
			} else {
				b = append(b, "null"...)
			}
		}
		b = append(b, "}}\n"...)
	}
	return b
}
