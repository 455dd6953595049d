package service

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/record"
)

// echo answers with one record that says what was asked.
func echo(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/companies" {
		fmt.Fprint(w, `[{"id":1,"name":"A"},{"id":2,"name":"B"},{"id":1,"name":"A"}]`)
		return
	}
	if r.URL.Path == "/projects" {
		fmt.Fprintf(w, `[{"id":"p%[1]s1","company":{"id":%[1]s},"status":"open"},{"id":"p%[1]s2","company":{"id":%[1]s},"status":"closed"}]`, r.URL.Query().Get("company"))
		return
	}
	fmt.Fprintf(w, `[{"asked":%q}]`, r.URL.RequestURI())
}

const nested = `base_url: URL
config: { properties: [a, "b c"], codes: "x, y,,x" }
streams:
  companies: { request: { path: /companies }, key: [id] }
  projects:
    request: { path: /projects, query: { company: =parent.id } }
    each: { parent: companies }
    carry: { company_name: =parent.name }
  items:
    request: REQUEST
    each: EACH
`

// A stream is asked for once for each combination, in the order written.
func TestEach(t *testing.T) {
	tests := map[string]struct {
		request, each string
		carry         string
		want          []string
	}{
		"values":           {`{path: /i, query: {p: =each.p}}`, `{values: [1, two], as: p}`, "", []string{`"/i?p=1"`, `"/i?p=two"`}},
		"values of config": {`{path: "/i/{each.p}"}`, `{values: =config.properties, as: p}`, "", []string{`"/i/a"`, `"/i/b%20c"`}},
		"a text of config": {`{path: "/i/{each.p}"}`, `{values: =config.codes, as: p}`, "", []string{`"/i/x"`, `"/i/y"`}},
		"parents":          {`{path: "/i/{parent.id}"}`, `{parent: companies}`, "", []string{`"/i/1"`, `"/i/2"`}},
		"parents of parents": {`{path: "/i/{parent.id}", query: {c: =each.projects.company.id, n: =parent.company_name}}`, `{parent: projects}`, "",
			[]string{`"/i/p11?c=1&n=A"`, `"/i/p12?c=1&n=A"`, `"/i/p21?c=2&n=B"`, `"/i/p22?c=2&n=B"`}},
		"some parents":  {`{path: "/i/{parent.id}"}`, `{parent: projects, keep_if: '=status == "open" and company.id != "2"'}`, "", []string{`"/i/p11"`}},
		"combinations":  {`{path: "/i/{each.co.id}", query: {p: =each.p}}`, `[{parent: companies, as: co}, {values: [x, y], as: p}]`, "", []string{`"/i/1?p=x"`, `"/i/1?p=y"`, `"/i/2?p=x"`, `"/i/2?p=y"`}},
		"windows":       {`{path: /i, query: {f: =each.from, t: =each.to}}`, `{window: 31d, keep: 2}`, "", []string{`"/i?f=2026-10-13&t=2026-11-13"`, `"/i?f=2026-11-13&t=2026-12-14"`}},
		"windows ahead": {`{path: /i, query: {f: =each.from, t: =each.to}}`, `{window: 31d, keep: 2, ahead: 31d}`, "", []string{`"/i?f=2026-11-13&t=2026-12-14"`, `"/i?f=2026-12-14&t=2027-01-14"`}},
		"hours":         {`{path: /i, query: {f: =each.from}}`, `{window: 6h, keep: 2}`, "", []string{`"/i?f=2026-11-21T00%3A00%3A00Z"`, `"/i?f=2026-11-21T06%3A00%3A00Z"`}},
		"none":          {`{path: "/i/{each.p}"}`, `{values: [], as: p}`, "", nil},
		"copied":        {`{path: "/i/{parent.id}"}`, `{parent: companies}`, `{company: =parent.name, no: =parent.id + 1, none: =parent.gone}`, []string{`"/i/1" A 2`, `"/i/2" B 3`}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			yaml := strings.NewReplacer("REQUEST", test.request, "EACH", test.each).Replace(nested)
			if test.carry != "" {
				yaml += "    carry: " + test.carry + "\n"
			}
			s := serve(t, echo)
			live, err := readStream(s.source(t, yaml, ""), connectors.Read{})
			if err != nil {
				t.Fatal(err)
			}
			out, err := readStream(s.source(t, yaml, t.TempDir()), connectors.Read{})
			if diff := cmp.Diff(live.rows, out.rows); err != nil || diff != "" {
				t.Fatalf("%v, without a spool (-, with one +):\n%s", err, diff)
			}
			var want []string
			for _, w := range test.want {
				if parts := strings.Fields(w); len(parts) > 1 {
					want = append(want, fmt.Sprintf(`{"company":%q,"no":%q,"asked":%s}`, parts[1], parts[2], parts[0]))
				} else {
					want = append(want, `{"asked":`+w+`}`)
				}
			}
			if diff := cmp.Diff(want, out.rows); diff != "" {
				t.Errorf("records (-want +got):\n%s", diff)
			}
		})
	}
}

