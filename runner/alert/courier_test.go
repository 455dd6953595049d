package alert_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/tieout/tieout/connectors/sandbox/chat"
	"github.com/tieout/tieout/connectors/web"
	"github.com/tieout/tieout/runner/alert"
	"github.com/tieout/tieout/schemas/document"
)

// office is a courier with its world: a store, a clock and the chats.
type office struct {
	*alert.Courier
	clock  *clockwork.FakeClock
	store  *memory
	chats  *chat.Server
	log    *journal
	target alert.Target
	find   error // what looking a target up gives
}

const (
	slackPath   = "/slack/services/T1/B1/" + canary
	chatPath    = "/v1/spaces/AAA/messages?key=" + canary + "&token=" + canary
	webhookPath = "/hook/" + canary
)

func newOffice(t *testing.T) *office {
	t.Helper()
	o := &office{clock: clockwork.NewFakeClockAt(start), log: &journal{}}
	o.store = newMemory(o.clock.Now)
	o.chats = chat.New(o.clock.Now)
	server := httptest.NewServer(o.chats)
	server.Config.ErrorLog = nil
	t.Cleanup(server.Close)
	o.target = alert.Target{
		Slack:      document.NewSecret("SLACK", server.URL+slackPath),
		GoogleChat: document.NewSecret("CHAT", server.URL+chatPath),
		Webhook:    document.NewSecret("HOOK", server.URL+webhookPath),
	}
	o.restart()
	return o
}

// restart is a new process over the same store.
func (o *office) restart() {
	o.Courier = alert.NewCourier(o.store, alert.CourierOptions{
		Clock:   o.clock,
		Targets: func(string) (alert.Target, error) { return o.target, o.find },
		Web:     web.Options{Timeout: 200 * time.Millisecond}, Project: "maple-court", Environment: "production", Log: o.log.logger(),
	})
}

// post puts letters about pipelines p1, p2 … into the store, for destinations.
func (o *office) post(t *testing.T, n int, destinations ...string) {
	t.Helper()
	options := options(o.clock.Now, destinations...)
	bell := alert.NewBell(o.store, options)
	for i := range n {
		e := failed(0, "sink.write")
		e.Pipeline, e.At = fmt.Sprintf("p%d", len(o.store.all())+i+1), o.clock.Now()
		ring(t, bell, e)
	}
}

