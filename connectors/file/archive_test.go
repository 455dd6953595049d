package file

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/record"
)

func TestPacked(t *testing.T) {
	book := (&workbook{sheets: []string{inline([]string{"a"}, []string{"8"})}}).bytes(t)
	dir := folder(t, map[string]string{
		"one.csv.gz":     gz(t, "a\n1\n"),
		"parts.jsonl.GZ": gz(t, `{"a":"1"}`+"\n") + gz(t, `{"a":"2"}`+"\n"), // members, one behind the other
		"one.tsv.gz":     gz(t, "a\tb\n1\t2\n"),
		"book.xlsx.gz":   gz(t, book),
		"rows.xml.gz":    gz(t, "<r><a>1</a></r>"),
		"only.zip":       pack(t, map[string]string{"data.csv": "a\n1\n", "__MACOSX/._data.csv": "x", "sub/.DS_Store": "y"}),
		"batch.zip":      pack(t, map[string]string{"b.csv": "a\n2\n", "a.csv": "a\n1\n", "deep/c.csv": "a\n3\n", "deep/d.csv.gz": gz(t, "a\n4\n"), "x.xlsx": book}),
	})
	tests := map[string]string{
		"one.csv.gz": "1", "parts.jsonl.GZ": "1 2", "one.tsv.gz": "1", "book.xlsx.gz": "8", "rows.xml.gz": "1", "only.zip": "1",
		"batch.zip/*.csv": "1 2", "batch.zip/deep/*": "3 4", "batch.zip/deep/c.csv": "3", "b*.zip/?.csv": "1 2", "*.zip/[a-d]*.csv": "1 2 1", "batch.zip/x.xlsx": "8",
	}
	for stream, want := range tests {
		records, holds := readAll(t, dir, SourceOptions{}, connectors.Read{Stream: stream})
		var got []string
		for _, r := range records {
			_, v, _ := strings.Cut(r, `"a":"`)
			got = append(got, v[:1])
		}
		if diff := cmp.Diff(want, strings.Join(got, " ")); diff != "" || len(holds) > 0 {
			t.Errorf("%s: %s %v", stream, diff, holds)
		}
	}
}

// shout changes the directory of an archive, where sizes and flags stand.
func shout(t *testing.T, archive string, change func(entry []byte)) string {
	t.Helper()
	b := []byte(archive)
	for at := 0; ; {
		n := bytes.Index(b[at:], []byte("PK\x01\x02"))
		if n < 0 {
			return string(b)
		}
		change(b[at+n:])
		at += n + 4
	}
}

