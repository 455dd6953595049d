package web_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tieout/tieout/connectors/web"
)

// A library's requests go to the origins of the client alone, and redirections
// are its own to see.
func TestTransport(t *testing.T) {
	asked := 0
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked++ }))
	defer other.Close()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL, http.StatusFound)
	}))
	defer server.Close()
	c, err := web.New(web.Options{Origins: []string{server.URL}, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	transport := c.Transport()
	for url, want := range map[string]string{server.URL + "/x": "", other.URL: "none of the origins", "ftp://127.0.0.1/": "scheme"} {
		r, _ := http.NewRequest(http.MethodGet, url, nil)
		reply, err := transport.RoundTrip(r)
		if err == nil {
			reply.Body.Close()
		}
		if want == "" {
			if err != nil || reply.StatusCode != http.StatusFound {
				t.Errorf("%s: %v", url, err)
			}
		} else if !errors.Is(err, web.ErrRefused) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v", url, err)
		}
	}
	if asked > 0 {
		t.Error("the other server was asked")
	}
}

// Loopback is dialed when it is named, and addresses of metadata services never.
func TestDial(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	conn, err := web.Dial(ctx, "127.0.0.1:"+port)
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	for _, address := range []string{"169.254.169.254:22", "0.0.0.0:" + port, "[fd00:ec2::254]:22", "nothing"} {
		if conn, err := web.Dial(ctx, address); !errors.Is(err, web.ErrRefused) {
			t.Errorf("%s: %v, %v", address, conn, err)
		}
	}
}

// A document that is shorter than it says is an error before it is looked at.
func TestShortDocument(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/xml")
		w.Header().Set("Content-Length", "30")
		w.Write([]byte("<a>short</a>"))
	}))
	defer server.Close()
	c, err := web.New(web.Options{Origins: []string{server.URL}, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	r, _ := http.NewRequest(http.MethodGet, server.URL, nil)
	if _, err := c.Transport().RoundTrip(r); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("error %v", err)
	}
}