// A parent whose value no address can hold is named with it.
func TestParentsThatNoAddressHolds(t *testing.T) {
	for id, want := range map[string]string{
		`".."`: `{parent.id} in the path has the value ".." for ".."`, `"."`: `has the value "." for "."`, `""`: `has the value ""`, `null`: `has no value`,
	} {
		s := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			if r.URL.Path == "/companies" {
				fmt.Fprintf(w, `[{"id":"a/b"},{"id":%s}]`, id)
				return
			}
			fmt.Fprint(w, `[]`)
		})
		yaml := strings.NewReplacer("REQUEST", `{path: "/i/{parent.id}"}`, "EACH", `{parent: companies}`).Replace(nested)
		_, err := readStream(s.source(t, yaml, ""), connectors.Read{})
		if !errors.Is(err, connectors.ErrConfig) || !strings.Contains(fmt.Sprint(err), want) || !strings.Contains(err.Error(), `stream "items"`) || !strings.Contains(err.Error(), "keep_if under each") {
			t.Errorf("%s: %v", id, err)
		}
		if !slices.Contains(s.asked, "GET /i/a%2Fb") {
			t.Errorf("asked %v", s.asked)
		}
	}
}

func TestWrongEach(t *testing.T) {
	for each, want := range map[string]string{
		`{}`:                                   `yaml.missing_key each needs exactly one of`,
		`{parent: companies, window: 1d}`:      `yaml.missing_key each needs exactly one of`,
		`{parent: company}`:                    `source.unknown_stream the connection has no stream "company"`,
		`{parent: items}`:                      `yaml.wrong_shape the streams "items" and "items" wait for each other`,
		`{values: [a]}`:                        `yaml.missing_key each with values needs the key "as"`,
		`{values: [a], as: from}`:              `yaml.wrong_type "from" cannot be a name under each`,
		`{values: [a], as: p, keep: 2}`:        `yaml.misplaced_key "keep" belongs to window`,
		`{window: 1d, as: p}`:                  `yaml.misplaced_key "as" belongs to parent and values`,
		`{window: 1d, keep: 0}`:                `yaml.wrong_type keep is a number`,
		`{parent: companies, keep_if: x == 1}`: `yaml.wrong_type "keep_if" is an expression`,
		`{parent: companies, keep_if: =1 + 1}`: `expr.type "keep_if" is neither true nor false`,
		`{values: [a], as: q}`:                 `expr.unknown_field there is no each.p`,
	} {
		yaml := strings.NewReplacer("REQUEST", "{path: /i, query: {p: =each.p}}", "EACH", each, "URL", "https://a.example.com").Replace(nested)
		_, found := decode(t, yaml)
		if text := fmt.Sprint(found); !strings.Contains(text, want) {
			t.Errorf("%s: %s, want %s", each, text, want)
		}
	}
	_, found := decode(t, strings.NewReplacer("REQUEST", "{path: '/{parent.id}'}", "EACH", "{values: [a], as: p}", "URL", "https://a.example.com").Replace(nested))
	if !strings.Contains(fmt.Sprint(found), "expr.unknown_field the stream has no parent") {
		t.Errorf("no parent: %v", found)
	}
}

