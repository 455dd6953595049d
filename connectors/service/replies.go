package service

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/web"
	"github.com/tieout/tieout/schemas/document"
)

// What a reply means for a read.
const (
	isOK        = "ok"
	isEmpty     = "empty"
	isThrottled = "throttled"
	isRetry     = "retry"
	isRefresh   = "refresh"
)

const (
	defaultWaitMax = 5 * time.Minute
	// patienceMax is how long one page may wait for a service that throttles
	// it, all waits together.
	patienceMax = time.Hour
)

// verdict is what one reply means.
type verdict struct {
	is   string
	wait time.Duration // throttled: as told, capped; 0 when not told
	most time.Duration
}

// judge finds the first rule that fits a reply, else what is usual.
func judge(rules []Reply, s *web.Stream, now time.Time) verdict {
	for i := range rules {
		r := &rules[i]
		if !r.fits(s.Status) {
			continue
		}
		v := verdict{is: r.Is, most: defaultWaitMax}
		if r.WaitMax > 0 {
			v.most = r.WaitMax.Std()
		}
		v.wait = min(r.told(s, now), v.most)
		return v
	}
	return verdict{is: usual(s.Status), wait: min(s.RetryAfter, defaultWaitMax), most: defaultWaitMax}
}

func (r *Reply) fits(status int) bool {
	text := strconv.Itoa(status)
	for _, s := range r.Status {
		if s.Value == text || len(text) == 3 && s.Value == text[:1]+"xx" {
			return true
		}
	}
	return false
}

// told is how long the reply, or the rule, says to wait.
func (r *Reply) told(s *web.Stream, now time.Time) time.Duration {
	if r.Wait.Value == "" {
		return s.RetryAfter
	}
	if d, err := document.ParseDuration(r.Wait.Value); err == nil {
		return d.Std()
	}
	return max(0, waitOf(s.Header.Get(r.Wait.Value), now))
}

// usual is what a status means when no rule says.
func usual(status int) string {
	switch {
	case status == http.StatusNoContent:
		return isEmpty
	case status >= 200 && status < 300:
		return isOK
	case status == http.StatusTooManyRequests, status == http.StatusServiceUnavailable:
		return isThrottled
	case status == http.StatusUnauthorized:
		return isRefresh
	case status == http.StatusRequestTimeout, status >= 500 && status != http.StatusNotImplemented:
		return isRetry
	}
	return "stop"
}

// stopError is a reply that ends the read. It names status and meaning and
// shows nothing of what the service wrote.
func stopError(s *web.Stream, is string) error {
	kind := connectors.ErrConfig
	text := fmt.Sprintf("the service answered with status %d", s.Status)
	if name := http.StatusText(s.Status); name != "" {
		text += " (" + name + ")"
	}
	switch {
	case s.Status == http.StatusUnauthorized, is == isRefresh:
		kind, text = connectors.ErrEnvironment, text+"; check the credentials under auth of the connection"
	case s.Status == http.StatusForbidden:
		kind, text = connectors.ErrEnvironment, text+"; the credentials do not allow this"
	case s.Moved() != "":
		text += ", which leads to " + s.Moved() + "; redirections are not followed, so write the address it leads to as base_url"
	case s.Status >= 500, is == "maintenance":
		kind = connectors.ErrEnvironment
	}
	return fmt.Errorf("%w: %s", kind, text)
}
