package alert_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tieout/tieout/runner/alert"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var start = time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC)

// memory keeps incidents and letters as the state store does.
type memory struct {
	mu        sync.Mutex
	incidents []alert.Incident
	letters   []alert.Letter
	delivered map[int64]time.Time
	givenUp   map[int64]bool
	reads     int            // of Waiting
	fail      map[string]int // calls of a method that fail, from the next
	now       func() time.Time
}

func newMemory(now func() time.Time) *memory {
	return &memory{delivered: map[int64]time.Time{}, givenUp: map[int64]bool{}, fail: map[string]int{}, now: now}
}

var errStore = errors.New("the store is away")

// failing reports whether a call is one that is to fail. The caller holds mu.
func (m *memory) failing(method string) error {
	if m.fail[method] > 0 {
		m.fail[method]--
		return errStore
	}
	return nil
}

func (m *memory) failNext(method string, n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fail[method] = n
}

func (m *memory) OpenIncidents(context.Context) ([]alert.Incident, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.incidents), m.failing("OpenIncidents")
}

func (m *memory) Record(_ context.Context, i alert.Incident, closed bool, letter *alert.Letter) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.failing("Record"); err != nil {
		return err
	}
	m.incidents = slices.DeleteFunc(m.incidents, func(o alert.Incident) bool { return o.Pipeline == i.Pipeline && o.Kind == i.Kind })
	if !closed {
		m.incidents = append(m.incidents, i)
	}
	if letter != nil {
		l := *letter
		l.ID = int64(len(m.letters) + 1)
		m.letters = append(m.letters, l)
	}
	return nil
}

func (m *memory) Waiting(context.Context) ([]alert.Letter, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reads++
	var list []alert.Letter
	for _, l := range m.letters {
		if m.delivered[l.ID].IsZero() && !m.givenUp[l.ID] {
			list = append(list, l)
		}
	}
	return list, m.failing("Waiting")
}

func (m *memory) Deliver(_ context.Context, ids []int64, at time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.failing("Deliver"); err != nil {
		return err
	}
	for _, id := range ids {
		m.delivered[id] = at
	}
	return nil
}

func (m *memory) Defer(_ context.Context, ids []int64, notBefore time.Time, reason string, giveUp bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.failing("Defer"); err != nil {
		return err
	}
	for _, id := range ids {
		l := &m.letters[id-1]
		l.Attempts++
		l.NotBefore, l.Error = notBefore, reason
		m.givenUp[id] = giveUp
	}
	return nil
}

func (m *memory) all() []alert.Letter {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.letters)
}

func (m *memory) looks() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.reads
}

func (m *memory) counts() (waiting, delivered, givenUp int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, l := range m.letters {
		switch {
		case m.givenUp[l.ID]:
			givenUp++
		case !m.delivered[l.ID].IsZero():
			delivered++
		default:
			waiting++
		}
	}
	return waiting, delivered, givenUp
}

// journal is a log that tests read.
type journal struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.b.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.b.String()
}

func (j *journal) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(j, &slog.HandlerOptions{Level: slog.LevelDebug}))
}
