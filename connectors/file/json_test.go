package file

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/rows"
	"github.com/tieout/tieout/schemas/record"
)

func TestJSON(t *testing.T) {
	lines := func(fields ...connectors.FieldSpec) connectors.FieldSpec {
		return connectors.FieldSpec{Name: "lines", Kind: record.List, Scale: record.NoScale, Fields: fields}
	}
	tests := map[string]struct {
		file, text, records string
		fields              []connectors.FieldSpec
		want                []string
		held                []string
	}{
		"lines":             {file: "f.jsonl", text: "{\"a\":1}\n\n{\"a\":\"x\",\"b\":true}", want: []string{`{"a":"1"}`, `{"a":"x","b":"true"}`}},
		"list":              {file: "f.json", text: `[{"a":1},{"a":2}]`, want: []string{`{"a":"1"}`, `{"a":"2"}`}},
		"one object":        {file: "f.json", text: `{"a":1}`, want: []string{`{"a":"1"}`}},
		"path":              {file: "f.json", text: `{"n":0,"data":{"items":[{"a":1}]},"z":[]}`, records: "data.items", want: []string{`{"a":"1"}`}},
		"star":              {file: "f.json", text: `{"y":{"slug":"s","2012":[{"a":1}],"2013":[{"a":2}]}}`, records: "y.*", want: []string{`{"a":"1"}`, `{"a":"2"}`}},
		"number text":       {file: "f.jsonl", text: `{"n":12345678901234567890.10,"e":1e5}`, fields: []connectors.FieldSpec{typed("n", record.Decimal)}, want: []string{`{"n":"12345678901234567890.1","e":"1e5"}`}},
		"nil and absent":    {file: "f.jsonl", text: "{\"a\":null,\"b\":\"\"}\n{}", want: []string{`{"a":null,"b":""}`, `{}`}},
		"record":            {file: "f.jsonl", text: `{"p":{"code":"x","addr":{"city":"Köln"}}}`, want: []string{`{"p":{"code":"x","addr":{"city":"Köln"}}}`}},
		"path in a field":   {file: "f.jsonl", text: `{"p":{"code":"7","addr":{"city":"Köln"}}}`, fields: []connectors.FieldSpec{{Name: "city", Columns: []string{"p.addr.city"}, Kind: record.Text, Scale: record.NoScale}, {Name: "code", Columns: []string{"p.code"}, Kind: record.Integer, Scale: record.NoScale}}, want: []string{`{"city":"Köln","code":7}`}},
		"typed list":        {file: "f.jsonl", text: "{\"id\":1,\"lines\":[{\"amount\":1.50},{\"amount\":\"2\"}]}\n{\"id\":2,\"lines\":[]}\n{\"id\":3,\"lines\":null}", fields: []connectors.FieldSpec{lines(typed("amount", record.Decimal))}, want: []string{`{"lines":[{"amount":"1.5"},{"amount":"2"}],"id":"1"}`, `{"lines":[],"id":"2"}`, `{"lines":null,"id":"3"}`}},
		"list of scalars":   {file: "f.jsonl", text: `{"tags":["a", 1]}`, want: []string{`{"tags":["a", 1]}`}},
		"escapes":           {file: "f.jsonl", text: `{"a":"x\u00e9\n\"y\""}`, want: []string{`{"a":"xé\n\"y\""}`}},
		"bad value":         {file: "f.jsonl", text: "{\"n\":\"abc\"}\n{\"n\":1}", fields: []connectors.FieldSpec{typed("n", record.Decimal)}, want: []string{`{"n":"1"}`}, held: []string{`1 source.bad_value n: bad value: field "n": "abc" is no decimal (line 1) {"n":"abc"}`}},
		"bad value in line": {file: "f.jsonl", text: "{\"lines\":[{\"amount\":1},{\"amount\":\"x\"}]}\n{\"lines\":[{\"amount\":3}]}", fields: []connectors.FieldSpec{lines(typed("amount", record.Decimal))}, want: []string{`{"lines":[{"amount":"3"}]}`}, held: []string{`1 source.bad_value amount: bad value: field "amount": "x" is no decimal (line 1) {"lines":[{"amount":1},{"amount":"x"}]}`}},
		"broken line":       {file: "f.jsonl", text: "{\"a\":1}\n{\"a\":\n{\"a\":3} x\n[1]\n{\"a\":4}", want: []string{`{"a":"1"}`, `{"a":"4"}`}, held: []string{`2 source.bad_value : the record is not sound JSON (line 2) {"raw":"{\"a\":"}`, `3 source.bad_value : the record is not sound JSON (line 3) {"raw":"{\"a\":3} x"}`, `4 source.bad_value : the record is not a JSON object (line 4) {"raw":"[1]"}`}},
		"member twice":      {file: "f.jsonl", text: `{"a":1,"a":1000}`, held: []string{`1 source.bad_value a: the record has two members "a" (line 1) {"a":1,"a":1000}`}},
		"case matters":      {file: "f.jsonl", text: `{"amount":10,"AMOUNT":1000}`, want: []string{`{"amount":"10","AMOUNT":"1000"}`}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			dir := folder(t, map[string]string{tt.file: tt.text})
			got, held := readAll(t, dir, SourceOptions{JSON: JSON{Records: text(tt.records)}}, connectors.Read{Stream: tt.file, Fields: tt.fields})
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("records (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.held, held); diff != "" {
				t.Errorf("holds (-want +got):\n%s", diff)
			}
		})
	}
}

