package auth

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/tieout/tieout/connectors"
)

// grant is what the vault keeps of one consent. It is written as JSON and
// sealed; it goes nowhere else.
type grant struct {
	Access     string    `json:"access,omitempty"`
	Use        time.Time `json:"use_until,omitzero"` // when the access token is renewed
	Ends       time.Time `json:"ends,omitzero"`      // when it ends
	Refresh    string    `json:"refresh,omitempty"`
	Obtained   time.Time `json:"obtained"`
	RefreshEnd time.Time `json:"refresh_ends,omitzero"`
	// Life is the longest life of a refresh token of this consent that the
	// service has named, in seconds.
	Life  int64  `json:"refresh_life,omitempty"`
	Scope string `json:"scope,omitempty"`
	// Seeds are marks of the refresh tokens of the settings that were used:
	// none of them is used a second time.
	Seeds []string `json:"seeds,omitempty"`
}

// mostSeeds bounds the marks that are kept.
const mostSeeds = 50

var errGrant = errors.New("what is kept for the connection is no grant of this program's")

func readGrant(raw []byte) (grant, error) {
	var g grant
	if raw == nil {
		return g, nil
	}
	if err := json.Unmarshal(raw, &g); err != nil {
		return grant{}, errGrant // the parser quotes what it read
	}
	return g, nil
}

// fresh reports whether the access token may be used. refused is one that a
// server does not take any more.
func (g *grant) fresh(now time.Time, refused string) bool {
	return g.Access != "" && g.Access != refused && (g.Use.IsZero() || now.Before(g.Use))
}

// closing reports whether the consent ends soon: in two weeks, or in the last
// quarter of a shorter life. A service that renews the life with each use
// never comes near.
func (g *grant) closing(now time.Time) bool {
	end, life := g.end(), time.Duration(g.Life)*time.Second
	return !end.IsZero() && end.Sub(now) < min(14*24*time.Hour, life/4)
}

// end is when the consent ends, zero when the service does not say. Without a
// refresh token that is the end of the access token.
func (g *grant) end() time.Time {
	if g.Refresh == "" {
		return g.Ends
	}
	return g.RefreshEnd
}

// sow notes that a refresh token of the settings was used.
func (g *grant) sow(seed string) {
	if m := mark(seed); !slices.Contains(g.Seeds, m) {
		g.Seeds = append(g.Seeds, m)
		g.Seeds = g.Seeds[max(0, len(g.Seeds)-mostSeeds):]
	}
}

// renewed is the grant after a token server gave t for the token used.
func (e *exchange) renewed(old grant, used string, t tokens) grant {
	now := e.now()
	g := grant{Access: t.access, Use: e.until(t.life), Refresh: t.refresh, Obtained: now, RefreshEnd: old.RefreshEnd, Life: old.Life, Scope: t.scope, Seeds: old.Seeds}
	if t.life > 0 {
		g.Ends = now.Add(t.life)
	}
	if g.Refresh == "" {
		g.Refresh = used // the server gave none: the old one goes on
	}
	if t.refreshLife > 0 {
		g.RefreshEnd = now.Add(t.refreshLife)
		g.Life = max(g.Life, int64(t.refreshLife/time.Second))
	} else if g.Refresh != used {
		g.RefreshEnd = time.Time{}
	}
	if g.Scope == "" {
		g.Scope = old.Scope
	}
	return g
}

// mark tells tokens apart without holding any.
func mark(token string) string {
	sum := sha256.Sum256([]byte("tieout token " + token))
	return hex.EncodeToString(sum[:12])
}

// intent says that a refresh token was about to be sent. As long as it names
// a token that is still the one to send, nobody knows whether the server took
// it.
type intent struct {
	Token string    `json:"token"` // its mark
	At    time.Time `json:"at"`
}

// mostIntents bounds the intents that are kept: that of the kept token, that
// of the settings, and some of tokens that are no more.
const mostIntents = 10

func readIntents(raw []byte) []intent {
	var list []intent
	if json.Unmarshal(raw, &list) != nil {
		return nil // it is only for messages
	}
	return list
}

// without leaves the intents of a token out.
func without(list []intent, token string) []intent {
	return slices.DeleteFunc(list, func(i intent) bool { return i.Token == token })
}

// slot is the name that a connection's grant has in the vault. Another client,
// or the same one at another server, has another name.
func slot(s *Settings, env connectors.Env) string {
	sum := sha256.Sum256([]byte(s.TokenURL.Value + "\n" + s.ClientID.Reveal()))
	name := env.Name
	if s.PerRow() {
		name += "." + env.Row
	}
	return strings.Join([]string{"oauth2", name, env.Environment, hex.EncodeToString(sum[:12])}, "/")
}

// lost are the scopes that were asked for and not given, "" when the server
// does not say what it gave.
func lost(asked, given string) string {
	if given == "" {
		return ""
	}
	has := strings.FieldsFunc(given, func(r rune) bool { return r == ' ' || r == ',' })
	var missing []string
	for _, one := range strings.Fields(asked) {
		if !slices.Contains(has, one) {
			missing = append(missing, one)
		}
	}
	return strings.Join(missing, " ")
}
