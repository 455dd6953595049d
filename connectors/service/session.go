package service

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/auth"
	"github.com/tieout/tieout/connectors/web"
	"github.com/tieout/tieout/schemas/document"
)

// Auth is how requests prove who sends them: as package auth has it, or with a
// session that a request of the service begins.
type Auth struct {
	auth.Settings
	Session *Session
}

const kindSession = "session"

// Session is a login request and what its reply gives.
type Session struct {
	Kind     string            `yaml:"kind" required:"true" enum:"session" doc:"session: a login request gives a token."`
	Request  Request           `yaml:"request" required:"true" doc:"session: the login."`
	Token    RecordPath        `yaml:"token" required:"true" doc:"session: path to the token in the reply. Expressions read it as session.token." example:"data.sessionId"`
	ValidFor document.Duration `yaml:"valid_for" doc:"session: how long a token is used; until the service refuses it when not given." example:"20m"`
	BaseURL  RecordPath        `yaml:"base_url" doc:"session: path to the address the reply says to use from then on, which must be one of origins." example:"data.endpoint"`
	Header   document.Text     `yaml:"header" doc:"session: header the token is sent in; Authorization, as a bearer token, when neither this is given nor an expression uses session.token." example:"X-Session-Id"`
}

// DecodeDocument reads the keys of either.
func (a *Auth) DecodeDocument(n *document.Node, d *document.Decoder) {
	if n.Kind() == document.Mapping && n.Get("kind") != nil && n.Get("kind").Text() == kindSession {
		a.Session = new(Session)
		d.Decode(n, a.Session)
		return
	}
	d.DecodeField(n, &a.Settings, "")
}

// DocumentSchema is that of either.
func (a *Auth) DocumentSchema(sub func(any) any) any {
	return map[string]any{"anyOf": []any{sub(auth.Settings{}), sub(Session{})}}
}

// DocumentType says what is written.
func (a *Auth) DocumentType() string {
	return "a mapping of `kind` and the keys of that kind; or of session: `request`, `token`, `valid_for`, `base_url` and `header`"
}

// usher keeps the session of one source. It is safe for concurrent use.
type usher struct {
	source  *source
	session *Session
	turn    chan struct{} // holds a value while a session begins or is looked at
	pass    pass
	expires time.Time // zero while it is good until refused
}

// pass is a session that has begun.
type pass struct {
	token string
	base  *url.URL // where requests go, nil for base_url
}

func newUsher(s *source) *usher {
	if s.conn.Auth.Session == nil {
		return nil
	}
	return &usher{source: s, session: s.conn.Auth.Session, turn: make(chan struct{}, 1)}
}

// current gives a session that is good, beginning one if need be. Others wait
// meanwhile.
func (u *usher) current(ctx context.Context) (pass, error) {
	select {
	case u.turn <- struct{}{}:
	case <-ctx.Done():
		return pass{}, ctx.Err()
	}
	defer func() { <-u.turn }()
	now := u.source.tools.now()
	if u.pass.token != "" && (u.expires.IsZero() || now.Before(u.expires)) {
		return u.pass, nil
	}
	p, err := u.begin(ctx)
	if err != nil {
		return pass{}, fmt.Errorf("log in: %w", err)
	}
	if u.pass = p; u.session.ValidFor > 0 {
		u.expires = now.Add(u.session.ValidFor.Std())
	}
	return p, nil
}

// forget drops a session the service refused, unless another took its place.
func (u *usher) forget(token string) {
	u.turn <- struct{}{}
	defer func() { <-u.turn }()
	if u.pass.token == token {
		u.pass = pass{}
	}
}

// begin makes the login request.
func (u *usher) begin(ctx context.Context) (out pass, err error) {
	f, err := u.source.bare(&connectors.Read{Stream: kindSession}, &StreamDef{Request: u.session.Request})
	if err != nil {
		return out, err
	}
	defer func() { _ = f.close() }() // it was only read
	f.caller.attempts = checkAttempts
	a, err := f.exchange(ctx, &f.stream.Request)
	if err != nil {
		return out, err
	}
	token := a.text(&u.session.Token)
	if token == "" {
		return out, fmt.Errorf("%w: the reply has no %q; check auth: of the connection", errReply, u.session.Token.Value)
	}
	if out.token = token; u.session.BaseURL.Value == "" {
		return out, nil
	}
	where := a.text(&u.session.BaseURL)
	if out.base, err = url.Parse(where); err != nil || where == "" {
		return out, fmt.Errorf("%w: the reply has no address at %q; check auth: of the connection", errReply, u.session.BaseURL.Value)
	}
	return out, f.allowed(where)
}

// allowed refuses an address that is none of the connection's.
func (f *fetcher) allowed(where string) error {
	origin, err := web.Origin(where)
	if err != nil {
		return fmt.Errorf("the address in the reply: %w", err)
	}
	for _, a := range append([]Address{f.conn.BaseURL}, f.conn.Origins...) {
		if at, err := web.Origin(a.Value); err == nil && at == origin {
			return nil
		}
	}
	return fmt.Errorf("%w: the reply leads to %s, which is neither base_url nor one of origins", web.ErrRefused, origin)
}

// enter begins a session, if the connection has any, and tells the world.
func (f *fetcher) enter(ctx context.Context) error {
	if f.usher == nil {
		return nil
	}
	p, err := f.usher.current(ctx)
	if err != nil {
		return err
	}
	if p.token != f.pass.token {
		f.caller.judge.secrets = append(f.caller.judge.secrets, p.token)
	}
	f.pass = p
	f.world.change("session", "token").setText(p.token)
	return nil
}

// show puts the token of a session into a header, unless the requests say
// where it goes.
func (f *fetcher) show(to http.Header) {
	switch {
	case f.usher == nil:
	case f.usher.session.Header.Value != "":
		to.Set(f.usher.session.Header.Value, f.pass.token)
	case !f.tells:
		to.Set("Authorization", "Bearer "+f.pass.token)
	}
}

// base is where requests go.
func (f *fetcher) base() string {
	if f.pass.base != nil {
		return f.pass.base.String()
	}
	return f.conn.BaseURL.Value
}
