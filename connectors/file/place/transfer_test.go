package place_test

import (
	"bytes"
	"context"
	"encoding/pem"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/connectortest/faults"
	"github.com/tieout/tieout/connectors/connectortest/servers"
	"github.com/tieout/tieout/connectors/file/place"
	"github.com/tieout/tieout/schemas/document"
)

// proxied gives settings that lead to a folder by way of a proxy.
func proxied(t *testing.T, kind string) (remote, *faults.Proxy, place.Settings) {
	t.Helper()
	r := remotes[kind](t)
	c := r.conn
	s := place.Settings{Path: c.Path.Value, PrivateKey: c.PrivateKey, KnownHosts: c.KnownHosts.Value, Endpoint: c.Endpoint.Value, Region: c.Region.Value,
		AccessKey: c.AccessKey, SecretKey: c.SecretKey, Spool: t.TempDir(), Now: time.Now, Timeout: time.Second}
	address := s.Path
	if kind == "s3" {
		address = s.Endpoint
	}
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	proxy, err := faults.New(u.Host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Close)
	if kind == "s3" {
		s.Endpoint = "http://" + proxy.Address()
		return r, proxy, s
	}
	known, err := os.ReadFile(s.KnownHosts)
	if err != nil {
		t.Fatal(err)
	}
	s.KnownHosts = strings.Replace(string(known), "]:"+u.Port(), "]:"+strings.Split(proxy.Address(), ":")[1], 1)
	u.Host = proxy.Address()
	s.Path = u.String()
	return r, proxy, s
}

func noise(n int) []byte {
	random := rand.NewChaCha8([32]byte{1})
	text := make([]byte, n)
	random.Read(text)
	return text
}

// A transfer that breaks off goes on where it was, both ways; a server that
// stays away ends it soon, with an error.
func TestTransfersGoOn(t *testing.T) {
	t.Parallel()
	text := noise(3 << 20)
	for kind := range remotes {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			r, proxy, settings := proxied(t, kind)
			r.put(t, "in.bin", text)
			ctx := context.Background()
			for _, fault := range []faults.Kind{faults.Cut, faults.Reset, faults.Stall, faults.Down} {
				s := open(t, settings)
				proxy.Arm(nil)
				e, err := s.Stat(ctx, "in.bin")
				if err != nil {
					t.Fatal(err)
				}
				proxy.Arm(&faults.Fault{Kind: fault, Way: faults.ToProgram, At: 2 << 20, Pause: 1500 * time.Millisecond})
				in, err := s.Open(ctx, e)
				if err != nil {
					t.Fatal(err)
				}
				got, err := io.ReadAll(in)
				in.Close()
				switch {
				case !proxy.Struck():
					t.Errorf("%s did not come", fault)
				case fault == faults.Down && (!errors.Is(err, connectors.ErrEnvironment) || len(got) >= len(text)):
					t.Errorf("a server that stays away: %d bytes, %v", len(got), err)
				case kind == "s3" && fault != faults.Down && !errors.Is(err, place.ErrCut): // without TLS nothing says what is missing
					t.Errorf("%s without TLS: %d bytes, %v", fault, len(got), err)
				case kind == "sftp" && fault != faults.Down && (err != nil || !bytes.Equal(got, text)):
					t.Errorf("%s: %d bytes, %v", fault, len(got), err)
				}
			}
			s := open(t, settings)
			proxy.Arm(nil)
			if err := s.Prepare(ctx, "out.bin"); err != nil {
				t.Fatal(err)
			}
			proxy.Arm(&faults.Fault{Kind: faults.Cut, Way: faults.ToServer, At: 2 << 20})
			if err := s.Publish(ctx, "out.bin", stage(t, s, "out.bin", "load", string(text))); err != nil || !proxy.Struck() {
				t.Errorf("published: %v, struck %v", err, proxy.Struck())
			}
			if !bytes.Equal(r.get(t, "out.bin"), text) {
				t.Error("what was uploaded is something else")
			}
		})
	}
}

