package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/web"
)

// Consent is one attempt to have the consent of a person: the address of the
// page where it is given, and what becomes of the answer. It is for one
// goroutine.
type Consent struct {
	keeper    *keeper
	redirect  redirect
	listeners []net.Listener
	state     string
	verifier  string
}

// Consented says what was had.
type Consented struct {
	Scope   string    `json:"scope,omitempty"`         // as the service gave it
	Missing string    `json:"missing,omitempty"`       // scopes that were asked for and not given
	Ends    time.Time `json:"consent_ends,omitzero"`   // zero when the service does not say
	Once    bool      `json:"not_renewable,omitempty"` // there is no refresh token: it ends with the access token
	// Also is what the service sent along, such as the number of the company
	// that was chosen; never the code, nor what may be a secret.
	Also map[string]string `json:"also,omitempty"`
}

// NewConsent begins. A port that is not 0 is listened on instead of that of
// the settings. The caller closes it. Errors wrap connectors.ErrConfig or
// connectors.ErrEnvironment.
func NewConsent(s Settings, env connectors.Env, o web.Options, port int) (*Consent, error) {
	if !s.NeedsConsent() {
		return nil, fmt.Errorf("%w: connection %q needs no consent", connectors.ErrConfig, env.Name)
	}
	if _, err := web.Origin(s.AuthorizeURL.Value); err != nil {
		return nil, fmt.Errorf("authorize_url: %w", err)
	}
	if env.Vault == nil {
		return nil, fmt.Errorf("%w: there is no place to keep the tokens of connection %q", connectors.ErrEnvironment, env.Name)
	}
	e, err := newExchange(s, env, o)
	if err != nil {
		return nil, err
	}
	c := &Consent{keeper: newKeeper(e, env), state: rand.Text() + rand.Text(), verifier: rand.Text() + rand.Text()}
	if c.redirect, err = readRedirect(s.Redirect.Value, port); err != nil {
		return nil, fmt.Errorf("%w: %w", connectors.ErrConfig, err)
	}
	if c.redirect.here {
		if c.listeners, err = c.redirect.listen(); err != nil {
			return nil, fmt.Errorf("%w: %w", connectors.ErrEnvironment, err)
		}
	}
	return c, nil
}

// Ready proves that tokens can be kept, so that nobody consents in vain.
func (c *Consent) Ready(ctx context.Context) error {
	return c.keeper.vault.Update(ctx, c.keeper.name+"/intent", func(_ context.Context, old []byte) ([]byte, error) {
		if old == nil {
			old = []byte("[]")
		}
		return old, nil // written again: what can be read need not be writable
	})
}

// Close stops listening.
func (c *Consent) Close() {
	for _, l := range c.listeners {
		_ = l.Close()
	}
	c.keeper.client.Close()
}

// Waits reports whether an answer comes to this machine by itself; if not, it
// has to be pasted.
func (c *Consent) Waits() bool { return len(c.listeners) > 0 }

// Redirect is the address that the answer comes to.
func (c *Consent) Redirect() string { return c.redirect.String() }

