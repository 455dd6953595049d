package service

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/sandbox/books"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
)

// What is written, in each of the encodings.
func TestBodiesOfDocuments(t *testing.T) {
	tests := map[string]struct{ body, kind, want string }{
		"json, amounts as text": {`body: { n: =record.number, t: =text(record.total), when: =record.date, k: =intent.key, gone: =link.id, none: null, l: { each: =record.lines, a: =text(line.amount), d: =line.text } }`,
			"application/json", `{"n":"R-1","t":"1234567890123456789012345678.90","when":"2026-03-01","k":"ABCDEFGHIJKLMNOPQRSTUVWXYZ","none":null,"l":[{"a":"1234567890123456789012345678.00","d":"Rent"},{"a":"0.90"}]}`},
		"json, a list as it is": {`body: { l: =record.lines, s: '=sum(record.lines, .amount)' }`, "application/json",
			`{"l":[{"account":"4000","text":"Rent","amount":"1234567890123456789012345678.00"},{"account":"4010","text":null,"amount":"0.90"}],"s":1234567890123456789012345678.90}`},
		"json, lists around lines": {`body: { Invoices: [{ Number: =record.number, LineItems: { each: =record.lines, UnitAmount: =line.amount } }] }`, "application/json",
			`{"Invoices":[{"Number":"R-1","LineItems":[{"UnitAmount":1234567890123456789012345678.00},{"UnitAmount":0.90}]}]}`},
		"xml": {"encode: xml\n        body: { Bill: { \"@no\": =record.number, Customer: =record.customer, Lines: { Line: { each: =record.lines, \"@acct\": =line.account, Amount: =line.amount, Text: =line.text } } } }", "application/xml; charset=utf-8",
			`<?xml version="1.0" encoding="UTF-8"?><Bill no="R-1"><Customer>c &quot;1&quot; &amp; &lt;co&gt;</Customer><Lines><Line acct="4000"><Amount>1234567890123456789012345678.00</Amount><Text>Rent</Text></Line><Line acct="4010"><Amount>0.90</Amount></Line></Lines></Bill>`},
		"form": {"encode: form\n        body: { number: =record.number, total: =record.total, customer: =record.customer }", "application/x-www-form-urlencoded",
			`customer=c+%221%22+%26+%3Cco%3E&number=R-1&total=1234567890123456789012345678.90`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var body, kind string
			s := serve(t, func(w http.ResponseWriter, r *http.Request) {
				raw, _ := io.ReadAll(r.Body)
				body, kind = string(raw), r.Header.Get("Content-Type")
				fmt.Fprint(w, `{"id":1}`)
			})
			o, err := s.outletOf(t, "base_url: URL\nstreams:\n  bills:\n    write:\n      accepts: { number: text, date: date, customer: text, total: decimal, lines: { type: list, fields: { account: text, text: text, amount: decimal } } }\n      create:\n        request: { path: /bills }\n        "+test.body+"\n        id: id\n")
			if err != nil {
				t.Fatal(err)
			}
			if got, err := deliver(t, o, billOf(connectors.Create)); err != nil || got.ID != "1" {
				t.Fatalf("%+v, %v", got, err)
			}
			if body != test.want || kind != test.kind {
				t.Errorf("it sent %s\n%s\nwant\n%s", kind, body, test.want)
			}
		})
	}
}

const xmlBills = `
base_url: URL/companies/acme
streams:
  bills:
    format: xml
    write:
      accepts: { number: text, date: date, customer: text, total: decimal, lines: { type: list, fields: { account: text, text: text, amount: decimal } } }
      idempotency: { in: header, name: Idempotency-Key }
      find: { request: { path: /bills, query: { number: =record.number } }, records: documents.bill, id: id, version: version }
      create:
        request: { path: /bills }
        encode: xml
        body: { bill: { number: =record.number, date: =record.date, customer: =record.customer, total: =record.total, lines: { line: { each: =record.lines, account: =line.account, amount: =line.amount } } } }
        id: bill.id
        version: bill.version
`

// A service of XML alone.
func TestDocumentsOfXML(t *testing.T) {
	b := books.New(newClock().now)
	s := serve(t, b.ServeHTTP)
	o, err := s.outletOf(t, xmlBills)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := deliver(t, o, billOf(connectors.Create)); err != nil || got.ID != "1001" || got.Version != "0" {
		t.Fatalf("%+v, %v", got, err)
	}
	if found, there, err := o.Find(context.Background(), billOf(connectors.Create)); err != nil || !there || found.ID != "1001" || found.Version != "0" {
		t.Errorf("found %+v, %v, %v", found, there, err)
	}
	if d := b.Documents()[0]; len(d.Lines) != 2 || d.Total.String() != "1234567890123456789012345678.90" {
		t.Errorf("the service has %+v", d)
	}
}

