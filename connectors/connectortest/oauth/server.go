package oauth

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ory/fosite"
	"github.com/ory/fosite/compose"
	"github.com/ory/fosite/storage"
	"golang.org/x/crypto/bcrypt"
)

// The client that the server knows, and one without a secret.
const (
	Client       = "ledger-app"
	Secret       = "s3cr3t of the ledger app"
	PublicClient = "ledger-desktop"
)

// Reply is what the server is about to answer to a request for tokens, after
// it has made up its mind: a fault may change or hold it.
type Reply struct {
	Grant  string // grant_type of the request
	Status int
	Body   map[string]any
	Header http.Header
	// Cut ends the connection in place of an answer.
	Cut bool
}

// Counts is what the server has seen.
type Counts struct {
	Authorized int            // consents given
	Asked      int            // requests for tokens
	Given      map[string]int // tokens given, by grant
	Reused     int            // refresh tokens sent after they were spent
	Unknown    int            // refresh tokens that were never given, or whose consent was revoked
	LastIssued string         // the refresh token given last
	LastSpent  string         // the one it was given for
}

// Server is a token server with a resource behind it.
type Server struct {
	*httptest.Server
	provider fosite.OAuth2Provider
	config   *fosite.Config
	store    *store

	mu     sync.Mutex
	counts Counts
	before func(http.ResponseWriter, *http.Request) bool
	after  func(*Reply)
	deny   string
	grace  time.Duration
	turn   sync.Mutex // one rotation at a time: the store in memory has no transactions
}

// New starts a server whose access tokens live an hour and whose refresh
// tokens rotate and are refused when they are sent again. It ends with the
// test.
func New(t testing.TB) *Server {
	t.Helper()
	s := start()
	t.Cleanup(s.Close)
	return s
}

// start starts a server. The caller closes it.
func start() *Server {
	s := &Server{counts: Counts{Given: make(map[string]int)}}
	s.config = &fosite.Config{AccessTokenLifespan: time.Hour, RefreshTokenLifespan: 24 * time.Hour, HashCost: bcrypt.MinCost,
		GlobalSecret: []byte("a secret of 32 bytes for testing"), EnforcePKCE: true, RefreshTokenScopes: []string{}}
	hash, err := bcrypt.GenerateFromPassword([]byte(Secret), bcrypt.MinCost)
	if err != nil {
		panic(err)
	}
	memory := storage.NewMemoryStore()
	base := fosite.DefaultClient{ID: Client, Secret: hash, ResponseTypes: []string{"code"}, Scopes: []string{"accounting", "reports", "offline_access"},
		GrantTypes:   []string{"authorization_code", "refresh_token", "client_credentials"},
		RedirectURIs: []string{"http://127.0.0.1/callback", "http://localhost:8766/callback", "http://127.0.0.1:8766/back/here", "https://books.example.com/back"}}
	public := base
	public.ID, public.Secret, public.Public = PublicClient, nil, true
	memory.Clients[Client], memory.Clients[PublicClient] = &base, &public
	s.store = &store{MemoryStore: memory, spent: make(map[string]spending), grace: s.graceNow}
	s.provider = compose.Compose(s.config, s.store, compose.NewOAuth2HMACStrategy(s.config),
		compose.OAuth2AuthorizeExplicitFactory, compose.OAuth2ClientCredentialsGrantFactory, compose.OAuth2RefreshTokenGrantFactory,
		compose.OAuth2PKCEFactory, compose.OAuth2TokenIntrospectionFactory)
	mux := http.NewServeMux()
	mux.HandleFunc("/authorize", s.authorize)
	mux.HandleFunc("/token", s.token)
	mux.HandleFunc("/items", s.items)
	s.Server = httptest.NewServer(mux)
	return s
}

// Grace makes spent refresh tokens work again for a while.
func (s *Server) Grace(d time.Duration) { s.set(func() { s.grace = d }) }

// Deny makes consents be refused with an error such as access_denied.
func (s *Server) Deny(problem string) { s.set(func() { s.deny = problem }) }

// Before is called with each request for tokens before it is looked at; true
// means that it was answered. nil takes it away.
func (s *Server) Before(fn func(http.ResponseWriter, *http.Request) bool) {
	s.set(func() { s.before = fn })
}

