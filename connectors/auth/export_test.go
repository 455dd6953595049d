package auth

import (
	"context"
	"time"
)

// NewLogin is a signer that gets its tokens from get.
func NewLogin(get func(ctx context.Context, refused string) (string, time.Time, error), now func() time.Time) *Signer {
	return newSigner(Settings{Kind: OAuth2}, now, get)
}
