package auth_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/auth"
	"github.com/tieout/tieout/connectors/web"
	"github.com/tieout/tieout/schemas/document"
)

func TestMain(m *testing.M) {
	for _, name := range []string{"HTTPS_PROXY", "https_proxy"} {
		os.Unsetenv(name)
	}
	goleak.VerifyTestMain(m)
}

const canary = `c4n"4 ry%+`

func secret() document.Secret { return document.NewSecret("KEY", canary) }

func text(s string) document.Text { return document.TextAt(s, document.Position{}) }

// clock is moved by the tests.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func newClock() *clock { return &clock{at: time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC)} }

func TestSign(t *testing.T) {
	for name, test := range map[string]struct {
		settings auth.Settings
		header   string
		want     string
		query    string
	}{
		"none":         {auth.Settings{Kind: auth.None}, "Authorization", "", ""},
		"unset":        {auth.Settings{}, "Authorization", "", ""},
		"key":          {auth.Settings{Kind: auth.Key, Header: text("X-Key"), Value: secret()}, "X-Key", canary, ""},
		"key in query": {auth.Settings{Kind: auth.Key, Query: text("key"), Value: secret()}, "X-Key", "", "a=b&key=c4n%224+ry%25%2B"},
		"basic":        {auth.Settings{Kind: auth.Basic, User: document.NewSecret("U", "me"), Password: secret()}, "Authorization", "Basic bWU6YzRuIjQgcnklKw==", ""},
		"bearer":       {auth.Settings{Kind: auth.Bearer, Token: secret()}, "Authorization", "Bearer " + canary, ""},
	} {
		s, err := auth.New(test.settings, connectors.Env{}, web.Options{Now: newClock().now})
		if err != nil {
			t.Fatal(err)
		}
		header, query := http.Header{}, url.Values{"a": {"b"}}
		if err := s.Sign(t.Context(), header, query); err != nil {
			t.Fatal(err)
		}
		if test.query == "" {
			test.query = "a=b"
		}
		if header.Get(test.header) != test.want || query.Encode() != test.query {
			t.Errorf("%s: header %q, query %q", name, header, query.Encode())
		}
		if s.Refresh(header) {
			t.Errorf("%s: there is another token", name)
		}
	}
}

// server gives tokens t1, t2 and so on that last ten minutes.
func server(t *testing.T, reply func(w http.ResponseWriter, r *http.Request, n int)) (*auth.Signer, *clock, *int) {
	n, c := new(int), newClock()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*n++
		reply(w, r, *n)
	}))
	t.Cleanup(s.Close)
	signer, err := auth.New(auth.Settings{Kind: auth.OAuth2, TokenURL: text(s.URL + "/token"), ClientID: document.NewSecret("ID", "me:"), ClientSecret: secret(),
		Scopes: []document.Text{text("read"), text("write")}}, connectors.Env{}, web.Options{Now: c.now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(signer.Close)
	return signer, c, n
}

func token(t *testing.T, s *auth.Signer) string {
	t.Helper()
	h := http.Header{}
	if err := s.Sign(t.Context(), h, url.Values{}); err != nil {
		t.Fatal(err)
	}
	return h.Get("Authorization")
}

func TestTokensAreAskedForOnceAndInTime(t *testing.T) {
	s, c, n := server(t, func(w http.ResponseWriter, r *http.Request, n int) {
		if user, password, _ := r.BasicAuth(); user != "me%3A" || password != url.QueryEscape(canary) || r.FormValue("grant_type") != "client_credentials" || r.FormValue("scope") != "read write" {
			http.Error(w, "who?", http.StatusUnauthorized)
			return
		}
		fmt.Fprintf(w, `{"token_type":"Bearer","expires_in":600,"access_token":"t%d"}`, n)
	})
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if got := token(t, s); got != "Bearer t1" {
				t.Errorf("got %q", got)
			}
		})
	}
	all.Wait()
	c.add(569 * time.Second)
	if got := token(t, s); got != "Bearer t1" || *n != 1 {
		t.Errorf("before its end: %q, asked %d times", got, *n)
	}
	c.add(2 * time.Second)
	if got := token(t, s); got != "Bearer t2" {
		t.Errorf("at its end: %q", got)
	}
	if !s.Refresh(http.Header{"Authorization": {"Bearer t1"}}) || token(t, s) != "Bearer t2" {
		t.Error("a token that another request has fetched was thrown away")
	}
	if s.Refresh(http.Header{"Authorization": {"Bearer t2"}}); token(t, s) != "Bearer t3" {
		t.Error("a refused token is used again")
	}
}

func TestNoToken(t *testing.T) {
	for name, test := range map[string]struct {
		status      int
		body, words string
	}{
		"refused":        {401, `{"error":"invalid_client","error_description":"` + "c4n" + `"}`, "status 401, invalid_client"},
		"an odd error":   {400, `{"error":"c4n4 ry"}`, "status 400"},
		"no token":       {200, `{}`, "gave no token: status 200"},
		"no JSON":        {200, `<html>c4n`, "no JSON"},
		"a line end":     {200, `{"access_token":"c4n\r\nX: y"}`, "no header can hold"},
		"not a text":     {200, `{"access_token":{"c4n":1}}`, "gave no token"},
		"server is down": {503, "c4n", "status 503"},
	} {
		s, _, _ := server(t, func(w http.ResponseWriter, _ *http.Request, _ int) {
			w.WriteHeader(test.status)
			fmt.Fprint(w, test.body)
		})
		h := http.Header{}
		err := s.Sign(t.Context(), h, url.Values{})
		if !errors.Is(err, connectors.ErrEnvironment) || !strings.Contains(fmt.Sprint(err), test.words) || len(h) > 0 {
			t.Errorf("%s: %v, header %v", name, err, h)
		}
		if text := fmt.Sprintf("%v %+v %#v", err, err, err); strings.Contains(text, "c4n") {
			t.Errorf("%s: the error shows a secret: %s", name, text)
		}
	}
}

func TestTokenURLIsHTTPS(t *testing.T) {
	for _, address := range []string{"http://login.example.com/", "", "login.example.com"} {
		if _, err := auth.New(auth.Settings{Kind: auth.OAuth2, TokenURL: text(address)}, connectors.Env{}, web.Options{}); !errors.Is(err, connectors.ErrConfig) {
			t.Errorf("%q: %v", address, err)
		}
	}
}
