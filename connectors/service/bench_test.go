package service

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"testing"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/rows"
	"github.com/tieout/tieout/schemas/record"
)

// invoices writes one page of invoices of three lines each.
func invoices(from, n int) []byte {
	b := []byte(`{"data":[`)
	for i := from; i < from+n; i++ {
		if i > from {
			b = append(b, ',')
		}
		b = fmt.Appendf(b, `{"id":"inv_%d","number":"INV-%d","status":"open","customer":{"id":"cus_%d","name":"Customer %d"},"currency":"USD","issued_on":"2026-01-%02d","due_on":"2026-02-%02d","updated_at":"2026-01-%02dT00:00:00Z","memo":null,"lines":[`,
			i, 1000000+i, i%20000, i%20000, 1+i%28, 1+i%28, 1+i%28)
		for l := range 3 {
			if l > 0 {
				b = append(b, ',')
			}
			b = fmt.Appendf(b, `{"line_no":%d,"account":"40%d0","description":"CAM recharge \"actual\"","quantity":%d,"unit_price":"%d.%02d","tax_rate":"0.0825"}`,
				l+1, l, 1+i%9, 5+i%4000, (i+l)%100)
		}
		b = append(b, "]}"...)
	}
	return fmt.Appendf(b, `],"has_more":true,"next_cursor":"%d"}`, from+n)
}

// wantedInvoice are the fields a pipeline would use, lines among them.
func wantedInvoice() connectors.Read {
	field := func(name string, kind record.Kind, inside ...connectors.FieldSpec) connectors.FieldSpec {
		return connectors.FieldSpec{Name: name, Kind: kind, Scale: record.NoScale, Fields: inside}
	}
	lines := field("lines", record.List, field("line_no", record.Integer), field("account", record.Text),
		field("quantity", record.Decimal), field("unit_price", record.Decimal), field("tax_rate", record.Decimal))
	return connectors.Read{Stream: "invoices", Wanted: []string{"id", "number", "currency", "issued_on", "due_on", "lines"},
		Fields: []connectors.FieldSpec{field("id", record.Text), field("number", record.Text), field("currency", record.Text),
			field("issued_on", record.Date), field("due_on", record.Date), lines}}
}

// BenchmarkDecode is one page of 1,000 invoices with 3 lines each, cut out and
// turned into a batch, on one processor.
func BenchmarkDecode(b *testing.B) {
	page := invoices(0, 1000)
	b.Run("rows", func(b *testing.B) {
		cutter := rows.NewCutter(bytes.NewReader(page), rows.Cut{Path: []string{"data"}, Keep: []string{"next_cursor"}, Limits: connectors.DefaultLimits()})
		first, err := cutter.Next()
		if err != nil {
			b.Fatal(err)
		}
		plan, err := rows.NewPlan(wantedInvoice(), [][]byte{bytes.Clone(first.Raw)}, connectors.DefaultLimits())
		if err != nil {
			b.Fatal(err)
		}
		fill := rows.NewFiller(plan, place)
		var batch record.Batch
		b.SetBytes(int64(len(page)))
		b.ReportAllocs()
		for b.Loop() {
			cutter.Reset(bytes.NewReader(page))
			batch.Reset(plan.Shape(), record.BatchRows)
			n := 0
			for it, err := cutter.Next(); !errors.Is(err, io.EOF); it, err = cutter.Next() {
				if err != nil {
					b.Fatal(err)
				}
				if err := fill.Row(&batch, n, it); err != nil {
					b.Fatal(err)
				}
				n++
			}
			if n != 1000 || len(batch.Held) > 0 {
				b.Fatalf("%d rows, held %v", n, batch.Held)
			}
		}
	})
	b.Run("cut only", func(b *testing.B) {
		cutter := rows.NewCutter(bytes.NewReader(page), rows.Cut{Path: []string{"data"}, Limits: connectors.DefaultLimits()})
		b.SetBytes(int64(len(page)))
		for b.Loop() {
			cutter.Reset(bytes.NewReader(page))
			for _, err := cutter.Next(); !errors.Is(err, io.EOF); _, err = cutter.Next() {
				if err != nil {
					b.Fatal(err)
				}
			}
		}
	})
	b.Run("encoding json structs", func(b *testing.B) {
		type line struct {
			LineNo    json.Number `json:"line_no"`
			Account   string      `json:"account"`
			Quantity  json.Number `json:"quantity"`
			UnitPrice string      `json:"unit_price"`
			TaxRate   string      `json:"tax_rate"`
		}
		var into struct {
			Next string `json:"next_cursor"`
			Data []struct {
				ID       string `json:"id"`
				Number   string `json:"number"`
				Currency string `json:"currency"`
				IssuedOn string `json:"issued_on"`
				DueOn    string `json:"due_on"`
				Lines    []line `json:"lines"`
			} `json:"data"`
		}
		b.SetBytes(int64(len(page)))
		b.ReportAllocs()
		for b.Loop() {
			into.Data = into.Data[:0]
			if err := json.NewDecoder(bytes.NewReader(page)).Decode(&into); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkRead is 50 pages over loopback, with and without a spool; the
// server is in the same process.
func BenchmarkRead(b *testing.B) {
	const n = 50
	made := make([][]byte, n)
	for i := range made {
		made[i] = invoices(i*1000, 1000)
	}
	s := serve(b, func(w http.ResponseWriter, r *http.Request) {
		at, _ := strconv.Atoi(r.URL.Query().Get("cursor"))
		if at /= 1000; at < n {
			_, _ = w.Write(made[at])
			return
		}
		fmt.Fprint(w, `{"data":[],"next_cursor":null}`)
	})
	for name, dir := range map[string]string{"live": "", "spooled": b.TempDir()} {
		b.Run(name, func(b *testing.B) {
			src := s.source(b, "base_url: URL\nstreams: {invoices: {request: {path: /v1/invoices, query: {cursor: =page.token}}, records: data, page: {by: token, next: next_cursor}}}", dir)
			b.SetBytes(int64(len(made[0]) * n))
			b.ReportAllocs()
			for b.Loop() {
				r, err := src.Open(context.Background(), wantedInvoice())
				if err != nil {
					b.Fatal(err)
				}
				var batch record.Batch
				total := 0
				for err = r.Next(context.Background(), &batch); err == nil; err = r.Next(context.Background(), &batch) {
					total += batch.Rows
				}
				if r.Close(); total != n*1000 || !errors.Is(err, io.EOF) {
					b.Fatalf("%d rows, %v", total, err)
				}
			}
		})
	}
}
