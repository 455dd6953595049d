package auth

import (
	"slices"
	"strings"

	"github.com/tieout/tieout/connectors/web"
	"github.com/tieout/tieout/schemas/document"
)

// The kinds of proof.
const (
	None   = "none"
	Key    = "key"
	Basic  = "basic"
	Bearer = "bearer"
	OAuth2 = "oauth2"
)

// The ways a token of OAuth 2.0 is had.
const (
	ClientCredentials = "client_credentials"
	RefreshToken      = "refresh_token"
	AuthorizationCode = "authorization_code"
)

// Settings are the keys under auth: of a connection.
type Settings struct {
	Kind string `yaml:"kind" enum:"none,key,basic,bearer,oauth2" default:"none" doc:"How requests prove who sends them."`

	Header document.Text   `yaml:"header" doc:"key: the header the key is sent in." example:"X-Api-Key"`
	Query  document.Text   `yaml:"query" doc:"key: the query parameter the key is sent in, where there is no header for it." example:"api_key"`
	Value  document.Secret `yaml:"value" doc:"key: the key itself." example:"${env:API_KEY}"`

	User     document.Secret `yaml:"user" doc:"basic: the name." example:"${env:API_USER}"`
	Password document.Secret `yaml:"password" doc:"basic: the password; none when not given." example:"${env:API_PASSWORD}"`

	Token document.Secret `yaml:"token" doc:"bearer: the token." example:"${env:API_TOKEN}"`

	Grant        string          `yaml:"grant" enum:"client_credentials,refresh_token,authorization_code" doc:"oauth2: how a token is had. client_credentials, when not given, asks with the client alone; refresh_token begins with a token from elsewhere; authorization_code with the consent of a person, given once with tieout connect."`
	AuthorizeURL document.Text   `yaml:"authorize_url" ref:"true" doc:"authorization_code: the page where a person consents." example:"https://login.example.com/oauth/authorize"`
	TokenURL     document.Text   `yaml:"token_url" ref:"true" doc:"oauth2: where tokens are asked for." example:"https://login.example.com/oauth/token"`
	ClientID     document.Secret `yaml:"client_id" doc:"oauth2: the client." example:"${env:CLIENT_ID}"`
	ClientSecret document.Secret `yaml:"client_secret" doc:"oauth2: its secret; only client_credentials cannot do without." example:"${env:CLIENT_SECRET}"`
	Scopes       []document.Text `yaml:"scopes,one_or_list" doc:"oauth2: what the token is for." example:"[read]"`
	Client       string          `yaml:"client" enum:"basic,body" doc:"oauth2: where the client is sent when a token is asked for; basic when not given."`
	Refresh      document.Secret `yaml:"refresh_token" doc:"The refresh token to begin with. It is used until the service gives another one, which is kept, sealed, and used from then on." example:"${env:REFRESH_TOKEN}"`
	Consent      string          `yaml:"consent" enum:"connection,each" default:"connection" doc:"refresh_token, authorization_code: whether one consent serves the connection, or each row of for_each has one of its own, as companies that a service keeps apart need."`
	Rotates      *bool           `yaml:"rotates" doc:"refresh_token, authorization_code: whether the service gives another refresh token with each use and refuses the old one; true when not given."`
	RefreshAt    RefreshAt       `yaml:"refresh_at" doc:"oauth2: when a token is renewed, as a part of its life or a time before its end; 30 seconds before, or half of its life if that is less, when not given." example:"80%"`
	Redirect     document.Text   `yaml:"redirect" ref:"true" doc:"authorization_code: where the service sends the browser back to, as registered with it: http://localhost or http://127.0.0.1 with port and path, any free port when none is given. http://127.0.0.1/callback when not given. An address elsewhere, or urn:ietf:wg:oauth:2.0:oob, means that its answer is pasted." example:"http://localhost:8766/callback"`
	Params       Params          `yaml:"params" doc:"oauth2: further parameters a service wants."`
}

// Params are further parameters of the two requests.
type Params struct {
	Authorize document.Map[document.Text] `yaml:"authorize" ref:"true" doc:"Of the page where a person consents." example:"{prompt: consent}"`
	Token     document.Map[document.Text] `yaml:"token" ref:"true" doc:"Of every request for a token." example:"{audience: \"https://api.example.com\"}"`
}

// settings is Settings without a way of its own to be decoded.
type settings Settings

// grant is the grant with its default.
func (s *Settings) grant() string {
	if s.Grant == "" {
		return ClientCredentials
	}
	return s.Grant
}

// Keeps reports whether what the service gives must be kept between runs.
func (s *Settings) Keeps() bool { return s.Kind == OAuth2 && s.grant() != ClientCredentials }

// PerRow reports whether each row of for_each has a consent of its own.
func (s *Settings) PerRow() bool { return s.Keeps() && s.Consent == "each" }

