package service

import (
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tieout/tieout/connectors"
)

const sessionYAML = `base_url: URL/v1
config: { user: me, password: "${secret:SECRET}" }
auth:
  kind: session
  request: { path: /login, body: { user: =config.user, password: =config.password } }
  token: data.session
MORE
streams: { items: { request: { path: /items }, records: data, page: {by: number, until: =page.number >= 3} } }
`

// ward is a service whose sessions end after some requests.
type ward struct {
	logins, uses, life int
	seen               []string
	answer             func(n int) string
}

func (w *ward) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	if strings.HasSuffix(r.URL.Path, "/login") {
		body, _ := io.ReadAll(r.Body)
		w.seen = append(w.seen, "login "+string(body))
		w.logins++
		w.uses = 0
		fmt.Fprint(out, w.answer(w.logins))
		return
	}
	body, _ := io.ReadAll(r.Body)
	w.seen = append(w.seen, r.URL.Path+" "+r.Header.Get("Authorization")+r.Header.Get("X-Session")+string(body))
	if w.uses++; w.uses > w.life {
		out.WriteHeader(http.StatusUnauthorized)
		return
	}
	fmt.Fprintf(out, `{"data":[{"id":%d}]}`, len(w.seen))
}

func TestSession(t *testing.T) {
	for name, test := range map[string]struct {
		more, stream string
		life         int
		want         string
	}{
		"a bearer token":      {"", "", 9, "/v1/items Bearer s1|/v1/items Bearer s1|/v1/items Bearer s1"},
		"a header":            {"  header: X-Session", "", 9, "/v1/items s1|/v1/items s1|/v1/items s1"},
		"in the body":         {"", `items: { request: { path: /items, encode: xml, body: {r: {sessionid: =session.token, n: =page.number}} }`, 9, `/v1/items <?xml version="1.0" encoding="UTF-8"?><r><sessionid>s1</sessionid><n>1</n></r>|/v1/items <?xml version="1.0" encoding="UTF-8"?><r><sessionid>s1</sessionid><n>2</n></r>|/v1/items <?xml version="1.0" encoding="UTF-8"?><r><sessionid>s1</sessionid><n>3</n></r>`},
		"a session that ends": {"", "", 2, "/v1/items Bearer s1|/v1/items Bearer s1|/v1/items Bearer s1|login|/v1/items Bearer s2"},
		"another address":     {"  base_url: data.endpoint", "", 9, "/other/items Bearer s1|/other/items Bearer s1|/other/items Bearer s1"},
	} {
		t.Run(name, func(t *testing.T) {
			w := &ward{life: test.life}
			s := serve(t, w.ServeHTTP)
			w.answer = func(n int) string { return fmt.Sprintf(`{"data":{"session":"s%d","endpoint":"%s/other"}}`, n, s.URL) }
			yaml := strings.Replace(sessionYAML, "MORE", test.more, 1)
			if test.stream != "" {
				yaml = strings.Replace(yaml, "items: { request: { path: /items }", test.stream, 1)
			} else {
				yaml = strings.Replace(yaml, "{ path: /items }", "{ path: /items, query: {p: =page.number} }", 1)
			}
			out, err := readStream(s.source(t, yaml, t.TempDir()), connectors.Read{})
			if err != nil || len(out.rows) != 3 {
				t.Fatalf("%v, %v", out.rows, err)
			}
			first := `login {"user":"me","password":"c4n\"4 ry%+"}`
			got := strings.ReplaceAll(strings.Join(w.seen[1:], "|"), first, "login")
			if diff := cmp.Diff(first+"|"+test.want, w.seen[0]+"|"+got); diff != "" {
				t.Errorf("asked (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSessionGoesWrong(t *testing.T) {
	for name, test := range map[string]struct {
		answer, more, words string
		kind                error
	}{
		"no token":          {`{"data":{}}`, "", `the reply has no "data.session"`, connectors.ErrEnvironment},
		"no address":        {`{"data":{"session":"x"}}`, "  base_url: data.endpoint", `no address at "data.endpoint"`, connectors.ErrEnvironment},
		"a strange address": {`{"data":{"session":"x","endpoint":"https://evil.example.com/x"}}`, "  base_url: data.endpoint", "neither base_url nor one of origins", connectors.ErrConfig},
		"never good":        {`{"data":{"session":"x"}}`, "", "status 401", connectors.ErrEnvironment},
		"an error in a 200": {`{"error":"wrong password"}`, "replies: {if: '=reply.body.error != nil', is: stop, message: =reply.body.error}", `log in: environment: auth.refused: the service answered with status 200 (OK) and said "wrong password"`, connectors.ErrEnvironment},
	} {
		t.Run(name, func(t *testing.T) {
			w := &ward{answer: func(int) string { return test.answer }}
			s, dir := serve(t, w.ServeHTTP), t.TempDir()
			out, err := readStream(s.source(t, strings.Replace(sessionYAML, "MORE", test.more, 1), dir), connectors.Read{})
			wantNothing(t, out, err, test.kind, test.words, dir)
			if w.logins > 2 {
				t.Errorf("%d logins", w.logins)
			}
		})
	}
}

// A session is used as long as it is valid, and by one request after the other.
func TestSessionValidFor(t *testing.T) {
	w := &ward{life: 100, answer: func(n int) string { return fmt.Sprintf(`{"data":{"session":"s%d"}}`, n) }}
	s := serve(t, w.ServeHTTP)
	src := s.source(t, strings.Replace(sessionYAML, "MORE", "  valid_for: 10m", 1), t.TempDir())
	for range 4 {
		s.clock.at = s.clock.at.Add(6 * time.Minute)
		if _, err := readStream(src, connectors.Read{}); err == nil {
			t.Fatal("three pages alike are no error")
		}
	}
	if w.logins != 2 {
		t.Errorf("%d logins in 24 minutes", w.logins)
	}
}

// A connection believes its own authority, and no other without being told.
func TestOwnAuthority(t *testing.T) {
	s := httptest.NewTLSServer(replying(`{"data":[{"id":1}]}`))
	defer s.Close()
	s.Config.ErrorLog = nil
	dir := t.TempDir()
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	for name, text := range map[string][]byte{"ca.pem": ca, "no.pem": []byte("x")} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for more, words := range map[string]string{
		"":                      "signed by an unknown authority",
		"ca_file: ca.pem\n":     "",
		"ca_file: no.pem\n":     `ca_file: "no.pem" holds no certificate`,
		"ca_file: gone.pem\n":   "ca_file: open",
		"client_cert: ca.pem\n": "client_cert and client_key belong together",
		"client_cert: ca.pem\nclient_key: ca.pem\n": "the files are no certificate and its key",
	} {
		c, found := decode(t, strings.ReplaceAll(more+plainYAML, "URL", s.URL))
		if len(found) > 0 {
			t.Fatal(found)
		}
		clock := newClock()
		src, err := newSource(connectors.Env{Now: clock.now, Limits: connectors.DefaultLimits(), Dir: dir}, c, newShelf(), clock.tools())
		if err != nil {
			t.Fatal(err)
		}
		out, err := readStream(src, connectors.Read{})
		if words == "" && (err != nil || len(out.rows) != 1) || words != "" && (err == nil || !strings.Contains(err.Error(), words)) {
			t.Errorf("%q: %v, want %q", more, err, words)
		}
	}
}

func TestExactCase(t *testing.T) {
	h := http.Header{"X-App-Id": {"a"}, "Accept": {"b"}}
	exactCase(h, []string{"x-APP-id", "Accept"}, []string{"gone"})
	if diff := cmp.Diff(http.Header{"x-APP-id": {"a"}, "Accept": {"b"}}, h); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
}
