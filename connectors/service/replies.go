package service

import (
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/tieout/tieout/connectors/web"
	"github.com/tieout/tieout/schemas/document"
)

// What a reply means for a read.
const (
	isOK          = "ok"
	isEmpty       = "empty"
	isThrottled   = "throttled"
	isRetry       = "retry"
	isUnknown     = "unknown"
	isRefresh     = "refresh"
	isMaintenance = "maintenance"
	isGone        = "gone"
	isStop        = "stop"
	isBug         = "bug"
)

// What a reply means for a document, beside those.
const (
	isRecord       = "record"
	isDuplicate    = "duplicate"
	isStale        = "stale"
	isClosedPeriod = "closed_period"
)

const (
	defaultWaitMax = 5 * time.Minute
	// patienceMax is how long one page may wait for a service that throttles
	// it, all waits together.
	patienceMax = time.Hour
)

// Reply is one rule about replies.
type Reply struct {
	Status  []document.Text   `yaml:"status,one_or_list" doc:"Status, or a class of them such as 5xx; any when not given." example:"429"`
	If      Formula           `yaml:"if" doc:"Expression over reply.status, reply.headers, reply.text and reply.body that is true for the reply; reply.text is its first MiB. What a reply does not hold makes it untrue." example:"=reply.body.error.code == \"locked\""`
	Is      string            `yaml:"is" required:"true" enum:"ok,empty,throttled,retry,refresh,maintenance,stop,bug,record,duplicate,stale,gone,closed_period,unknown" doc:"ok is a page, empty and gone a page of none; throttled waits as it is told, retry and, while reading, unknown try again, refresh asks for another token once; the others end a read: maintenance and stop as faults of the service and of the credentials, bug as one of the request."`
	Wait    document.Text     `yaml:"wait" doc:"throttled: a header that says how long to wait, or a duration; Retry-After when not given." example:"Retry-After"`
	WaitMax document.Duration `yaml:"wait_max" doc:"throttled: the longest single wait, whatever the service says; 5m when not given." example:"2m"`
	Message Formula           `yaml:"message" doc:"Expression that takes what the service says out of the reply, for the error." example:"=reply.body.error.message"`
}

// replyKeys is Reply without a way of its own to be decoded.
type replyKeys Reply

var statusPattern = regexp.MustCompile(`^[1-5](\d\d|xx)$`)

// DecodeDocument reads one rule.
func (r *Reply) DecodeDocument(n *document.Node, d *document.Decoder) {
	d.Decode(n, (*replyKeys)(r))
	for _, s := range r.Status {
		if !statusPattern.MatchString(s.Value) {
			d.Report.ErrorAt(s, document.CodeWrongType, "Write 429, or 5xx for a class.", "%q is no status", s.Value)
		}
	}
	if n.Kind() == document.Mapping && n.Get("status") == nil && n.Get("if") == nil {
		d.Report.ErrorAt(n, document.CodeMissingKey, "Write status: 429, or if: with an expression over the reply.", "a rule about replies needs %q or %q", "status", "if")
	}
	for _, key := range []string{"wait", "wait_max"} {
		if at := n.KeyNode(key); at != nil && r.Is != "" && r.Is != isThrottled {
			d.Report.ErrorAt(at, document.CodeMisplacedKey, "Remove it, or write is: throttled.", "%q belongs to throttled, and this is %s", key, r.Is)
		}
	}
}

// DocumentSchema is that of the keys.
func (r *Reply) DocumentSchema(sub func(any) any) any { return sub(replyKeys{}) }

// DocumentType says what is written.
func (r *Reply) DocumentType() string {
	return "a mapping of `status`, `if`, `is`, `wait`, `wait_max` and `message`"
}

func (r *Reply) fits(status int) bool {
	text := strconv.Itoa(status)
	return len(r.Status) == 0 || slices.ContainsFunc(r.Status, func(s document.Text) bool {
		return s.Value == text || len(text) == 3 && s.Value == text[:1]+"xx"
	})
}

// reads reports whether a rule looks at a part of replies: text or body.
func (r *Reply) reads(part string) bool {
	return slices.ContainsFunc(slices.Concat(r.If.paths, r.Message.paths), func(path []string) bool { return path[0] == part })
}

func (r *Reply) readsBody() bool { return r.reads("text") || r.reads("body") }

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
	case status == http.StatusNoContent, status == http.StatusNotModified:
		return isEmpty
	case status >= 200 && status < 300 && status != http.StatusPartialContent:
		return isOK
	case status == http.StatusTooManyRequests, status == http.StatusServiceUnavailable:
		return isThrottled
	case status == http.StatusUnauthorized:
		return isRefresh
	case status == http.StatusRequestTimeout, status >= 500 && status != http.StatusNotImplemented:
		return isRetry
	}
	return isStop
}
