package file

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/deprecated"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/record"
)

// parquetOf writes rows by a schema of another program's making.
func parquetOf(t testing.TB, root parquet.Node, rows ...parquet.Row) string {
	t.Helper()
	var b bytes.Buffer
	w := parquet.NewWriter(&b, parquet.NewSchema("x", root), parquet.MaxRowsPerRowGroup(2))
	if _, err := w.WriteRows(rows); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// one is a row with one column.
func one(v parquet.Value) parquet.Row { return parquet.Row{v.Level(0, 0, 0)} }

func TestParquetValues(t *testing.T) {
	fixed := func(b ...byte) parquet.Value { return parquet.FixedLenByteArrayValue(b) }
	tests := map[string]struct {
		node  parquet.Node
		value parquet.Value
		want  string
	}{
		"decimal of 32 bits":         {parquet.Decimal(2, 9, parquet.Int32Type), parquet.Int32Value(-12345), `decimal "-123.45"`},
		"decimal of 64 bits":         {parquet.Decimal(4, 18, parquet.Int64Type), parquet.Int64Value(999999999999999999), `decimal "99999999999999.9999"`},
		"decimal of bytes":           {parquet.Decimal(2, 20, parquet.ByteArrayType), parquet.ByteArrayValue([]byte{0xff, 0x38}), `decimal "-2.00"`},
		"decimal of fixed":           {parquet.Decimal(2, 38, parquet.FixedLenByteArrayType(16)), fixed(0x4b, 0x3b, 0x4c, 0xa8, 0x5a, 0x86, 0xc4, 0x7a, 0x09, 0x8a, 0x22, 0x3f, 0xff, 0xff, 0xff, 0xff), `decimal "999999999999999999999999999999999999.99"`},
		"empty decimal":              {parquet.Decimal(2, 20, parquet.ByteArrayType), parquet.ByteArrayValue(nil), `decimal "0.00"`},
		"date":                       {parquet.Date(), parquet.Int32Value(20484), `date "2026-01-31"`},
		"millis":                     {parquet.Timestamp(parquet.Millisecond), parquet.Int64Value(1769860799250), `timestamp "2026-01-31T11:59:59.25Z"`},
		"micros before 1970":         {parquet.Timestamp(parquet.Microsecond), parquet.Int64Value(-1), `timestamp "1969-12-31T23:59:59.999999Z"`},
		"nanos":                      {parquet.Timestamp(parquet.Nanosecond), parquet.Int64Value(1769860799000001000), `timestamp "2026-01-31T11:59:59.000001Z"`},
		"nanos that are lost":        {parquet.Timestamp(parquet.Nanosecond), parquet.Int64Value(1), `1970-01-01T00:00:00.000000001Z`},
		"local":                      {parquet.TimestampAdjusted(parquet.Microsecond, false), parquet.Int64Value(0), `text "1970-01-01T00:00:00"`},
		"int96":                      {parquet.Leaf(parquet.Int96Type), parquet.Int96Value(deprecated.Int96{1e9, 0, 2_440_589}), `timestamp "1970-01-02T00:00:01Z"`},
		"time":                       {parquet.Time(parquet.Millisecond), parquet.Int32Value(3_600_500), `text "01:00:00.5"`},
		"text":                       {parquet.String(), parquet.ByteArrayValue([]byte("Köln")), `text "Köln"`},
		"bytes":                      {parquet.Leaf(parquet.ByteArrayType), parquet.ByteArrayValue([]byte{0xff, 1}), `text "ff01"`},
		"boolean":                    {parquet.Leaf(parquet.BooleanType), parquet.BooleanValue(true), `boolean true`},
		"integer":                    {parquet.Int(64), parquet.Int64Value(-7), `integer -7`},
		"unsigned":                   {parquet.Uint(32), parquet.Int32Value(-1), `integer 4294967295`},
		"unsigned that is too large": {parquet.Uint(64), parquet.Int64Value(-1), `"18446744073709551615" is no integer`},
		"double":                     {parquet.Leaf(parquet.DoubleType), parquet.DoubleValue(0.1), `decimal~ "0.1"`},
		"float":                      {parquet.Leaf(parquet.FloatType), parquet.FloatValue(0.1), `decimal~ "0.1"`},
		"uuid":                       {parquet.UUID(), fixed(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16), `text "01020304-0506-0708-090a-0b0c0d0e0f10"`},
		"json":                       {parquet.JSON(), parquet.ByteArrayValue([]byte(`{"a":1}`)), `text "{\"a\":1}"`},
	}
	for name, tt := range tests {
		dir := folder(t, map[string]string{"a.parquet": parquetOf(t, parquet.Group{"v": tt.node}, one(tt.value))})
		src := &source{env: connectors.Env{Dir: dir, Limits: connectors.DefaultLimits()}, conn: &Connection{Path: Folder{text(".")}}}
		shape, err := src.Fields(context.Background(), connectors.Read{Stream: "a.parquet"})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		records, holds := readAll(t, dir, SourceOptions{}, connectors.Read{Stream: "a.parquet"})
		got := shape.Fields[0].Kind.String()
		if shape.Fields[0].Inexact {
			got += "~"
		}
		got += " " + strings.TrimSuffix(strings.TrimPrefix(strings.Join(records, ""), `{"v":`), "}")
		if len(holds) > 0 {
			got = holds[0]
		}
		if got != tt.want && (len(holds) == 0 || !strings.Contains(got, tt.want)) {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
}

// Lists and records as this program writes them, as others do, and as older
// programs did; fields under other names and kinds.
func TestParquetNested(t *testing.T) {
	line := record.MustShape(record.NewField("item", record.Text), record.NewField("amount", record.Decimal))
	lines, party, tags := record.NewField("lines", record.List), record.NewField("party", record.Record), record.NewField("tags", record.List)
	lines.Child, party.Child = line, record.MustShape(record.NewField("name", record.Text))
	shape := record.MustShape(record.NewField("id", record.Text), lines, party, tags)
	want := []string{
		`{"id":"1","lines":[{"item":"a","amount":"1.5"},{"item":"b","amount":null}],"party":{"name":"x"},"tags":["t"]}`,
		`{"id":"2","lines":[],"party":null,"tags":null}`,
		`{"id":"3","lines":null,"party":{"name":null},"tags":null}`,
		`{"id":"4","lines":[{"item":null,"amount":"2"}],"party":null,"tags":null}`,
	}
	dir := folder(t, map[string]string{"in.jsonl": strings.Join(want, "\n") + "\n"})
	in := connectors.Read{Stream: "in.jsonl", Fields: []connectors.FieldSpec{{Name: "id", Kind: record.Text}, {Name: "lines", Kind: record.List, Fields: []connectors.FieldSpec{{Name: "item", Kind: record.Text, Optional: true}, typed("amount", record.Decimal)}},
		{Name: "party", Kind: record.Record}, {Name: "tags", Kind: record.List}}}
	load(t, dir, in, connectors.Load{ID: "l1", Stream: "out.parquet", Mode: connectors.Replace, Shape: shape})
	records, holds := readAll(t, dir, SourceOptions{}, connectors.Read{Stream: "out.parquet"})
	for i := range want {
		want[i] = strings.NewReplacer(`["t"]`, `"[\"t\"]"`).Replace(want[i])
	}
	if diff := cmp.Diff(want, records); diff != "" || len(holds) > 0 {
		t.Error(diff, holds)
	}
	records, holds = readAll(t, dir, SourceOptions{}, connectors.Read{Stream: "out.parquet", Fields: []connectors.FieldSpec{
		{Name: "who", Columns: []string{"party.name"}, Kind: record.Text}, {Name: "rows", Columns: []string{"lines"}, Kind: record.List, Fields: []connectors.FieldSpec{typed("amount", record.Text)}}}})
	if len(holds) > 0 || records[0] != `{"who":"x","rows":[{"amount":"1.5","item":"a"},{"amount":null,"item":"b"}],"id":"1","tags":"[\"t\"]"}` {
		t.Error(records[0], holds)
	}
	old := parquet.Group{"a": parquet.Repeated(parquet.Int(64)), "m": parquet.Map(parquet.String(), parquet.Int(64)), "s": parquet.List(parquet.String())}
	row := parquet.Row{parquet.Int64Value(1).Level(0, 1, 0), parquet.Int64Value(2).Level(1, 1, 0), parquet.ByteArrayValue([]byte("k")).Level(0, 1, 1), parquet.Int64Value(3).Level(0, 1, 2),
		parquet.ByteArrayValue([]byte("x")).Level(0, 1, 3), parquet.ByteArrayValue([]byte("y")).Level(1, 1, 3)}
	writeFile(t, dir, "old.parquet", []byte(parquetOf(t, old, row)))
	records, holds = readAll(t, dir, SourceOptions{}, connectors.Read{Stream: "old.parquet"})
	if diff := cmp.Diff([]string{`{"a":[1,2],"m":[{"key":"k","value":3}],"s":["x","y"]}`}, records); diff != "" || len(holds) > 0 {
		t.Error(diff, holds)
	}
}

// load runs a load from one stream of a folder into another.
func load(t testing.TB, dir string, read connectors.Read, l connectors.Load) connectors.Receipt {
	t.Helper()
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
	r, err := src.Open(context.Background(), read)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	w, err := sink.Begin(context.Background(), l)
	if err != nil {
		t.Fatal(err)
	}
	var b record.Batch
	for {
		err := r.Next(context.Background(), &b)
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = w.Write(context.Background(), &b)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	receipt, err := w.Commit(context.Background(), connectors.Ledger{LoadID: l.ID}, func(connectors.Receipt) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	return receipt
}

func TestParquetModes(t *testing.T) {
	dir := folder(t, map[string]string{"a.csv": "id,amount,d\n1,1.50,2026-01-31\n2,2.00,\n", "b.csv": "id,amount,d\n2,2.000,\n3,3.1,2026-02-28\n", "c.csv": "id,amount,d\n1,9.1234567890123456789,\n"})
	fields := []connectors.FieldSpec{{Name: "id", Kind: record.Text}, typed("amount", record.Decimal), typed("d", record.Date)}
	shape := record.MustShape(record.NewField("id", record.Text), record.NewField("amount", record.Decimal), record.NewField("d", record.Date))
	n := 0
	step := func(in string, mode connectors.Mode, out string) connectors.Receipt {
		n++
		l := connectors.Load{ID: fmt.Sprint("l", n), Stream: out, Mode: mode, Shape: shape, MaxRefused: 1}
		if mode == connectors.Upsert {
			l.Key = []string{"id"}
		}
		return load(t, dir, connectors.Read{Stream: in, Fields: fields}, l)
	}
	step("a.csv", connectors.Append, "x.parquet")
	step("b.csv", connectors.Append, "x.parquet")
	if r := step("a.csv", connectors.Upsert, "y.parquet"); r.Inserted != 2 {
		t.Errorf("%+v", r)
	}
	if r := step("b.csv", connectors.Upsert, "y.parquet"); r.Inserted != 1 || r.Unchanged != 1 || r.Changed != 0 {
		t.Errorf("%+v", r)
	}
	if r := step("c.csv", connectors.Upsert, "y.parquet"); len(r.Refused) != 1 || !strings.Contains(r.Refused[0].Reason, `sink.digits_lost: field "amount": 9.1234567890123456789 has more than 18 digits`) {
		t.Errorf("%+v", r)
	}
	if r := step("a.csv", connectors.Replace, "z.parquet"); r.Inserted != 2 {
		t.Errorf("%+v", r)
	}
	if r := step("a.csv", connectors.Replace, "z.parquet"); r.Unchanged != 2 {
		t.Errorf("%+v", r)
	}
	for stream, want := range map[string]string{"x.parquet": "1 2 2 3", "y.parquet": "1 2 3", "z.parquet": "1 2", "[xz].parquet": "1 2 2 3 1 2"} {
		records, _ := readAll(t, dir, SourceOptions{}, connectors.Read{Stream: stream})
		var got []string
		for _, r := range records {
			got = append(got, r[7:8])
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %v, want %s", stream, got, want)
		}
	}
	writeFile(t, dir, "xx.parquet", []byte(parquetOf(t, parquet.Group{"id": parquet.String()}, one(parquet.ByteArrayValue([]byte("1"))))))
	err := openErr(t, dir, SourceOptions{}, connectors.Read{Stream: "x*.parquet"})
	if !errors.Is(err, connectors.ErrData) || !strings.Contains(err.Error(), "it has other columns than x.parquet") {
		t.Error(err)
	}
}

// A file that is damaged anywhere ends in an error or is read; it never stops
// the program.
func TestParquetHostile(t *testing.T) {
	whole := parquetOf(t, parquet.Group{"v": parquet.Optional(parquet.String()), "w": parquet.List(parquet.Decimal(2, 9, parquet.Int32Type))},
		parquet.Row{parquet.ByteArrayValue([]byte("abc")).Level(0, 1, 0), parquet.Int32Value(1).Level(0, 1, 1)}, parquet.Row{parquet.NullValue().Level(0, 0, 0), parquet.NullValue().Level(0, 0, 1)})
	for _, cut := range []int{0, 3, 8, len(whole) / 2, len(whole) - 1} {
		dir := folder(t, map[string]string{"a.parquet": whole[:cut]})
		err := openErr(t, dir, SourceOptions{}, connectors.Read{Stream: "a.parquet"})
		if !errors.Is(err, connectors.ErrData) || !strings.Contains(err.Error(), "a.parquet is no sound Parquet file") {
			t.Errorf("cut at %d: %v", cut, err)
		}
	}
	dir := t.TempDir()
	for at := range len(whole) {
		for _, change := range []byte{0x01, 0x80, 0xff} {
			data := []byte(whole)
			data[at] ^= change
			writeFile(t, dir, "a.parquet", data)
			if err := openErr(t, dir, SourceOptions{}, connectors.Read{Stream: "a.parquet"}); err == nil {
				t.Fatal("a read without an end")
			}
		}
	}
}

func FuzzParquet(f *testing.F) {
	f.Add([]byte(parquetOf(f, parquet.Group{"v": parquet.String()}, one(parquet.ByteArrayValue([]byte("abc"))))))
	f.Fuzz(func(t *testing.T, data []byte) {
		dir := t.TempDir()
		writeFile(t, dir, "a.parquet", data)
		if err := openErr(t, dir, SourceOptions{}, connectors.Read{Stream: "a.parquet"}); err == nil {
			t.Fatal("a read without an end")
		}
	})
}

func BenchmarkParquet(b *testing.B) {
	dir := b.TempDir()
	var lines strings.Builder
	lines.WriteString("id,lease,amount,due,unit,memo\n")
	for i := range 100_000 {
		fmt.Fprintf(&lines, "%d,L-%d,%d.95,2026-01-31,unit %d,memo of a charge\n", i, i, i%4000, i%420)
	}
	if err := os.WriteFile(dir+"/in.csv", []byte(lines.String()), 0o600); err != nil {
		b.Fatal(err)
	}
	fields := []connectors.FieldSpec{typed("id", record.Integer), typed("amount", record.Decimal), typed("due", record.Date)}
	src := &source{env: connectors.Env{Dir: dir, Limits: connectors.DefaultLimits()}, conn: &Connection{Path: Folder{text(".")}}}
	shape, err := src.Fields(context.Background(), connectors.Read{Stream: "in.csv", Fields: fields})
	if err != nil {
		b.Fatal(err)
	}
	b.Run("write", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			load(b, dir, connectors.Read{Stream: "in.csv", Fields: fields}, connectors.Load{ID: fmt.Sprint(i), Stream: "out.parquet", Mode: connectors.Replace, Shape: shape})
		}
	})
	b.Run("read", func(b *testing.B) {
		for b.Loop() {
			openErr(b, dir, SourceOptions{}, connectors.Read{Stream: "out.parquet"})
		}
	})
}