const soapBills = `
base_url: URL
namespace: urn:bills
replies: [{ status: 500, if: '=reply.text contains "s:Rule"', is: record }]
streams:
  bills:
    write:
      accepts: { number: text, date: date, customer: text, total: decimal, lines: { type: list, fields: { account: text, text: text, amount: decimal } } }
      create:
        request: { operation: AddBill, body: { Number: =record.number, Total: =record.total, Lines: { Line: { each: =record.lines, Amount: =line.amount } } } }
        id: AddBillResult.Id
`

func TestDocumentsOfSOAP(t *testing.T) {
	fault := func(code string) string {
		return `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault><faultcode>` + code + `</faultcode><faultstring>no such account</faultstring></s:Fault></s:Body></s:Envelope>`
	}
	tests := map[string]struct {
		status int
		reply  string
		want   connectors.Delivery
	}{
		"by a rule":       {500, fault("s:Rule"), connectors.Delivery{Outcome: connectors.Refused, Status: 500, Reason: "sink.refused: s:Rule: no such account (status 500 Internal Server Error of POST URL)"}},
		"taken":           {200, `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><AddBillResponse xmlns="urn:bills"><AddBillResult><Id>77</Id></AddBillResult></AddBillResponse></s:Body></s:Envelope>`, connectors.Delivery{Outcome: connectors.Confirmed, ID: "77", Status: 200}},
		"our fault":       {500, fault("s:Client"), connectors.Delivery{Outcome: connectors.Refused, Status: 500, Reason: "sink.refused: s:Client: no such account (status 500 Internal Server Error of POST URL)"}},
		"their fault":     {500, fault("s:Server"), connectors.Delivery{Outcome: connectors.Unknown, Status: 500, Reason: "status 500 s:Server: no such account (POST URL)"}},
		"a fault, in 200": {200, fault("Client"), connectors.Delivery{Outcome: connectors.Refused, Status: 200, Reason: "sink.refused: Client: no such account (status 200 OK of POST URL)"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var sent string
			s := serve(t, func(w http.ResponseWriter, r *http.Request) {
				raw, _ := io.ReadAll(r.Body)
				sent = string(raw)
				w.Header().Set("Content-Type", "text/xml")
				w.WriteHeader(test.status)
				_, _ = io.WriteString(w, test.reply)
			})
			var r document.Report
			c := new(SOAPConnection)
			d := document.Decoder{Report: &r}
			d.Decode(document.Parse("tieout.yaml", []byte(strings.ReplaceAll(soapBills, "URL", s.URL)), &r)[0].Root, c)
			if err := r.Err(); err != nil {
				t.Fatal(r.Diagnostics())
			}
			tg, err := newTarget(connectors.Env{Now: s.clock.now, Limits: connectors.DefaultLimits()}, c.settings(), newShelf(), s.clock.tools())
			if err != nil {
				t.Fatal(err)
			}
			o, err := tg.Open(context.Background(), connectors.Load{Stream: "bills", Shape: billShape(), Key: []string{"number"}})
			if err != nil {
				t.Fatal(err)
			}
			defer o.Close()
			got, err := deliver(t, o, billOf(connectors.Create))
			got.Reason = strings.ReplaceAll(got.Reason, s.URL, "URL")
			if err != nil || got != test.want {
				t.Errorf("%+v, %v; want %+v", got, err, test.want)
			}
			if !strings.Contains(sent, `<AddBill xmlns="urn:bills"><Number>R-1</Number><Total>1234567890123456789012345678.90</Total><Lines><Line><Amount>1234567890123456789012345678.00</Amount></Line><Line><Amount>0.90</Amount></Line></Lines></AddBill>`) {
				t.Errorf("it sent %s", sent)
			}
		})
	}
}

