package oauth

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/ory/fosite"
	"github.com/ory/fosite/storage"
)

// store is fosite's store in memory, which takes one rotation at a time and
// remembers the refresh tokens that were spent.
type store struct {
	*storage.MemoryStore
	grace func() time.Duration

	mu      sync.Mutex
	spent   map[string]spending
	reused  int
	unknown int
}

type spending struct {
	at  time.Time
	was fosite.Requester
}

// RotateRefreshToken notes that a token is spent.
func (s *store) RotateRefreshToken(ctx context.Context, requestID, signature string) error {
	was, err := s.MemoryStore.GetRefreshTokenSession(ctx, signature, nil)
	if err == nil {
		s.mu.Lock()
		s.spent[signature] = spending{time.Now(), was}
		s.mu.Unlock()
	}
	return s.MemoryStore.RotateRefreshToken(ctx, requestID, signature)
}

// GetRefreshTokenSession counts tokens that are spent or were never given. One
// that was spent a moment ago is taken again where there is a grace.
func (s *store) GetRefreshTokenSession(ctx context.Context, signature string, session fosite.Session) (fosite.Requester, error) {
	s.mu.Lock()
	before, spent := s.spent[signature]
	if spent {
		s.reused++
	}
	s.mu.Unlock()
	if spent && time.Since(before.at) < s.grace() {
		return before.was, nil
	}
	r, err := s.MemoryStore.GetRefreshTokenSession(ctx, signature, session)
	if errors.Is(err, fosite.ErrNotFound) && !spent {
		s.mu.Lock()
		s.unknown++
		s.mu.Unlock()
	}
	return r, err
}