// A document that is cut off anywhere is an error of the read, never a
// shorter list of records.
func TestJSONTruncated(t *testing.T) {
	const whole = `{"meta":{"n":2},"items":[{"a":1,"b":"x"},{"a":2,"b":"y\"z"}],"end":true}`
	for n := range whole {
		dir := folder(t, map[string]string{"f.json": whole[:n]})
		src := &source{env: connectors.Env{Dir: dir, Limits: connectors.DefaultLimits()}, conn: &Connection{Path: Folder{text(".")}}, options: SourceOptions{JSON: JSON{Records: text("items")}}}
		r, err := src.Open(context.Background(), connectors.Read{Stream: "f.json"})
		if err != nil {
			continue
		}
		var b record.Batch
		for err == nil {
			err = r.Next(context.Background(), &b)
		}
		r.Close()
		if err.Error() == "EOF" {
			t.Fatalf("the first %d bytes were taken for a whole document", n)
		}
	}
}

func TestJSONMembersThatComeLate(t *testing.T) {
	var b strings.Builder
	for range rows.SampleRecords {
		b.WriteString("{\"a\":1}\n")
	}
	b.WriteString("{\"a\":1,\"late\":2}\n")
	dir := folder(t, map[string]string{"f.jsonl": b.String()})
	src := &source{env: connectors.Env{Dir: dir, Limits: connectors.DefaultLimits()}, conn: &Connection{Path: Folder{text(".")}}}
	r, err := src.Open(context.Background(), connectors.Read{Stream: "f.jsonl"})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var batch record.Batch
	for r.Next(context.Background(), &batch) == nil {
	}
	notes := r.(*recordReader).Notes()
	if len(notes) != 1 || !strings.Contains(notes[0], `"late"`) {
		t.Errorf("notes: %q", notes)
	}
}

func BenchmarkJSONLines(b *testing.B) {
	var lines strings.Builder
	for i := range 50_000 {
		fmt.Fprintf(&lines, `{"ChargeID":%d,"LeaseRef":"L-%d","Prop":{"code":"pr%d","address":{"city":"Köln","unit":"%d"}},"Type":"RENT","Amt":"%d.95","days":30,"currency":"USD","memo":"charge no. %d \"as billed\"","tags":["t1","t2"]}`+"\n", i, i, i%800, i%420, i%4000, i)
	}
	dir := folder(b, map[string]string{"f.jsonl": lines.String()})
	src := &source{env: connectors.Env{Dir: dir, Limits: connectors.DefaultLimits()}, conn: &Connection{Path: Folder{text(".")}}}
	read := connectors.Read{Stream: "f.jsonl", Fields: []connectors.FieldSpec{typed("Amt", record.Decimal), typed("days", record.Integer)}}
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
