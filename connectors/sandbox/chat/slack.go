package chat

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path"
	"strings"
	"time"
	"unicode/utf8"
)

// slackWords are the refusals a token of that name brings about.
var slackWords = map[string]int{
	"no_service": 404, "no_team": 404, "channel_not_found": 404, "invalid_token": 403, "action_prohibited": 403,
	"channel_is_archived": 410, "user_not_found": 400, "rollup_error": 500,
}

// slack answers with texts, as Slack does.
func (s *Server) slack(w http.ResponseWriter, r *http.Request, m Message) {
	token := path.Base(m.Path)
	say := func(status int, text string) {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(status)
		fmt.Fprint(w, text)
	}
	switch problem := SlackProblem(m.Body); {
	case r.Method != http.MethodPost:
		say(http.StatusMethodNotAllowed, "method_not_allowed")
	case slackWords[token] != 0:
		say(slackWords[token], token)
	case strings.Count(m.Path, "/") != 5:
		say(http.StatusNotFound, "no_team")
	case problem != "":
		say(http.StatusBadRequest, problem)
	case s.over(m.Path, 1, time.Second, m.At):
		w.Header().Set("Retry-After", "1")
		say(http.StatusTooManyRequests, "rate_limited")
	default:
		s.keep(m)
		say(http.StatusOK, "ok")
	}
}

// SlackProblem gives the word Slack refuses a payload with for its form and
// sizes, "" for a good one.
func SlackProblem(body []byte) string {
	var payload struct {
		Text   string
		Blocks []struct {
			Type     string
			Text     *struct{ Type, Text string }
			Elements []struct{ Type, Text string }
		}
	}
	if err := json.Unmarshal(body, &payload); err != nil {
		return "invalid_payload"
	}
	if payload.Text == "" && len(payload.Blocks) == 0 {
		return "no_text"
	}
	if len(payload.Blocks) > 50 || utf8.RuneCountInString(payload.Text) > 40_000 {
		return "invalid_blocks"
	}
	for _, b := range payload.Blocks {
		if b.Type == "section" && (b.Text == nil || !slackFits(b.Text.Text)) || b.Type == "context" && len(b.Elements) == 0 || len(b.Elements) > 10 {
			return "invalid_blocks"
		}
		for _, e := range b.Elements {
			if !slackFits(e.Text) {
				return "invalid_blocks"
			}
		}
	}
	return ""
}

func slackFits(text string) bool {
	return text != "" && utf8.RuneCountInString(text) <= 3000
}
