package serve

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/tieout/tieout/connectors"
)

// stuckAfter is how long the schedule may go without a look before the
// process is called unhealthy.
const stuckAfter = 30 * time.Second

// health knows whether the process lives and can work.
type health struct {
	clock clockwork.Clock

	mu       sync.Mutex
	last     time.Time // last look
	trouble  error     // of the last look
	draining bool
}

func newHealth(clock clockwork.Clock) *health {
	return &health{clock: clock, last: clock.Now()}
}

func (h *health) looked(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	// Not the instant of the look: only the difference between two readings of
	// one clock survives a clock that is set.
	h.last, h.trouble = h.clock.Now(), err
}

func (h *health) drain() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.draining = true
}

// live says why the process should be started again, or "".
func (h *health) live() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	if age := h.clock.Since(h.last); age > stuckAfter && !h.draining {
		return fmt.Sprintf("the schedule was last looked at %s ago", age.Round(time.Second))
	}
	return ""
}

// ready says why the process cannot work now, or "".
func (h *health) ready() string {
	if dead := h.live(); dead != "" {
		return dead
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.draining:
		return "stopping"
	case h.trouble != nil:
		return h.trouble.Error()
	}
	return ""
}

// open answers at the address of the endpoints, which is "" when they are off.
func (s *server) open(ctx context.Context) (address string, closeAll func(), err error) {
	l, err := s.listen(ctx)
	if err != nil || l == nil {
		return "", func() {}, err
	}
	server := &http.Server{Handler: s.endpoints(), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10}
	go server.Serve(l)                                           //nolint:errcheck // it ends with Close
	return l.Addr().String(), func() { _ = server.Close() }, nil // the process ends with it
}

// listen opens the address of the endpoints; nil when they are off.
func (s *server) listen(ctx context.Context) (net.Listener, error) {
	address := s.Listen
	if address == "" {
		address = s.shelf.listen()
	}
	if address == "off" {
		return nil, nil
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("%w: the endpoints cannot listen: %w; name another address with --listen, or `--listen off`", connectors.ErrEnvironment, err)
	}
	return l, nil
}

func (s *server) endpoints() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", s.meters.handler())
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answer(w, s.health.live()) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) { answer(w, s.shelf.redact(s.health.ready())) })
	return mux
}

// answer says ok, or 503 with the reason.
func answer(w http.ResponseWriter, reason string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	out := map[string]any{"ok": reason == ""}
	if reason != "" {
		w.WriteHeader(http.StatusServiceUnavailable)
		out["reason"] = reason
	}
	_ = json.NewEncoder(w).Encode(out) // the client is gone when it fails
}
