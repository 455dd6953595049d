package service

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/document"
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
	b := budgetOf([]Limit{{Requests: 10, Per: 60_000_000_000, Remaining: textOf("X-Left")}})
	now := newClock().at
	take := func() time.Duration {
		wait, err := b.take(t.Context(), now)
		if err != nil {
			t.Fatal(err)
		}
		return wait
	}
	for range 3 {
		take()
	}
	b.correct(http.Header{"X-Left": {"2"}}, now)
	taken := 0
	for take() == 0 {
		taken++
	}
	if taken != 2 {
		t.Errorf("%d requests were allowed, want 2", taken)
	}
}

// budgetOf is the budget of a connection with these limits.
func budgetOf(limits []Limit) *budget {
	return newShelf().budget(&Connection{Common: Common{Limits: limits}}, "items", nil)
}

func TestWhoSharesALimit(t *testing.T) {
	const yaml = "base_url: https://a.example.com\nauth: {kind: bearer, token: \"${secret:SECRET}\"}\nconfig: {realm: one}\nlimits: {requests: 5, per: 1m, MORE}\nstreams: {items: {request: {path: /x}}, others: {request: {path: /y}}}"
	for name, test := range map[string]struct {
		more, old, new, stream string
		same                   bool
	}{
		"the same":                     {"scope: app", "", "", "items", true},
		"other credentials":            {"scope: app", "bearer, token", "basic, user", "items", false},
		"another address":              {"scope: app", "https://a", "https://b", "items", false},
		"another realm of the app":     {"scope: app", "realm: one", "realm: two", "items", true},
		"another realm of its own":     {"scope: tenant", "realm: one", "realm: two", "items", false},
		"another stream":               {"scope: app", "", "", "others", true},
		"a stream that does not count": {"streams: items", "", "", "others", false},
		"a stream that is exempt":      {"exempt: [others]", "", "", "others", false},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(yaml, "MORE", test.more, 1)
			one, _ := decode(t, text)
			two, found := decode(t, strings.Replace(text, test.old, test.new, 1))
			if len(found) > 0 {
				t.Fatal(found)
			}
			shared := newShelf()
			a, b := shared.budget(one, "items", nil), shared.budget(two, test.stream, nil)
			if same := len(b.windows) == 1 && a.windows[0] == b.windows[0]; same != test.same {
				t.Errorf("shared %v", same)
			}
		})
	}
	_, found := decode(t, strings.Replace(yaml, "MORE", "streams: item", 1))
	if !strings.Contains(fmt.Sprint(found), `tieout.yaml:4:41 source.unknown_stream the connection has no stream "item"`) {
		t.Errorf("found %v", found)
	}
}

// memoryVault keeps what several processes share.
type memoryVault struct {
	mu   sync.Mutex
	kept map[string][]byte
	fail error
}

func (v *memoryVault) Update(ctx context.Context, name string, fn func(context.Context, []byte) ([]byte, error)) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.fail != nil {
		return v.fail
	}
	out, err := fn(ctx, v.kept[name])
	if err == nil && out != nil {
		v.kept[name] = out
	}
	return err
}

// A daily budget holds over restarts and for several processes at once: no
// stretch of a day has more requests, however they come and go.
func TestDailyBudgetOverRestarts(t *testing.T) {
	for _, most := range []int{7, 500} {
		c := &Connection{Common: Common{Limits: []Limit{{Requests: most, Per: document.Duration(24 * time.Hour)}}}}
		vault := &memoryVault{kept: make(map[string][]byte)}
		now := newClock().at
		var sent []time.Time
		for range 4 * most {
			b := newShelf().budget(c, "items", vault) // a process that starts
			for range 3 {
				wait, err := b.take(t.Context(), now)
				if err != nil {
					t.Fatal(err)
				}
				if wait > 0 {
					now = now.Add(wait)
					continue
				}
				sent = append(sent, now)
				now = now.Add(time.Second)
			}
		}
		if len(sent) < most {
			t.Errorf("only %d requests", len(sent))
		}
		for i := most; i < len(sent); i++ {
			if sent[i].Sub(sent[i-most]) < 24*time.Hour {
				t.Fatalf("%d requests in %v", most+1, sent[i].Sub(sent[i-most]))
			}
		}
	}
}

// A budget that is used up for long ends the run instead of making it wait.
func TestBudgetUsedUp(t *testing.T) {
	s := serve(t, replying(`{"data":[{"id":1}]}`).ServeHTTP)
	vault := &memoryVault{kept: make(map[string][]byte)}
	for i := range 3 {
		src := s.source(t, "limits: {requests: 2, per: 1d}\n"+plainYAML, "").(*source)
		src.env.Vault = vault
		_, err := readStream(src, connectors.Read{})
		if (err != nil) != (i == 2) || err != nil && (!errors.Is(err, connectors.ErrEnvironment) || !strings.Contains(err.Error(), "there are more only in 24h")) {
			t.Errorf("run %d: %v", i, err)
		}
	}
	if len(s.clock.slept) > 0 {
		t.Errorf("slept %v", s.clock.slept)
	}
	src := s.source(t, "limits: {requests: 2, per: 1d}\n"+plainYAML, "").(*source)
	src.env.Vault = &memoryVault{fail: errors.New("disk full")}
	if _, err := readStream(src, connectors.Read{}); !errors.Is(err, connectors.ErrEnvironment) || !strings.Contains(err.Error(), "disk full") {
		t.Errorf("error %v", err)
	}
}

func TestConcurrent(t *testing.T) {
	b := budgetOf([]Limit{{Concurrent: 5}, {Concurrent: 2}})
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
