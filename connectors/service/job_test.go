package service

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/web"
)

const jobYAML = `base_url: URL
streams:
  items:
    job:
      start: { path: /exports, body: { of: =each.of, since: =cursor.from } }
      id: export.id
      poll: { path: "/exports/{job.id}" }
      done: =reply.body.status == "ready"
      failed: =reply.body.status == "failed"
      message: =reply.body.why
      every: 10s
      within: 5m
    each: { values: [a, b], as: of }
    request: { path: "/files/{job.id}", query: { page: =page.number } }
    page: { by: number, until: =page.number >= 2 }
    carry: { of: =each.of }
`

// An export is begun, asked for until it is done, and read page by page; once
// for each of what the stream is asked for.
func TestJob(t *testing.T) {
	var polls, begun int
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/exports":
			begun++
			body, _ := io.ReadAll(r.Body)
			fmt.Fprintf(w, `{"export":{"id":"job %d %s"}}`, begun, strings.Trim(string(body), `{}"`)[5:6])
		case strings.HasPrefix(r.URL.Path, "/exports/"):
			polls++
			fmt.Fprintf(w, `{"status":%q}`, []string{"running", "running", "ready"}[(polls-1)%3])
		default:
			fmt.Fprintf(w, `[{"from":%q}]`, r.URL.RequestURI())
		}
	})
	out, err := readStream(s.source(t, jobYAML, t.TempDir()), connectors.Read{})
	want := []string{`{"of":"a","from":"/files/job%201%20a?page=1"}`, `{"of":"a","from":"/files/job%201%20a?page=2"}`,
		`{"of":"b","from":"/files/job%202%20b?page=1"}`, `{"of":"b","from":"/files/job%202%20b?page=2"}`}
	if diff := cmp.Diff(want, out.rows); err != nil || diff != "" {
		t.Errorf("%v, records (-want +got):\n%s", err, diff)
	}
	if len(s.clock.slept) != 4 {
		t.Errorf("waits %v", s.clock.slept)
	}
}

func TestJobGoesWrong(t *testing.T) {
	for name, test := range map[string]struct {
		start, poll, more, words string
		kind                     error
	}{
		"no name":           {`{}`, `{}`, "", `the reply has no "export.id"`, connectors.ErrData},
		"failed":            {`{"export":{"id":7}}`, `{"status":"failed","why":"too many rows"}`, "", `says that the job failed: "too many rows"`, connectors.ErrEnvironment},
		"never done":        {`{"export":{"id":7}}`, `{"status":"running"}`, "", `the job "7" was not done within 5m`, connectors.ErrEnvironment},
		"nothing known":     {`{"export":{"id":7}}`, `{}`, "", `was not done within 5m`, connectors.ErrEnvironment},
		"no address":        {`{"export":{"id":7}}`, `{"status":"ready"}`, "      url: url\n", `no address at "url"`, connectors.ErrData},
		"a strange address": {`{"export":{"id":7}}`, `{"status":"ready","url":"https://evil.example.com/x"}`, "      url: url\n", "neither base_url nor one of origins", web.ErrRefused},
	} {
		t.Run(name, func(t *testing.T) {
			s, dir := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/exports" {
					fmt.Fprint(w, test.start)
					return
				}
				fmt.Fprint(w, test.poll)
			}), t.TempDir()
			yaml := strings.Replace(jobYAML, "    each:", test.more+"    each:", 1)
			out, err := readStream(s.source(t, yaml, dir), connectors.Read{})
			wantNothing(t, out, err, test.kind, test.words, dir)
		})
	}
}

// A result is read from the address the service gives, as lines, packed or not.
func TestLines(t *testing.T) {
	const table = "\ufeffid,Name,Total\r\n1,\"a \"\"b\"\"\n,c\",1.50\r\n2,,\n"
	const tableRows = `{"id":"1","Name":"a \"b\"\n,c","Total":"1.50"} {"id":"2","Name":null,"Total":null}`
	lines := "{\"id\":\"1\"}\n\n{\"id\":\"2\"}"
	send := func(body string, length bool) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			if length {
				w.Header().Set("Content-Length", fmt.Sprint(len(body)))
				_, _ = io.WriteString(w, body)
				return
			}
			conn, out, _ := w.(http.Hijacker).Hijack()
			defer conn.Close()
			fmt.Fprintf(out, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n%s", body)
			_ = out.Flush()
		}
	}
	for name, test := range map[string]struct {
		format  string
		handler http.HandlerFunc
		rows    string
		words   string
		kind    error
	}{
		"a table":                      {"csv", send(table, true), tableRows, "", nil},
		"a table, packed":              {"csv", send(string(zip([]byte(table))), true), tableRows, "", nil},
		"a table, packed, to the end":  {"csv", send(string(zip([]byte(table))), false), tableRows, "", nil},
		"a table without an end":       {"csv", send(table, false), "", "does not say how long it is", connectors.ErrEnvironment},
		"a table that is cut off":      {"csv", send(table[:20], true), "", "not sound CSV", connectors.ErrData},
		"a row of other columns":       {"csv", send("a,b\n1\n", true), "", "not sound CSV", connectors.ErrData},
		"only names":                   {"csv", send("a,b\n", true), "", "", nil},
		"nothing":                      {"csv", send("", true), "", "", nil},
		"packed and cut off":           {"csv", send(string(zip([]byte(table)))[:30], false), "", "broke off|packed and damaged|unexpected EOF", nil},
		"a bomb":                       {"csv", send(string(zip([]byte("a\n"+strings.Repeat("1\n", 2<<20)))), true), "", "max_page", web.ErrTooLarge},
		"lines of JSON":                {"ndjson", send(lines, true), `{"id":"1"} {"id":"2"}`, "", nil},
		"lines of JSON, cut off":       {"ndjson", send(lines[:15], true), "", "not sound JSON", connectors.ErrEnvironment},
		"lines of JSON without an end": {"ndjson", send(lines, false), "", "does not say how long it is", connectors.ErrEnvironment},
		"a web page":                   {"csv", send("<html>x", true), "", "a web page", connectors.ErrEnvironment},
	} {
		t.Run(name, func(t *testing.T) {
			s, dir := serve(t, test.handler), t.TempDir()
			out, err := readStream(s.source(t, "base_url: URL\nmax_page: 1MiB\nstreams: {items: {request: {path: /x}, format: "+test.format+"}}", dir), connectors.Read{})
			if test.words == "" {
				if err != nil || strings.Join(out.rows, " ") != test.rows {
					t.Errorf("%v, %v", out.rows, err)
				}
				return
			}
			found := false
			for words := range strings.SplitSeq(test.words, "|") {
				found = found || err != nil && strings.Contains(err.Error(), words)
			}
			if !found || test.kind != nil && !errors.Is(err, test.kind) || len(out.rows) > 0 {
				t.Errorf("error %v, want %q; %d rows", err, test.words, len(out.rows))
			}
		})
	}
}
