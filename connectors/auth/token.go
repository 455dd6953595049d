package auth

import (
	"strconv"
	"strings"
	"time"

	"github.com/go-faster/jx"

	"github.com/tieout/tieout/schemas/document"
)

func joined(scopes []document.Text) string {
	parts := make([]string, len(scopes))
	for i, s := range scopes {
		parts[i] = s.Value
	}
	return strings.Join(parts, " ")
}

// tokens are the reply of a token server.
type tokens struct {
	access, refresh string
	scope           string
	life            time.Duration // of the access token; 0 when the server does not say
	refreshLife     time.Duration
	problem         string // the standard's own word for what is wrong
	odd             string // what keeps the reply from being used
}

// mostToken bounds one token, in bytes.
const mostToken = 64 << 10

// readTokens reads the reply of a token server.
func readTokens(body []byte) tokens {
	var t tokens
	err := jx.DecodeBytes(body).ObjBytes(func(d *jx.Decoder, key []byte) error { return t.member(d, string(key)) })
	switch {
	case err != nil:
		return tokens{odd: "a reply that is no JSON"}
	case !clean(t.access) || !clean(t.refresh):
		return tokens{odd: "a token no header can hold"}
	}
	return t
}

func (t *tokens) member(d *jx.Decoder, name string) error {
	texts := map[string]*string{"access_token": &t.access, "refresh_token": &t.refresh, "scope": &t.scope, "error": &t.problem}
	lives := map[string]*time.Duration{"expires_in": &t.life, "x_refresh_token_expires_in": &t.refreshLife,
		"refresh_token_expires_in": &t.refreshLife, "refresh_expires_in": &t.refreshLife}
	if to := texts[name]; to != nil && d.Next() == jx.String {
		text, err := d.Str()
		*to = text
		if name == "error" {
			*to = word(text)
		}
		return err
	}
	if to := lives[name]; to != nil {
		raw, err := d.Raw()
		*to = seconds(strings.Trim(string(raw), `"`))
		return err
	}
	return d.Skip()
}

// clean reports whether a header can hold a token.
func clean(token string) bool {
	return len(token) <= mostToken && !strings.ContainsFunc(token, func(r rune) bool { return r < ' ' || r >= 0x7f })
}

// word keeps an error code such as invalid_client; anything else may be a
// secret.
func word(text string) string {
	if len(text) > 40 || strings.Trim(text, "abcdefghijklmnopqrstuvwxyz_") != "" {
		return ""
	}
	return text
}

// seconds reads a life; what cannot be read is not said.
func seconds(text string) time.Duration {
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil || n < 0 {
		return 0
	}
	return time.Duration(n) * time.Second
}
