package service

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/web"
	"github.com/tieout/tieout/schemas/record"
)

const plainYAML = "base_url: URL\nauth: {kind: bearer, token: \"${secret:SECRET}\"}\nstreams: {items: {request: {path: /items}, records: data}}"

// wantNothing checks that a read failed, gave no row behind a spool, left no
// file there and kept secrets.
func wantNothing(t *testing.T, out outcome, err, kind error, words string, dir string) {
	t.Helper()
	if err == nil || kind != nil && !errors.Is(err, kind) || !strings.Contains(fmt.Sprint(err), words) {
		t.Errorf("error %v, want %v and %q", err, kind, words)
	}
	if len(out.rows) > 0 {
		t.Errorf("%d rows of a read that failed", len(out.rows))
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("%d files are left in the spool", len(left))
	}
	wantSecret(t, err)
}

// A page that is cut off anywhere, though the reply says it is whole, is an
// error and never a shorter list of records.
func TestTruncatedPage(t *testing.T) {
	whole := []byte(`{"meta":{"next":null,"n":[1,-2.5e3,true]},"data":[`)
	for i := 0; len(whole) < 2000; i++ {
		whole = fmt.Appendf(whole, `{"id":%d,"note":"Zoë \"quoted\" \\ \u00e9","sub":{"a":[1,{"b":null}]},"paid":true},`, i)
	}
	whole = append(bytes.TrimRight(whole, ","), "],\n \"end\":false}"...)
	at := 0
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(whole[:at]) })
	src, dir := s.source(t, plainYAML, t.TempDir()), ""
	for at = range whole {
		out, err := readStream(src, connectors.Read{})
		wantNothing(t, out, err, connectors.ErrEnvironment, "not sound JSON", dir)
		if t.Failed() {
			t.Fatalf("after %d bytes", at)
		}
	}
	at = len(whole)
	if out, err := readStream(src, connectors.Read{}); err != nil || len(out.rows) < 10 {
		t.Errorf("the whole page: %d rows, %v", len(out.rows), err)
	}
}

// A transfer that breaks off is asked for again; the spool then holds each
// record once.
func TestBrokenTransfer(t *testing.T) {
	body := `{"data":` + items(0, 500) + `}`
	for name, breaks := range map[string]func(http.ResponseWriter, int){
		"wrong Content-Length": func(w http.ResponseWriter, at int) {
			w.Header().Set("Content-Length", fmt.Sprint(len(body)))
			_, _ = io.WriteString(w, body[:at])
		},
		"reset": func(w http.ResponseWriter, at int) {
			_, _ = io.WriteString(w, body[:at])
			w.(http.Flusher).Flush()
			conn, _, _ := w.(http.Hijacker).Hijack()
			_ = conn.(*net.TCPConn).SetLinger(0)
			conn.Close()
		},
	} {
		for _, at := range []int{0, 1, 9, 300, 5000, len(body) - 1} {
			t.Run(fmt.Sprintf("%s after %d", name, at), func(t *testing.T) {
				tries := 0
				s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
					if tries++; tries <= 2 {
						breaks(w, at)
						return
					}
					_, _ = io.WriteString(w, body)
				})
				out, err := readStream(s.source(t, plainYAML, t.TempDir()), connectors.Read{})
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(ids(0, 500), out.rows); diff != "" {
					t.Errorf("records (-want +got):\n%s", diff)
				}
				if len(s.clock.slept) != 2 {
					t.Errorf("waits: %v", s.clock.slept)
				}
			})
		}
	}
}

func TestRepliesThatAreNoPage(t *testing.T) {
	typed := func(kind, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			_, _ = io.WriteString(w, body)
		}
	}
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			http.Error(w, r.Header.Get("Authorization"), code)
		}
	}
	tests := map[string]struct {
		handler http.HandlerFunc
		kind    error
		words   string
	}{
		"a login page":             {typed("text/html; charset=utf-8", "<html>"+canary), connectors.ErrEnvironment, "a web page instead of JSON"},
		"a login page called JSON": {typed("application/json", "  <!doctype html>"+canary), connectors.ErrEnvironment, "a web page instead of JSON"},
		"text":                     {typed("text/plain", "OK "+canary), connectors.ErrEnvironment, "begins with 'O'"},
		"nothing":                  {typed("application/json", ""), connectors.ErrEnvironment, "it is empty"},
		"another charset":          {typed("application/json; charset=utf-16", `{"data":[]}`), connectors.ErrEnvironment, `"utf-16"`},
		"an error inside":          {typed("application/json", fmt.Sprintf(`{"error":%q}`, canary)), connectors.ErrData, `no "data"`},
		"records that are a text":  {typed("application/json", `{"data":"none"}`), connectors.ErrData, "but a single value"},
		"records twice":            {typed("application/json", `{"data":[{"a":1}],"data":[{"a":2}]}`), connectors.ErrData, "two members"},
		"text behind":              {typed("application/json", `{"data":[]} x`), connectors.ErrEnvironment, "text follows"},
		"a label that is wrong": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "br")
			_, _ = w.Write([]byte("x"))
		}, connectors.ErrEnvironment, `"br"`},
		"gzip that is none": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write([]byte("not gzip at all"))
		}, connectors.ErrEnvironment, "not packed as its Content-Encoding says"},
		"gzip in gzip": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(zip(zip([]byte(`{"data":[]}`))))
		}, connectors.ErrEnvironment, "begins with"},
		"not known":         {status(401), connectors.ErrEnvironment, "credentials"},
		"not allowed":       {status(403), connectors.ErrEnvironment, "status 403"},
		"not there":         {status(404), connectors.ErrData, "status 404 (Not Found)"},
		"a mistake of ours": {status(422), connectors.ErrData, "status 422"},
		"not working":       {status(500), connectors.ErrEnvironment, "tried 6 times"},
		"moved": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://other.example.com/c4n", http.StatusFound)
		}, connectors.ErrConfig, "https://other.example.com;"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s, dir := serve(t, test.handler), t.TempDir()
			out, err := readStream(s.source(t, plainYAML, dir), connectors.Read{})
			wantNothing(t, out, err, test.kind, test.words, dir)
		})
	}
}

