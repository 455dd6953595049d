package service

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/record"
)

// Values are read as services write them, by types that have names.
func TestNamedTypes(t *testing.T) {
	const yaml = `base_url: URL
types:
  us_date: { as: date, pattern: MM/DD/YYYY }
  cents: { as: decimal, minor_units: true }
  net: { as: dotnet_timestamp }
streams:
  items:
    request: { path: /i }
    fields:
      us: us_date
      sum: cents
      at: net
      day: dotnet_date
      s: unix
      ms: { type: unix_ms, column: millis }
      h: http_date
      rate: percent_text
      lines: { type: list, fields: { d: us_date, p: percent_text } }
`
	s := serve(t, replying(`[{"us":"10/31/2026","sum":1234,"at":"\/Date(1539993600000+0000)\/","day":"/Date(-86400000)/","s":1539993600.25,"millis":"1539993600123","h":"Sat, 21 Nov 2026 08:00:00 GMT","rate":"8.25 %","lines":[{"d":"01/02/2026","p":"-100%"}]},
		{"us":null,"sum":0,"at":"/Date(0+0530)/","day":"","s":-1,"millis":0,"h":null,"rate":"","lines":[]},
		{"us":"31/10/2026"},{"at":"/Date(x)/"},{"at":"1539993600000"},{"s":"99999999999999999999"},{"h":"yesterday"},{"rate":"8.25"}]`).ServeHTTP)
	out, err := readStream(s.source(t, yaml, t.TempDir()), connectors.Read{})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		`{"us":"2026-10-31","sum":"12.34","at":"2018-10-20T00:00:00Z","day":"1969-12-31","s":"2018-10-20T00:00:00.25Z","ms":"2018-10-20T00:00:00.123Z","h":"2026-11-21T08:00:00Z","rate":"0.0825","lines":[{"d":"2026-01-02","p":"-1"}]}`,
		`{"us":null,"sum":"0.00","at":"1970-01-01T00:00:00Z","day":null,"s":"1969-12-31T23:59:59Z","ms":"1970-01-01T00:00:00Z","h":null,"rate":null,"lines":[]}`,
	}
	if diff := cmp.Diff(want, out.rows); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
	if len(out.held) != 6 || !strings.Contains(out.held[1].Message, `"/Date(x)/" is no timestamp written as dotnet`) {
		t.Errorf("held %v", out.held)
	}
}

func TestWrongTypes(t *testing.T) {
	for types, want := range map[string]string{
		`{a: {pattern: YYYY}}`:               `yaml.missing_key`,
		`{a: {as: dat}}`:                     `source.unknown_type there is no type "dat"`,
		`{a: {as: list}}`:                    `yaml.wrong_type a named type is a single value, not list`,
		`{date: {as: text}}`:                 `yaml.wrong_type "date" is the name of a type already`,
		`{unix: {as: text}}`:                 `yaml.wrong_type "unix" is the name of a type already`,
		`{a: {as: date, pattern: QQ}}`:       `yaml.wrong_type`,
		`{a: {as: integer, pattern: unix}}`:  `yaml.wrong_type integer is not written as unix`,
		`{a: {as: date, pattern: percent}}`:  `yaml.wrong_type date is not written as percent`,
		`{a: {as: text, minor_units: true}}`: `yaml.misplaced_key`,
		`{b: {as: text}}`:                    `source.unknown_type there is no type "a"`,
		`{a: {as: b}, b: {as: date}}`:        `source.unknown_type there is no type "b"`,
	} {
		_, found := decode(t, "base_url: https://a.example.com\ntypes: "+types+"\nstreams: {items: {request: {path: /i}, fields: {x: a}}}")
		if text := fmt.Sprint(found); !strings.Contains(text, want) {
			t.Errorf("%s: %s, want %s", types, text, want)
		}
	}
}

// Bounds are written as the service wants them, and left out where there are
// none yet.
func TestBoundsInExpressions(t *testing.T) {
	const yaml = `base_url: URL
streams:
  items:
    request:
      path: /i
      query: { since: '=format_date(cursor.from, "MM/DD/YYYY HH:mm:ss")', q: '="select * where at > " + quote(format_date(cursor.from, "YYYY-MM-DD"))' }
      headers: { If-Modified-Since: =http_date(cursor.from) }
    records: data
    cursor: { field: at }
    fields: { at: { type: timestamp, optional: true } }
`
	for _, test := range []struct {
		cursor *connectors.Cursor
		want   string
	}{
		{&connectors.Cursor{Field: "at", From: "2026-10-31T17:30:15.5Z"}, `q=select+%2A+where+at+%3E+%272026-10-31%27&since=10%2F31%2F2026+17%3A30%3A15 Sat, 31 Oct 2026 17:30:15 GMT`},
		{&connectors.Cursor{Field: "at"}, " "},
		{nil, " "},
	} {
		s := serve(t, nil)
		got := ""
		s.Config.Handler = noted(func(r *noteRequest) { got = r.query + " " + r.header.Get("If-Modified-Since") })
		if _, err := readStream(s.source(t, yaml, ""), connectors.Read{Cursor: test.cursor, Fields: []connectors.FieldSpec{{Name: "at", Kind: record.Timestamp, Optional: true}}}); err != nil {
			t.Fatal(err)
		}
		if got != test.want {
			t.Errorf("asked %q, want %q", got, test.want)
		}
	}
}
