package alert

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/tieout/tieout/connectors/web"
)

// outcome is what became of one attempt to deliver.
type outcome struct {
	done   bool
	final  bool          // trying again is of no use
	asked  time.Duration // how long the server asks to wait
	reason string        // why not; holds no secret
	hint   string        // what to do about it
}

// judge reads a reply. A message is delivered once its status says so, even
// if the rest of the reply does not arrive. Busy and broken servers are tried
// again; any other refusal comes from the configuration.
func judge(p parcel, r web.Reply, err error) outcome {
	setting := "alerts." + p.name + "." + p.kind
	switch {
	case r.Status >= 200 && r.Status <= 299:
		return outcome{done: true}
	case r.Status == 0 && errors.Is(err, web.ErrRefused):
		return outcome{final: true, reason: err.Error(), hint: "correct the URL in " + setting}
	case r.Status == 0:
		return outcome{reason: err.Error()}
	case r.Status <= 399:
		return outcome{final: true, reason: fmt.Sprintf("it answered %d and points to %s", r.Status, r.Moved()), hint: "write the address of the new place in " + setting}
	}
	reason := strings.TrimSpace(fmt.Sprintf("it answered %d %s", r.Status, said(p.kind, r.Body)))
	if r.Status >= 500 || passing(r.Status) {
		return outcome{asked: r.RetryAfter, reason: reason}
	}
	return outcome{final: true, reason: reason, hint: advice(r.Status, reason, setting)}
}

// passing reports refusals that end by themselves.
func passing(status int) bool {
	return status == http.StatusTooManyRequests || status == http.StatusRequestTimeout || status == http.StatusTooEarly
}

// said finds the vendor's short reason in the body of an error. Only words of
// a vendor's own fixed list form are taken: a body may repeat the request.
func said(kind string, body []byte) string {
	word := ""
	switch kind {
	case ToSlack:
		word = strings.TrimSpace(string(body))
	case ToGoogleChat:
		var reply struct {
			Error struct {
				Status string `json:"status"`
			} `json:"error"`
		}
		if json.Unmarshal(body, &reply) == nil {
			word = reply.Error.Status
		}
	}
	if len(word) > 60 || strings.Trim(strings.ToLower(word), "abcdefghijklmnopqrstuvwxyz_") != "" {
		return ""
	}
	return word
}

// advice says what to do about a refusal.
func advice(status int, reason, setting string) string {
	for _, known := range []struct{ word, hint string }{
		{"no_service", "the webhook was removed or switched off: make a new one and set " + setting},
		{"no_team", "the workspace is gone: make a new webhook and set " + setting},
		{"invalid_token", "the URL is not whole or was replaced: set " + setting + " anew"},
		{"channel_not_found", "the channel was removed: make a webhook for another and set " + setting},
		{"channel_is_archived", "take the channel out of the archive, or make a webhook for another and set " + setting},
		{"action_prohibited", "an administrator of the workspace must allow the webhook"},
		{"posting_to_general_channel_denied", "make a webhook for another channel and set " + setting},
	} {
		if strings.HasSuffix(reason, " "+known.word) {
			return known.hint
		}
	}
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return "the URL of " + setting + " is not allowed to post: check its key and token"
	case http.StatusNotFound, http.StatusGone:
		return "there is nothing at the URL of " + setting + ": check it, or make a new webhook"
	}
	return "the receiver does not accept the message: check what " + setting + " points to"
}
