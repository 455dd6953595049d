package pipelines

import (
	"strconv"
	"strings"
	"time"

	"github.com/tieout/tieout/schemas/document"
)

// Serve is how `tieout serve` runs the project. What is not written has its
// default here already.
type Serve struct {
	Concurrency int               `yaml:"concurrency" default:"4" doc:"Most runs at one time."`
	Listen      document.Text     `yaml:"listen" default:"127.0.0.1:8484" doc:"Address for health and metrics, host:port, or off."`
	Drain       document.Duration `yaml:"drain" default:"60s" doc:"How long runs may finish when the process is stopped."`
	History     document.Duration `yaml:"history" default:"400d" doc:"How long slots and runs are remembered, 1d or more."`

	Node *document.Node `yaml:"."`
}

// AlertTarget is a place that alerts go to.
type AlertTarget struct {
	Slack      document.Secret   `yaml:"slack" doc:"Address of an incoming webhook of Slack."`
	GoogleChat document.Secret   `yaml:"google_chat" doc:"Address of an incoming webhook of Google Chat."`
	Webhook    document.Secret   `yaml:"webhook" doc:"Address that is sent every event as JSON."`
	Remind     document.Duration `yaml:"remind" default:"24h" doc:"How often to tell again that trouble goes on."`

	Node *document.Node `yaml:"."`
}

// Bounds of what `tieout serve` is told.
const (
	mostAtOnce      = 1000
	longestDrain    = 24 * time.Hour
	shortestHistory = 24 * time.Hour
	shortestRemind  = time.Minute
)

func (w *Workspace) checkServe(r *document.Report) {
	s := &w.Project.Serve
	if s.Node == nil {
		return
	}
	wrong := func(at document.Place, hint, format string, args ...any) {
		r.ErrorAt(at, document.CodeWrongType, hint, format, args...)
	}
	if at := s.Node.Get("concurrency"); at != nil && !upTo(s.Concurrency, at, mostAtOnce) {
		wrong(at, "", "concurrency is a number from 1 to %d, not %s", mostAtOnce, at.Text())
	}
	if at := s.Node.Get("listen"); at != nil && !s.Listen.IsZero() && !listens(s.Listen.Value) {
		wrong(at, "Write an address such as 127.0.0.1:8484, or off.", "listen: %q is no host:port", s.Listen.Value)
	}
	if at := given(s.Node, "drain"); at != nil && s.Drain.Std() > longestDrain {
		wrong(at, "", "drain is at most 24h, not %s", s.Drain)
	}
	if at := given(s.Node, "history"); at != nil && s.History.Std() < shortestHistory {
		wrong(at, "", "history is 1d or more, not %s", s.History)
	}
}

// upTo reports whether a number is from 1 to a bound. One that could not be
// read was reported already, and passes.
func upTo(value int, at *document.Node, most int) bool {
	if _, err := strconv.Atoi(at.Text()); err != nil {
		return true
	}
	return value >= 1 && value <= most
}

// listens reports whether a text is host:port, or off. An IPv6 address stands
// in brackets.
func listens(text string) bool {
	if text == "off" {
		return true
	}
	i := strings.LastIndexByte(text, ':')
	if i < 0 || strings.ContainsAny(text, " /@") {
		return false
	}
	host, port := text[:i], text[i+1:]
	bracketed := strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]")
	_, err := strconv.ParseUint(port, 10, 16)
	return err == nil && (bracketed || !strings.ContainsAny(host, "[]:"))
}

func (w *Workspace) checkAlerts(r *document.Report) {
	for i := range w.Project.Alerts.Entries {
		e := &w.Project.Alerts.Entries[i]
		a := &e.Value
		if a.Node == nil {
			continue
		}
		if a.Node.KeyNode("slack") == nil && a.Node.KeyNode("google_chat") == nil && a.Node.KeyNode("webhook") == nil {
			r.ErrorAt(e.Key, document.CodeMissingKey, "Write where it goes: slack: \"${env:SLACK_WEBHOOK}\".", "%q needs one of the keys slack, google_chat and webhook", e.Key.Value)
		}
		if at := given(a.Node, "remind"); at != nil && a.Remind.Std() < shortestRemind {
			r.ErrorAt(at, document.CodeWrongType, "", "remind is 1m or more, not %s", a.Remind)
		}
	}
}
