package service

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tieout/tieout/connectors"
)

// pages answers with up to size of n items, by a number in the query.
func pages(n, size int, write func(w http.ResponseWriter, r *http.Request, list string, from, to int)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		at, _ := strconv.Atoi(r.URL.Query().Get("at"))
		to := min(at+size, n)
		write(w, r, items(min(at, n), to), at, to)
	}
}

func TestPaging(t *testing.T) {
	tests := map[string]struct {
		yaml    string
		handler http.HandlerFunc
		asked   []string
	}{
		"one page": {`{request: {path: /items}, records: data}`,
			func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintf(w, `{"data":%s}`, items(0, 7)) },
			[]string{"GET /items"}},
		"number until empty": {`{request: {path: /items, query: {p: =page.number, size: =page.size}}, page: {by: number, size: 3}}`,
			func(w http.ResponseWriter, r *http.Request) {
				p, _ := strconv.Atoi(r.URL.Query().Get("p"))
				fmt.Fprint(w, items(min(3*(p-1), 7), min(3*p, 7)))
			},
			[]string{"GET /items?p=1&size=3", "GET /items?p=2&size=3", "GET /items?p=3&size=3", "GET /items?p=4&size=3"}},
		"number until told": {`{request: {path: /items, query: {p: =page.number}}, records: data.items, page: {by: number, first: 0, until: =page.number + 1 >= reply.body.meta.pages}}`,
			func(w http.ResponseWriter, r *http.Request) {
				p, _ := strconv.Atoi(r.URL.Query().Get("p"))
				fmt.Fprintf(w, `{"data":{"items":%s},"meta":{"pages":3,"x":{}}}`, items(3*p, min(3*p+3, 7)))
			},
			[]string{"GET /items?p=0", "GET /items?p=1", "GET /items?p=2"}},
		"number until a header": {`{request: {path: /items, query: {p: =page.number}}, page: {by: number, until: '=text(page.number) == reply.headers["X-Pages"]'}}`,
			func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("x-pages", "3")
				p, _ := strconv.Atoi(r.URL.Query().Get("p"))
				fmt.Fprint(w, items(3*(p-1), min(3*p, 7)))
			},
			[]string{"GET /items?p=1", "GET /items?p=2", "GET /items?p=3"}},
		"offset of a server that gives fewer than asked": {`{request: {path: /items, query: {at: =page.offset, size: =page.size}}, records: data, page: {by: offset, size: 100}}`,
			pages(7, 3, func(w http.ResponseWriter, _ *http.Request, list string, _, _ int) {
				fmt.Fprintf(w, `{"data":%s}`, list)
			}),
			[]string{"GET /items?at=0&size=100", "GET /items?at=3&size=100", "GET /items?at=6&size=100", "GET /items?at=7&size=100"}},
		"token": {`{request: {path: /items, query: {at: =page.token}}, records: data, page: {by: token, next: meta.next}}`,
			pages(7, 3, func(w http.ResponseWriter, _ *http.Request, list string, _, to int) {
				next := fmt.Sprintf(`"%d"`, to)
				if to == 7 {
					next = "null"
				}
				fmt.Fprintf(w, `{"meta":{"next":%s},"data":%s}`, next, list)
			}),
			[]string{"GET /items", "GET /items?at=3", "GET /items?at=6"}},
		"token in a body": {`{request: {method: POST, path: /items, body: {after: =page.token, size: 3, deep: [{x: "1"}]}}, records: data, page: {by: token, next: =reply.body.next}}`,
			func(w http.ResponseWriter, r *http.Request) {
				body := make([]byte, 100)
				n, _ := r.Body.Read(body)
				switch got := string(body[:n]); got {
				case `{"size":3,"deep":[{"x":"1"}]}`:
					fmt.Fprintf(w, `{"next":12345678901234567890,"data":%s}`, items(0, 3))
				case `{"after":"12345678901234567890","size":3,"deep":[{"x":"1"}]}`, `{"after":12345678901234567890,"size":3,"deep":[{"x":"1"}]}`:
					fmt.Fprintf(w, `{"data":%s}`, items(3, 7))
				default:
					http.Error(w, got, 400)
				}
			},
			[]string{"POST /items", "POST /items"}},
		"url, relative": {`{request: {path: /items, query: {at: 0}}, records: data, page: {by: url, next: links.next}}`,
			pages(7, 3, func(w http.ResponseWriter, _ *http.Request, list string, _, to int) {
				next := fmt.Sprintf("?at=%d", to)
				if to == 7 {
					next = ""
				}
				fmt.Fprintf(w, `{"data":%s,"links":{"next":%q}}`, list, next)
			}),
			[]string{"GET /items?at=0", "GET /items?at=3", "GET /items?at=6"}},
		"link header, absolute": {`{request: {path: /items, query: {at: 0}}, page: {by: link_header}}`,
			pages(7, 3, func(w http.ResponseWriter, r *http.Request, list string, _, to int) {
				w.Header().Add("Link", `<http://`+r.Host+`/items?at=0,1>; rel="first"; title="a, b"`)
				if to < 7 {
					w.Header().Add("Link", fmt.Sprintf(`<http://%s/first>; rel=prev, <http://%s/items?at=%d>; rel="x next"`, r.Host, r.Host, to))
				}
				fmt.Fprint(w, list)
			}),
			[]string{"GET /items?at=0", "GET /items?at=3", "GET /items?at=6"}},
		"keyset": {`{request: {path: /items, query: {at: =page.token}}, page: {by: keyset, next: id}}`,
			func(w http.ResponseWriter, r *http.Request) {
				at := -1
				if text := r.URL.Query().Get("at"); text != "" {
					at, _ = strconv.Atoi(text)
				}
				fmt.Fprint(w, items(at+1, min(at+4, 7)))
			},
			[]string{"GET /items", "GET /items?at=2", "GET /items?at=5", "GET /items?at=6"}},
	}
	for name, test := range tests {
		for _, spooled := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, spooled %v", name, spooled), func(t *testing.T) {
				s := serve(t, test.handler)
				dir := ""
				if spooled {
					dir = t.TempDir()
				}
				out, err := readStream(s.source(t, "base_url: URL\nstreams: {items: "+test.yaml+"}", dir), connectors.Read{})
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(ids(0, 7), out.rows); diff != "" {
					t.Errorf("records (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(test.asked, s.asked); diff != "" {
					t.Errorf("requests (-want +got):\n%s", diff)
				}
			})
		}
	}
}