func TestEachGoesWrong(t *testing.T) {
	for name, test := range map[string]struct {
		request, each, words string
		handler              http.HandlerFunc
	}{
		"the same twice":       {"{path: /i}", "{values: [a, b], as: p}", "asked for the same twice", echo},
		"no cursor and no end": {"{path: /i, query: {p: =each.from}}", "{window: 31d}", "a window needs a cursor", echo},
		"a parent that fails": {`{path: "/i/{parent.id}"}`, "{parent: companies}", "status 403", func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/i/2" {
				w.WriteHeader(403)
				return
			}
			echo(w, r)
		}},
		"a parent without its id": {`{path: "/i/{parent.key}"}`, "{parent: companies}", "{parent.key} in the path has no value", echo},
		"parents that are no list": {`{path: "/i/{parent.id}"}`, "{parent: companies}", `stream "companies", page 1`, func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, `[{"id":1},{"id"`)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			yaml := strings.NewReplacer("REQUEST", test.request, "EACH", test.each).Replace(nested)
			dir := t.TempDir()
			out, err := readStream(serve(t, test.handler).source(t, yaml, dir), connectors.Read{})
			wantNothing(t, out, err, nil, test.words, dir)
		})
	}
}

// Each part begins at its own bound, and a new one at the start.
func TestBoundsOfParts(t *testing.T) {
	s := serve(t, echo)
	yaml := strings.NewReplacer("REQUEST", `{path: "/i/{parent.id}"}`, "EACH", "{parent: companies}").Replace(nested) + "    cursor: {field: asked, send: {from: since, to: till}}\n"
	r, err := s.source(t, yaml, t.TempDir()).Open(context.Background(), connectors.Read{Stream: "items",
		Fields: []connectors.FieldSpec{{Name: "asked", Kind: record.Text}},
		Cursor: &connectors.Cursor{Field: "asked", From: "z", Start: "a", Parts: map[string]string{"2": "k", "9": "x"}}})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var b record.Batch
	var parts []string
	for {
		err := r.Next(context.Background(), &b)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, r.(connectors.Parted).Parts()...)
	}
	if !r.(connectors.Parted).Parted() || strings.Join(parts, " ") != "1 2" || strings.Join(s.asked, " ") != "GET /companies GET /i/1?since=a GET /i/2?since=k" {
		t.Errorf("parts %v, asked %v", parts, s.asked)
	}
}

// A long range is read in slices, and what two of them have in common comes
// once, whether the service counts the end of a range to it or not.
func TestSlices(t *testing.T) {
	for _, inclusive := range []bool{false, true} {
		for _, kind := range []record.Kind{record.Date, record.Timestamp} {
			t.Run(fmt.Sprint(kind, inclusive), func(t *testing.T) {
				day := func(i int) string {
					at := time.Date(2026, 10, 1+i, 0, 0, 0, 0, time.UTC)
					if kind == record.Date {
						return at.Format(time.DateOnly)
					}
					return at.Format(time.RFC3339)
				}
				s := serve(t, func(w http.ResponseWriter, r *http.Request) {
					q := r.URL.Query()
					var list []string
					for i := range 40 {
						for k := range 2 {
							if at := day(i); at >= q.Get("f") && (at < q.Get("t") || inclusive && at == q.Get("t")) {
								list = append(list, fmt.Sprintf(`{"at":%q,"n":%d}`, at, k*(i%2)))
							}
						}
					}
					fmt.Fprintf(w, "[%s]", strings.Join(list, ","))
				})
				src := s.source(t, "base_url: URL\nstreams: {items: {request: {path: /i}, cursor: {field: at, send: {from: f, to: t}}}}", t.TempDir())
				out, err := readStream(src, connectors.Read{Fields: []connectors.FieldSpec{{Name: "at", Kind: kind}}, Zone: time.UTC,
					Cursor: &connectors.Cursor{Field: "at", From: "2026-10-01", To: "2026-11-10", Window: 7 * 24 * time.Hour}})
				if err != nil || len(out.rows) != 80 || len(s.asked) != 6 {
					t.Errorf("%d rows of %d requests %v, %v", len(out.rows), len(s.asked), s.asked, err)
				}
			})
		}
	}
}

