package auth

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/web"
)

// Signer proves who sends a request. It is safe for concurrent use, and asks
// for one token at a time.
type Signer struct {
	settings Settings
	client   *web.Client // for tokens; nil when there are none to ask for
	now      func() time.Time

	mu      sync.Mutex
	token   string
	expires time.Time // zero when the server did not say
}

// New makes a signer. o says how tokens are asked for; its origins are those
// of the token URL alone. It opens nothing. Errors wrap connectors.ErrConfig.
func New(s Settings, o web.Options) (*Signer, error) {
	a := &Signer{settings: s, now: o.Now}
	if s.Kind != OAuth2 {
		return a, nil
	}
	origin, err := web.Origin(s.TokenURL.Value)
	if err != nil {
		return nil, fmt.Errorf("token_url: %w", err)
	}
	o.Origins = []string{origin}
	a.client, err = web.New(o)
	return a, err
}

// Close lets go of idle connections.
func (a *Signer) Close() {
	if a.client != nil {
		a.client.Close()
	}
}

// Sign puts the proof into a request. Errors wrap connectors.ErrEnvironment.
func (a *Signer) Sign(ctx context.Context, header http.Header, query url.Values) error {
	s := &a.settings
	switch s.Kind {
	case Key:
		if s.Header.Value != "" {
			header.Set(s.Header.Value, s.Value.Reveal())
		} else {
			query.Set(s.Query.Value, s.Value.Reveal())
		}
	case Basic:
		r := http.Request{Header: header}
		r.SetBasicAuth(s.User.Reveal(), s.Password.Reveal())
	case Bearer:
		header.Set("Authorization", "Bearer "+s.Token.Reveal())
	case OAuth2:
		token, err := a.current(ctx)
		if err != nil {
			return err
		}
		header.Set("Authorization", "Bearer "+token)
	}
	return nil
}

// Refresh forgets a token that a server refused, and reports whether another
// one can be had. used is the header that was sent, so that a token another
// request has fetched meanwhile is kept.
func (a *Signer) Refresh(used http.Header) bool {
	if a.settings.Kind != OAuth2 {
		return false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if used.Get("Authorization") == "Bearer "+a.token {
		a.token = ""
	}
	return true
}

// early is how long before its end a token is given up.
const early = 30 * time.Second

// current gives a token that is still good, asking for one if need be. Others
// wait meanwhile.
func (a *Signer) current(ctx context.Context) (string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.token != "" && (a.expires.IsZero() || a.now().Before(a.expires)) {
		return a.token, nil
	}
	token, life, err := a.ask(ctx)
	if err != nil {
		return "", err
	}
	a.token, a.expires = token, time.Time{}
	if life > 0 {
		a.expires = a.now().Add(max(life-early, life/2))
	}
	return token, nil
}

// ask exchanges the client's credentials for a token.
func (a *Signer) ask(ctx context.Context) (token string, life time.Duration, err error) {
	s := &a.settings
	form := url.Values{"grant_type": {"client_credentials"}}
	if len(s.Scopes) > 0 {
		form.Set("scope", joined(s.Scopes))
	}
	r := http.Request{Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Accept": {"application/json"}}}
	if s.Client == "body" {
		form.Set("client_id", s.ClientID.Reveal())
		form.Set("client_secret", s.ClientSecret.Reveal())
	} else {
		r.SetBasicAuth(url.QueryEscape(s.ClientID.Reveal()), url.QueryEscape(s.ClientSecret.Reveal()))
	}
	reply, err := a.client.Do(ctx, web.Request{Method: http.MethodPost, URL: s.TokenURL.Value, Header: r.Header, Body: []byte(form.Encode())})
	if err != nil {
		return "", 0, fmt.Errorf("ask for a token: %w", err)
	}
	token, life, problem := readToken(reply.Body)
	if reply.Status != http.StatusOK || token == "" {
		return "", 0, fmt.Errorf("%w: the server gave no token: status %d%s", connectors.ErrEnvironment, reply.Status, problem)
	}
	return token, life, nil
}