// After is called with each reply, once tokens were given and spent. nil takes
// it away.
func (s *Server) After(fn func(*Reply)) { s.set(func() { s.after = fn }) }

func (s *Server) set(fn func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fn()
}

func (s *Server) graceNow() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.grace
}

// Counts gives what was seen so far.
func (s *Server) Counts() Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.counts
	c.Given = maps.Clone(c.Given)
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	c.Reused, c.Unknown = s.store.reused, s.store.unknown
	return c
}

// Seed gives a refresh token as a consent elsewhere would.
func (s *Server) Seed(t testing.TB) string {
	t.Helper()
	token, err := s.consent()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func (s *Server) authorize(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	asked, err := s.provider.NewAuthorizeRequest(ctx, r)
	if err != nil {
		s.provider.WriteAuthorizeError(ctx, w, asked, err)
		return
	}
	s.mu.Lock()
	deny := s.deny
	s.mu.Unlock()
	if deny != "" {
		s.provider.WriteAuthorizeError(ctx, w, asked, &fosite.RFC6749Error{ErrorField: deny, DescriptionField: "no", CodeField: 403})
		return
	}
	for _, scope := range asked.GetRequestedScopes() {
		asked.GrantScope(scope)
	}
	response, err := s.provider.NewAuthorizeResponse(ctx, asked, &fosite.DefaultSession{Subject: "ana"})
	if err != nil {
		s.provider.WriteAuthorizeError(ctx, w, asked, err)
		return
	}
	s.set(func() { s.counts.Authorized++ })
	response.AddParameter("realmId", "4620816365")
	s.provider.WriteAuthorizeResponse(ctx, w, asked, response)
}

func (s *Server) token(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.counts.Asked++
	before := s.before
	s.mu.Unlock()
	if before != nil && before(w, r) {
		return
	}
	reply := s.give(r)
	s.mu.Lock()
	after := s.after
	s.mu.Unlock()
	if after != nil {
		after(&reply)
	}
	if reply.Cut {
		panic(http.ErrAbortHandler)
	}
	maps.Copy(w.Header(), reply.Header)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(reply.Status)
	_ = json.NewEncoder(w).Encode(reply.Body)
}

// give decides about one request for tokens.
func (s *Server) give(r *http.Request) Reply {
	s.turn.Lock()
	defer s.turn.Unlock()
	w, ctx := httptest.NewRecorder(), context.Background()
	asked, err := s.provider.NewAccessRequest(ctx, r, &fosite.DefaultSession{Subject: "ana"})
	var response fosite.AccessResponder
	if err == nil {
		if slices.Contains(asked.GetGrantTypes(), "client_credentials") {
			for _, scope := range asked.GetRequestedScopes() {
				asked.GrantScope(scope)
			}
		}
		response, err = s.provider.NewAccessResponse(ctx, asked)
	}
	grant := r.PostForm.Get("grant_type")
	if err != nil {
		s.provider.WriteAccessError(ctx, w, asked, err)
	} else {
		s.provider.WriteAccessResponse(ctx, w, asked, response)
	}
	reply := Reply{Grant: grant, Status: w.Code, Header: http.Header{}}
	if err := json.NewDecoder(bytes.NewReader(w.Body.Bytes())).Decode(&reply.Body); err != nil {
		panic(fmt.Sprintf("the token server wrote %q", w.Body))
	}
	s.note(grant, r.PostForm, reply)
	return reply
}

func (s *Server) note(grant string, form url.Values, reply Reply) {
	if reply.Status != http.StatusOK {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts.Given[grant]++
	if refresh, ok := reply.Body["refresh_token"].(string); ok {
		s.counts.LastIssued, s.counts.LastSpent = refresh, form.Get("refresh_token")
	}
}

// items is a resource that wants a token.
func (s *Server) items(w http.ResponseWriter, r *http.Request) {
	_, _, err := s.provider.IntrospectToken(r.Context(), fosite.AccessTokenFromRequest(r), fosite.AccessToken, &fosite.DefaultSession{})
	if err != nil {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	_, _ = w.Write([]byte(`{"items":[{"id":"1","total":"10.50"},{"id":"2","total":"20.25"}]}`))
}
