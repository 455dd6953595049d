package service

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/web"
	"github.com/tieout/tieout/schemas/record"
)

const xmlYAML = "base_url: URL\nauth: {kind: bearer, token: \"${secret:SECRET}\"}\nstreams: {items: {request: {path: /items}, format: xml, records: rows.row}}"

// xmlOf answers with a text of a media type.
func typed(kind, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		_, _ = io.WriteString(w, body)
	}
}

func TestXMLRecords(t *testing.T) {
	const ledger = `<?xml version="1.0"?><Ledger xmlns="urn:a" xmlns:m="urn:m"><Property><PropertyID>p1</PropertyID>
<Customer><CustomerID>t1</CustomerID><List><Entry><Charge><Detail><m:Id>1</m:Id></Detail></Charge></Entry><Entry><Payment><Detail><Id>2</Id></Detail></Payment></Entry></List></Customer>
<Customer><List><Entry><Charge><Detail><Id>3</Id></Detail></Charge></Entry></List><CustomerID>t2</CustomerID></Customer></Property>
<Property><Customer><CustomerID/><List><Entry><Charge><Detail/></Charge></Entry></List></Customer><PropertyID a="b">p2</PropertyID></Property></Ledger>`
	tests := map[string]struct {
		stream, kind, body string
		rows               []string
	}{
		"by its type": {`{request: {path: /x}, records: rows.row}`, "application/xml", `<rows><row><id>1</id></row><row><id>2</id></row></rows>`, []string{`{"id":"1"}`, `{"id":"2"}`}},
		"the root left out, slashes": {`{request: {path: /x}, records: Invoices/Invoice}`, "application/vnd.x+xml; charset=utf-8", `<R><Invoices><Invoice No="7"><Total>1.50</Total></Invoice></Invoices></R>`,
			[]string{`{"@No":"7","Total":"1.50"}`}},
		"none":                  {`{request: {path: /x}, records: Invoices/Invoice}`, "text/xml", `<R><Invoices/></R>`, nil},
		"none, one name":        {`{request: {path: /x}, records: Invoice}`, "text/xml", `<Invoices/>`, nil},
		"told by the request":   {`{request: {path: /x, headers: {Accept: text/xml}}, records: r.a}`, "", `<r><a><id>1</id></a></r>`, []string{`{"id":"1"}`}},
		"told by its beginning": {`{request: {path: /x}, records: r.a}`, "text/plain", "\ufeff<?xml version='1.0'?><r><a><id>1</id></a></r>", []string{`{"id":"1"}`}},
		"no path":               {`{request: {path: /x}, format: xml}`, "", `<r><id>1</id></r>`, []string{`{"id":"1"}`}},
		"another encoding":      {`{request: {path: /x}, format: xml, records: r.a}`, "", "<?xml version='1.0' encoding='ISO-8859-1'?><r><a><n>Zo\xeb</n></a></r>", []string{`{"n":"Zoë"}`}},
		"carried from around": {`{request: {path: /x}, records: Property/Customer/List/Entry/*/Detail, carry: {kind: ..name, customer: ../../../../CustomerID, property: ../../../../../PropertyID}}`, "text/xml", ledger,
			[]string{`{"kind":"Charge","customer":"t1","property":"p1","Id":"1"}`, `{"kind":"Payment","customer":"t1","property":"p1","Id":"2"}`,
				`{"kind":"Charge","customer":"t2","property":"p1","Id":"3"}`, `{"kind":"Charge","customer":null,"property":"p2"}`}},
		"carried attributes and names": {`{request: {path: /x}, records: a/b/c, carry: {own: .name, up: ../@n, far: ../../@n}}`, "text/xml", `<a n="1"><b n="2"><c><id>1</id></c></b></a>`,
			[]string{`{"own":"c","up":"2","far":"1","id":"1"}`}},
		"a document inside": {`{request: {path: /x}, format: xml, inside: Result, records: rows.row}`, "", `<Response><Other/><Result>&lt;?xml version="1.0" encoding="utf-16"?&gt;&lt;rows&gt;&lt;row&gt;&lt;id&gt;1&lt;/id&gt;&lt;n&gt;a &amp;amp; b&lt;/n&gt;&lt;/row&gt;&lt;/rows&gt;</Result><More/></Response>`,
			[]string{`{"id":"1","n":"a & b"}`}},
		"a document inside, as CDATA":       {`{request: {path: /x}, format: xml, inside: Response/Result, records: row}`, "", "<Response><Result>\n<![CDATA[<rows><row><id>1</id></row></rows>]]> </Result></Response>", []string{`{"id":"1"}`}},
		"JSON inside":                       {`{request: {path: /x}, format: xml, inside: string, records: data}`, "", `<string xmlns="urn:x">{"data":[{"id":"1"}]}</string>`, []string{`{"id":"1"}`}},
		"nothing inside":                    {`{request: {path: /x}, format: xml, inside: Result, records: row}`, "", `<Response><Result> </Result></Response>`, nil},
		"JSON, carried":                     {`{request: {path: /x}, records: customers.bills.lines, carry: {no: ../no, name: ../../name, of: ..name, since: ../../../since}}`, "application/json", `{"customers":[{"bills":[{"no":7,"lines":[{"id":"1"},{}]},{"lines":[{"id":"2"}],"no":8}],"name":"A"}],"since":"x"}`, []string{`{"no":"7","name":"A","of":"bills","since":"x","id":"1"}`, `{"no":"7","name":"A","of":"bills","since":"x"}`, `{"no":"8","name":"A","of":"bills","since":"x","id":"2"}`}},
		"JSON, carried under several names": {`{request: {path: /x}, records: data.*, carry: {kind: .name}}`, "application/json", `{"data":{"bills":[{"id":"1"}],"checks":[{"id":"2"}]}}`, []string{`{"kind":"bills","id":"1"}`, `{"kind":"checks","id":"2"}`}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := serve(t, typed(test.kind, test.body))
			out, err := readStream(s.source(t, "base_url: URL\nstreams: {items: "+test.stream+"}", t.TempDir()), connectors.Read{})
			if err != nil || len(out.held) > 0 {
				t.Fatalf("%v, held %v", err, out.held)
			}
			if diff := cmp.Diff(test.rows, out.rows); diff != "" {
				t.Errorf("records (-want +got):\n%s", diff)
			}
		})
	}
}

