package file

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
)

// readAll reads a stream of a folder and returns its records as JSON, then
// the holds.
func readAll(t testing.TB, dir string, options SourceOptions, read connectors.Read) (records, holds []string) {
	t.Helper()
	env := connectors.Env{Dir: dir, Limits: connectors.Limits{RecordBytes: 64 << 10, FieldCount: 64, Depth: 16}}
	src, err := newSource(env, &Connection{Path: Folder{document.TextAt(".", document.Position{})}}, &options)
	if err != nil {
		t.Fatal(err)
	}
	r, err := src.Open(context.Background(), read)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var b record.Batch
	for {
		err := r.Next(context.Background(), &b)
		if errors.Is(err, io.EOF) {
			return records, holds
		}
		if err != nil {
			t.Fatal(err)
		}
		if b.Rows == 0 || b.Rows > record.BatchRows {
			t.Fatalf("a batch of %d rows", b.Rows)
		}
		for _, row := range b.Live {
			records = append(records, string(record.AppendRowJSON(nil, &b, int(row))))
		}
		for _, h := range b.Held {
			holds = append(holds, fmt.Sprintf("%d %s %s: %s %s", b.Origin.Line[h.Row], h.Code, h.Field, h.Message, h.Record))
		}
	}
}

func folder(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func text(s string) document.Text { return document.TextAt(s, document.Position{}) }

func typed(name string, kind record.Kind) connectors.FieldSpec {
	return connectors.FieldSpec{Name: name, Kind: kind, Scale: record.NoScale}
}

func TestCSV(t *testing.T) {
	tests := map[string]struct {
		text    string
		options CSV
		fields  []connectors.FieldSpec
		want    []string
		held    []string
	}{
		"plain":             {text: "a,b\n1,x\n2,y\n", want: []string{`{"a":"1","b":"x"}`, `{"a":"2","b":"y"}`}},
		"no last line end":  {text: "a,b\n1,x", want: []string{`{"a":"1","b":"x"}`}},
		"CRLF":              {text: "a,b\r\n1,x\r\n", want: []string{`{"a":"1","b":"x"}`}},
		"lone CR":           {text: "a,b\r1,x\r2,y\r", want: []string{`{"a":"1","b":"x"}`, `{"a":"2","b":"y"}`}},
		"byte order mark":   {text: "\xef\xbb\xbfa,b\n1,x\n", want: []string{`{"a":"1","b":"x"}`}},
		"UTF-16":            {text: "\xff\xfea\x00,\x00b\x00\n\x001\x00,\x00\xe9\x00\n\x00", want: []string{`{"a":"1","b":"é"}`}},
		"windows-1252":      {text: "a\n\xe9\x80\n", options: CSV{Encoding: "windows-1252"}, want: []string{`{"a":"é€"}`}},
		"blank lines":       {text: "a,b\n\n1,x\n\r\n", want: []string{`{"a":"1","b":"x"}`}},
		"quotes":            {text: "a,b\n\"x, \"\"y\"\"\",\"line\r\nend\"\n", want: []string{`{"a":"x, \"y\"","b":"line\r\nend"}`}},
		"bare quote":        {text: "a,b\n5\" pipe,x\n", want: []string{`{"a":"5\" pipe","b":"x"}`}},
		"empty is nil":      {text: "a,b\n,\"\"\n", want: []string{`{"a":null,"b":null}`}},
		"nulls":             {text: "a,b\n-,N/A\n", options: CSV{Nulls: []document.Text{text("-"), text("N/A")}}, want: []string{`{"a":null,"b":null}`}},
		"semicolon":         {text: "a;b\n1,5;x\n", options: CSV{Delimiter: text(";"), DecimalMark: "comma"}, fields: []connectors.FieldSpec{typed("a", record.Decimal)}, want: []string{`{"a":"1.5","b":"x"}`}},
		"no header":         {text: "1,x\n", options: CSV{Header: new(bool)}, want: []string{`{"column_1":"1","column_2":"x"}`}},
		"comment":           {text: "a\n# no\n1\n", options: CSV{Comment: text("#")}, want: []string{`{"a":"1"}`}},
		"leading zeros":     {text: "id\n0123\n", want: []string{`{"id":"0123"}`}},
		"types":             {text: "n,d,i,b\n1500.50,2026-02-28,7,TRUE\n", fields: []connectors.FieldSpec{typed("n", record.Decimal), typed("d", record.Date), typed("i", record.Integer), typed("b", record.Boolean)}, want: []string{`{"n":"1500.5","d":"2026-02-28","i":7,"b":true}`}},
		"29 digits":         {text: "n\n12345678901234567890123456.789\n1\n", fields: []connectors.FieldSpec{typed("n", record.Decimal)}, want: []string{`{"n":"12345678901234567890123456.789"}`, `{"n":"1"}`}},
		"minor units":       {text: "n\n1234\n-5\n", fields: []connectors.FieldSpec{{Name: "n", Kind: record.Decimal, Scale: 2, MinorUnits: true}}, want: []string{`{"n":"12.34"}`, `{"n":"-0.05"}`}},
		"alias":             {text: "Qty\n3\n", fields: []connectors.FieldSpec{{Name: "quantity", Columns: []string{"Quantity", "Qty"}, Kind: record.Integer, Scale: record.NoScale}}, want: []string{`{"quantity":3}`}},
		"optional":          {text: "a\n1\n", fields: []connectors.FieldSpec{{Name: "z", Kind: record.Integer, Scale: record.NoScale, Optional: true}}, want: []string{`{"a":"1"}`}},
		"pattern":           {text: "d\n07/10/2014\n", fields: []connectors.FieldSpec{{Name: "d", Kind: record.Date, Pattern: "DD/MM/YYYY", Scale: record.NoScale}}, want: []string{`{"d":"2014-10-07"}`}},
		"ragged":            {text: "a,b\n1\n2,y,z\n3,x\n", want: []string{`{"a":"3","b":"x"}`}, held: []string{`2 source.ragged : the record has 1 fields, the header 2 (line 2, byte 4) {"a":"1"}`, `3 source.ragged : the record has 3 fields, the header 2 (line 3, byte 6) {"a":"2","b":"y","column_3":"z"}`}},
		"bad value":         {text: "n\nabc\n1\n", fields: []connectors.FieldSpec{typed("n", record.Decimal)}, want: []string{`{"n":"1"}`}, held: []string{`2 source.bad_value n: bad value: field "n": "abc" is no decimal (line 2) {"n":"abc"}`}},
		"thousands mark":    {text: "n\n\"6,101.40\"\n", fields: []connectors.FieldSpec{typed("n", record.Decimal)}, held: []string{`2 source.bad_value n: bad value: field "n": "6,101.40" is no decimal (line 2) {"n":"6,101.40"}`}},
		"unclosed quote":    {text: "a,b\n1,\"x\n2,y\n", want: []string{`{"a":"2","b":"y"}`}, held: []string{`2 source.ragged : a quote is not closed (line 2, byte 4) {"a":"1,\"x"}`}},
		"stray quotes":      {text: "a,b\n1,\"x\n2,y\n3,\"z\n4,w\n", want: []string{`{"a":"2","b":"y"}`, `{"a":"4","b":"w"}`}, held: []string{`2 source.ragged : a quote is not closed (line 2, byte 4) {"a":"1,\"x"}`, `4 source.ragged : a quote is not closed (line 4, byte 13) {"a":"3,\"z"}`}},
		"stray and doubled": {text: "a,b\n1,\"x \"\"u\"\"\n2,\"y \"\"v\"\"\"\n3,\"z\r\n", want: []string{`{"a":"2","b":"y \"v\""}`}, held: []string{`2 source.ragged : a quote is not closed (line 2, byte 4) {"a":"1,\"x \"\"u\"\""}`, `4 source.ragged : a quote is not closed (line 4, byte 27) {"a":"3,\"z"}`}},
		"text after quote":  {text: "a,b\n\"1\"x,2\n3,4\n", want: []string{`{"a":"3","b":"4"}`}, held: []string{`2 source.ragged : there is text between the closing quote of a field and the next delimiter (line 2, byte 4) {"a":"1","b":"2"}`}},
		"bad UTF-8":         {text: "a\n\xff\xfeb\nc\n", want: []string{`{"a":"c"}`}, held: []string{"2 source.encoding : the record is not valid UTF-8; name the file's encoding under csv (line 2, byte 2) {\"a\":\"\ufffd\ufffdb\"}"}},
		"NUL":               {text: "a\nx\x00y\n", want: []string{`{"a":"x\u0000y"}`}},
		"quotes, not ASCII": {text: "a,b\n\"Zoë \"\"x\"\" 東京\",é\n", want: []string{`{"a":"Zoë \"x\" 東京","b":"é"}`}},
		"lines of a record": {text: "a,b\n\"1\n2\",x\n3\n", want: []string{`{"a":"1\n2","b":"x"}`}, held: []string{`4 source.ragged : the record has 1 fields, the header 2 (line 4, byte 12) {"a":"3"}`}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			dir := folder(t, map[string]string{"f.csv": tt.text})
			got, held := readAll(t, dir, SourceOptions{CSV: tt.options}, connectors.Read{Stream: "f.csv", Fields: tt.fields})
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("records (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.held, held); diff != "" {
				t.Errorf("holds (-want +got):\n%s", diff)
			}
		})
	}
}

