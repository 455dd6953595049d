package service

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
)

func TestMain(m *testing.M) {
	for _, name := range []string{"HTTPS_PROXY", "https_proxy"} {
		os.Unsetenv(name)
	}
	goleak.VerifyTestMain(m)
}

// canary stands in every secret of these tests and may stand in no error and
// in no message.
const canary = `c4n"4 ry%+`

// clock is a clock that only moves when somebody sleeps.
type clock struct {
	mu    sync.Mutex
	at    time.Time
	slept []time.Duration
}

func newClock() *clock { return &clock{at: time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at, c.slept = c.at.Add(d), append(c.slept, d)
	return ctx.Err()
}

func (c *clock) tools() tools {
	return tools{now: c.now, sleep: c.sleep, random: func(n int64) int64 { return n / 2 }}
}

// decode reads the settings of a connection as tieout.yaml has them.
func decode(t testing.TB, text string) (*Connection, document.Diagnostics) {
	t.Helper()
	var r document.Report
	c := new(Connection)
	docs := document.Parse("tieout.yaml", []byte(text), &r)
	d := document.Decoder{Report: &r, Resolver: document.ResolverFunc(func(ref document.Reference) (string, bool, error) {
		if ref.Name == "SECRET" {
			return canary, true, nil
		}
		return "", false, errors.New("is not set")
	})}
	for _, doc := range docs {
		d.Decode(doc.Root, c)
	}
	return c, r.Diagnostics()
}

// service is a scripted server and a connection to it.
type service struct {
	*httptest.Server
	clock *clock
	asked []string // request lines, in order
	mu    sync.Mutex
}

// serve starts a server that notes what it is asked.
func serve(t testing.TB, h http.HandlerFunc) *service {
	s := &service{clock: newClock()}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.asked = append(s.asked, r.Method+" "+r.URL.RequestURI())
		s.mu.Unlock()
		h(w, r)
	}))
	s.Config.ErrorLog = nil
	t.Cleanup(s.Close)
	return s
}

// source makes a source of YAML, in which URL stands for the server's.
func (s *service) source(t testing.TB, yaml string, spool string) connectors.Source {
	t.Helper()
	c, found := decode(t, strings.ReplaceAll(yaml, "URL", s.URL))
	if found.Errors() > 0 {
		t.Fatalf("the settings are wrong: %v", found)
	}
	env := connectors.Env{Now: s.clock.now, Limits: connectors.DefaultLimits(), Spool: spool}
	src, err := newSource(env, c, newShelf(), s.clock.tools())
	if err != nil {
		t.Fatal(err)
	}
	return src
}

// outcome is what a read gave.
type outcome struct {
	rows  []string
	held  []record.Hold
	notes []string
}

// readStream reads a stream to its end or to the first error.
func readStream(src connectors.Source, read connectors.Read) (out outcome, err error) {
	if read.Stream == "" {
		read.Stream = "items"
	}
	r, err := src.Open(context.Background(), read)
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	var b record.Batch
	for {
		err := r.Next(context.Background(), &b)
		if errors.Is(err, io.EOF) {
			out.notes = r.(connectors.Noter).Notes()
			return out, nil
		}
		if err != nil {
			return out, err
		}
		for _, row := range b.Live {
			out.rows = append(out.rows, string(record.AppendRowJSON(nil, &b, int(row))))
		}
		out.held = append(out.held, b.Held...)
	}
}

// items writes records {"id":n} from one number up to another.
func items(from, to int) string {
	var b strings.Builder
	for i := from; i < to; i++ {
		if i > from {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"id":%d}`, i)
	}
	return "[" + b.String() + "]"
}

// ids are the rows of items.
func ids(from, to int) []string {
	var out []string
	for i := from; i < to; i++ {
		out = append(out, fmt.Sprintf(`{"id":"%d"}`, i))
	}
	return out
}

// wantSecret checks that an error keeps secrets.
func wantSecret(t *testing.T, err error) {
	t.Helper()
	for e := err; e != nil; e = errors.Unwrap(e) {
		text := fmt.Sprintf("%v %+v %#v", e, e, e)
		for _, form := range []string{canary, "c4n", "4%20ry", "4+ry"} {
			if strings.Contains(text, form) {
				t.Errorf("the error shows a secret: %s", text)
			}
		}
	}
}

func textOf(s string) document.Text { return document.TextAt(s, document.Position{}) }

// noteRequest is what a server saw of a request.
type noteRequest struct {
	path, query string
	header      http.Header
}

// noted answers with no records and tells what was asked.
func noted(tell func(*noteRequest)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tell(&noteRequest{path: r.URL.EscapedPath(), query: r.URL.RawQuery, header: r.Header})
		fmt.Fprint(w, `{"data":[]}`)
	})
}

// replying always answers with the same text.
func replying(text string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text) })
}