// Pages of XML follow one another by what their replies say.
func TestXMLPages(t *testing.T) {
	page := func(w http.ResponseWriter, r *http.Request) {
		at := r.URL.Query().Get("at")
		next := map[string]string{"": "b", "b": "c"}[at]
		more := map[bool]string{true: "yes", false: "no"}[next != ""]
		w.Header().Set("Content-Type", "application/xml")
		fmt.Fprintf(w, `<R><Head><Next v="%s">%s</Next><Left>%d</Left></Head><Rows more="%s"><Row><id>%s1</id></Row></Rows></R>`, next, next, 2-len(at), more, at)
	}
	for name, paging := range map[string]string{
		"token":          `{by: token, next: Head.Next}`,
		"with the root":  `{by: token, next: R.Head.Next}`,
		"an attribute":   `{by: token, next: 'Head.Next.@v'}`,
		"an expression":  `{by: token, next: '=reply.body.Head.Next', until: '=reply.body.Rows["@more"] == "no"'}`,
		"a number in it": `{by: token, next: Head.Next, until: '=reply.body.Head.Next == nil or parse_integer(reply.body.Head.Left) < 0'}`,
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, page)
			out, err := readStream(s.source(t, "base_url: URL\nstreams: {items: {request: {path: /x, query: {at: =page.token}}, records: Rows/Row, page: "+paging+"}}", t.TempDir()), connectors.Read{})
			if err != nil || strings.Join(out.rows, " ") != `{"id":"1"} {"id":"b1"} {"id":"c1"}` {
				t.Errorf("%v, %v", out.rows, err)
			}
		})
	}
}

