package chat

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// The vendors the server stands in for.
const (
	Slack      = "slack"
	GoogleChat = "google_chat"
	Webhook    = "webhook"
)

const (
	maxBody = 4 << 20 // bytes of a request
	maxKept = 10_000  // messages
)

// Message is a request the server accepted.
type Message struct {
	Vendor string
	Path   string
	Header http.Header
	Body   []byte
	At     time.Time
}

// Fault is an answer other than that of a vendor in good health. The request
// is counted and not kept, but for one with Keep.
type Fault struct {
	Status     int           // 0 with Reset or Hang
	Body       string        // as it is
	RetryAfter string        // header, when not empty
	Location   string        // header, when not empty
	Reset      bool          // the connection is cut
	Hang       time.Duration // nothing is answered for as long, or until the client leaves
	Keep       bool          // the message is taken before all this, as when a reply is lost
}

// Server is the stand-in. It is safe for concurrent use.
type Server struct {
	now func() time.Time

	mu       sync.Mutex
	messages []Message
	requests map[string]int
	faults   map[string][]Fault
	limited  bool
	recent   map[string][]time.Time // of messages taken, by webhook or space
	threads  map[string]string      // names of Google Chat's threads, by space and key
}

// New makes a server. The clock serves its limits; without one they are off.
func New(now func() time.Time) *Server {
	s := &Server{now: now, limited: now != nil, requests: map[string]int{}, faults: map[string][]Fault{},
		recent: map[string][]time.Time{}, threads: map[string]string{}}
	if now == nil {
		s.now = func() time.Time { return time.Time{} }
	}
	return s
}

// Script gives the answers to the next requests of a vendor, in order. After
// them it is in good health again.
func (s *Server) Script(vendor string, faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults[vendor] = append(s.faults[vendor], faults...)
}

// Messages lists what was accepted from a vendor's webhooks, oldest first.
func (s *Server) Messages(vendor string) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(s.messages), func(m Message) bool { return m.Vendor != vendor })
}

// Requests counts what reached a vendor's webhooks, refused or not.
func (s *Server) Requests(vendor string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests[vendor]
}

// ServeHTTP answers as the vendor whose path it is.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	vendor := vendorOf(r.URL.Path)
	if vendor == "" {
		http.NotFound(w, r)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		return
	}
	m := Message{Vendor: vendor, Path: r.URL.Path, Header: r.Header.Clone(), Body: body, At: s.now()}
	if fault, scripted := s.next(vendor); scripted {
		if fault.Keep {
			s.keep(m)
		}
		fault.serve(w, r)
		return
	}
	switch vendor {
	case Slack:
		s.slack(w, r, m)
	case GoogleChat:
		s.googleChat(w, r, m)
	case Webhook:
		s.keep(m)
		w.WriteHeader(http.StatusNoContent)
	}
}

func vendorOf(path string) string {
	switch {
	case strings.HasPrefix(path, "/slack/services/"):
		return Slack
	case strings.HasPrefix(path, "/v1/spaces/") && strings.HasSuffix(path, "/messages"):
		return GoogleChat
	case strings.HasPrefix(path, "/hook/"):
		return Webhook
	}
	return ""
}

// next counts a request and takes its fault from the script.
func (s *Server) next(vendor string) (Fault, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests[vendor]++
	script := s.faults[vendor]
	if len(script) == 0 {
		return Fault{}, false
	}
	s.faults[vendor] = script[1:]
	return script[0], true
}

func (s *Server) keep(m Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.messages) < maxKept {
		s.messages = append(s.messages, m)
	}
}

// over counts a message against a limit of n in a window and reports whether
// it is one too many.
func (s *Server) over(place string, n int, window time.Duration, at time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.limited {
		return false
	}
	recent := slices.DeleteFunc(s.recent[place], func(t time.Time) bool { return at.Sub(t) >= window })
	if len(recent) < n {
		s.recent[place] = append(recent, at)
		return false
	}
	s.recent[place] = recent
	return true
}

func (f Fault) serve(w http.ResponseWriter, r *http.Request) {
	if f.Hang > 0 {
		timer := time.NewTimer(f.Hang)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.Context().Done():
		}
	}
	if f.Reset || f.Status == 0 {
		panic(http.ErrAbortHandler) // how net/http is told to cut a connection
	}
	if f.RetryAfter != "" {
		w.Header().Set("Retry-After", f.RetryAfter)
	}
	if f.Location != "" {
		w.Header().Set("Location", f.Location)
	}
	w.WriteHeader(f.Status)
	_, _ = io.WriteString(w, f.Body)
}