func zip(text []byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(text)
	_ = z.Close()
	return b.Bytes()
}

func TestBounds(t *testing.T) {
	endless := func(part []byte) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				_, _ = w.Write(part)
			}
		}
	}
	bomb := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		_, _ = io.WriteString(z, `{"data":[{"id":1,"x":"`)
		for part := bytes.Repeat([]byte("a"), 1<<20); r.Context().Err() == nil; {
			_, _ = z.Write(part)
		}
	}
	slowly := func(w http.ResponseWriter, r *http.Request) {
		for i := 0; r.Context().Err() == nil; i++ {
			fmt.Fprint(w, []string{`{"data":[`, " "}[min(i, 1)])
			w.(http.Flusher).Flush()
			time.Sleep(10 * time.Millisecond)
		}
	}
	for name, test := range map[string]struct {
		handler http.HandlerFunc
		kind    error
	}{
		"a gzip bomb":        {bomb, web.ErrTooLarge},
		"blanks without end": {endless(bytes.Repeat([]byte(" "), 1<<16)), web.ErrTooLarge},
		"a byte at a time":   {slowly, web.ErrTimeout},
		"silence":            {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, web.ErrTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			s, dir := serve(t, test.handler), t.TempDir()
			src := s.source(t, "timeout: 150ms\nmax_page: 20MiB\n"+plainYAML, dir)
			if strings.Contains(name, "bomb") || strings.Contains(name, "blanks") {
				src = s.source(t, "timeout: 20s\nmax_page: 20MiB\n"+plainYAML, dir)
			}
			began := time.Now()
			out, err := readStream(src, connectors.Read{})
			wantNothing(t, out, err, test.kind, "", dir)
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

// A record that is too long or too deep is held, and those around it are read.
func TestHostileRecords(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"data":[{"id":1,"n":7},{"id":2,"n":7,"x":"`)
		for range 100 {
			_, _ = w.Write(bytes.Repeat([]byte("y"), 1<<20))
		}
		_, _ = io.WriteString(w, `"},{"id":3,"n":7,"x":`+strings.Repeat(`[{"a":`, 500)+"1"+strings.Repeat("}]", 500)+`},{"id":4,"n":"many"},{"id":5,"n":8},[1],{"id":6,"id":7,"n":9}]}`)
	})
	for _, dir := range []string{"", t.TempDir()} {
		out, err := readStream(s.source(t, plainYAML, dir), connectors.Read{Wanted: []string{"id", "n"},
			Fields: []connectors.FieldSpec{{Name: "n", Kind: record.Integer, Scale: record.NoScale}}})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{`{"n":7,"id":"1"}`, `{"n":8,"id":"5"}`}, out.rows); diff != "" {
			t.Errorf("records (-want +got):\n%s", diff)
		}
		var codes []string
		for _, h := range out.held {
			codes = append(codes, fmt.Sprintf("%d %s %s", h.Row, h.Code, h.Message))
			if len(h.Record) > 1<<17 {
				t.Errorf("%d bytes are kept of a held record", len(h.Record))
			}
		}
		want := []string{"1 source.too_long the record is longer than the limit (page 1, byte 24)",
			"2 source.bad_value the record is nested too deep: more than 64 levels (page 1, byte 104857646)",
			`3 source.bad_value bad value: field "n": "many" is no integer (page 1, byte 104861667)`,
			"5 source.bad_value the record is not a JSON object (page 1, byte 104861702)",
			`6 source.bad_value the record has two members "id" (page 1, byte 104861706)`}
		if diff := cmp.Diff(want, codes); diff != "" {
			t.Errorf("held (-want +got):\n%s", diff)
		}
	}
}

func TestCancelWhilePagesArrive(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, `{"data":[{"id":1}`)
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	for _, dir := range []string{"", t.TempDir()} {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		_, err := s.source(t, plainYAML, dir).Open(ctx, connectors.Read{Stream: "items"})
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
	}
}
