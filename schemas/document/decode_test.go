package document

import (
	"testing"
)

func decodeSample(tb testing.TB, text string) (*testPipeline, *Report) {
	tb.Helper()
	r := new(Report)
	d := &Decoder{Report: r}
	p := new(testPipeline)
	for _, doc := range Parse("p.yaml", []byte(text), r) {
		d.Decode(doc.Root, p)
	}
	return p, r
}

func TestDecodeWholePipeline(t *testing.T) {
	p, r := decodeSample(t, samplePipeline)
	for _, d := range r.Diagnostics() {
		t.Error(d)
	}
	if p.Pipeline.Value != "appfolio_charges" || p.Source.Cursor.Start.Value != "2026-01-01" {
		t.Fatalf("%+v", p)
	}
	f := p.Source.Fields.Entries
	if len(f) != 2 || f[0].Key.Value != "rent" || f[0].Value.Type != "decimal" || f[1].Value.Pattern != "DD/MM/YYYY" {
		t.Fatalf("%+v", f)
	}
	if len(p.Transforms) != 6 || p.Transforms[1].Value.(*testLookup).By[0] != "tenant" || p.Transforms[1].Value.(*testLookup).Many != "quarantine" {
		t.Fatalf("%+v", p.Transforms)
	}
	set := p.Transforms[3].Value.(*Map[Expr])
	if set.Entries[2].Value.Value != `"Rent " + format_date(period, "YYYY-MM")` {
		t.Fatalf("%q", set.Entries[2].Value.Value)
	}
	if p.Gate[1].Value.(*testRecords).Max != 1000 || p.Gate[2].Extras.Otherwise != "warn" || p.Gate[1].Name != "records" {
		t.Fatalf("%+v", p.Gate)
	}
	if p.Sink.Connection != "quickbooks" || p.Limits.Memory != 64<<20 || p.Limits.Share.Fraction().String() != "0.01" {
		t.Fatalf("%+v %+v", p.Sink, p.Limits)
	}
}

func BenchmarkParseAndDecode(b *testing.B) {
	raw := []byte(samplePipeline)
	d := &Decoder{}
	b.ReportAllocs()
	for b.Loop() {
		r := new(Report)
		d.Report = r
		for _, doc := range Parse("p.yaml", raw, r) {
			d.Decode(doc.Root, new(testPipeline))
		}
		if r.Errors() > 0 {
			b.Fatal(r.Err())
		}
	}
}

func BenchmarkParseOnly(b *testing.B) {
	raw := []byte(samplePipeline)
	b.ReportAllocs()
	for b.Loop() {
		Parse("p.yaml", raw, new(Report))
	}
}
