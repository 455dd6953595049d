package service

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tieout/tieout/connectors"
)

// A storm of refusals for most of an hour loses nothing, and waits as it is
// told, up to a cap.
func TestThrottled(t *testing.T) {
	date := newClock().at.Add(30 * time.Second).Format(http.TimeFormat)
	for name, test := range map[string]struct {
		status  int
		header  string
		replies string
		waits   time.Duration // each; 0 for growing ones
	}{
		"seconds":       {429, "7", "", 7 * time.Second},
		"absurd":        {503, "315360000", "", 5 * time.Minute},
		"absurd, ruled": {503, "315360000", "replies: [{status: 503, is: throttled, wait_max: 20s}]\n", 20 * time.Second},
		"a date":        {429, date, "", 0},
		"not said":      {429, "", "", 0},
		"nonsense":      {429, "soon", "", 0},
		"another way":   {403, "", "replies: [{status: 403, is: throttled, wait: X-Wait}]\n", 9 * time.Second},
		"a fixed wait":  {420, "", "replies: [{status: 4xx, is: throttled, wait: 3s}]\n", 3 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			left := 10
			s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				if left--; left >= 0 {
					w.Header().Set("Retry-After", test.header)
					w.Header().Set("X-Wait", "9")
					w.WriteHeader(test.status)
					return
				}
				fmt.Fprintf(w, `{"data":%s}`, items(0, 3))
			})
			out, err := readStream(s.source(t, test.replies+plainYAML, t.TempDir()), connectors.Read{})
			if err != nil || len(out.rows) != 3 || len(s.clock.slept) != 10 {
				t.Fatalf("%d rows, waits %v, %v", len(out.rows), s.clock.slept, err)
			}
			for _, d := range s.clock.slept {
				if test.waits > 0 && d != test.waits || d <= 0 || d > 5*time.Minute {
					t.Errorf("waits %v, want %v each", s.clock.slept, test.waits)
				}
			}
		})
	}
}

func TestThrottledForGood(t *testing.T) {
	s, dir := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "100")
		w.WriteHeader(429)
	}), t.TempDir()
	out, err := readStream(s.source(t, plainYAML, dir), connectors.Read{})
	wantNothing(t, out, err, connectors.ErrEnvironment, "status 429", dir)
	if n := len(s.asked); n != 37 {
		t.Errorf("%d requests in an hour of waits of 100 s", n)
	}
}

// No stretch of time holds more requests than any of the windows allows.
func TestLimitsAreKept(t *testing.T) {
	var s *service
	var at []time.Time
	s = serve(t, func(w http.ResponseWriter, r *http.Request) {
		at = append(at, s.clock.now())
		n, _ := strconv.Atoi(r.URL.Query().Get("at"))
		fmt.Fprint(w, items(n, min(n+1, 300)))
	})
	src := s.source(t, `base_url: URL
limits: [{requests: 60, per: 1m}, {requests: 100, per: 1h}, {concurrent: 2}]
streams: {items: {request: {path: /items, query: {at: =page.offset}}, page: {by: offset}}}`, t.TempDir())
	out, err := readStream(src, connectors.Read{})
	if err != nil || len(out.rows) != 300 {
		t.Fatalf("%d rows, %v", len(out.rows), err)
	}
	for _, window := range []struct {
		n   int
		per time.Duration
	}{{60, time.Minute}, {100, time.Hour}} {
		for i := window.n; i < len(at); i++ {
			if apart := at[i].Sub(at[i-window.n]); apart < window.per {
				t.Fatalf("%d requests in %v", window.n+1, apart)
			}
		}
	}
	if took := at[len(at)-1].Sub(at[0]); took > 3*time.Hour+time.Minute {
		t.Errorf("took %v", took)
	}
}

// A service whose allowance is used by others too is believed.
func TestLimitsAreCorrected(t *testing.T) {
	for name, test := range map[string]struct {
		remaining, reset string
		want             time.Duration
	}{
		"none left, seconds":        {"0", "17", 17 * time.Second},
		"none left, an instant":     {"0", strconv.FormatInt(newClock().at.Add(21*time.Second).Unix(), 10), 21 * time.Second},
		"none left, it is not said": {"0", "", time.Minute},
		"none left, absurd":         {"0", "999999", time.Minute},
		"enough left":               {"7", "17", 0},
		"nonsense":                  {"many", "17", 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, func(w http.ResponseWriter, r *http.Request) {
				n, _ := strconv.Atoi(r.URL.Query().Get("at"))
				if n == 0 {
					w.Header().Set("X-Remaining", test.remaining)
					w.Header().Set("X-Reset", test.reset)
				}
				fmt.Fprint(w, items(n, min(n+1, 1)))
			})
			src := s.source(t, `base_url: URL
limits: {requests: 60, per: 1m, remaining: X-Remaining, reset: X-Reset}
streams: {items: {request: {path: /items, query: {at: =page.offset}}, page: {by: offset}}}`, t.TempDir())
			if _, err := readStream(src, connectors.Read{}); err != nil {
				t.Fatal(err)
			}
			if got := s.clock.now().Sub(newClock().at); got != test.want {
				t.Errorf("waited %v, want %v", got, test.want)
			}
		})
	}
}

func TestFewerLeftThanCounted(t *testing.T) {
	b := newBudget([]Limit{{Requests: 10, Per: 60_000_000_000, Remaining: textOf("X-Left")}})
	now := newClock().at
	for range 3 {
		b.take(now)
	}
	b.correct(http.Header{"X-Left": {"2"}}, now)
	taken := 0
	for b.take(now) == 0 {
		taken++
	}
	if taken != 2 {
		t.Errorf("%d requests were allowed, want 2", taken)
	}
}

func TestOneBudgetForOneService(t *testing.T) {
	shared := newShelf()
	one, _ := decode(t, "base_url: https://a.example.com\nlimits: {requests: 5, per: 1m}\nstreams: {}")
	two, _ := decode(t, "base_url: https://a.example.com\nlimits: {requests: 5, per: 1m}\nstreams: {}")
	other, _ := decode(t, strings.Replace("base_url: https://a.example.com\nauth: {kind: bearer, token: x}\nlimits: {requests: 5, per: 1m}\nstreams: {}", "x", "y", 1))
	if shared.budget(one) != shared.budget(two) || shared.budget(one) == shared.budget(other) {
		t.Error("readers of one service have budgets of their own, or those of two share one")
	}
}

func TestConcurrent(t *testing.T) {
	b := newBudget([]Limit{{Concurrent: 5}, {Concurrent: 2}})
	var leave []func()
	for range 2 {
		one, err := b.enter(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		leave = append(leave, one)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := b.enter(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("a third request: %v", err)
	}
	leave[0]()
	leave[0]() // once is enough
	if _, err := b.enter(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(b.slots) != 2 {
		t.Errorf("%d requests are counted", len(b.slots))
	}
}