func TestPackedHostile(t *testing.T) {
	whole := gz(t, strings.Repeat("a,b\n1,2\n", 1000))
	two := pack(t, map[string]string{"a.csv": "a\n1\n", "b.csv": "a\n1\n"})
	damaged := []byte(pack(t, map[string]string{"a.csv": strings.Repeat("a,b\n1,2\n", 100)}))
	damaged[50] ^= 0x55
	tests := map[string]struct{ stream, text, want string }{
		"cut gzip":          {"a.csv.gz", whole[:len(whole)-9], "cut short or damaged"},
		"wrong checksum":    {"a.csv.gz", whole[:len(whole)-8] + "12345678", "cut short or damaged"},
		"no gzip":           {"a.csv.gz", "a\n1\n", "no gzip file"},
		"text behind":       {"a.csv.gz", whole + "more", "cut short or damaged"},
		"no zip":            {"a.zip", "a\n1\n", "no zip file"},
		"cut zip":           {"a.zip", two[:len(two)-30], "no zip file"},
		"several":           {"a.zip", two, "it holds 2 files; name those to read, as in a.zip/*.csv"},
		"none that matches": {"a.zip/*.xml", two, `no file in it matches "*.xml"`},
		"a path out of it":  {"a.zip/*.csv", pack(t, map[string]string{"../a.csv": "a\n1\n"}), "leads out of it"},
		"an absolute path":  {"a.zip/*.csv", pack(t, map[string]string{"/etc/a.csv": "a\n1\n"}), "leads out of it"},
		"encrypted":         {"a.zip/a.csv", shout(t, two, func(e []byte) { e[8] |= 1 }), "protected by a password"},
		"another method":    {"a.zip/a.csv", shout(t, two, func(e []byte) { e[10] = 99 }), "packed by method 99"},
		"overlapping":       {"a.zip/*.csv", shout(t, two, func(e []byte) { binary.LittleEndian.PutUint32(e[42:], 0) }), "overlap"},
		"beyond the end":    {"a.zip/*.csv", shout(t, two, func(e []byte) { binary.LittleEndian.PutUint32(e[20:], 1<<30) }), "damaged"},
		"damaged":           {"a.zip", string(damaged), "cut short or damaged"},
		"a bomb":            {"a.zip", pack(t, map[string]string{"a.csv": "a\n" + strings.Repeat("\n", 100<<20)}), "made to do harm"},
		"a gzip bomb":       {"a.csv.gz", gz(t, "a\n"+strings.Repeat("\n", 100<<20)), "a.csv.gz unpacks to more than 400 times its size"},
		"a bomb that lies":  {"a.zip", shout(t, pack(t, map[string]string{"a.csv": "a\n" + strings.Repeat("\n", 100<<20)}), func(e []byte) { binary.LittleEndian.PutUint32(e[24:], 9) }), "a.zip"},
		"mixed":             {"a.zip/*", pack(t, map[string]string{"a.csv": "a\n1\n", "b.json": "[]"}), "one stream has one format"},
	}
	for name, tt := range tests {
		file, _, _ := strings.Cut(tt.stream, "/")
		dir := folder(t, map[string]string{file: tt.text})
		err := openErr(t, dir, SourceOptions{}, connectors.Read{Stream: tt.stream})
		if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "a.") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNotWritten(t *testing.T) {
	env := connectors.Env{Dir: t.TempDir(), Limits: connectors.DefaultLimits()}
	for _, stream := range []string{"a.xlsx", "a.xml", "a.zip", "a.zip/b.csv"} {
		sink, err := newSink(env, &Connection{Path: Folder{text(".")}}, &SinkOptions{})
		if err != nil {
			t.Fatal(err)
		}
		_, err = sink.Begin(t.Context(), connectors.Load{Stream: stream, Mode: connectors.Replace, Shape: record.MustShape(record.NewField("a", record.Text))})
		if !errors.Is(err, connectors.ErrConfig) {
			t.Errorf("%s: %v", stream, err)
		}
	}
}

func TestTemplate(t *testing.T) {
	tests := []struct{ pattern, name, want string }{
		{"{job} Takeoff.xlsx", "1042 Elm St Takeoff.xlsx", "[1042 Elm St]"},
		{"{job} Takeoff.xlsx", "Takeoff Takeoff.xlsx", "[Takeoff]"},
		{"{job} Takeoff.xlsx", " Takeoff.xlsx", ""},
		{"{job} Takeoff.xlsx", "x Takeoff.csv", ""},
		{"{company}_{period}.csv", "acme_west_2026-01.csv", "[acme west_2026-01]"},
		{"rent-{period}.csv", "rent-2026-01.csv", "[2026-01]"},
		{"plain.csv", "plain.csv", "[]"},
		{"plain.csv", "plain.csv.gz", ""},
	}
	for _, tt := range tests {
		tp, err := newTemplate(tt.pattern)
		if err != nil {
			t.Fatal(err)
		}
		values, ok := tp.match(tt.name)
		if got := fmt.Sprint(values); ok != (tt.want != "") || ok && got != tt.want {
			t.Errorf("%s of %s: %v %v", tt.pattern, tt.name, values, ok)
		}
	}
	for _, bad := range []string{"{job", "{}", "{a}{b}", "{a}-{a}", "{a b}.csv"} {
		if _, err := newTemplate(bad); !errors.Is(err, connectors.ErrConfig) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

// Fields out of the names of files, in every format, also of held records.
func TestNameFields(t *testing.T) {
	dir := folder(t, map[string]string{"Elm 2026-01.csv": "amount\n1.50\nx\n", "Oak 2026-02.csv": "amount\n2\n",
		"Elm 2026-03.jsonl": `{"amount":"3"}` + "\n", "Elm 2026-04.csv.gz": gz(t, "amount\n4\n"), "Elm 2026-05.xml": "<r><amount>5</amount></r>"})
	read := connectors.Read{Fields: []connectors.FieldSpec{typed("period", record.Month), typed("amount", record.Decimal)}}
	for stream, want := range map[string]string{
		"*.csv":              `[{"amount":"1.5","job":"Elm","period":"2026-01"} {"amount":"2","job":"Oak","period":"2026-02"}] [3 source.bad_value amount: bad value: field "amount": "x" is no decimal (line 3) {"job":"Elm","period":"2026-01","amount":"x"}]`,
		"Elm 2026-03.jsonl":  `[{"amount":"3","job":"Elm","period":"2026-03"}] []`,
		"Elm 2026-04.csv.gz": `[{"amount":"4","job":"Elm","period":"2026-04"}] []`,
		"Elm 2026-05.xml":    `[{"amount":"5","job":"Elm","period":"2026-05"}] []`,
	} {
		read.Stream = stream
		name := strings.ReplaceAll("{job} {period}.X", "X", strings.TrimPrefix(stream[strings.IndexByte(stream, '.'):], "."))
		records, holds := readAll(t, dir, SourceOptions{Name: text(name)}, read)
		if diff := cmp.Diff(want, fmt.Sprint(records, holds)); diff != "" {
			t.Errorf("%s:\n%s", stream, diff)
		}
	}
	if err := os.Rename(dir+"/Oak 2026-02.csv", dir+"/Oak 2026-13.csv"); err != nil {
		t.Fatal(err)
	}
	read.Stream = "*.csv"
	err := openErr(t, dir, SourceOptions{Name: text("{job} {period}.csv")}, read)
	if !errors.Is(err, connectors.ErrConfig) || !strings.Contains(err.Error(), "the name of Oak 2026-13.csv") {
		t.Error(err)
	}
	err = openErr(t, dir, SourceOptions{Name: text("Rent {job}.csv")}, read)
	if !errors.Is(err, connectors.ErrConfig) || !strings.Contains(err.Error(), `is not called "Rent {job}.csv"`) {
		t.Error(err)
	}
}

// FuzzArchive opens whatever claims to be a zip file or a workbook.
func FuzzArchive(f *testing.F) {
	f.Add([]byte(pack(f, map[string]string{"a.csv": "a,b\n1,2\n"})))
	f.Add([]byte((&workbook{sheets: []string{inline([]string{"a"}, []string{"=1"})}, shared: `<si><t>x</t></si>`, styles: dates}).bytes(f)))
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := newArchive("a.zip", bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		for _, m := range a.files {
			if in, err := a.open(m.Name); err == nil {
				var sink bytes.Buffer
				sink.ReadFrom(in)
				in.Close()
			}
		}
		dir := t.TempDir()
		writeFile(t, dir, "a.xlsx", data)
		if err := openErr(t, dir, SourceOptions{}, connectors.Read{Stream: "a.xlsx"}); err == nil {
			t.Fatal("a read without an end")
		}
		if _, err := zip.NewReader(bytes.NewReader(data), int64(len(data))); err != nil && !errors.Is(err, zip.ErrInsecurePath) {
			t.Fatal("taken, but no zip file")
		}
	})
}

// FuzzSheet reads any text as the rows of a sheet, whole and as few cells.
func FuzzSheet(f *testing.F) {
	f.Add(inline([]string{"a", "b"}, []string{"=1E-3", "x"}), "<si><t>s</t></si>")
	f.Add(`<row r="1"><c r="A1" t="s"><v>0</v></c><c t="e"><v>#N/A</v></c></row><row><c r="A2" s="1"><v>45000.5</v></c><c><f>A1</f></c></row>`, "<si><r><t>x</t></r></si>")
	f.Fuzz(func(t *testing.T, rows, shared string) {
		w := &workbook{sheets: []string{rows}, shared: shared, styles: dates}
		dir := t.TempDir()
		writeFile(t, dir, "b.xlsx", []byte(w.bytes(t)))
		err := openErr(t, dir, SourceOptions{}, connectors.Read{Stream: "b.xlsx"})
		if err == nil {
			t.Fatal("a read without an end")
		}
	})
}