// NeedsConsent reports whether a person has to consent in a browser.
func (s *Settings) NeedsConsent() bool { return s.Kind == OAuth2 && s.grant() == AuthorizationCode }

// rotates reports whether a refresh token is used up by its use.
func (s *Settings) rotates() bool { return s.Rotates == nil || *s.Rotates }

// keysOf lists the keys of each kind and grant.
func keysOf(kind, grant string) (required, optional []string) {
	switch kind {
	case Key:
		return []string{"value"}, []string{"header", "query"}
	case Basic:
		return []string{"user"}, []string{"password"}
	case Bearer:
		return []string{"token"}, nil
	case OAuth2:
		required, optional = []string{"token_url", "client_id"}, []string{"grant", "scopes", "client", "refresh_at", "params"}
		switch grant {
		case RefreshToken:
			return append(required, "refresh_token"), append(optional, "client_secret", "rotates", "consent")
		case AuthorizationCode:
			return append(required, "authorize_url"), append(optional, "client_secret", "rotates", "consent", "refresh_token", "redirect")
		}
		return append(required, "client_secret"), optional
	}
	return nil, nil
}

// DecodeDocument reads the keys and checks that they belong to the kind.
func (s *Settings) DecodeDocument(n *document.Node, d *document.Decoder) {
	d.Decode(n, (*settings)(s))
	if n.Kind() != document.Mapping {
		return
	}
	required, optional := keysOf(s.Kind, s.grant())
	what := "auth of kind " + s.Kind
	if s.Kind == OAuth2 {
		what += " with the grant " + s.grant()
	}
	for _, key := range n.Keys() {
		name := key.Text()
		if name != "kind" && known(name) && !slices.Contains(required, name) && !slices.Contains(optional, name) {
			d.Report.ErrorAt(key, document.CodeMisplacedKey, "Remove it, or change the kind.", "%q does not belong to %s", name, what)
		}
	}
	for _, name := range required {
		if n.Get(name) == nil {
			d.Report.ErrorAt(n, document.CodeMissingKey, "", "%s needs the key %q", what, name)
		}
	}
	if header, query := n.Get("header"), n.Get("query"); s.Kind == Key && (header == nil) == (query == nil) {
		d.Report.ErrorAt(n, document.CodeMissingKey, "Write header: with the name of the header, or query: with the name of the parameter.", "auth of kind key needs one of %q and %q", "header", "query")
	}
	s.checkAddresses(n, d.Report)
	s.checkParams(d.Report)
}

// checkAddresses reports addresses that nothing may be sent to. One that holds
// a reference is checked when it is used.
func (s *Settings) checkAddresses(n *document.Node, r *document.Report) {
	for key, text := range map[string]string{"token_url": s.TokenURL.Value, "authorize_url": s.AuthorizeURL.Value} {
		if at := n.Get(key); at != nil && text != "" && !strings.Contains(text, "${") {
			if _, err := web.Origin(text); err != nil {
				r.ErrorAt(at, document.CodeNetRefused, "Write https://host/path; http is for this machine alone.", "%s cannot be used: %v", key, err)
			}
		}
	}
	if at := n.Get("redirect"); at != nil && s.Redirect.Value != "" && !strings.Contains(s.Redirect.Value, "${") {
		if _, err := readRedirect(s.Redirect.Value, 0); err != nil {
			r.ErrorAt(at, document.CodeNetRefused, "Write http://localhost:8766/callback, as it is registered with the service.", "%v", err)
		}
	}
}

// checkParams reports parameters that are not for the user to set.
func (s *Settings) checkParams(r *document.Report) {
	ours := []string{"client_id", "client_secret", "code", "code_challenge", "code_challenge_method", "code_verifier", "grant_type", "redirect_uri", "refresh_token", "response_type", "scope", "state"}
	for _, list := range []document.Map[document.Text]{s.Params.Authorize, s.Params.Token} {
		for _, e := range list.Entries {
			if slices.Contains(ours, e.Key.Value) {
				r.ErrorAt(e.Key, document.CodeMisplacedKey, "Remove it: it is set from the other keys under auth.", "the parameter %q is not set here", e.Key.Value)
			}
		}
	}
}

// known reports whether a key belongs to any kind.
func known(name string) bool {
	for _, kind := range []string{Key, Basic, Bearer, OAuth2} {
		for _, grant := range []string{ClientCredentials, RefreshToken, AuthorizationCode} {
			required, optional := keysOf(kind, grant)
			if slices.Contains(required, name) || slices.Contains(optional, name) {
				return true
			}
		}
	}
	return false
}

// DocumentType says what is written.
func (s *Settings) DocumentType() string { return "a mapping of `kind` and the keys of that kind" }

// DocumentSchema is that of the keys.
func (s *Settings) DocumentSchema(sub func(any) any) any { return sub(settings{}) }
