package service

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tieout/tieout/connectors"
)

// sent is what a server got.
type sent struct {
	method, body string
	header       http.Header
}

// posted reads a stream once and tells what was sent.
func posted(t *testing.T, yaml, reply string) (got []sent, out outcome) {
	t.Helper()
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = append(got, sent{r.Method, string(body), r.Header})
		_, _ = io.WriteString(w, reply)
	})
	out, err := readStream(s.source(t, yaml, ""), connectors.Read{})
	if err != nil {
		t.Fatal(err)
	}
	return got, out
}

// A tree is written as its encoding has it: in order, escaped, and without
// what has no value.
func TestBodies(t *testing.T) {
	tests := map[string]struct{ request, kind, body string }{
		"JSON":              {`body: {a: =config.odd, n: 007, x: 1.50, none: =page.token, list: [1, {b: null}], t: "1.50"}`, "application/json", `{"a":"<a & \"b\">","n":"007","x":1.50,"list":[1,{"b":null}],"t":"1.50"}`},
		"a form":            {`encode: form, body: {a: =config.odd, list: [1, two], none: =page.token}`, "application/x-www-form-urlencoded", `a=%3Ca+%26+%22b%22%3E&list=1&list=two`},
		"a text":            {`encode: text, body: '="select * from x where n = " + text(1 + 1)'`, "text/plain; charset=utf-8", `select * from x where n = 2`},
		"a plain text":      {`encode: text, body: a b`, "text/plain; charset=utf-8", `a b`},
		"XML":               {`encode: xml, body: {request: {'@v': 1.0, '@n': =config.odd, z: =config.odd, a: null, none: =page.token, row: [1, {'@id': 2, '#text': =config.odd}], 'ns:q': {b: true}}}`, "application/xml; charset=utf-8", `<?xml version="1.0" encoding="UTF-8"?><request v="1.0" n="&lt;a &amp; &quot;b&quot;&gt;"><z>&lt;a &amp; &quot;b&quot;&gt;</z><a/><row>1</row><row id="2">&lt;a &amp; &quot;b&quot;&gt;</row><ns:q><b>true</b></ns:q></request>`},
		"a type of its own": {`encode: xml, headers: {Content-Type: x-intacct-xml-request}, body: {request: =config.odd}`, "x-intacct-xml-request", `<?xml version="1.0" encoding="UTF-8"?><request>&lt;a &amp; &quot;b&quot;&gt;</request>`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, _ := posted(t, "base_url: URL\nconfig: {odd: '<a & \"b\">'}\nstreams: {items: {request: {path: /x, "+test.request+"}}}", `[]`)
			if len(got) != 1 || got[0].method != "POST" {
				t.Fatalf("sent %v", got)
			}
			if diff := cmp.Diff([]string{test.kind, test.body}, []string{got[0].header.Get("Content-Type"), got[0].body}); diff != "" {
				t.Errorf("body (-want +got):\n%s", diff)
			}
		})
	}
}

func TestXMLCannotHold(t *testing.T) {
	s := serve(t, nil)
	_, err := readStream(s.source(t, "base_url: URL\nconfig: {odd: \"a\\u0000b\"}\nstreams: {items: {request: {path: /x, encode: xml, body: {a: {b: =config.odd}}}}}", ""), connectors.Read{})
	if err == nil || !strings.Contains(err.Error(), `element "b": invalid configuration: the value holds the character U+0000`) && !strings.Contains(err.Error(), "U+0000") || len(s.asked) > 0 {
		t.Errorf("error %v, asked %v", err, s.asked)
	}
}

// Pages of GraphQL go on behind the cursor the reply holds.
func TestGraphQL(t *testing.T) {
	var bodies []string
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		bodies = append(bodies, string(body))
		page := len(bodies)
		fmt.Fprintf(w, `{"data":{"bills":{"edges":[{"node":{"id":"%d","vendor":{"name":"V"}}}],"pageInfo":{"hasNextPage":%v,"endCursor":"c%d"}}}}`, page, page < 3, page)
	})
	yaml := `base_url: URL
streams:
  items:
    request:
      path: /graphql
      body:
        query: |
          query ($after: String, $n: Int) { bills(first: $n, after: $after) { edges { node { id } } pageInfo { hasNextPage endCursor } } }
        variables: { n: =page.size, after: =page.token }
    records: data.bills.edges.node
    page: { by: token, size: 1, next: data.bills.pageInfo.endCursor, until: =not reply.body.data.bills.pageInfo.hasNextPage }
`
	out, err := readStream(s.source(t, yaml, t.TempDir()), connectors.Read{})
	if err != nil || strings.Join(out.rows, " ") != `{"id":"1","vendor":{"name":"V"}} {"id":"2","vendor":{"name":"V"}} {"id":"3","vendor":{"name":"V"}}` {
		t.Errorf("%v, %v", out.rows, err)
	}
	if len(bodies) != 3 || !strings.HasSuffix(bodies[0], `"variables":{"n":1}}`) || !strings.HasSuffix(bodies[2], `"variables":{"n":1,"after":"c2"}}`) || !strings.HasPrefix(bodies[0], `{"query":"query ($after: String, $n: Int) { bills`) {
		t.Errorf("bodies %q", bodies)
	}
}

func TestWrongBodies(t *testing.T) {
	for request, want := range map[string]string{
		"encode: form":                              `yaml.misplaced_key there is no body to encode`,
		"method: GET, body: {a: b}":                 `yaml.wrong_type a GET has no body`,
		"encode: form, body: x":                     `yaml.wrong_shape a form has names and values`,
		"encode: form, body: {a: {b: c}}":           `yaml.wrong_shape "a" takes a single value`,
		"encode: xml, body: {a: 1, b: 2}":           `yaml.wrong_shape a document of XML has one element`,
		"encode: xml, body: {a: [1]}":               `yaml.wrong_shape a document of XML has one element`,
		"encode: xml, body: {a b: 1}":               `yaml.wrong_shape "a b" is no name of an XML element`,
		"encode: xml, body: {'@a': 1}":              `yaml.wrong_shape "@a" is no name of an XML element`,
		"encode: xml, body: {a: {'@b': [1]}}":       `yaml.wrong_shape an attribute takes a single value`,
		"encode: xml, body: {a: [{b: 1}, {1c: 1}]}": `yaml.wrong_shape`,
		"encode: xml, body: {a: {c: [{1c: 1}]}}":    `yaml.wrong_shape "1c" is no name`,
		"encode: text, body: {a: b}":                `yaml.wrong_shape a body of text is a single value`,
		"encode: yaml, body: {a: b}":                `yaml.bad_choice`,
		"body: {a: =page.nmber}":                    `expr.unknown_field`,
		"}, carry: {a: b}, records: {":              `yaml.wrong_shape "b" leads to nothing around a record`,
		"}, carry: {a: ../../}, records: {":         `yaml.wrong_shape`,
		"}, carry: {a: ../b/../c}, records: {":      `yaml.wrong_shape "../b/../c" is no path`,
		"}, records: a..b, cursor: {":               `yaml.wrong_shape "a..b" is no path to records`,
		"}, format: csvx, cursor: {":                `yaml.bad_choice`,
	} {
		_, found := decode(t, "base_url: https://a.example.com/v1\nstreams: {items: {request: {path: /x, "+request+"}}}")
		var got []string
		for _, d := range found {
			got = append(got, d.String())
			if !d.Known() {
				t.Errorf("%s has no place: %s", request, d)
			}
		}
		if !strings.Contains(strings.Join(got, "\n"), want) {
			t.Errorf("%s: %v, want %s", request, got, want)
		}
	}
}
