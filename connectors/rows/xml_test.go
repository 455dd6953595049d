package rows

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/rows/markup"
	"github.com/tieout/tieout/schemas/record"
)

var small = connectors.Limits{RecordBytes: 4096, FieldCount: 64, Depth: 8}

// cutXML cuts a document and gives the records and what is wrong with them.
func cutXML(r io.Reader, cut Cut) (got []string, c *XMLCutter, err error) {
	c = NewXMLCutter(r, cut)
	for {
		it, err := c.Next()
		if errors.Is(err, io.EOF) {
			return got, c, nil
		}
		if err != nil {
			return got, c, err
		}
		if it.Err != nil {
			got = append(got, it.Err.Error())
			continue
		}
		got = append(got, fmt.Sprintf("%d %s", it.Line, it.Raw))
	}
}

func TestCutXML(t *testing.T) {
	tests := []struct {
		path, text string
		want       []string
	}{
		{"", `<a/>`, []string{`1 {}`}},
		{"", `<a> 7 </a>`, []string{`1 {"#text":" 7 "}`}},
		{"", `<a x="1"><b/>t</a>`, []string{`1 {"@x":"1","#text":"t","b":null}`}},
		{"rows.row", "<rows>\n<row id='1'><n>a</n></row>\n<other/><row id='2'/>\n</rows>", []string{`2 {"@id":"1","n":"a"}`, `3 {"@id":"2","#text":null}`}},
		{"*.*", `<rows><row><n>a</n></row><line><n>b</n></line></rows>`, []string{`1 {"n":"a"}`, `1 {"n":"b"}`}},
		{"r.l", `<r><l><t>1</t><u>x</u><t>2</t><t a="b">3</t></l></r>`, []string{`1 {"t":["1","2",{"@a":"b","#text":"3"}],"u":"x"}`}},
		{"r.l", `<s:r xmlns:s="urn:s"><s:l><m:v xmlns:m="urn:m" xsi:nil="true"/><w><![CDATA[<&"]]>é</w></s:l></s:r>`, []string{`1 {"v":null,"w":"<&\"é"}`}},
		{"r.l", `<r><l x:id="1" id="2" y:t="a" z:t="b"/></r>`, []string{`1 {"@id":"2","@t":"a","#text":null}`}},
		{"r.l", `<r><l/></r>`, []string{`1 {}`}},
		{"r.l", `<r/>`, nil},
		{"r.l", `<r><l>` + strings.Repeat("<x>", 9) + strings.Repeat("</x>", 9) + `</l><l>y</l></r>`, []string{"the record is nested too deep: more than 8 levels", `1 {"#text":"y"}`}},
		{"r.l", `<r><l>` + strings.Repeat("long ", 1000) + `</l><l>y</l></r>`, []string{"the record is longer than the limit", `1 {"#text":"y"}`}},
		{"r.l", `<r><l>` + strings.Repeat("<x/>", 1000) + `</l><l>y</l></r>`, []string{"the record is longer than the limit", `1 {"#text":"y"}`}},
	}
	for _, tt := range tests {
		cut := Cut{Limits: small}
		if tt.path != "" {
			cut.Path = strings.Split(tt.path, ".")
		}
		got, c, err := cutXML(strings.NewReader(tt.text), cut)
		if diff := cmp.Diff(tt.want, got); diff != "" || err != nil || !c.Found() {
			t.Errorf("%s of %.60s: %v %v\n%s", tt.path, tt.text, err, c.Found(), diff)
		}
	}
}

func TestCutXMLWrong(t *testing.T) {
	got, c, err := cutXML(strings.NewReader(`<Envelope><Header/><Body><Fault><code>7</code></Fault></Body></Envelope>`), Cut{Path: []string{"Envelope", "Body", "Reply", "Row"}, Limits: small})
	if len(got) > 0 || err != nil || c.Found() || c.Missing() != `there is no element "Envelope.Body.Reply"; there is "Fault"` {
		t.Error(got, err, c.Missing())
	}
	_, c, err = cutXML(strings.NewReader(`<rows/>`), Cut{Path: []string{"row"}, Limits: small})
	if err != nil || c.Found() || c.Missing() != `there is no element "row"; there is "rows"` {
		t.Error(err, c.Missing())
	}
	var broken *markup.Error
	got, _, err = cutXML(strings.NewReader("<r><l>1</l>\n<l>2</r>"), Cut{Path: []string{"r", "l"}, Limits: small})
	if !errors.As(err, &broken) || broken.Line != 2 || len(got) != 1 || !Broken(err) {
		t.Error(got, err)
	}
}

