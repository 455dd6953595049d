package auth

import (
	"context"
	"time"

	"github.com/tieout/tieout/connectors"
)

// Holder is what the settings of a connection are that proves itself as this
// package says.
type Holder interface {
	// Authentication gives the settings under auth.
	Authentication() *Settings
}

// Kept says what is kept of a consent, without any token.
type Kept struct {
	Obtained  time.Time // when the tokens were renewed last
	Ends      time.Time // of the consent; zero when the service does not say
	Soon      bool      // it ends soon, or has ended
	Renewable bool      // there is a refresh token
	Scope     string
}

// Look tells what is kept for a connection of env. read gives what the vault
// holds under a name, nil when nothing. found is false when nothing is kept.
func Look(ctx context.Context, s *Settings, env connectors.Env, read func(ctx context.Context, name string) ([]byte, error)) (k Kept, found bool, err error) {
	raw, err := read(ctx, slot(s, env))
	if err != nil || raw == nil {
		return Kept{}, false, err
	}
	g, err := readGrant(raw)
	if err != nil {
		return Kept{}, false, err
	}
	return Kept{Obtained: g.Obtained, Ends: g.end(), Soon: g.closing(env.Now()), Renewable: g.Refresh != "", Scope: g.Scope}, true, nil
}
