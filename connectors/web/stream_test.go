package web_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/web"
)

// drain opens a reply and reads it to its end.
func drain(ctx context.Context, c *web.Client, url string) (int, error) {
	s, err := c.Open(ctx, post(url))
	if err != nil {
		return 0, err
	}
	defer s.Body.Close()
	n, err := io.Copy(io.Discard, s.Body)
	return int(n), err
}

func TestOpen(t *testing.T) {
	send := func(n int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "7")
			_, _ = w.Write(make([]byte, n))
		}
	}
	stalled := func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "half")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}
	slowly := func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			_, _ = io.WriteString(w, "x")
			w.(http.Flusher).Flush()
			time.Sleep(5 * time.Millisecond)
		}
	}
	silent := func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadAll(r.Body)
		<-r.Context().Done()
	}
	short := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "500")
		_, _ = io.WriteString(w, canary)
	}
	for name, test := range map[string]struct {
		handler http.HandlerFunc
		options web.Options
		want    error
		bytes   int
	}{
		"at the limit":       {send(1000), web.Options{MaxReply: 1000}, nil, 1000},
		"over it":            {send(1001), web.Options{MaxReply: 1000}, web.ErrTooLarge, 0},
		"a stall":            {stalled, web.Options{Idle: 50 * time.Millisecond, Timeout: time.Minute}, web.ErrTimeout, 4},
		"a byte at a time":   {slowly, web.Options{Idle: time.Minute, Timeout: 100 * time.Millisecond}, web.ErrTimeout, -1},
		"silence":            {silent, web.Options{Idle: 50 * time.Millisecond, Timeout: time.Minute}, web.ErrTimeout, 0},
		"cut short":          {short, web.Options{}, connectors.ErrEnvironment, len(canary)},
		"nothing, and sound": {send(0), web.Options{}, nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			client, url := serve(t, test.options, test.handler)
			began := time.Now()
			n, err := drain(t.Context(), client, url)
			if test.want == nil && err != nil || test.bytes >= 0 && n != test.bytes {
				t.Errorf("%d bytes, %v", n, err)
			}
			if test.want != nil {
				wantError(t, err, test.want)
			}
			if took := time.Since(began); took > 3*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

// The time a slow target takes between reads is not the server's.
func TestOpenIsPatientWithTheCaller(t *testing.T) {
	client, url := serve(t, web.Options{Idle: 100 * time.Millisecond, Timeout: 150 * time.Millisecond}, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(make([]byte, 300_000))
	})
	s, err := client.Open(t.Context(), post(url))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Body.Close()
	total := 0
	for part := make([]byte, 100_000); ; {
		n, err := s.Body.Read(part)
		if total += n; errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("after %d bytes: %v", total, err)
		}
		if total < 200_000 {
			time.Sleep(120 * time.Millisecond)
		}
	}
	if total != 300_000 {
		t.Errorf("%d bytes", total)
	}
}

func TestOpenUsesTheConnectionAgain(t *testing.T) {
	var peers atomic.Value
	peers.Store("")
	client, url := serve(t, web.Options{}, func(w http.ResponseWriter, r *http.Request) {
		if last := peers.Swap(r.RemoteAddr).(string); last != "" && last != r.RemoteAddr {
			http.Error(w, "another connection", 500)
		}
		_, _ = w.Write(make([]byte, 100_000))
	})
	for range 5 {
		if n, err := drain(t.Context(), client, url); n != 100_000 || err != nil {
			t.Errorf("%d bytes, %v", n, err)
		}
	}
}

func TestOpenKeepsTheGuards(t *testing.T) {
	client, url := serve(t, web.Options{}, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://other.example.com/"+canary, http.StatusFound)
	})
	_, err := client.Open(t.Context(), post("https://other.example.com/"+canary))
	wantError(t, err, web.ErrRefused)
	s, err := client.Open(t.Context(), post(url))
	if err != nil || s.Status != 302 || s.Moved() != "https://other.example.com" {
		t.Fatalf("%v, %v", s, err)
	}
	s.Body.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = drain(ctx, client, url)
	wantError(t, err, context.Canceled)
	if text := fmt.Sprint(err); text == "" {
		t.Error("no words")
	}
}
