package web_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/web"
)

func TestMain(m *testing.M) {
	for _, name := range []string{"HTTPS_PROXY", "https_proxy"} {
		os.Unsetenv(name) // a proxy would be asked for names that do not exist
	}
	goleak.VerifyTestMain(m)
}

// canary stands in every path, query, header and body sent by these tests and
// may stand in no error.
const canary = "c4n4ry"

func now() time.Time { return time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC) }

// serve starts a server and a client for it; the server's handler may be slow.
func serve(t *testing.T, o web.Options, h http.HandlerFunc) (*web.Client, string) {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	o.Origins, o.Now = append(o.Origins, server.URL), now
	client, err := web.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client, server.URL + "/" + canary + "?key=" + canary
}

func post(url string) web.Request {
	return web.Request{Method: "POST", URL: url, Header: http.Header{"X-Key": {canary}}, Body: []byte(canary)}
}

// wantError checks the kind of an error and that it keeps secrets.
func wantError(t *testing.T, err, kind error) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Errorf("error %v, want %v", err, kind)
	}
	for e := err; e != nil; e = errors.Unwrap(e) {
		if strings.Contains(fmt.Sprintf("%v %+v %#v", e, e, e), canary) {
			t.Errorf("the error shows a secret: %v", e)
		}
	}
}

func TestReply(t *testing.T) {
	client, url := serve(t, web.Options{UserAgent: "tieout/test"}, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(429)
		fmt.Fprintf(w, "%s %s %s %s", r.Method, r.Header.Get("X-Key"), r.Header.Get("User-Agent"), body)
	})
	reply, err := client.Do(t.Context(), post(url))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(reply.Body), "POST "+canary+" tieout/test "+canary; got != want || reply.Status != 429 || reply.RetryAfter != 7*time.Second {
		t.Errorf("got %d %q, Retry-After %v", reply.Status, got, reply.RetryAfter)
	}
}

func TestRetryAfterForms(t *testing.T) {
	var header atomic.Value
	client, url := serve(t, web.Options{}, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", header.Load().(string))
	})
	for text, want := range map[string]time.Duration{
		"": 0, "0": 0, "120": 2 * time.Minute, " 5 ": 5 * time.Second, "-5": 0, "soon": 0, "1.5": 2 * time.Second, "30.0": 30 * time.Second,
		"1.2.3": 0, ".5": 0, "9223372036854775807.9": 365 * 24 * time.Hour,
		"99999999999999999999999":       365 * 24 * time.Hour,
		"Sat, 21 Nov 2026 08:01:30 GMT": 90 * time.Second,
		"Sat, 21 Nov 2026 07:59:00 GMT": 0,
		"Fri, 01 Jan 2100 00:00:00 GMT": 365 * 24 * time.Hour,
	} {
		header.Store(text)
		reply, err := client.Do(t.Context(), post(url))
		if err != nil || reply.RetryAfter != want {
			t.Errorf("%q: %v, %v; want %v", text, reply.RetryAfter, err, want)
		}
	}
}

func TestRedirectIsNotFollowed(t *testing.T) {
	var reached atomic.Bool
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Store(true) }))
	defer other.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		client, url := serve(t, web.Options{Origins: []string{other.URL}}, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other.URL+"/"+canary+"?token="+canary, status)
		})
		reply, err := client.Do(t.Context(), post(url))
		if err != nil || reply.Status != status || reply.Moved() != other.URL {
			t.Errorf("%d: status %d, moved to %q, %v", status, reply.Status, reply.Moved(), err)
		}
	}
	if reached.Load() {
		t.Error("a redirection was followed")
	}
	if got := (web.Reply{Status: 302, Header: http.Header{"Location": {"/" + canary}}}).Moved(); got == "" || strings.Contains(got, canary) {
		t.Errorf("a redirection on the same host: %q", got)
	}
}

func TestReplyIsBounded(t *testing.T) {
	zipped := func(n int) []byte {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, _ = z.Write(make([]byte, n))
		_ = z.Close()
		return b.Bytes()
	}
	tests := map[string]struct {
		handler http.HandlerFunc
		want    error
		status  int
	}{
		"at the limit": {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 1000)) }, nil, 200},
		"over it":      {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 1001)) }, web.ErrTooLarge, 200},
		"a gzip bomb without end": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			for bomb := zipped(20 << 20); r.Context().Err() == nil; {
				_, _ = w.Write(bomb)
			}
		}, web.ErrTooLarge, 200},
		"a small gzip": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(zipped(900))
		}, nil, 200},
		"a huge header": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Long", strings.Repeat(canary, 20_000))
		}, web.ErrTooLarge, 0},
		"cut short": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "500")
			_, _ = w.Write([]byte(canary))
		}, connectors.ErrEnvironment, 200},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			client, url := serve(t, web.Options{MaxReply: 1000, Timeout: 5 * time.Second}, test.handler)
			reply, err := client.Do(t.Context(), post(url))
			if test.want != nil {
				wantError(t, err, test.want)
			} else if err != nil {
				t.Error(err)
			}
			if reply.Status != test.status {
				t.Errorf("status %d, want %d", reply.Status, test.status)
			}
		})
	}
}

func TestDeadlineBoundsTheWholeExchange(t *testing.T) {
	slowly := func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			_, _ = w.Write([]byte("x"))
			w.(http.Flusher).Flush()
			time.Sleep(10 * time.Millisecond)
		}
	}
	silent := func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadAll(r.Body)
		<-r.Context().Done()
	}
	for name, h := range map[string]http.HandlerFunc{"a byte at a time": slowly, "silence": silent} {
		t.Run(name, func(t *testing.T) {
			client, url := serve(t, web.Options{Timeout: 100 * time.Millisecond}, h)
			began := time.Now()
			_, err := client.Do(t.Context(), post(url))
			wantError(t, err, web.ErrTimeout)
			wantError(t, err, connectors.ErrEnvironment)
			if took := time.Since(began); took > 30*time.Second {
				t.Errorf("took %v", took)
			}
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			_, err = client.Do(ctx, post(url))
			wantError(t, err, context.Canceled)
		})
	}
}

func TestUnreachable(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone := "http://" + listener.Addr().String()
	listener.Close()
	reset := func(w http.ResponseWriter, _ *http.Request) {
		conn, _, _ := w.(http.Hijacker).Hijack()
		_ = conn.(*net.TCPConn).SetLinger(0)
		conn.Close()
	}
	client, url := serve(t, web.Options{Origins: []string{gone}}, reset)
	_, err = client.Do(t.Context(), post(url))
	wantError(t, err, connectors.ErrEnvironment)
	_, err = client.Do(t.Context(), post(gone+"/"+canary))
	wantError(t, err, connectors.ErrEnvironment)
	if !strings.Contains(fmt.Sprint(err), gone) || !strings.Contains(fmt.Sprint(err), "refused") {
		t.Errorf("the error does not say what happened where: %v", err)
	}
}

func TestTLS(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {}))
	server.Config.ErrorLog = nil
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	for _, test := range []struct {
		roots *x509.CertPool
		want  error
	}{{roots, nil}, {x509.NewCertPool(), connectors.ErrEnvironment}} {
		client, err := web.New(web.Options{Origins: []string{server.URL}, Now: now, Roots: test.roots})
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		_, err = client.Do(t.Context(), post(server.URL+"/"+canary))
		wantError(t, err, test.want)
		if test.want != nil && !strings.Contains(err.Error(), "unknown authority") {
			t.Errorf("error %v", err)
		}
	}
}
