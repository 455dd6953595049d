package oauth

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
)

// consent goes through both pages as a client would.
func (s *Server) consent() (string, error) {
	const (
		back      = "http://127.0.0.1/callback"
		verifier  = "a-verifier-that-is-long-enough-for-the-rules-of-PKCE-which-want-43"
		challenge = "d6J0R2vJAthNCziTu65qDKy6apBEZG_9dZ2Ttq7Q8J4" // SHA-256 of it
	)
	w := httptest.NewRecorder()
	q := url.Values{"response_type": {"code"}, "client_id": {Client}, "redirect_uri": {back}, "state": {"a state of a seed"}, "scope": {"accounting offline_access"},
		"code_challenge": {challenge}, "code_challenge_method": {"S256"}}
	s.authorize(w, httptest.NewRequest(http.MethodGet, "/authorize?"+q.Encode(), nil))
	to, err := url.Parse(w.Header().Get("Location"))
	if err != nil || to.Query().Get("code") == "" {
		return "", fmt.Errorf("no code came with %d %s", w.Code, w.Header())
	}
	form := url.Values{"grant_type": {"authorization_code"}, "code": {to.Query().Get("code")}, "redirect_uri": {back}, "code_verifier": {verifier}}
	r := httptest.NewRequest(http.MethodPost, "/token", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(url.QueryEscape(Client), url.QueryEscape(Secret))
	reply := s.give(r)
	token, ok := reply.Body["refresh_token"].(string)
	if !ok {
		text, _ := json.Marshal(reply.Body)
		return "", errors.New(string(text))
	}
	return token, nil
}