// URL is the page where a person consents. It holds no secret.
func (c *Consent) URL() string {
	s := &c.keeper.settings
	u, err := url.Parse(s.AuthorizeURL.Value)
	if err != nil {
		return "" // NewConsent read it
	}
	sum := sha256.Sum256([]byte(c.verifier))
	q := u.Query()
	for _, p := range s.Params.Authorize.Entries {
		q.Set(p.Key.Value, p.Value.Value)
	}
	q.Set("response_type", "code")
	q.Set("client_id", s.ClientID.Reveal())
	q.Set("redirect_uri", c.Redirect())
	q.Set("state", c.state)
	q.Set("code_challenge", base64.RawURLEncoding.EncodeToString(sum[:]))
	q.Set("code_challenge_method", "S256")
	if len(s.Scopes) > 0 {
		q.Set("scope", joined(s.Scopes))
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// Answer is what came back from the page of consent.
type Answer struct {
	code string
	also map[string]string
}

// ErrForeign says that an answer belongs to another consent, or to none: the
// one that was begun may still come.
var ErrForeign = errors.New("it does not belong to this consent")

// read judges an answer. Errors other than ErrForeign end the consent.
func (c *Consent) read(q url.Values) (Answer, error) {
	if len(q["state"]) != 1 || len(q["code"]) > 1 || subtle.ConstantTimeCompare([]byte(q.Get("state")), []byte(c.state)) != 1 {
		return Answer{}, ErrForeign
	}
	if q.Has("error") {
		what := word(q.Get("error"))
		if what == "" {
			what = "an error that is none of the standard's"
		}
		return Answer{}, fmt.Errorf("%w: the consent to connection %q was not given: %s", ErrConsent, c.keeper.env.Name, what)
	}
	if q.Get("code") == "" {
		return Answer{}, ErrForeign
	}
	a := Answer{code: q.Get("code"), also: make(map[string]string)}
	for name := range q {
		if value := q.Get(name); telling(name) && sayable(value) {
			a.also[name] = value
		}
	}
	return a, nil
}

const (
	alsoName  = 40  // characters of a name that is shown
	alsoValue = 100 // and of its value
)

// unsaid are parts of the names of what is not shown: it is secret, or says
// nothing to a person.
var unsaid = []string{"code", "state", "scope", "token", "secret", "password", "assertion", "jwt", "signature", "hmac", "nonce", "hash"}

// telling reports a name of something that may be shown.
func telling(name string) bool {
	low := strings.ToLower(name)
	return len(name) <= alsoName && strings.Trim(low, "abcdefghijklmnopqrstuvwxyz0123456789_.-") == "" &&
		!slices.ContainsFunc(unsaid, func(part string) bool { return strings.Contains(low, part) })
}

// sayable reports a value that fits on a line.
func sayable(value string) bool {
	return value != "" && len(value) <= alsoValue && utf8.ValidString(value) && !strings.ContainsFunc(value, func(r rune) bool { return !unicode.IsPrint(r) })
}

// Pasted reads an answer that a person copied from the address line of a
// browser, or the bare code where the service shows one.
func (c *Consent) Pasted(text string) (Answer, error) {
	text = strings.TrimSpace(text)
	if c.redirect.Opaque != "" && text != "" && clean(text) && !strings.ContainsAny(text, " ?&:") {
		return Answer{code: text}, nil // PKCE alone ties it to this consent
	}
	u, err := url.Parse(text)
	if err != nil || u.RawQuery == "" {
		return Answer{}, fmt.Errorf("%w: it is no address with a code in it", ErrForeign)
	}
	return c.read(u.Query())
}

// Finish exchanges the code of an answer for tokens and keeps them in place
// of any there were.
func (c *Consent) Finish(ctx context.Context, a Answer) (Consented, error) {
	var out Consented
	form := url.Values{"grant_type": {AuthorizationCode}, "code": {a.code}, "redirect_uri": {c.Redirect()}, "code_verifier": {c.verifier}}
	k := c.keeper
	err := k.vault.Update(ctx, k.name, func(ctx context.Context, old []byte) ([]byte, error) {
		kept, err := readGrant(old)
		if err != nil {
			kept = grant{} // what cannot be read is replaced
		}
		t, err := k.ask(context.WithoutCancel(ctx), form)
		if gone := new(refusedToken); errors.As(err, &gone) {
			return nil, fmt.Errorf("%w: the token server %s does not take the code (%w); run `%s` again", ErrConsent, k.origin(), gone, k.command())
		}
		if err != nil {
			return nil, err
		}
		g := k.renewed(grant{Seeds: kept.Seeds}, "", t)
		if seed := k.settings.Refresh.Reveal(); seed != "" {
			g.sow(seed) // it is older than this consent
		}
		out = Consented{Scope: g.Scope, Missing: lost(joined(k.settings.Scopes), g.Scope), Ends: g.end(), Once: g.Refresh == "", Also: a.also}
		return json.Marshal(g)
	})
	return out, err
}