// A page of XML that is cut off anywhere is an error and never a shorter list.
func TestTruncatedXML(t *testing.T) {
	whole := []byte(`<?xml version="1.0"?><!-- c --><rows xmlns:a="urn:a"><meta n="1">x</meta>`)
	for i := 0; len(whole) < 2000; i++ {
		whole = fmt.Appendf(whole, `<a:row no="%d"><id>%d</id><note>Zoë &amp; &#233; <![CDATA[<x>]]></note><sub><a/><b> </b></sub></a:row>`, i, i)
	}
	whole = append(whole, "</rows>\n"...)
	at := 0
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(whole[:at]) })
	src := s.source(t, xmlYAML, t.TempDir())
	for at = range len(whole) - 1 {
		out, err := readStream(src, connectors.Read{})
		wantNothing(t, out, err, connectors.ErrEnvironment, "not sound XML", "")
		if t.Failed() {
			t.Fatalf("after %d bytes", at)
		}
	}
	at = len(whole)
	if out, err := readStream(src, connectors.Read{}); err != nil || len(out.rows) < 10 {
		t.Errorf("the whole page: %d rows, %v", len(out.rows), err)
	}
}

func TestRepliesThatAreNoXMLPage(t *testing.T) {
	tests := map[string]struct {
		kind, body string
		is         error
		words      string
	}{
		"a login page":            {"text/html", "<html>" + canary, connectors.ErrEnvironment, "a web page instead of XML"},
		"a login page called XML": {"text/xml", " <!DOCTYPE html><html>" + canary, connectors.ErrEnvironment, "a web page instead of XML"},
		"entities that grow":      {"text/xml", `<!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><rows><row>&b;</row></rows>`, connectors.ErrEnvironment, "document type"},
		"an entity of a file":     {"text/xml", `<!DOCTYPE r SYSTEM "file:///etc/passwd"><rows/>`, connectors.ErrEnvironment, "document type"},
		"an entity nobody knows":  {"text/xml", `<rows><row>&nbsp;</row></rows>`, connectors.ErrEnvironment, "not sound XML"},
		"JSON":                    {"application/json", `{"rows":[]}`, connectors.ErrEnvironment, "not sound XML"},
		"nothing":                 {"text/xml", "", connectors.ErrEnvironment, "not sound XML"},
		"two roots":               {"text/xml", "<rows/><rows/>", connectors.ErrEnvironment, "not sound XML"},
		"another document":        {"text/xml", "<error><text>no</text></error>", connectors.ErrData, `no element "rows"`},
		"1,000 deep":              {"text/xml", strings.Repeat("<a>", 1000) + strings.Repeat("</a>", 1000), connectors.ErrEnvironment, "more than 512 elements within one another"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s, dir := serve(t, typed(test.kind, test.body)), t.TempDir()
			out, err := readStream(s.source(t, xmlYAML, dir), connectors.Read{})
			wantNothing(t, out, err, test.is, test.words, dir)
		})
	}
}

// A record of XML that is too long or too deep is held, and those around it
// are read.
func TestHostileXMLRecords(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `<rows><row><n>7</n></row><row><n>7</n><x>`)
		for range 30 {
			_, _ = w.Write(bytes.Repeat([]byte("y"), 1<<20))
		}
		_, _ = io.WriteString(w, `</x></row><row><n>7</n>`+strings.Repeat(`<a>`, 400)+strings.Repeat("</a>", 400)+`</row><row><n>many</n></row><row><n>8</n></row></rows>`)
	})
	for _, dir := range []string{"", t.TempDir()} {
		out, err := readStream(s.source(t, xmlYAML, dir), connectors.Read{Wanted: []string{"n"},
			Fields: []connectors.FieldSpec{{Name: "n", Kind: record.Integer, Scale: record.NoScale}}})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{`{"n":7}`, `{"n":8}`}, out.rows); diff != "" {
			t.Errorf("records (-want +got):\n%s", diff)
		}
		var codes []string
		for _, h := range out.held {
			codes = append(codes, fmt.Sprintf("%d %s", h.Row, h.Code))
		}
		if diff := cmp.Diff([]string{"1 source.too_long", "2 source.bad_value", "3 source.bad_value"}, codes); diff != "" {
			t.Errorf("held (-want +got):\n%s", diff)
		}
	}
}

func TestXMLBounds(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "<rows>")
		for part := bytes.Repeat([]byte("<x/>"), 1<<14); r.Context().Err() == nil; {
			_, _ = w.Write(part)
		}
	})
	out, err := readStream(s.source(t, "max_page: 20MiB\n"+xmlYAML, t.TempDir()), connectors.Read{})
	wantNothing(t, out, err, web.ErrTooLarge, "", "")
}