func TestPagingGoesWrong(t *testing.T) {
	other := serve(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, items(0, 1)) })
	list := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, `{"data":%s,"next":%q,"n":null}`, items(len(r.URL.RawQuery), len(r.URL.RawQuery)+2), text)
		}
	}
	tests := map[string]struct {
		page    string
		handler http.HandlerFunc
		want    string
	}{
		"a token that repeats":      {"{by: token, next: next}", list("again"), "circle"},
		"an address that repeats":   {"{by: url, next: next}", list("/items?x=1"), "circle"},
		"another origin":            {"{by: url, next: next}", list(other.URL + "/items?key=" + "secret"), "neither base_url nor one of origins"},
		"another scheme":            {"{by: url, next: next}", list("file:///etc/passwd"), "next page"},
		"no address":                {"{by: url, next: next}", list("http://[::1"), "no URL"},
		"a rule that does not say":  {"{by: number, until: =reply.body.n}", list(""), "neither true nor false"},
		"a rule over what is not":   {"{by: number, until: =reply.body.missing > 1}", list(""), `the reply has no "missing"`},
		"too many pages":            {"{by: number, max: 3, until: =false}", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintf(w, `{"data":[{"q":%q}]}`, r.URL.RawQuery) }, "more than 3 pages"},
		"the same page again":       {"{by: number}", list(""), "the same records"},
		"a keyset without a key":    {"{by: keyset, next: missing}", list(""), `no "missing" to go on behind`},
		"a token that is an object": {"{by: token, next: data2}", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"data":[],"data2":{}}`) }, "leads to no page"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := serve(t, test.handler)
			yaml := "base_url: URL\nstreams: {items: {request: {path: /items, query: {t: =page.token, n: =page.number}}, records: data, page: " + test.page + "}}"
			out, err := readStream(s.source(t, yaml, t.TempDir()), connectors.Read{})
			if err == nil || !strings.Contains(err.Error(), test.want) || len(out.rows) > 0 {
				t.Errorf("%d rows, error %v, want %q", len(out.rows), err, test.want)
			}
			if err != nil && (strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), `stream "items", page `)) {
				t.Errorf("error %v", err)
			}
		})
	}
	if len(other.asked) > 0 {
		t.Errorf("the other origin was asked: %q", other.asked)
	}
}
