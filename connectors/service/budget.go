package service

import (
	"context"
	"crypto/sha256"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/document"
)

// shelf keeps what services allow to one process, so that all readers of one
// service share it.
type shelf struct {
	mu    sync.Mutex
	spans map[[sha256.Size]byte]*span
	slots map[[sha256.Size]byte]chan struct{}
}

func newShelf() *shelf {
	return &shelf{spans: make(map[[sha256.Size]byte]*span), slots: make(map[[sha256.Size]byte]chan struct{})}
}

// budget is what a service allows who asks it for a stream. Windows that last
// long are kept in the vault, if there is one.
func (s *shelf) budget(c *Connection, stream string, vault connectors.Vault) *budget {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := &budget{mu: &s.mu}
	least := 0
	for i := range c.Limits {
		l := &c.Limits[i]
		if !l.applies(stream) {
			continue
		}
		key := l.shared(c)
		if l.Concurrent > 0 && (least == 0 || l.Concurrent < least) {
			if least = l.Concurrent; s.slots[key] == nil {
				s.slots[key] = make(chan struct{}, least)
			}
			b.slots = s.slots[key]
		}
		if l.Requests == 0 {
			continue
		}
		if s.spans[key] == nil {
			s.spans[key] = &span{limit: *l, sent: make([]time.Time, l.Requests), long: newLong(l, key, vault)}
		}
		b.windows = append(b.windows, s.spans[key])
	}
	return b
}

// applies reports whether a limit counts the requests of a stream.
func (l *Limit) applies(stream string) bool {
	named := func(list []document.Text) bool {
		return slices.ContainsFunc(list, func(t document.Text) bool { return t.Value == stream })
	}
	return (len(l.Streams) == 0 || named(l.Streams)) && !named(l.Exempt)
}

// shared names those who share a limit: all connections that prove themselves
// alike to one address, or of them those with the same settings.
func (l *Limit) shared(c *Connection) [sha256.Size]byte {
	h := sha256.New()
	parts := []string{c.BaseURL.Value, c.Auth.Kind, c.Auth.Value.Reveal(), c.Auth.User.Reveal(), c.Auth.Token.Reveal(), c.Auth.ClientID.Reveal(), l.words()}
	if l.Scope == scopeTenant {
		for i, name := range c.Config.names {
			v := c.Config.values[i]
			parts = append(parts, name, v.text, v.secret.Reveal(), v.expr.Value)
		}
	}
	for _, part := range parts {
		h.Write([]byte(part + "\x00"))
	}
	return [sha256.Size]byte(h.Sum(nil))
}

const scopeTenant = "tenant"

func (l *Limit) words() string {
	text := strconv.Itoa(l.Requests) + "/" + l.Per.String() + "/" + strconv.Itoa(l.Concurrent) + "/" + l.Scope
	for _, list := range [][]document.Text{l.Streams, l.Exempt} {
		text += ";"
		for _, t := range list {
			text += t.Value + ","
		}
	}
	return text
}

// budget is what a service allows. It is safe for concurrent use.
type budget struct {
	mu      *sync.Mutex
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
	long  *long     // what is kept over restarts, nil for nothing
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
func (b *budget) take(ctx context.Context, now time.Time) (wait time.Duration, err error) {
	for _, s := range b.windows {
		if err := s.long.fill(ctx, now); err != nil {
			return 0, err
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range b.windows {
		wait = max(wait, s.wait(now), s.long.wait(now))
	}
	if wait > 0 {
		return wait, nil
	}
	for _, s := range b.windows {
		s.note(now)
		s.long.take()
	}
	return 0, nil
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
	wait := waitOf(text, now)
	whole, _, _ := strings.Cut(text, ".")
	if n, err := strconv.ParseInt(whole, 10, 64); err == nil {
		switch s.limit.ResetAs {
		case "seconds":
			wait = time.Duration(min(n, int64(per/time.Second)+1)) * time.Second
		case "milliseconds":
			wait = time.Duration(min(n, int64(per/time.Millisecond)+1)) * time.Millisecond
		case "unix":
			wait = time.Unix(n, 0).Sub(now)
		case "unix_ms":
			wait = time.UnixMilli(n).Sub(now)
		}
	}
	return min(max(wait, 0), per)
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
