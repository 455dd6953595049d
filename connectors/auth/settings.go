package auth

import (
	"slices"

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

// Settings are the keys under auth: of a connection.
type Settings struct {
	Kind string `yaml:"kind" enum:"none,key,basic,bearer,oauth2" default:"none" doc:"How requests prove who sends them."`

	Header document.Text   `yaml:"header" doc:"key: the header the key is sent in." example:"X-Api-Key"`
	Query  document.Text   `yaml:"query" doc:"key: the query parameter the key is sent in, where there is no header for it." example:"api_key"`
	Value  document.Secret `yaml:"value" doc:"key: the key itself." example:"${env:API_KEY}"`

	User     document.Secret `yaml:"user" doc:"basic: the name." example:"${env:API_USER}"`
	Password document.Secret `yaml:"password" doc:"basic: the password; none when not given." example:"${env:API_PASSWORD}"`

	Token document.Secret `yaml:"token" doc:"bearer: the token." example:"${env:API_TOKEN}"`

	Grant        string          `yaml:"grant" enum:"client_credentials" doc:"oauth2: how a token is had; client_credentials."`
	TokenURL     document.Text   `yaml:"token_url" ref:"true" doc:"oauth2: where tokens are asked for." example:"https://login.example.com/oauth/token"`
	ClientID     document.Secret `yaml:"client_id" doc:"oauth2: the client." example:"${env:CLIENT_ID}"`
	ClientSecret document.Secret `yaml:"client_secret" doc:"oauth2: its secret." example:"${env:CLIENT_SECRET}"`
	Scopes       []document.Text `yaml:"scopes,one_or_list" doc:"oauth2: what the token is for." example:"[read]"`
	Client       string          `yaml:"client" enum:"basic,body" doc:"oauth2: where the client is sent when a token is asked for; basic when not given."`
}

// settings is Settings without a way of its own to be decoded.
type settings Settings

// keysOf lists the keys of each kind.
func keysOf(kind string) (required, optional []string) {
	switch kind {
	case Key:
		return []string{"value"}, []string{"header", "query"}
	case Basic:
		return []string{"user"}, []string{"password"}
	case Bearer:
		return []string{"token"}, nil
	case OAuth2:
		return []string{"token_url", "client_id", "client_secret"}, []string{"grant", "scopes", "client"}
	}
	return nil, nil
}

// DecodeDocument reads the keys and checks that they belong to the kind.
func (s *Settings) DecodeDocument(n *document.Node, d *document.Decoder) {
	d.Decode(n, (*settings)(s))
	if n.Kind() != document.Mapping {
		return
	}
	required, optional := keysOf(s.Kind)
	for _, key := range n.Keys() {
		name := key.Text()
		if name != "kind" && known(name) && !slices.Contains(required, name) && !slices.Contains(optional, name) {
			d.Report.ErrorAt(key, document.CodeMisplacedKey, "Remove it, or change the kind.", "%q does not belong to auth of kind %s", name, s.Kind)
		}
	}
	for _, name := range required {
		if n.Get(name) == nil {
			d.Report.ErrorAt(n, document.CodeMissingKey, "", "auth of kind %s needs the key %q", s.Kind, name)
		}
	}
	if header, query := n.Get("header"), n.Get("query"); s.Kind == Key && (header == nil) == (query == nil) {
		d.Report.ErrorAt(n, document.CodeMissingKey, "Write header: with the name of the header, or query: with the name of the parameter.", "auth of kind key needs one of %q and %q", "header", "query")
	}
}

// known reports whether a key belongs to any kind.
func known(name string) bool {
	for _, kind := range []string{Key, Basic, Bearer, OAuth2} {
		required, optional := keysOf(kind)
		if slices.Contains(required, name) || slices.Contains(optional, name) {
			return true
		}
	}
	return false
}

// DocumentType says what is written.
func (s *Settings) DocumentType() string { return "a mapping of `kind` and the keys of that kind" }

// DocumentSchema is that of the keys.
func (s *Settings) DocumentSchema(sub func(any) any) any { return sub(settings{}) }