func (o *office) pass(t *testing.T) {
	t.Helper()
	if err := o.RunOnce(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (o *office) want(t *testing.T, waiting, delivered, givenUp int) {
	t.Helper()
	if w, d, g := o.store.counts(); w != waiting || d != delivered || g != givenUp {
		t.Errorf("%d waiting, %d delivered, %d given up; want %d, %d, %d\n%s", w, d, g, waiting, delivered, givenUp, o.log)
	}
	o.keepsSecrets(t)
}

// keepsSecrets checks that no URL came into the store or the log.
func (o *office) keepsSecrets(t *testing.T) {
	t.Helper()
	if strings.Contains(fmt.Sprintf("%+v", o.store.all()), canary) {
		t.Errorf("the store holds a secret: %+v", o.store.all())
	}
	if strings.Contains(o.log.String(), canary) {
		t.Errorf("the log holds a secret: %s", o.log)
	}
}

func TestOneMessageForMany(t *testing.T) {
	o := newOffice(t)
	o.post(t, 100, alert.ToSlack, alert.ToGoogleChat, alert.ToWebhook)
	o.pass(t)
	o.want(t, 0, 300, 0)
	for _, vendor := range []string{chat.Slack, chat.GoogleChat, chat.Webhook} {
		messages := o.chats.Messages(vendor)
		if len(messages) != 1 {
			t.Fatalf("%s got %d messages", vendor, len(messages))
		}
		text := string(messages[0].Body)
		if more := strings.Contains(text, "and 80 more"); more != (vendor != chat.Webhook) {
			t.Errorf("%s: and 80 more is %v in %s", vendor, more, text)
		}
	}
	var body struct{ Events []struct{ ID string } }
	if err := json.Unmarshal(o.chats.Messages(chat.Webhook)[0].Body, &body); err != nil || len(body.Events) != 100 {
		t.Errorf("the webhook got %d events, %v", len(body.Events), err)
	}
}

func TestAnswers(t *testing.T) {
	chatError := func(status string) string {
		return fmt.Sprintf(`{"error":{"code":400,"message":"no %s","status":%q}}`, canary, status)
	}
	tests := []struct {
		name  string
		kind  string
		fault chat.Fault
		// What becomes of the letter: 0 delivered, below 0 given up, else the
		// wait before the next attempt.
		wait   time.Duration
		reason string
	}{
		{"slack busy", "slack", chat.Fault{Status: 429, RetryAfter: "30", Body: "rate_limited"}, 30 * time.Second, "429 rate_limited"},
		{"asked by date", "slack", chat.Fault{Status: 429, RetryAfter: "Sat, 21 Nov 2026 08:02:00 GMT"}, 2 * time.Minute, "429"},
		{"asked for too long", "slack", chat.Fault{Status: 503, RetryAfter: "86400"}, time.Hour, "503"},
		{"asked for less than the pause", "webhook", chat.Fault{Status: 429, RetryAfter: "1"}, 5 * time.Second, "429"},
		{"slack broken", "slack", chat.Fault{Status: 500, Body: "rollup_error"}, 5 * time.Second, "500 rollup_error"},
		{"chat busy", "google_chat", chat.Fault{Status: 429, Body: chatError("RESOURCE_EXHAUSTED")}, 5 * time.Second, "429 RESOURCE_EXHAUSTED"},
		{"reset", "slack", chat.Fault{Reset: true}, 5 * time.Second, "connection"},
		{"timeout", "webhook", chat.Fault{Hang: 10 * time.Second}, 5 * time.Second, "in time"},
		{"slow down", "webhook", chat.Fault{Status: 408}, 5 * time.Second, "408"},
		{"slack gone", "slack", chat.Fault{Status: 404, Body: "no_service"}, -1, "404 no_service"},
		{"chat refuses", "google_chat", chat.Fault{Status: 400, Body: chatError("INVALID_ARGUMENT")}, -1, "400 INVALID_ARGUMENT"},
		{"a body that repeats the request", "slack", chat.Fault{Status: 403, Body: "no " + canary}, -1, "403"},
		{"and one that is a word of it", "google_chat", chat.Fault{Status: 400, Body: chatError(canary)}, -1, "400"},
		{"moved", "webhook", chat.Fault{Status: 302, Location: "https://other.example/" + canary}, -1, "points to https://other.example"},
		{"unauthorized", "webhook", chat.Fault{Status: 401, Body: canary}, -1, "401"},
		{"accepted", "webhook", chat.Fault{Status: 202, Body: "later"}, 0, ""},
		{"a long answer", "webhook", chat.Fault{Status: 200, Body: strings.Repeat("x", 100<<10)}, 0, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			o := newOffice(t)
			o.chats.Script(test.kind, test.fault)
			o.post(t, 1, test.kind)
			o.pass(t)
			letter := o.store.all()[0]
			switch {
			case test.wait == 0:
				o.want(t, 0, 1, 0)
			case test.wait < 0:
				o.want(t, 0, 0, 1)
				if log := o.log.String(); strings.Count(log, "level=ERROR") != 1 || !strings.Contains(log, "run.alert") || !strings.Contains(log, "hint=") {
					t.Errorf("giving up is logged once, with code and hint: %s", log)
				}
			default:
				o.want(t, 1, 0, 0)
				if got := letter.NotBefore.Sub(start); got != test.wait {
					t.Errorf("it waits %v, want %v", got, test.wait)
				}
				o.clock.Advance(test.wait - time.Second)
				o.pass(t)
				o.want(t, 1, 0, 0)
				o.clock.Advance(2 * time.Second)
				o.pass(t)
				o.want(t, 0, 1, 0)
			}
			if !strings.Contains(letter.Error, test.reason) {
				t.Errorf("the reason is %q, want %q in it", letter.Error, test.reason)
			}
		})
	}
}

func TestGivesUpAfterADay(t *testing.T) {
	o := newOffice(t)
	o.post(t, 1, alert.ToSlack)
	for range 200 {
		if waiting, _, _ := o.store.counts(); waiting == 0 {
			break
		}
		o.chats.Script(chat.Slack, chat.Fault{Status: 500})
		o.pass(t)
		if at := o.store.all()[0].NotBefore; at.After(o.clock.Now()) {
			o.clock.Advance(at.Sub(o.clock.Now()))
		}
	}
	o.want(t, 0, 0, 1)
	if took := o.clock.Now().Sub(start); took < 20*time.Hour || took > 28*time.Hour {
		t.Errorf("given up after %v", took)
	}
	if log := o.log.String(); strings.Count(log, "level=ERROR") != 1 || strings.Count(log, "level=WARN") != 1 {
		t.Errorf("one warning and one error are logged: %s", log)
	}
	o.post(t, 1, alert.ToSlack) // what comes later is delivered again
	o.clock.Advance(time.Minute)
	o.pass(t)
	o.want(t, 0, 1, 1)
}

func TestDestinationsAreIndependent(t *testing.T) {
	o := newOffice(t)
	for range 5 {
		o.chats.Script(chat.Slack, chat.Fault{Status: 500})
	}
	o.post(t, 1, alert.ToSlack, alert.ToWebhook)
	for range 6 {
		o.pass(t)
		o.clock.Advance(time.Hour)
	}
	o.want(t, 0, 2, 0)
	if slack, hook := o.chats.Requests(chat.Slack), o.chats.Requests(chat.Webhook); slack != 6 || hook != 1 {
		t.Errorf("%d requests to slack, %d to the webhook", slack, hook)
	}
}

func TestANewLetterWaitsWithTheOld(t *testing.T) {
	o := newOffice(t)
	o.chats.Script(chat.Slack, chat.Fault{Status: 429, RetryAfter: "600"})
	o.post(t, 1, alert.ToSlack)
	o.pass(t)
	o.restart()
	o.post(t, 1, alert.ToSlack)
	o.clock.Advance(time.Minute)
	o.pass(t)
	if n := o.chats.Requests(chat.Slack); n != 1 {
		t.Errorf("%d requests while asked to wait", n)
	}
	o.clock.Advance(9 * time.Minute)
	o.pass(t)
	o.want(t, 0, 2, 0)
	if n := len(o.chats.Messages(chat.Slack)); n != 1 {
		t.Errorf("%d messages, want both letters in one", n)
	}
}

func TestRestartBetweenPostAndDelivery(t *testing.T) {
	o := newOffice(t)
	o.post(t, 2, alert.ToWebhook)
	o.restart()
	o.clock.Advance(3 * 24 * time.Hour) // the process was down
	o.pass(t)
	o.want(t, 0, 2, 0)
}

func TestAWrongClockHoldsNothingBack(t *testing.T) {
	o := newOffice(t)
	o.clock.Advance(70 * 365 * 24 * time.Hour)
	o.chats.Script(chat.Slack, chat.Fault{Status: 500})
	o.post(t, 1, alert.ToSlack)
	o.pass(t)
	o.clock = clockwork.NewFakeClockAt(start)
	o.restart()
	o.pass(t)
	o.want(t, 0, 1, 0)
}

func TestTargetsThatAreNotThere(t *testing.T) {
	unset := document.NewSecret("SLACK", "")
	tests := map[string]struct {
		target alert.Target
		find   error
		final  bool
		reason string
	}{
		"no target":         {find: fmt.Errorf("finance: %w", alert.ErrNoTarget), final: true, reason: "not set any more"},
		"no destination":    {target: alert.Target{}, final: true, reason: "not set any more"},
		"no value":          {target: alert.Target{Slack: unset}, reason: "SLACK"},
		"unreadable secret": {find: context.DeadlineExceeded, reason: "deadline"},
		"no URL":            {target: alert.Target{Slack: document.NewSecret("S", "hooks/"+canary)}, final: true, reason: "alerts.finance.slack"},
		"plain http":        {target: alert.Target{Slack: document.NewSecret("S", "http://example.com/"+canary)}, final: true, reason: "https"},
		"metadata":          {target: alert.Target{Slack: document.NewSecret("S", "https://169.254.169.254/"+canary)}, final: true, reason: "link-local"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t)
			o.target, o.find = test.target, test.find
			o.post(t, 1, alert.ToSlack)
			o.pass(t)
			if test.final {
				o.want(t, 0, 0, 1)
			} else {
				o.want(t, 1, 0, 0)
			}
			if got := o.store.all()[0].Error; !strings.Contains(got, test.reason) {
				t.Errorf("the reason is %q", got)
			}
		})
	}
}
