package file

import (
	"compress/gzip"
	"context"
	"encoding/csv"
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/connectortest"
	"github.com/tieout/tieout/schemas/record"
)

func target(t *testing.T, stream string) (connectors.Source, connectors.Sink, string) {
	t.Helper()
	dir := t.TempDir()
	env := connectors.Env{Dir: dir, Limits: connectors.DefaultLimits()}
	c := &Connection{Path: Folder{text(".")}}
	src, err := newSource(env, c, new(SourceOptions))
	if err != nil {
		t.Fatal(err)
	}
	sink, err := newSink(env, c, new(SinkOptions))
	if err != nil {
		t.Fatal(err)
	}
	return src, sink, filepath.Join(dir, stream)
}

// A file refuses no record and has no column that loses digits, so those
// hooks are left out. So is the mode replace: a replaced file is written in
// one pass without a look at the old one, and its records count as inserted.
func TestSinkConformance(t *testing.T) {
	for _, stream := range []string{"out.csv", "out.jsonl", "out.csv.gz", "out.jsonl.gz", "out.parquet"} {
		t.Run(stream, func(t *testing.T) {
			connectortest.RunSink(t, connectortest.SinkHarness{
				Modes: []connectors.Mode{connectors.Append, connectors.Upsert},
				New: func(t *testing.T) connectortest.SinkTarget {
					src, sink, _ := target(t, stream)
					if stream == "out.parquet" {
						sink = scaled{sink}
					}
					return connectortest.SinkTarget{Sink: sink, Source: src, Stream: stream, Odd: `odd "name" é` + strings.TrimPrefix(stream, "out"), Names: true}
				},
			})
		})
	}
}

// scaled declares how many digits a quantity has after the point, which a
// Parquet file must know when there are more than 18.
type scaled struct{ connectors.Sink }

func (s scaled) Begin(ctx context.Context, load connectors.Load) (connectors.Writer, error) {
	if i := load.Shape.Index("quantity"); i >= 0 {
		fields := slices.Clone(load.Shape.Fields)
		fields[i].Scale = 28
		load.Shape = record.MustShape(fields...)
	}
	return s.Sink.Begin(ctx, load)
}

// A file knows no cursor: it is read whole, and the runner leaves out what
// lies outside the bounds.
func TestSourceConformance(t *testing.T) {
	for stream, write := range map[string]func(*testing.T, string, []connectortest.Column, []connectortest.Row){
		"in.csv": writeCSV, "in.jsonl": writeJSONL, "in.csv.gz": packed(writeCSV), "in.xml": writeXML, "in.xlsx": writeXLSX} {
		t.Run(stream, func(t *testing.T) {
			connectortest.RunSource(t, connectortest.SourceHarness{New: func(t *testing.T) connectortest.SourceTarget {
				src, _, path := target(t, stream)
				if stream == "in.xml" {
					src.(*source).options.XML.Records = text("rows.row")
					src = elements{src.(*source)}
				}
				return connectortest.SourceTarget{Source: src, Stream: stream, Fill: func(t *testing.T, columns []connectortest.Column, rows []connectortest.Row) {
					write(t, path, columns, rows)
				}}
			}})
		})
	}
}

func writeCSV(t *testing.T, path string, columns []connectortest.Column, rows []connectortest.Row) {
	t.Helper()
	var b strings.Builder
	w := csv.NewWriter(&b)
	line := make([]string, len(columns))
	for i, c := range columns {
		line[i] = c.Name
	}
	w.Write(line)
	for _, row := range rows {
		for i, c := range columns {
			line[i] = row[c.Name]
		}
		w.Write(line)
	}
	w.Flush()
	if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

func writeJSONL(t *testing.T, path string, columns []connectortest.Column, rows []connectortest.Row) {
	t.Helper()
	var b []byte
	for _, row := range rows {
		b = append(b, '{')
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
		b = append(b, "}\n"...)
	}
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

// packed packs what another function wrote.
func packed(write func(*testing.T, string, []connectortest.Column, []connectortest.Row)) func(*testing.T, string, []connectortest.Column, []connectortest.Row) {
	return func(t *testing.T, path string, columns []connectortest.Column, rows []connectortest.Row) {
		write(t, path, columns, rows)
		plain, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(gz(t, string(plain))), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func gz(t testing.TB, text string) string {
	t.Helper()
	var b strings.Builder
	w := gzip.NewWriter(&b)
	w.Write([]byte(text))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// elements reads columns whose names cannot be those of elements.
type elements struct{ *source }

func (e elements) Open(ctx context.Context, read connectors.Read) (connectors.Reader, error) {
	read.Fields = slices.Clone(read.Fields)
	for i := range read.Fields {
		read.Fields[i].Columns = slices.Clone(read.Fields[i].Columns)
		for k, name := range read.Fields[i].Columns {
			read.Fields[i].Columns[k] = elementName(name)
		}
	}
	return e.source.Open(ctx, read)
}

func elementName(column string) string { return strings.ReplaceAll(column, " ", "_") }

func writeXML(t *testing.T, path string, columns []connectortest.Column, rows []connectortest.Row) {
	t.Helper()
	var b strings.Builder
	b.WriteString("<rows>")
	for _, row := range rows {
		b.WriteString("<row>")
		for _, c := range columns {
			fmt.Fprintf(&b, "<%s>", elementName(c.Name))
			if err := xml.EscapeText(&b, []byte(row[c.Name])); err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&b, "</%s>", elementName(c.Name))
		}
		b.WriteString("</row>\n")
	}
	b.WriteString("</rows>")
	if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

func writeXLSX(t *testing.T, path string, columns []connectortest.Column, rows []connectortest.Row) {
	t.Helper()
	table := [][]string{nil}
	for _, c := range columns {
		table[0] = append(table[0], c.Name)
	}
	for _, row := range rows {
		var line []string
		for _, c := range columns {
			line = append(line, row[c.Name])
		}
		table = append(table, line)
	}
	if err := os.WriteFile(path, []byte((&workbook{sheets: []string{inline(table...)}}).bytes(t)), 0o644); err != nil {
		t.Fatal(err)
	}
}