// Records, quotes and line ends must come out the same wherever the chunks of
// a file happen to end.
func TestCSVChunks(t *testing.T) {
	var b strings.Builder
	b.WriteString("id,note\n")
	var want []string
	for i := range 9000 {
		note := strings.Repeat("x\"\"y,\n", i%40)
		fmt.Fprintf(&b, "%d,\"%s\"\r\n", i, note)
		clean := strings.ReplaceAll(note, "\"\"", "\"")
		row := `{"id":"` + fmt.Sprint(i) + `","note":`
		if clean == "" {
			row += "null}"
		} else {
			row = string(append(record.AppendJSONString([]byte(row), []byte(clean)), '}'))
		}
		want = append(want, row)
	}
	dir := folder(t, map[string]string{"f.csv": b.String()})
	got, held := readAll(t, dir, SourceOptions{}, connectors.Read{Stream: "f.csv"})
	if len(held) > 0 {
		t.Fatalf("held: %s", held[0])
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%.2000s", diff)
	}
}

func TestCSVLongLine(t *testing.T) {
	long := strings.Repeat("z,", 400<<10)
	dir := folder(t, map[string]string{"f.csv": "a,b\n1,x\n" + long + "\n2,y\n"})
	got, held := readAll(t, dir, SourceOptions{}, connectors.Read{Stream: "f.csv"})
	if diff := cmp.Diff([]string{`{"a":"1","b":"x"}`, `{"a":"2","b":"y"}`}, got); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
	if len(held) != 1 || !strings.Contains(held[0], "longer than the limit") || !strings.Contains(held[0], "source.too_long") {
		t.Errorf("held %d records: %.300q", len(held), held)
	}
}

