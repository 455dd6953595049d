package books

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Kinds are the kinds of documents there are, as they stand in paths.
func Kinds() []string { return []string{"customers", "invoices", "payments", "bills", "journals"} }

const (
	maxBody = 4 << 20 // bytes of a request
	maxKept = 200_000 // documents
	pageMax = 500     // documents of one reply
	keyLife = 24 * time.Hour
)

// Fault makes one request that changes something go wrong.
type Fault struct {
	// After says that the document is taken before it does.
	After bool
	// Cut ends the connection without a reply; else Status is answered, with
	// RetryAfter as that header when it is not empty.
	Cut        bool
	Status     int
	RetryAfter string
	// Delay is waited before anything else is done.
	Delay time.Duration
}

// Server is the service. It is safe for concurrent use.
type Server struct {
	now func() time.Time

	mu       sync.Mutex
	papers   []*Document
	answers  map[string]answer
	script   []Fault
	closed   string // the last day of the closed period, YYYY-MM-DD
	requests int    // that change something
}

// answer is what is remembered of a key.
type answer struct {
	request [sha256.Size]byte
	status  int
	body    []byte
	kind    string // media type
	at      time.Time
}

// New makes a service without documents.
func New(now func() time.Time) *Server {
	return &Server{now: now, answers: make(map[string]answer)}
}

// Script says what happens to the next requests that change something, one
// after the other.
func (s *Server) Script(faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.script = append(s.script, faults...)
}

// Calm forgets what is left of the script.
func (s *Server) Calm() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.script = nil
}

// CloseUntil closes the books up to a day, YYYY-MM-DD, that day included; ""
// opens them.
func (s *Server) CloseUntil(day string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = day
}

// Requests counts the requests that meant to change something.
func (s *Server) Requests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests
}

// Documents lists what the service has, in the order it was made.
func (s *Server) Documents() []Document {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Document, len(s.papers))
	for i, d := range s.papers {
		out[i] = *d
	}
	return out
}

// place is what a path names.
type place struct{ company, kind, id, verb string }

// placeOf reads /companies/{company}/{kind}[/{id}[/void]].
func placeOf(path string) (p place, ok bool) {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	if len(parts) < 3 || len(parts) > 5 || parts[0] != "companies" || !slices.Contains(Kinds(), parts[2]) {
		return p, false
	}
	parts = append(parts, "", "")
	p = place{company: parts[1], kind: parts[2], id: parts[3], verb: parts[4]}
	return p, p.verb == "" || p.verb == "void"
}

// ServeHTTP answers a request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p, ok := placeOf(r.URL.Path)
	if !ok {
		s.write(w, r, problem(http.StatusNotFound, "no_such_path", "there is nothing at this path"))
		return
	}
	if r.Method == http.MethodGet {
		s.write(w, r, s.read(p, r))
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		s.write(w, r, problem(http.StatusRequestEntityTooLarge, "too_large", "the document is too large"))
		return
	}
	fault, scripted := s.next()
	if scripted && fault.Delay > 0 {
		select {
		case <-time.After(fault.Delay):
		case <-r.Context().Done():
		}
	}
	if !scripted || !fault.bad() {
		s.write(w, r, s.change(p, r, body))
		return
	}
	if fault.After {
		s.change(p, r, body)
	}
	fault.serve(w)
}

func (f *Fault) bad() bool { return f.Cut || f.Status != 0 }

func (f *Fault) serve(w http.ResponseWriter) {
	if f.Cut {
		panic(http.ErrAbortHandler)
	}
	if f.RetryAfter != "" {
		w.Header().Set("Retry-After", f.RetryAfter)
	}
	w.WriteHeader(f.Status)
	fmt.Fprintf(w, `{"error":{"code":"fault","message":"status %d, as the script says"}}`, f.Status)
}

func (s *Server) next() (Fault, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests++
	if len(s.script) == 0 {
		return Fault{}, false
	}
	f := s.script[0]
	s.script = s.script[1:]
	return f, true
}

// read answers with one document, or with those of a number, or with a page of
// all.
func (s *Server) read(p place, r *http.Request) reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.id != "" {
		if d := s.at(p); d != nil {
			return reply{status: http.StatusOK, document: d}
		}
		return problem(http.StatusNotFound, "gone", "there is no document "+p.id)
	}
	query := r.URL.Query()
	offset, _ := strconv.Atoi(query.Get("offset"))
	out := reply{status: http.StatusOK, list: []*Document{}}
	for _, d := range s.papers {
		if d.Company != p.company || d.Kind != p.kind || query.Has("number") && d.Number != query.Get("number") {
			continue
		}
		if offset--; offset < 0 && len(out.list) < pageMax {
			out.list = append(out.list, d)
		}
	}
	return out
}

func (s *Server) at(p place) *Document {
	for _, d := range s.papers {
		if d.Company == p.company && d.Kind == p.kind && d.ID == p.id {
			return d
		}
	}
	return nil
}

// change carries out a request once for each key.
func (s *Server) change(p place, r *http.Request, body []byte) reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := r.Header.Get("Idempotency-Key")
	sum := sha256.Sum256([]byte(r.Method + " " + r.URL.RequestURI() + "\n" + string(body)))
	if known, ok := s.answers[p.company+" "+key]; ok && key != "" && s.now().Sub(known.at) < keyLife {
		if known.request != sum {
			return problem(http.StatusUnprocessableEntity, "key_reused", "the key was used with another request")
		}
		return reply{status: known.status, again: known.body, kind: known.kind}
	}
	out := s.process(p, r, body)
	if key != "" && len(s.answers) < maxKept {
		text, kind := out.render(xmlWanted(r))
		s.answers[p.company+" "+key] = answer{request: sum, status: out.status, body: text, kind: kind, at: s.now()}
	}
	return out
}

func (s *Server) write(w http.ResponseWriter, r *http.Request, out reply) {
	text, kind := out.again, out.kind
	if text == nil {
		s.mu.Lock()
		text, kind = out.render(xmlWanted(r))
		s.mu.Unlock()
	} else {
		w.Header().Set("Idempotent-Replayed", "true")
	}
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(out.status)
	_, _ = w.Write(text)
}

// xmlWanted reports whether a request is in XML, or asks for it.
func xmlWanted(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Content-Type"), "xml") || strings.Contains(r.Header.Get("Accept"), "xml")
}