// Over TLS an object is gone on with in the middle, and only while it is the
// same one. The server's certificate is signed by an authority of our own.
func TestObjectsGoOn(t *testing.T) {
	t.Parallel()
	text := noise(3 << 20)
	asked := 0
	tag := `"0123456789abcdef0123456789abcdef"`
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", tag)
		if r.Method == http.MethodGet {
			if asked++; asked < 4 {
				w = &breaking{ResponseWriter: w, left: 600_000}
			}
		}
		http.ServeContent(w, r, "in.bin", time.Unix(1_700_000_000, 0), bytes.NewReader(text))
	}))
	defer server.Close()
	x := document.NewSecret("x", "x")
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	settings := place.Settings{Path: "s3://bucket/x", Endpoint: server.URL, AccessKey: x, SecretKey: x, CAFile: string(authority), Now: time.Now}
	ctx, s := context.Background(), open(t, settings)
	e, err := s.Stat(ctx, "in.bin")
	if err != nil {
		t.Fatal(err)
	}
	read := func() ([]byte, error) {
		in, err := s.Open(ctx, e)
		if err != nil {
			return nil, err
		}
		defer in.Close()
		return io.ReadAll(in)
	}
	if got, err := read(); err != nil || !bytes.Equal(got, text) || asked != 4 {
		t.Errorf("%d bytes in %d requests, %v", len(got), asked, err)
	}
	asked, tag = 0, `"ffffffffffffffffffffffffffffffff"`
	if got, err := read(); !errors.Is(err, place.ErrChanged) {
		t.Errorf("another object by now: %d bytes, %v", len(got), err)
	}
	settings.CAFile = ""
	if _, err := open(t, settings).Stat(ctx, "in.bin"); !errors.Is(err, connectors.ErrEnvironment) || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("an unknown authority: %v", err)
	}
}

// breaking breaks a reply off.
type breaking struct {
	http.ResponseWriter
	left int
}

func (b *breaking) Write(p []byte) (int, error) {
	if b.left -= len(p); b.left < 0 {
		panic(http.ErrAbortHandler)
	}
	return b.ResponseWriter.Write(p)
}

// A read that is given up ends at once, whatever the server does.
func TestCancel(t *testing.T) {
	t.Parallel()
	for kind := range remotes {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			r, proxy, settings := proxied(t, kind)
			settings.Timeout = time.Minute
			r.put(t, "in.bin", noise(4<<20))
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			s := open(t, settings)
			e, err := s.Stat(ctx, "in.bin")
			if err != nil {
				t.Fatal(err)
			}
			proxy.Arm(&faults.Fault{Kind: faults.Stall, Way: faults.ToProgram, At: 2 << 20, Pause: 2 * time.Second})
			in, err := s.Open(ctx, e)
			if err != nil {
				t.Fatal(err)
			}
			defer in.Close()
			time.AfterFunc(300*time.Millisecond, cancel)
			began := time.Now()
			if _, err := io.Copy(io.Discard, in); !errors.Is(err, context.Canceled) || time.Since(began) > 1500*time.Millisecond {
				t.Errorf("%v after %s", err, time.Since(began))
			}
		})
	}
}

// A link is followed inside the folder and not out of it.
func TestLinks(t *testing.T) {
	t.Parallel()
	f := servers.SFTP(t)
	os.WriteFile(f.Path("a.csv"), []byte("a\n1\n"), 0o644)
	os.Symlink("a.csv", f.Path("inside.csv"))
	os.Symlink("/etc/passwd", f.Path("outside.csv"))
	os.Symlink("/etc", f.Path("etc"))
	s := open(t, place.Settings{Path: f.URL(), PrivateKey: document.NewSecret("k", f.PrivateKey), KnownHosts: f.KnownHosts, Now: time.Now})
	ctx := context.Background()
	if e, err := s.Stat(ctx, "inside.csv"); err != nil || !e.Regular || e.Size != 4 {
		t.Errorf("inside: %+v, %v", e, err)
	}
	for _, name := range []string{"outside.csv", "etc/passwd", "etc"} {
		if e, err := s.Stat(ctx, name); !errors.Is(err, connectors.ErrConfig) || !strings.Contains(err.Error(), "leads out of the folder") {
			t.Errorf("%s: %+v, %v", name, e, err)
		}
	}
	if _, err := place.Glob(ctx, s, "*.csv"); !errors.Is(err, connectors.ErrConfig) {
		t.Errorf("a pattern that names a link out of the folder: %v", err)
	}
}

// A server that writes whatever the conditions of a request say is no place
// for a sink.
func TestConditionsIgnored(t *testing.T) {
	t.Parallel()
	puts := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut {
			puts++
		}
		io.Copy(io.Discard, r.Body)
		w.Header().Set("ETag", `"0123456789abcdef0123456789abcdef"`)
	}))
	defer server.Close()
	x := document.NewSecret("x", "canary")
	s := open(t, place.Settings{Path: "s3://bucket/x", Endpoint: server.URL, AccessKey: x, SecretKey: x, Now: time.Now})
	if err := s.Prepare(context.Background(), "out.csv"); !errors.Is(err, connectors.ErrConfig) || !strings.Contains(err.Error(), "If-Match") {
		t.Errorf("after %d writes: %v", puts, err)
	}
}
