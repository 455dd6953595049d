package service

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/record"
)

// Every mistake in the settings is found with its place, before anything is
// sent.
func TestWrongSettings(t *testing.T) {
	const head = "base_url: https://a.example.com/v1\n"
	stream := func(s string) string { return head + "streams: {items: {" + s + "}}" }
	page := func(s string) string { return stream("request: {path: /x}, page: {" + s + "}") }
	tests := map[string][]string{
		head + "streams: {items: {request: {path: /x}}}": nil,
		"streams: {}": {`tieout.yaml:1:1 yaml.missing_key the streams document needs the key "base_url"`},
		"base_url: http://a.example.com\nstreams: {}":                          {"tieout.yaml:1:11 net.refused"},
		"base_url: https://a.example.com/?key=x\nstreams: {}":                  {"tieout.yaml:1:11 net.refused the address holds more than host and path"},
		head + "origins: ftp://x\nstreams: {}":                                 {"tieout.yaml:2:10 net.refused"},
		head + "auth: {kind: key, value: \"${secret:SECRET}\"}\nstreams: {}":   {"tieout.yaml:2:7 yaml.missing_key auth of kind key needs one of"},
		head + "auth: {kind: basic, token: \"${secret:SECRET}\"}\nstreams: {}": {`tieout.yaml:2:7 yaml.missing_key auth of kind basic needs the key "user"`, `tieout.yaml:2:21 yaml.misplaced_key "token" does not belong`},
		head + "auth: {kind: kerberos}\nstreams: {}":                           {`tieout.yaml:2:14 yaml.bad_choice`},
		head + "limits: {requests: 5}\nstreams: {}":                            {`tieout.yaml:2:9 yaml.missing_key "requests" and "per" belong together`},
		head + "limits: {remaining: X}\nstreams: {}":                           {"tieout.yaml:2:9 yaml.missing_key the limit limits nothing"},
		head + "limits: {concurrent: 0}\nstreams: {}":                          {"tieout.yaml:2:22 yaml.wrong_type", "tieout.yaml:2:9 yaml.missing_key"},
		head + "replies: {status: 4x, is: stop}\nstreams: {}":                  {`tieout.yaml:2:19 yaml.wrong_type "4x" is no status`},
		head + "replies: {status: 429, is: slow}\nstreams: {}":                 {"tieout.yaml:2:28 yaml.bad_choice"},
		head + "headers: {A: [x]}\nstreams: {}":                                {`tieout.yaml:2:14 yaml.wrong_shape "A" takes a single value`},
		stream("request: {path: /x, query: {a: =page.numbr}}"):                 {`tieout.yaml:2:51 expr.unknown_field`},
		stream("request: {path: /x, query: {a: =page.number +}}"):              {`tieout.yaml:2:63 expr.syntax`},
		stream("request: {path: /x, query: {a: [{b: c}]}}"):                    {`tieout.yaml:2:51 yaml.wrong_shape an item of "a" takes a single value`},
		stream("request: {path: '/x/{config.a/y'}"):                            {"yaml.unclosed_bracket"},
		stream("request: {path: '/x/{nothing}'}"):                              {"tieout.yaml:2:40 expr.unknown_field"},
		stream("request: {path: /x, method: PUT}"):                             {"yaml.bad_choice"},
		stream("request: {path: /x}, fields: {a: money}"):                      {`source.unknown_type there is no type "money"`},
		stream("request: {path: /x}, fields: {a: {type: text, scale: 2}}"):     {`yaml.misplaced_key "scale" belongs to a decimal, and this is text`},
		stream("request: {path: /x}, fields: {a: {type: date, pattern: QQ}}"):  {"yaml.wrong_type"},
		stream("request: {path: /x}, cursor: {send: {from: a}}"):               {`yaml.missing_key "cursor" needs the key "field"`},
		stream("request: {path: /x}, pages: {by: number}"):                     {"yaml.unknown_key"},
		page("size: 5"):                                     {`yaml.missing_key "page" needs the key "by"`},
		page("by: token"):                                   {`yaml.missing_key pages by token need the key "next"`},
		page("by: number, next: x"):                         {`yaml.misplaced_key "next" means nothing where pages go by number`},
		page("by: url, next: x, first: 1"):                  {`yaml.misplaced_key "first"`},
		page("by: token, next: [x]"):                        {"yaml.wrong_shape next is a path"},
		page("by: token, next: .x"):                         {"yaml.wrong_shape next is a path"},
		page("by: number, until: page.number > 1"):          {`yaml.wrong_type "until" is an expression`},
		page("by: number, until: =page.number > 'x'"):       {"expr.type"},
		page("by: number, max: 0"):                          {"yaml.wrong_type max is a number from 1"},
		head + "headers: {A: '=\"${env:X}\"'}\nstreams: {}": {"yaml.reference_not_allowed"},
	}
	for yaml, want := range tests {
		_, found := decode(t, yaml)
		var got []string
		for _, d := range found {
			got = append(got, d.String())
			if !d.Known() {
				t.Errorf("%s\nhas no place: %s", yaml, d)
			}
		}
		missing := len(got) != len(want)
		for _, words := range want {
			missing = missing || !strings.Contains(strings.Join(got, "\n"), words)
		}
		if missing {
			t.Errorf("%s\n%s\nwant %s", yaml, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}

// What a request is made of, values escaped, secrets where they belong and
// what has no value left out.
func TestRequest(t *testing.T) {
	const yaml = `base_url: URL/v1/
auth: {kind: key, query: api key, value: "${secret:SECRET}"}
config: {company: "a/b ?", secret: "${secret:SECRET}"}
headers: {X-All: one, X-None: =cursor.from}
query: {all: "0123", n: 007}
streams:
  items:
    request:
      path: /co/{config.company}/x
      query: {of: [open, =config.company, =page.token], number: =1.50 + 2, from: '=cursor.from ?? "start"'}
      headers: { X-Secret: '="k " + config.secret', Accept-Encoding: br }
    records: data
`
	want := map[string]string{
		"path":  "/v1/co/a%2Fb%20%3F/x",
		"query": "all=0123&api+key=c4n%224+ry%25%2B&from=start&n=007&number=3.50&of=open&of=a%2Fb+%3F",
		"X-All": "one", "X-None": "", "X-Secret": "k " + canary, "Accept": "application/json", "Accept-Encoding": "gzip"}
	s := serve(t, nil)
	s.Config.Handler = noted(func(r *noteRequest) {
		got := map[string]string{"path": r.path, "query": r.query}
		for name := range want {
			if name != "path" && name != "query" {
				got[name] = r.header.Get(name)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("request (-want +got):\n%s", diff)
		}
	})
	if _, err := readStream(s.source(t, yaml, ""), connectors.Read{}); err != nil {
		t.Fatal(err)
	}
}

func TestPathRefusesOddValues(t *testing.T) {
	for _, value := range []string{"..", ".", `""`} {
		s := serve(t, nil)
		_, err := readStream(s.source(t, fmt.Sprintf("base_url: URL\nconfig: {a: %s}\nstreams: {items: {request: {path: '/x/{config.a}/y'}}}", value), ""), connectors.Read{})
		if err == nil || !strings.Contains(err.Error(), "{config.a} in the path") || len(s.asked) > 0 {
			t.Errorf("%s: %v, asked %v", value, err, s.asked)
		}
	}
}

func TestCursorIsSent(t *testing.T) {
	field := func(name string, kind record.Kind, columns ...string) connectors.FieldSpec {
		return connectors.FieldSpec{Name: name, Kind: kind, Scale: record.NoScale, Columns: columns, Optional: true}
	}
	for name, test := range map[string]struct {
		cursor string
		spec   connectors.FieldSpec
		read   connectors.Cursor
		want   string
	}{
		"timestamps, widened":    {"{field: at, send: {from: since, to: till}, granularity: 1m, lookback: 2h}", field("at", record.Timestamp), connectors.Cursor{Field: "at", From: "2026-01-31T10:00:30Z", To: "2026-01-31T12:00:30Z"}, "since=2026-01-31T10%3A00%3A00Z&till=2026-01-31T12%3A01%3A00Z"},
		"under another name":     {"{field: at, send: {from: since}}", field("changed", record.Timestamp, "at"), connectors.Cursor{Field: "changed", From: "2026-01-31T10:00:30.25Z"}, "since=2026-01-31T10%3A00%3A30.25Z"},
		"a date":                 {"{field: at, send: {from: since}, lookback: 2h}", field("at", record.Date), connectors.Cursor{Field: "at", From: "2026-03-01"}, "since=2026-03-01"},
		"a day of timestamps":    {"{field: at, send: {from: since, to: till}}", field("at", record.Timestamp), connectors.Cursor{Field: "at", From: "2026-03-01", To: "2026-03-01"}, "since=2026-03-01T00%3A00%3A00Z&till=2026-03-02T00%3A00%3A00Z"},
		"to a date":              {"{field: at, send: {from: since, to: till}}", field("at", record.Date), connectors.Cursor{Field: "at", From: "2026-03-01", To: "2026-03-31"}, "since=2026-03-01&till=2026-04-01"},
		"to an instant":          {"{field: at, send: {from: since, to: till}}", field("at", record.Timestamp), connectors.Cursor{Field: "at", From: "2026-03-01", To: "2026-03-01T12:00:00Z"}, "since=2026-03-01T00%3A00%3A00Z&till=2026-03-01T12%3A00%3A01Z"},
		"before 1970":            {"{field: at, send: {from: since, to: till}}", field("at", record.Timestamp), connectors.Cursor{Field: "at", From: "1960-03-01", To: "1960-03-01T12:00:00.5Z"}, "since=1960-03-01T00%3A00%3A00Z&till=1960-03-01T12%3A00%3A01Z"},
		"to a number":            {"{field: at, send: {from: since, to: till}}", field("at", record.Integer), connectors.Cursor{Field: "at", From: "12", To: "20"}, "since=12&till=21"},
		"a number":               {"{field: at, send: {from: since}}", field("at", record.Integer), connectors.Cursor{Field: "at", From: "12"}, "since=12"},
		"text":                   {"{field: at, send: {from: since}}", field("at", record.Text), connectors.Cursor{Field: "at", From: "a b"}, "since=a+b"},
		"the first read":         {"{field: at, send: {from: since, to: till}}", field("at", record.Timestamp), connectors.Cursor{Field: "at"}, "till=2026-11-21T08%3A00%3A00Z"},
		"another field's cursor": {"{field: at, send: {from: since}}", field("due", record.Date), connectors.Cursor{Field: "due", From: "2026-03-01"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, nil)
			got := ""
			s.Config.Handler = noted(func(r *noteRequest) { got = r.query })
			src := s.source(t, "base_url: URL\nstreams: {items: {request: {path: /x}, records: data, cursor: "+test.cursor+"}}", "")
			if _, err := readStream(src, connectors.Read{Cursor: &test.read, Fields: []connectors.FieldSpec{test.spec}}); err != nil {
				t.Fatal(err)
			}
			if got != test.want {
				t.Errorf("query %q, want %q", got, test.want)
			}
		})
	}
}

func TestFieldsOfTheStream(t *testing.T) {
	s := serve(t, nil)
	s.Config.Handler = replying(`{"data":[{"id":1,"sum":"1250","who":{"name":"Zoë"},"when":"31/01/2026","n":null}]}`)
	const fields = "{sum: {type: decimal, minor_units: true}, when: {type: date, pattern: DD/MM/YYYY}, name: {type: text, column: who.name}, gone: {type: text, optional: true}}"
	src := s.source(t, "base_url: URL\nstreams: {items: {request: {path: /x}, records: data, key: id, fields: "+fields+"}}", "")
	out, err := readStream(src, connectors.Read{Fields: []connectors.FieldSpec{{Name: "total", Kind: record.Decimal, Scale: 2, MinorUnits: true, Columns: []string{"sum"}}}})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{`{"total":"12.50","when":"2026-01-31","name":"Zoë","id":"1","n":null}`}
	if diff := cmp.Diff(want, out.rows); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
	src = s.source(t, "base_url: URL\nstreams: {items: {request: {path: /x}, records: data, key: invoice}}", "")
	if _, err := readStream(src, connectors.Read{}); err == nil || !strings.Contains(err.Error(), `no column "invoice"`) {
		t.Errorf("a key that is not there: %v", err)
	}
	if _, err := readStream(src, connectors.Read{Cursor: &connectors.Cursor{Field: "when", Lag: 1}}); err == nil || !strings.Contains(err.Error(), "lookback") {
		t.Errorf("a lag: %v", err)
	}
	if _, err := readStream(src, connectors.Read{Stream: "itemz"}); err == nil || !strings.Contains(err.Error(), "items") {
		t.Errorf("a stream that is not there: %v", err)
	}
}
