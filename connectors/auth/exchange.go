package auth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/web"
)

// exchange asks one token server for tokens. It keeps nothing.
type exchange struct {
	settings Settings
	client   *web.Client
	now      func() time.Time
}

func newExchange(s Settings, env connectors.Env, o web.Options) (*exchange, error) {
	origin, err := web.Origin(s.TokenURL.Value)
	if err != nil {
		return nil, fmt.Errorf("token_url: %w", err)
	}
	if o.Now == nil {
		o.Now = env.Now
	}
	o.Origins = []string{origin}
	client, err := web.New(o)
	return &exchange{settings: s, client: client, now: o.Now}, err
}

// credentials is a login func with the client's own credentials.
func (e *exchange) credentials(ctx context.Context, _ string) (string, time.Time, error) {
	form := url.Values{"grant_type": {ClientCredentials}}
	if len(e.settings.Scopes) > 0 {
		form.Set("scope", joined(e.settings.Scopes))
	}
	t, err := e.ask(ctx, form)
	if gone := new(refusedToken); errors.As(err, &gone) {
		err = fmt.Errorf("%w: the token server %s says %w", ErrRefused, e.origin(), gone)
	}
	if err != nil {
		return "", time.Time{}, err
	}
	return t.access, e.until(t.life), nil
}

// until is how long a token is used that was had just now; zero when its life
// is not known.
func (e *exchange) until(life time.Duration) time.Time {
	if life <= 0 {
		return time.Time{}
	}
	return e.now().Add(e.settings.RefreshAt.use(life))
}

func (e *exchange) origin() string {
	origin, _ := web.Origin(e.settings.TokenURL.Value) // it was read before
	return origin
}

// ask makes one request for tokens. The error is a *refusedToken when the
// server says that the grant is not valid, wraps ErrRefused when it refuses
// for another reason that stays, and connectors.ErrEnvironment when another
// attempt may succeed.
func (e *exchange) ask(ctx context.Context, form url.Values) (tokens, error) {
	s := &e.settings
	for _, p := range s.Params.Token.Entries {
		form.Set(p.Key.Value, p.Value.Value)
	}
	r := http.Request{Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Accept": {"application/json"}}}
	switch {
	case s.ClientSecret.Reveal() == "":
		form.Set("client_id", s.ClientID.Reveal())
	case s.Client == "body":
		form.Set("client_id", s.ClientID.Reveal())
		form.Set("client_secret", s.ClientSecret.Reveal())
	default:
		r.SetBasicAuth(url.QueryEscape(s.ClientID.Reveal()), url.QueryEscape(s.ClientSecret.Reveal()))
	}
	reply, err := e.client.Do(ctx, web.Request{Method: http.MethodPost, URL: s.TokenURL.Value, Header: r.Header, Body: []byte(form.Encode())})
	if err != nil {
		return tokens{}, fmt.Errorf("ask for a token: %w", err)
	}
	return e.judge(reply)
}

// judge says what a reply means.
func (e *exchange) judge(reply web.Reply) (tokens, error) {
	t := readTokens(reply.Body)
	good := reply.Status == http.StatusOK || reply.Status == http.StatusCreated
	if good && t.access != "" {
		return t, nil
	}
	text := fmt.Sprintf("the server gave no token: status %d", reply.Status)
	for _, more := range []string{t.problem, t.odd} {
		if more != "" {
			text += ", " + more
		}
	}
	status := reply.Status
	switch {
	case good && t.problem == "", status >= 500, status == http.StatusTooManyRequests, status == http.StatusRequestTimeout:
		return t, fmt.Errorf("%w: %s", connectors.ErrEnvironment, text)
	case t.problem == "invalid_grant":
		return t, &refusedToken{status: status}
	case reply.Moved() != "":
		text += "; it leads to " + reply.Moved() + ", and redirections are not followed"
	case t.problem == "temporarily_unavailable", t.problem == "server_error":
		return t, fmt.Errorf("%w: %s", connectors.ErrEnvironment, text)
	}
	return t, fmt.Errorf("%w: %s; check token_url, client_id, client_secret, client and scopes under auth of the connection", ErrRefused, text)
}
