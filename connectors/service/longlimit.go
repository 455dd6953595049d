package service

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/tieout/tieout/connectors"
)

const (
	longWindow  = time.Hour // from here on a window is kept over restarts
	longBuckets = 48        // pieces of time it is counted in
	longBlocks  = 100       // parts of its requests that a process takes at once
)

// long keeps the count of a window over restarts, and shares it with other
// processes that have the same vault. A process takes some requests at once
// and uses them one by one; those it does not use count as used until the
// window has passed, which errs on the side of the service.
type long struct {
	name  string
	limit *Limit
	vault connectors.Vault

	turn  sync.Mutex // one asks the vault at a time
	mu    sync.Mutex
	held  int       // requests taken and not used
	until time.Time // when they end, or when to look again
}

// bucket counts the requests of a piece of time.
type bucket struct {
	Start int64 `json:"start"` // seconds since 1970
	Count int   `json:"count"`
}

func newLong(l *Limit, key [sha256.Size]byte, vault connectors.Vault) *long {
	if vault == nil || l.Per.Std() < longWindow {
		return nil
	}
	return &long{name: "limit-" + hex.EncodeToString(key[:12]), limit: l, vault: vault}
}

// fill takes requests out of the vault when there are none left.
func (l *long) fill(ctx context.Context, now time.Time) error {
	if l == nil {
		return nil
	}
	l.turn.Lock()
	defer l.turn.Unlock()
	l.mu.Lock()
	enough := now.Before(l.until) // there are some left, or none yet
	l.mu.Unlock()
	if enough {
		return nil
	}
	granted, until := 0, time.Time{}
	err := l.vault.Update(ctx, l.name, func(_ context.Context, old []byte) ([]byte, error) {
		var list []bucket
		if len(old) > 0 {
			if err := json.Unmarshal(old, &list); err != nil {
				return nil, fmt.Errorf("%w: what is kept of the limit is damaged", connectors.ErrEnvironment)
			}
		}
		list, granted, until = l.grant(list, now)
		return json.Marshal(list)
	})
	if err != nil {
		return fmt.Errorf("%w: keep count of the limit %d per %v: %w", connectors.ErrEnvironment, l.limit.Requests, l.limit.Per, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held, l.until = granted, until
	return nil
}

// grant takes a block of requests out of what is left of the window, or says
// when there will be some.
func (l *long) grant(list []bucket, now time.Time) (kept []bucket, granted int, until time.Time) {
	per := l.limit.Per.Std()
	piece := int64(per/time.Second) / longBuckets
	used := 0
	for _, b := range list {
		if end := time.Unix(b.Start+piece, 0).Add(per); end.After(now) {
			kept, used = append(kept, b), used+b.Count
		}
	}
	left := l.limit.Requests - used
	if left <= 0 {
		return kept, 0, time.Unix(kept[0].Start+piece, 0).Add(per)
	}
	granted = min(left, max(1, l.limit.Requests/longBlocks))
	start := now.Unix() / piece * piece
	if n := len(kept); n > 0 && kept[n-1].Start >= start {
		kept[n-1].Count += granted
	} else {
		kept = append(kept, bucket{start, granted})
	}
	return kept, granted, time.Unix(kept[len(kept)-1].Start+piece, 0)
}

// wait is how long there is nothing left.
func (l *long) wait(now time.Time) time.Duration {
	if l == nil {
		return 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held > 0 {
		return 0
	}
	return max(time.Millisecond, l.until.Sub(now))
}

// take uses one request.
func (l *long) take() {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held--; l.held == 0 {
		l.until = time.Time{}
	}
}
