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

// readToken reads the reply of a token server. problem is the standard's own
// word for what is wrong, worded for a message.
func readToken(body []byte) (token string, life time.Duration, problem string) {
	err := jx.DecodeBytes(body).ObjBytes(func(d *jx.Decoder, key []byte) error {
		switch name := string(key); {
		case name == "access_token" && d.Next() == jx.String:
			text, err := d.Str()
			token = text
			return err
		case name == "error" && d.Next() == jx.String:
			text, err := d.Str()
			problem = word(text)
			return err
		case name == "expires_in":
			raw, err := d.Raw()
			life = seconds(strings.Trim(string(raw), `"`))
			return err
		}
		return d.Skip()
	})
	if err != nil {
		return "", 0, ", and a reply that is no JSON"
	}
	if strings.ContainsAny(token, "\r\n") {
		return "", 0, ", and a token no header can hold"
	}
	return token, life, problem
}

// word keeps an error code such as invalid_client; anything else may be a
// secret.
func word(text string) string {
	if len(text) > 40 || strings.Trim(text, "abcdefghijklmnopqrstuvwxyz_") != "" {
		return ""
	}
	return ", " + text
}

// seconds reads a life; what cannot be read is not said.
func seconds(text string) time.Duration {
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil || n < 0 {
		return 0
	}
	return time.Duration(n) * time.Second
}