func TestXMLEnvelope(t *testing.T) {
	text := `<s:Envelope xmlns:s="x"><s:Header><Session>abc</Session></s:Header><s:Body><Reply more="yes" other="no"><Page>1</Page><Row>1</Row><Next token="t&amp;1"/><Row>2</Row></Reply></s:Body></s:Envelope>`
	cut := Cut{Path: strings.Split("Envelope.Body.Reply.Row", "."), Limits: small,
		Keep: []string{"Envelope.Header.Session", "Envelope.Body.Reply.@more", "Envelope.Body.Reply.Next"}}
	got, c, err := cutXML(iotest.HalfReader(strings.NewReader(text)), cut)
	want := `{"Envelope":{"Header":{"Session":"abc"},"Body":{"Reply":{"@more":"yes","Next":{"@token":"t&1","#text":null}}}}}`
	if err != nil || len(got) != 2 || string(c.Envelope()) != want {
		t.Errorf("%v %v\n got %s\nwant %s", got, err, c.Envelope(), want)
	}
	c.Reset(strings.NewReader(`<Envelope/>`))
	if _, err := c.Next(); !errors.Is(err, io.EOF) || string(c.Envelope()) != `{"Envelope":null}` {
		t.Errorf("%v %s", err, c.Envelope())
	}
}

const bills = `<Bills>
<Bill no="1"><Total currencyID="EUR">10.50</Total><Due>2026-01-31</Due>
 <Line><ID>1</ID><Amount currencyID="EUR">10.50</Amount></Line></Bill>
<Bill no="2"><Total currencyID="SEK">3</Total><Due/>
 <Line><ID>1</ID><Amount currencyID="SEK">1.25</Amount></Line><Line><ID>2</ID><Amount>1.75</Amount></Line><Party><Name>Å</Name></Party></Bill>
<Bill no="3"><Total>1</Total><Due>soon</Due><Party><Name>B</Name></Party></Bill>
</Bills>`

// fillXML reads all records of a document by a plan made of all of them.
func fillXML(t *testing.T, text string, path []string, read connectors.Read) (lines []string, shape *record.Shape) {
	t.Helper()
	var items []Item
	c := NewXMLCutter(strings.NewReader(text), Cut{Path: path, Limits: small})
	var samples [][]byte
	for {
		it, err := c.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		it.Raw = append([]byte(nil), it.Raw...)
		items, samples = append(items, it), append(samples, it.Raw)
	}
	plan, err := NewXMLPlan(read, samples, small)
	if err != nil {
		t.Fatal(err)
	}
	f := NewFiller(plan, func(it Item) string { return fmt.Sprintf("line %d", it.Line) })
	var b record.Batch
	b.Reset(plan.Shape(), len(items))
	for row, it := range items {
		if err := f.Row(&b, row, it); err != nil {
			t.Fatal(err)
		}
	}
	if notes := f.Notes("s"); len(notes) > 0 {
		t.Errorf("%q, of records that were all looked at", notes)
	}
	b.DropHeld(0)
	for _, row := range b.Live {
		lines = append(lines, string(record.AppendRowJSON(nil, &b, int(row))))
	}
	for _, h := range b.Held {
		lines = append(lines, h.Message)
	}
	return lines, plan.Shape()
}