// Mistakes in a definition are shown where they are.
func TestWritingIsChecked(t *testing.T) {
	const head = "base_url: https://x.example\nstreams:\n  bills:\n    write:\n"
	create := "      create: { request: { path: /b }, body: { n: =record.n }, id: id }\n"
	tests := map[string]struct{ text, want string }{
		"nothing to do":            {head + "      find: { request: { path: /b }, id: id }\n", `5:7 yaml.missing_key documents can be neither made nor changed`},
		"neither read nor written": {"base_url: https://x.example\nstreams:\n  bills: { key: [id] }\n", `3:10 yaml.missing_key "request" is missing`},
		"no such key":              {head + create + "      idempotent: true\n", `6:7 yaml.unknown_key`},
		"no such function":         {head + "      create: { request: { path: /b }, body: { n: =uper(record.n) } }\n", `5:52 expr.unknown_function`},
		"a read's name":            {head + "      create: { request: { path: /b }, body: { n: =page.number } }\n", `5:52 expr.unknown_field "page" is not known here`},
		"a document's name":        {"base_url: https://x.example\nstreams:\n  bills: { request: { path: \"/b/{link.id}\" } }\n", `expr.unknown_field "link" is not known here`},
		"lines that are computed":  {head + "      create: { request: { path: /b }, body: { l: { each: '=filter(record.lines, .a > 0)', a: =line.a } } }\n", `yaml.wrong_shape each names a list of the record`},
		"a key that changes":       {head + create + "      idempotency: { in: header, name: K, value: =record.n }\n", `the key is not the same for the same document`},
		"a key that is too long":   {head + create + "      idempotency: { in: header, name: K, max: 20 }\n", `the key has 26 characters, and the service takes 20`},
		"a mark that is not put":   {head + create + "      find: { request: { path: /b }, id: id }\n      mark: { field: note }\n", `create puts no mark into the document`},
		"a mark without find":      {head + "      create: { request: { path: /b }, body: { n: =intent.mark } }\n      mark: { field: note }\n", `a mark means nothing where documents cannot be found`},
		"two bodies":               {head + "      create: { request: { path: /b, body: { a: 1 } }, body: { n: 1 } }\n", `the request has a body already`},
		"no body to encode":        {head + "      create: { request: { path: /b }, encode: form }\n", `there is no body to encode`},
		"a form of lists":          {head + "      create: { request: { path: /b }, encode: xml, body: { a: 1, b: 2 } }\n", `a document of XML has one element around all others`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, found := decode(t, test.text)
			if text := fmt.Sprint(found); !strings.Contains(text, test.want) {
				t.Errorf("%s\nwant %s", text, test.want)
			}
		})
	}
}

// Records that no document can be made of are found before one is read.
func TestRecordsThatDoNotFit(t *testing.T) {
	s := serve(t, typed("application/json", "{}"))
	open := func(write string, fields ...record.Field) error {
		c, found := decode(t, strings.ReplaceAll("base_url: URL\nstreams: { bills: { write: "+write+" } }\n", "URL", s.URL))
		if found.Errors() > 0 {
			t.Fatal(found)
		}
		tg, err := newTarget(connectors.Env{Now: s.clock.now, Limits: connectors.DefaultLimits()}, c, newShelf(), s.clock.tools())
		if err != nil {
			t.Fatal(err)
		}
		o, err := tg.Open(context.Background(), connectors.Load{Stream: "bills", Shape: record.MustShape(fields...), Key: []string{"id"}})
		if err == nil {
			o.Close()
		}
		return err
	}
	id, opaque := record.NewField("id", record.Text), record.NewField("lines", record.List)
	tests := map[string]struct {
		write string
		want  string
		more  []record.Field
	}{
		"all there":             {`{ create: { request: { path: /b }, body: { n: =record.id } } }`, "", nil},
		"the key may stay away": {`{ accepts: { total: decimal }, create: { request: { path: /b }, body: { n: =record.total } } }`, "", []record.Field{record.NewField("total", record.Integer)}},
		"lacking":               {`{ create: { request: { path: /b }, body: { n: '=record["unit no"]' } } }`, `need "unit no", and the records have "id"`, nil},
		"optional":              {`{ accepts: { id: text, memo: { type: text, optional: true } }, create: { request: { path: /b }, body: { n: =upper(record.memo) } } }`, "", nil},
		"left over":             {`{ create: { request: { path: /b }, body: { n: =record.id } } }`, `have no place for "memo"`, []record.Field{record.NewField("memo", record.Text)}},
		"of another type":       {`{ create: { request: { path: /b }, body: { n: '=record.memo + 1' } } }`, `expr.type`, []record.Field{record.NewField("memo", record.Text)}},
		"lines in one piece":    {`{ create: { request: { path: /b }, body: { l: { each: =record.lines, a: =line.a } } } }`, `"lines" is no list whose fields are known`, []record.Field{opaque}},
		"a line's field":        {`{ create: { request: { path: /b }, body: { l: { each: =record.lines, a: =line.b } } } }`, `there is no field "line.b"`, []record.Field{{Name: "lines", Kind: record.List, Scale: record.NoScale, Child: record.MustShape(record.NewField("a", record.Text))}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			err := open(test.write, append([]record.Field{id}, test.more...)...)
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("%v; want %q", err, test.want)
			}
		})
	}
}
