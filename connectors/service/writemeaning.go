package service

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/rows"
)

var clientFault = regexp.MustCompile(`^([\w.-]+:)?(Client|Sender)\b`)

// meaning is what a reply to a document means when no rule says. Where it may
// have been taken it is unknown.
func (o *outlet) meaning(status int, body []byte, d *connectors.Document) string {
	if fault := o.caller.judge.fault(body); fault != "" {
		switch {
		case o.conn.soap != nil && clientFault.MatchString(fault):
			return isRecord
		case o.conn.soap != nil:
			return isUnknown
		case status < http.StatusMultipleChoices && isNull(rows.Member(body, "data")):
			return isRecord
		case status < http.StatusMultipleChoices:
			return isUnknown
		}
	}
	switch {
	case status < http.StatusMultipleChoices:
		return isOK
	case status == http.StatusSeeOther, status == http.StatusNotModified, status == http.StatusRequestTimeout:
		return isUnknown
	case status == http.StatusTooManyRequests, status == http.StatusServiceUnavailable:
		return isThrottled
	case status == http.StatusUnauthorized:
		return isRefresh
	case status == http.StatusPreconditionFailed, status == http.StatusPreconditionRequired:
		return isStale
	case status == http.StatusNotFound && d.Operation != connectors.Create && d.ID != "",
		status == http.StatusGone && d.Operation != connectors.Create:
		return isGone
	case status >= 400 && status < 500 && !ofAll(status):
		return isRecord
	case status >= 500 && status != http.StatusNotImplemented:
		return isUnknown
	}
	return isStop
}

// ofAll reports whether a status from 400 to 499 is about whoever asks or about
// the address as such, and so about every document.
func ofAll(status int) bool {
	switch status {
	case http.StatusPaymentRequired, http.StatusForbidden, http.StatusMethodNotAllowed, http.StatusNotAcceptable, http.StatusProxyAuthRequired,
		http.StatusUnsupportedMediaType, http.StatusMisdirectedRequest, http.StatusUpgradeRequired:
		return true
	}
	return false
}

func isNull(raw []byte) bool { return raw == nil || string(raw) == "null" }

// refusal words why a document was refused.
func refusal(is string, status int, d *connectors.Document, said string) string {
	why := map[string]string{isGone: "the document is not in the service any more", isClosedPeriod: "its period is closed"}[is]
	if is == isGone && d.Operation != connectors.Create && d.ID != "" {
		why = fmt.Sprintf("the document is not in the service any more, where it was %q; `tieout links remove` with its key lets the next change make it anew", d.ID)
	}
	if is == isRecord && said == "" && (status == http.StatusNotFound || status == http.StatusGone) {
		why = "what it belongs to is not in the service; where this is so for every document, base_url or the path of the request is wrong"
	}
	switch {
	case said == "" && why == "":
		return "the service refused it"
	case said == "":
		return why
	case why == "":
		return said
	}
	return why + ": " + said
}

// address is where a request goes, without what it asks for, which may hold a
// key.
func (o *outlet) address(r *call) string {
	return r.method + " " + o.caller.judge.clean((&url.URL{Scheme: r.url.Scheme, Host: r.url.Host, Path: r.url.Path}).String())
}

// asked says what a reply was given to.
func (o *outlet) asked(r *call, status int) string {
	return " (" + strings.TrimSpace(fmt.Sprintf("status %d %s", status, http.StatusText(status))) + " of " + o.address(r) + ")"
}

// doubt is the outcome of a request nobody knows the end of.
func (o *outlet) doubt(r *call, status int, why string) connectors.Delivery {
	return connectors.Delivery{Outcome: connectors.Unknown, Status: status, Reason: why + " (" + o.address(r) + ")"}
}

// notSent is the error of a request that changed nothing and whose document is
// not at fault.
func (o *outlet) notSent(r *call, err error) error {
	return fmt.Errorf("%w: %s: %w", connectors.ErrNotSent, o.address(r), err)
}

// said is what a service says in a reply, as far as it can be told.
func (o *outlet) said(p *page, body []byte) string {
	if fault := o.caller.judge.fault(body); o.conn.soap != nil && fault != "" {
		return fault
	}
	return o.caller.judge.clean(saidIn(body, p.head))
}

// messages are where services put what they say about a refusal.
var messages = [][]string{{"Fault", "Error", "Detail"}, {"Fault", "Error", "Message"}, {"Elements", "ValidationErrors", "Message"}, {"error", "message"}, {"error_description"},
	{"errors", "message"}, {"errors", "detail"}, {"detail"}, {"message"}, {"Message"}, {"title"}, {"error"}, {"errors"}}

// saidIn is what a service says in a reply, as far as it can be told.
func saidIn(body, head []byte) string {
	for _, path := range messages {
		if text := plainAt(body, strings.Join(path, ".")); text != "" {
			return text
		}
	}
	text := strings.TrimSpace(string(head))
	if strings.HasPrefix(text, "<") {
		return ""
	}
	return text
}
