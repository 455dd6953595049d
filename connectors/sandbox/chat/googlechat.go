package chat

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// googleChat answers with JSON, as Google's interfaces do.
func (s *Server) googleChat(w http.ResponseWriter, r *http.Request, m Message) {
	space := strings.Split(m.Path, "/")[3]
	refuse := func(code int, status, message string) {
		writeJSON(w, code, map[string]any{"error": map[string]any{"code": code, "message": message, "status": status}})
	}
	var payload struct {
		Text   string
		Cards  []struct{ Card json.RawMessage } `json:"cardsV2"`
		Thread struct{ ThreadKey string }
	}
	err := json.Unmarshal(m.Body, &payload)
	query := r.URL.Query()
	switch {
	case r.Method != http.MethodPost:
		refuse(http.StatusNotFound, "NOT_FOUND", "there is nothing to read")
	case query.Get("key") == "" || query.Get("token") == "":
		refuse(http.StatusUnauthorized, "UNAUTHENTICATED", "the request has no key or token")
	case err != nil:
		refuse(http.StatusBadRequest, "INVALID_ARGUMENT", "the payload is no JSON of a message")
	case len(m.Body) > 32_000:
		refuse(http.StatusBadRequest, "INVALID_ARGUMENT", "the message is too large")
	case payload.Text == "" && len(payload.Cards) == 0:
		refuse(http.StatusBadRequest, "INVALID_ARGUMENT", "the message is empty")
	case s.over(space, 60, time.Minute, m.At):
		refuse(http.StatusTooManyRequests, "RESOURCE_EXHAUSTED", "the quota of writes per minute and space is used up")
	default:
		s.keep(m)
		thread := s.thread(space, payload.Thread.ThreadKey, query.Get("messageReplyOption"))
		writeJSON(w, http.StatusOK, map[string]any{"name": fmt.Sprintf("spaces/%s/messages/%d", space, s.Requests(GoogleChat)), "thread": map[string]any{"name": thread}})
	}
}

// thread names the thread a message goes to: that of its key if replies are
// asked for, else a new one.
func (s *Server) thread(space, key, option string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := space + "/" + key
	if key == "" || option == "" || option == "MESSAGE_REPLY_OPTION_UNSPECIFIED" {
		id = fmt.Sprintf("%s//%d", space, len(s.threads))
	}
	if s.threads[id] == "" {
		s.threads[id] = fmt.Sprintf("spaces/%s/threads/%d", space, len(s.threads)+1)
	}
	return s.threads[id]
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}