func TestCSVSeveralFiles(t *testing.T) {
	dir := folder(t, map[string]string{"m/1.csv": "a,b\n1,x\n", "m/2.csv": "b,a,c\ny,2,z\n", "m/notes.md": "no"})
	got, _ := readAll(t, dir, SourceOptions{}, connectors.Read{Stream: "m/*.csv"})
	want := []string{`{"a":"1","b":"x"}`, `{"a":"2","b":"y","c":"z"}`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestOpenErrors(t *testing.T) {
	dir := folder(t, map[string]string{"f.csv": "a,b\n1,x\n", "empty.csv": "", "twice.csv": "a,a\n"})
	os.Symlink("/etc/passwd", filepath.Join(dir, "link.csv"))
	tests := map[string]struct{ stream, want string }{
		"missing file":   {"g.csv", `there is no file "g.csv"`},
		"outside":        {"../f.csv", "leaves the folder"},
		"link outside":   {"link.csv", "path escapes"},
		"no match":       {"*.tsv", "no file matches"},
		"empty":          {"empty.csv", "the file is empty"},
		"header twice":   {"twice.csv", `names column "a" twice`},
		"missing column": {"f.csv", `has no column "rent" for field "rent"`},
	}
	src := &source{env: connectors.Env{Dir: dir, Limits: connectors.DefaultLimits()}, conn: &Connection{Path: Folder{text(".")}}}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := src.Open(context.Background(), connectors.Read{Stream: tt.stream, Fields: []connectors.FieldSpec{typed("rent", record.Decimal)}})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func FuzzCSV(f *testing.F) {
	f.Add([]byte("a,b\n1,\"x\"\"y\"\r\n\n2,\n"))
	f.Add([]byte("a\n\"\n\r\"\"\r"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		dir := folder(t, map[string]string{"f.csv": "a,b\n" + string(raw)})
		records, held := readAll(t, dir, SourceOptions{}, connectors.Read{Stream: "f.csv"})
		if lines := strings.Count(string(raw), "\n") + strings.Count(string(raw), "\r") + 1; len(records)+len(held) > lines {
			t.Errorf("%d records and %d holds of %d lines", len(records), len(held), lines)
		}
	})
}

func BenchmarkCSV(b *testing.B) {
	var lines strings.Builder
	lines.WriteString("id,lease,prop,unit,tenant,type,from,to,occupied,amount,currency,memo\n")
	for i := range 100_000 {
		fmt.Fprintf(&lines, "%d,L-%d,pr%d,%d,Ana Okafor,RENT,2019-01-01,2019-01-31,,%d.%02d,USD,monthly charge\n", i, 100000+i, i%800, i%420, i%4000, i%100)
	}
	dir := folder(b, map[string]string{"f.csv": lines.String()})
	read := connectors.Read{Stream: "f.csv", Fields: []connectors.FieldSpec{typed("amount", record.Decimal), typed("from", record.Date), typed("to", record.Date), typed("occupied", record.Date)}}
	src := &source{env: connectors.Env{Dir: dir, Limits: connectors.DefaultLimits()}, conn: &Connection{Path: Folder{text(".")}}}
	b.SetBytes(int64(lines.Len()))
	b.ReportAllocs()
	var batch record.Batch
	for b.Loop() {
		r, err := src.Open(context.Background(), read)
		if err != nil {
			b.Fatal(err)
		}
		for r.Next(context.Background(), &batch) == nil {
		}
		r.Close()
	}
}
