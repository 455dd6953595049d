package auth

import (
	"context"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/web"
)

// login gets a token. expires is zero when the service does not say. refused is
// the last token if a server refused it, "" otherwise.
type login func(ctx context.Context, refused string) (token string, expires time.Time, err error)

// Signer proves who sends a request. It is safe for concurrent use, and asks
// for one token at a time.
type Signer struct {
	settings Settings
	client   *web.Client // for tokens; nil when there are none to ask for
	now      func() time.Time
	login    login // nil for kinds without tokens that end

	turn chan struct{} // holds a value while a token is asked for

	mu      sync.Mutex
	token   string
	expires time.Time // when to ask for another; zero when the server did not say
	refused string
}

// New makes a signer for a connection of env. o says how tokens are asked
// for; its origins are those of the token URL alone. It opens nothing. Errors
// wrap connectors.ErrConfig.
func New(s Settings, env connectors.Env, o web.Options) (*Signer, error) {
	if o.Now == nil {
		o.Now = env.Now
	}
	if s.Kind != OAuth2 {
		return newSigner(s, o.Now, nil), nil
	}
	e, err := newExchange(s, env, o)
	if err != nil {
		return nil, err
	}
	login := e.credentials
	if s.Keeps() {
		login = newKeeper(e, env).login
	}
	a := newSigner(s, o.Now, login)
	a.client = e.client
	return a, nil
}

func newSigner(s Settings, now func() time.Time, login login) *Signer {
	return &Signer{settings: s, now: now, login: login, turn: make(chan struct{}, 1)}
}

// Close lets go of idle connections.
func (a *Signer) Close() {
	if a.client != nil {
		a.client.Close()
	}
}

// Sign puts the proof into a request. Errors wrap connectors.ErrEnvironment;
// those that Final reports stay what they are until a person acts.
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
	if a.login == nil {
		return false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.token != "" && used.Get("Authorization") == "Bearer "+a.token {
		a.token, a.refused = "", a.token
	}
	return true
}

// current gives a token that is still good, asking for one if need be. Others
// wait meanwhile.
func (a *Signer) current(ctx context.Context) (string, error) {
	select {
	case a.turn <- struct{}{}:
	case <-ctx.Done():
		return "", ctx.Err()
	}
	defer func() { <-a.turn }()
	token, refused := a.held()
	if token != "" {
		return token, nil
	}
	token, expires, err := a.login(ctx, refused)
	if err != nil {
		return "", err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.token, a.expires, a.refused = token, expires, ""
	return token, nil
}

// held is the token there is, "" when it has ended.
func (a *Signer) held() (token, refused string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.token != "" && !a.expires.IsZero() && !a.now().Before(a.expires) {
		return "", a.refused
	}
	return a.token, a.refused
}