func TestCursorRules(t *testing.T) {
	at := connectors.FieldSpec{Name: "at", Kind: record.Timestamp, Optional: true}
	for name, test := range map[string]struct {
		cursor string
		read   connectors.Cursor
		asked  string
		words  string
	}{
		"a lag":                         {"send: {from: f, to: t}, lag: 1m", connectors.Cursor{From: "2026-11-21T07:00:00Z", Lag: 2 * time.Minute}, "/i?f=2026-11-21T07%3A00%3A00Z&t=2026-11-21T07%3A58%3A00Z", ""},
		"a lag nobody can be asked for": {"send: {from: f}", connectors.Cursor{From: "2026-11-21T07:00:00Z", Lag: time.Minute}, "", "a lag needs a service that is asked with an upper bound"},
		"a window, too":                 {"send: {from: f}", connectors.Cursor{From: "2026-11-21T07:00:00Z", Window: time.Minute}, "", "a window needs a service that is asked with an upper bound"},
		"a window without a start":      {"send: {from: f, to: t}", connectors.Cursor{Window: time.Hour}, "", "a window needs a cursor with a start"},
		"young enough":                  {"send: {from: f}, max_age: 30d", connectors.Cursor{From: "2026-10-23T00:00:00Z"}, "/i?f=2026-10-23T00%3A00%3A00Z", ""},
		"too old for changes":           {"send: {from: f}, max_age: 30d", connectors.Cursor{From: "2026-10-21T00:00:00Z"}, "/i", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, replying("[]").ServeHTTP)
			test.read.Field = "at"
			_, err := readStream(s.source(t, "base_url: URL\nstreams: {items: {request: {path: /i}, cursor: {field: at, "+test.cursor+"}}}", ""), connectors.Read{Fields: []connectors.FieldSpec{at}, Cursor: &test.read})
			if test.words != "" {
				if err == nil || !strings.Contains(err.Error(), test.words) {
					t.Errorf("error %v, want %q", err, test.words)
				}
				return
			}
			if err != nil || strings.Join(s.asked, " ") != "GET "+test.asked {
				t.Errorf("asked %v, %v", s.asked, err)
			}
		})
	}
}

// A service that shows the newest first is asked no further than the bound,
// and 304 means that there is nothing new.
func TestDescendingAndNotModified(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		page := r.URL.Query().Get("p")
		fmt.Fprintf(w, `[{"at":"2026-11-2%s"},{"at":"2026-11-1%s"}]`, page, page)
	})
	src := s.source(t, "base_url: URL\nstreams: {items: {request: {path: /i, query: {p: =page.number}}, page: {by: number}, cursor: {field: at, order: descending}}}", t.TempDir())
	_, err := readStream(src, connectors.Read{Fields: []connectors.FieldSpec{{Name: "at", Kind: record.Date}}, Cursor: &connectors.Cursor{Field: "at", From: "2026-11-13"}})
	if err != nil || len(s.asked) != 1 {
		t.Errorf("asked %v, %v", s.asked, err)
	}
	s = serve(t, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusNotModified) })
	out, err := readStream(s.source(t, plainYAML, t.TempDir()), connectors.Read{})
	if err != nil || len(out.rows) > 0 {
		t.Errorf("%v, %v", out.rows, err)
	}
}

func TestRecordsLeftOut(t *testing.T) {
	for name, test := range map[string]struct{ keys, body, want string }{
		"kept":                    {`keep_if: =total > 1.5, fields: {total: decimal}`, `[{"id":"1","total":1.50},{"id":"2","total":"1.51"},{"id":"3","total":null}]`, "2 3"},
		"skipped":                 {`skip_if: '=kind == "SubTotal"'`, `[{"id":"1","kind":"SubTotal"},{"id":"2"},{"id":"3","kind":"x"}]`, "2 3"},
		"both, and what it is in": {`keep_if: '=who.name != "A"', skip_if: =void == "true"`, `[{"id":"1","who":{"name":"A"}},{"id":"2","who":{"name":"B"},"void":true},{"id":"3","who":{"name":"B"},"void":false}]`, "3"},
		"XML":                     {`format: xml, records: r.a, keep_if: '=record["@n"] == "2"'`, `<r><a n="1"><id>1</id></a><a n="2"><id>2</id></a></r>`, "2"},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, replying(test.body).ServeHTTP)
			out, err := readStream(s.source(t, "base_url: URL\nstreams: {items: {request: {path: /i}, "+test.keys+"}}", t.TempDir()), connectors.Read{Wanted: []string{"id"}})
			var got []string
			for _, row := range out.rows {
				got = append(got, strings.Split(row[strings.Index(row, `"id":"`)+6:], `"`)[0])
			}
			if err != nil || strings.Join(got, " ") != test.want {
				t.Errorf("%v, %v", out.rows, err)
			}
		})
	}
}
