package service

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/tieout/tieout/connectors"
)

// A token that ends in the middle of a read is asked for again, once, and the
// same page after it; nothing is lost or read twice. Tokens and what they are
// had for go to their own places only.
func TestTokenEndsInTheMiddle(t *testing.T) {
	for name, test := range map[string]struct {
		uses  int // of a token before it is refused
		fails bool
	}{"after some pages": {3, false}, "at once, for good": {0, true}} {
		t.Run(name, func(t *testing.T) {
			var given, used, odd atomic.Int64
			tokens := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if _, secret, _ := r.BasicAuth(); secret == "" || r.URL.Path != "/token" {
					odd.Add(1)
				}
				used.Store(0)
				fmt.Fprintf(w, `{"access_token":"t%d"}`, given.Add(1))
			}))
			defer tokens.Close()
			s := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if _, _, basic := r.BasicAuth(); basic {
					odd.Add(1)
				}
				if r.Header.Get("Authorization") != fmt.Sprintf("Bearer t%d", given.Load()) || used.Add(1) > int64(test.uses) {
					w.WriteHeader(http.StatusUnauthorized)
					return
				}
				at, _ := strconv.Atoi(r.URL.Query().Get("at"))
				fmt.Fprint(w, items(at, min(at+2, 20)))
			})
			yaml := `base_url: URL
auth: {kind: oauth2, token_url: TOKENS/token, client_id: "${secret:SECRET}", client_secret: "${secret:SECRET}"}
streams: {items: {request: {path: /items, query: {at: =page.offset}}, page: {by: offset}}}`
			out, err := readStream(s.source(t, strings.ReplaceAll(yaml, "TOKENS", tokens.URL), t.TempDir()), connectors.Read{})
			wantSecret(t, err)
			if odd.Load() > 0 {
				t.Error("credentials went to the wrong place")
			}
			if test.fails {
				if !errors.Is(err, connectors.ErrEnvironment) || !strings.Contains(err.Error(), "credentials") || given.Load() != 2 {
					t.Errorf("%v, %d tokens", err, given.Load())
				}
				return
			}
			if err != nil || strings.Join(out.rows, "") != strings.Join(ids(0, 20), "") || given.Load() != 4 {
				t.Errorf("%d rows, %d tokens, %v", len(out.rows), given.Load(), err)
			}
		})
	}
}

// What proves who asks never goes to another origin, whatever a reply says.
func TestCredentialsStay(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t.Errorf("the other origin was asked, with %v", r.Header)
	}))
	defer other.Close()
	for name, reply := range map[string]http.HandlerFunc{
		"a next page": func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprintf(w, `{"data":[{"id":1}],"next":"%s/items"}`, other.URL)
		},
		"a redirection": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other.URL+"/items", http.StatusTemporaryRedirect)
		},
		"a host in the next path": func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprintf(w, `{"data":[{"id":1}],"next":"//%s/items"}`, strings.TrimPrefix(other.URL, "http://"))
		},
		"a user in the next page": func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, `{"data":[{"id":1}],"next":"http://%s@%s/items"}`, r.Host, strings.TrimPrefix(other.URL, "http://"))
		},
	} {
		for _, kind := range []string{"{kind: bearer, token: S}", "{kind: key, header: X-Key, value: S}", "{kind: key, query: key, value: S}", "{kind: basic, user: S, password: S}"} {
			s, dir := serve(t, reply), t.TempDir()
			yaml := "base_url: URL\nauth: " + strings.ReplaceAll(kind, " S", ` "${secret:SECRET}"`) + "\nstreams: {items: {request: {path: /items}, records: data, page: {by: url, next: next}}}"
			out, err := readStream(s.source(t, yaml, dir), connectors.Read{})
			wantNothing(t, out, err, connectors.ErrConfig, "", dir)
			if t.Failed() {
				t.Fatalf("%s, %s", name, kind)
			}
		}
	}
}
