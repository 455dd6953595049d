package service

import (
	"context"
	"crypto/sha256"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// shelf keeps the budgets of one process, so that all readers of one service
// share what it allows.
type shelf struct {
	mu      sync.Mutex
	budgets map[[sha256.Size]byte]*budget
}

func newShelf() *shelf { return &shelf{budgets: make(map[[sha256.Size]byte]*budget)} }

// budget finds the budget of a service and of who asks it.
func (s *shelf) budget(c *Connection) *budget {
	h := sha256.New()
	for _, part := range []string{c.BaseURL.Value, c.Auth.Kind, c.Auth.Value.Reveal(), c.Auth.User.Reveal(), c.Auth.Token.Reveal(), c.Auth.ClientID.Reveal(), limitText(c.Limits)} {
		h.Write([]byte(part + "\x00"))
	}
	key := [sha256.Size]byte(h.Sum(nil))
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.budgets[key]
	if b == nil {
		b = newBudget(c.Limits)
		s.budgets[key] = b
	}
	return b
}

func limitText(limits []Limit) string {
	var b strings.Builder
	for _, l := range limits {
		b.WriteString(strconv.Itoa(l.Requests) + "/" + l.Per.String() + "/" + strconv.Itoa(l.Concurrent) + ";")
	}
	return b.String()
}

// budget is what a service allows. It is safe for concurrent use.
type budget struct {
	mu      sync.Mutex
	windows []*span
	slots   chan struct{} // nil when any number may be under way
}

// span is one sliding window of time: no stretch of its length ever holds more
// than its number of requests.
type span struct {
	limit Limit
	sent  []time.Time // a ring of the last requests
	next  int
	hold  time.Time // nothing is sent before, as a reply said
}

func newBudget(limits []Limit) *budget {
	b := new(budget)
	least := 0
	for _, l := range limits {
		if l.Concurrent > 0 && (least == 0 || l.Concurrent < least) {
			least = l.Concurrent
		}
		if l.Requests > 0 {
			b.windows = append(b.windows, &span{limit: l, sent: make([]time.Time, l.Requests)})
		}
	}
	if least > 0 {
		b.slots = make(chan struct{}, least)
	}
	return b
}

// enter waits for one of the requests that may be under way. leave gives it
// back.
func (b *budget) enter(ctx context.Context) (leave func(), err error) {
	if b.slots == nil {
		return func() {}, nil
	}
	select {
	case b.slots <- struct{}{}:
		return sync.OnceFunc(func() { <-b.slots }), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// take notes a request at now, or tells how long to wait before asking again.
func (b *budget) take(now time.Time) (wait time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range b.windows {
		wait = max(wait, s.wait(now))
	}
	if wait > 0 {
		return wait
	}
	for _, s := range b.windows {
		s.note(now)
	}
	return 0
}

func (s *span) wait(now time.Time) time.Duration {
	wait := s.hold.Sub(now)
	if oldest := s.sent[s.next]; !oldest.IsZero() {
		wait = max(wait, oldest.Add(s.limit.Per.Std()).Sub(now))
	}
	return min(max(wait, 0), s.limit.Per.Std())
}

func (s *span) note(at time.Time) {
	s.sent[s.next] = at
	s.next = (s.next + 1) % len(s.sent)
}

// left is how many requests the window still allows.
func (s *span) left(now time.Time) int {
	n := 0
	for _, at := range s.sent {
		if at.IsZero() || !at.Add(s.limit.Per.Std()).After(now) {
			n++
		}
	}
	return n
}

// correct believes a service that says there are fewer requests left than
// were counted: others use it too.
func (b *budget) correct(h http.Header, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range b.windows {
		if s.limit.Remaining.Value == "" {
			continue
		}
		said, err := strconv.Atoi(strings.TrimSpace(h.Get(s.limit.Remaining.Value)))
		if err != nil || said < 0 {
			continue
		}
		if said == 0 {
			s.hold = now.Add(s.reset(h, now))
			continue
		}
		for range min(len(s.sent), s.left(now)-said) {
			s.note(now)
		}
	}
}

// reset is how long until there are more requests; a whole window when the
// reply does not say.
func (s *span) reset(h http.Header, now time.Time) time.Duration {
	per := s.limit.Per.Std()
	text := strings.TrimSpace(h.Get(s.limit.Reset.Value))
	if text == "" || s.limit.Reset.Value == "" {
		return per
	}
	return min(max(waitOf(text, now), 0), per)
}

// waitOf reads how long to wait from seconds, an instant in seconds or
// milliseconds since 1970, or a date. What cannot be read is no wait.
func waitOf(text string, now time.Time) time.Duration {
	const (
		instants = 1_000_000_000     // more seconds than these are since 1970
		millis   = 1_000_000_000_000 // more than these are milliseconds
	)
	whole, _, _ := strings.Cut(text, ".")
	if n, err := strconv.ParseInt(whole, 10, 64); err == nil {
		switch {
		case n > millis:
			return time.UnixMilli(n).Sub(now)
		case n > instants:
			return time.Unix(n, 0).Sub(now)
		}
		return time.Duration(n) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return at.Sub(now)
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at.Sub(now)
	}
	return 0
}