func TestXMLPlan(t *testing.T) {
	dec := func(name, column string) connectors.FieldSpec {
		return connectors.FieldSpec{Name: name, Columns: []string{column}, Kind: record.Decimal, Scale: record.NoScale}
	}
	text := func(name, column string) connectors.FieldSpec {
		return connectors.FieldSpec{Name: name, Columns: []string{column}, Kind: record.Text, Optional: true}
	}
	tests := map[string]struct {
		fields []connectors.FieldSpec
		want   []string
	}{
		"nothing declared": {nil, []string{
			`{"@no":"1","Total":"10.50","Due":"2026-01-31","Line":[{"ID":"1","Amount":"10.50"}]}`,
			`{"@no":"2","Total":"3","Due":null,"Line":[{"ID":"1","Amount":"1.25"},{"ID":"2","Amount":"1.75"}],"Party":{"Name":"Å"}}`,
			`{"@no":"3","Total":"1","Due":"soon","Party":{"Name":"B"}}`}},
		"typed": {[]connectors.FieldSpec{text("no", "@no"), dec("total", "Total"), text("currency", "Total.@currencyID"), text("name", "Party.Name"),
			{Name: "due", Columns: []string{"Due"}, Kind: record.Date},
			{Name: "lines", Columns: []string{"Line"}, Kind: record.List, Fields: []connectors.FieldSpec{text("id", "ID"), dec("amount", "Amount"), text("currency", "Amount.@currencyID")}}},
			[]string{
				`{"no":"1","total":"10.5","currency":"EUR","due":"2026-01-31","lines":[{"id":"1","amount":"10.5","currency":"EUR"}]}`,
				`{"no":"2","total":"3","currency":"SEK","name":"Å","due":null,"lines":[{"id":"1","amount":"1.25","currency":"SEK"},{"id":"2","amount":"1.75"}]}`,
				`bad value: field "due": "soon" is no date (line 6)`}},
		"an attribute alone": {[]connectors.FieldSpec{text("currency", "Total.@currencyID")}, []string{
			`{"currency":"EUR","@no":"1","Total":"10.50","Due":"2026-01-31","Line":[{"ID":"1","Amount":"10.50"}]}`,
			`{"currency":"SEK","@no":"2","Total":"3","Due":null,"Line":[{"ID":"1","Amount":"1.25"},{"ID":"2","Amount":"1.75"}],"Party":{"Name":"Å"}}`,
			`{"@no":"3","Total":"1","Due":"soon","Party":{"Name":"B"}}`}},
		"many where one was meant": {[]connectors.FieldSpec{dec("amount", "Line.Amount"), text("Party", "Party")}, []string{
			`{"amount":"10.5","@no":"1","Total":"10.50","Due":"2026-01-31"}`,
			`the record has several elements "Line"; declare a list to read them (line 4)`,
			`the element "Party" holds elements, not a single value (line 6)`}},
	}
	for name, tt := range tests {
		got, _ := fillXML(t, bills, []string{"Bills", "Bill"}, connectors.Read{Stream: "bills.xml", Fields: tt.fields})
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
}

// Records of two kinds that call the same thing by different names are read
// into the same field.
func TestOtherNames(t *testing.T) {
	text := `<r><Invoice><Line><ID>1</ID><Qty>2</Qty></Line><Total>5</Total></Invoice><Note><NoteLine><ID>2</ID></NoteLine><NoteLine><ID>3</ID><Extra>x</Extra></NoteLine><Sum>7</Sum></Note></r>`
	fields := []connectors.FieldSpec{{Name: "lines", Columns: []string{"Line", "NoteLine"}, Kind: record.List, Fields: []connectors.FieldSpec{{Name: "id", Columns: []string{"ID"}, Kind: record.Integer}}},
		{Name: "total", Columns: []string{"Total", "Sum", "Never"}, Kind: record.Decimal, Scale: record.NoScale}}
	got, _ := fillXML(t, text, []string{"r", "*"}, connectors.Read{Fields: fields})
	want := []string{`{"lines":[{"id":1,"Qty":"2"}],"total":"5"}`, `{"lines":[{"id":2},{"id":3,"Extra":"x"}],"total":"7"}`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	got, _ = fillXML(t, `<r><a><Total>5</Total><Sum>7</Sum></a></r>`, []string{"r", "*"}, connectors.Read{Fields: fields[1:]})
	if diff := cmp.Diff([]string{`{"total":"5","Sum":"7"}`}, got); diff != "" {
		t.Error(diff)
	}
}

// What is held is called as the pipeline calls it, whatever it came by.
func TestHeldNames(t *testing.T) {
	spec := func(name, column string, kind record.Kind) connectors.FieldSpec {
		return connectors.FieldSpec{Name: name, Columns: []string{column}, Kind: kind, Scale: record.NoScale}
	}
	lines := spec("lines", "Line", record.List)
	lines.Fields = []connectors.FieldSpec{spec("amount", "Amount", record.Decimal), spec("money", "Amount.@currencyID", record.Text)}
	read := connectors.Read{Fields: []connectors.FieldSpec{spec("no", "@no", record.Text), spec("due", "Due", record.Date), spec("name", "Party.Name", record.Text), spec("money", "Total.@currencyID", record.Text), spec("total", "Total", record.Decimal), lines}}
	samples := [][]byte{
		[]byte(`{"@no":"1","Total":{"@currencyID":"EUR","#text":"x"},"Due":"soon","Party":{"Name":"B","Age":"7"},"Line":{"Amount":{"@currencyID":"EUR","#text":"1"}},"Else":{"a":"b"}}`),
		[]byte(`{"@no":"2","Total":"y","Due":null,"Line":[{"Amount":"1","Ref":"r"},{"Amount":"z"}]}`)}
	plan, err := NewXMLPlan(read, samples, small)
	if err != nil {
		t.Fatal(err)
	}
	f := NewFiller(plan, func(Item) string { return "" })
	var b record.Batch
	b.Reset(plan.Shape(), len(samples))
	for row, raw := range samples {
		if err := f.Row(&b, row, Item{Raw: raw}); err != nil {
			t.Fatal(err)
		}
	}
	got := make(map[int32]string)
	fields := ""
	for _, h := range b.Held {
		got[h.Row] = string(h.Record)
		fields += h.Field + " "
	}
	want := map[int32]string{0: `{"no":"1","money":"EUR","total":"x","due":"soon","name":"B","lines":[{"money":"EUR","amount":"1"}],"Else":{"a":"b"}}`,
		1: `{"no":"2","total":"y","due":null,"lines":[{"amount":"1","Ref":"r"},{"amount":"z"}]}`}
	if diff := cmp.Diff(want, got); diff != "" || fields != "total due total amount " {
		t.Error(diff, fields)
	}
}

func FuzzXMLCutter(f *testing.F) {
	f.Add(bills, "Bills.Bill")
	f.Add(`<a b="c"><d>1</d><d x="2"/>t</a>`, "")
	f.Add(`<a><b>&#65;<![CDATA[x]]></b></a>`, "*.b")
	f.Fuzz(func(t *testing.T, text, path string) {
		cut := Cut{Path: strings.Split(path, "."), Limits: small, Keep: []string{"a.k", "a.@x"}}
		whole, c, err := cutXML(strings.NewReader(text), cut)
		bits, d, err2 := cutXML(iotest.OneByteReader(strings.NewReader(text)), cut)
		if (err == nil) != (err2 == nil) || cmp.Diff(whole, bits) != "" || string(c.Envelope()) != string(d.Envelope()) {
			t.Fatalf("%v %v\n%s", err, err2, cmp.Diff(whole, bits))
		}
		var samples [][]byte
		for _, one := range whole {
			if _, raw, ok := strings.Cut(one, " "); ok && strings.HasPrefix(raw, "{") {
				samples = append(samples, []byte(raw))
			}
		}
		plan, err := NewXMLPlan(connectors.Read{Fields: []connectors.FieldSpec{{Name: "l", Columns: []string{"d"}, Kind: record.List, Optional: true}, {Name: "v", Columns: []string{"e.@x"}, Kind: record.Decimal, Optional: true}}}, samples, small)
		if err != nil {
			return
		}
		fill := NewFiller(plan, func(Item) string { return "" })
		var b record.Batch
		b.Reset(plan.Shape(), len(samples))
		for row, raw := range samples {
			if err := fill.Row(&b, row, Item{Raw: raw}); err != nil {
				t.Fatalf("%s: %v", raw, err)
			}
		}
		b.DropHeld(0)
		for _, row := range b.Live {
			record.AppendRowJSON(nil, &b, int(row))
		}
	})
}

func BenchmarkXMLCutter(b *testing.B) {
	var doc strings.Builder
	doc.WriteString("<Bills>")
	for i := range 5_000 {
		fmt.Fprintf(&doc, `<Bill no="%d"><Total currencyID="EUR">10.50</Total><Due>2026-01-31</Due><Line><ID>1</ID><Amount currencyID="EUR">10.50</Amount></Line><Line><ID>2</ID><Amount currencyID="EUR">10.50</Amount></Line></Bill>`, i)
	}
	doc.WriteString("</Bills>")
	b.SetBytes(int64(doc.Len()))
	b.ReportAllocs()
	c := NewXMLCutter(nil, Cut{Path: []string{"Bills", "Bill"}, Limits: connectors.DefaultLimits()})
	for b.Loop() {
		c.Reset(strings.NewReader(doc.String()))
		n := 0
		for {
			if _, err := c.Next(); err != nil {
				break
			}
			n++
		}
		if n != 5_000 {
			b.Fatal(n)
		}
	}
}
