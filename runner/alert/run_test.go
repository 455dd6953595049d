package alert_test

import (
	"context"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/tieout/tieout/connectors/sandbox/chat"
	"github.com/tieout/tieout/runner/alert"
)

// run starts the courier and gives what makes its time pass.
func (o *office) run(t *testing.T) (pass func(time.Duration)) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); o.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-ended })
	step := 250 * time.Millisecond
	settle := func() {
		t.Helper()
		waiting, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		if err := o.clock.BlockUntilContext(waiting, 1); err != nil {
			t.Fatal("the courier does not wait for its clock")
		}
	}
	return func(d time.Duration) {
		t.Helper()
		for ; d > 0; d -= step {
			settle()
			o.clock.Advance(step)
		}
		settle()
	}
}

func TestGroupsWhatComesTogether(t *testing.T) {
	o := newOffice(t)
	for range 5 {
		o.post(t, 1, alert.ToSlack)
		next, err := o.Pass(t.Context())
		if want := start.Add(10 * time.Second); err != nil || !next.Equal(want) {
			t.Errorf("the next look is at %v, %v; want %v", next, err, want)
		}
		o.clock.Advance(2 * time.Second)
		if n := o.chats.Requests(chat.Slack); n != 0 {
			t.Fatalf("%d messages before the group was complete", n)
		}
	}
	if _, err := o.Pass(t.Context()); err != nil {
		t.Fatal(err)
	}
	o.want(t, 0, 5, 0)
	if n := len(o.chats.Messages(chat.Slack)); n != 1 {
		t.Errorf("%d messages, want one", n)
	}
	if next, err := o.Pass(t.Context()); err != nil || !next.IsZero() {
		t.Errorf("with nothing to do the next look is at %v, %v", next, err)
	}
}

func TestRunIsIdle(t *testing.T) {
	o := newOffice(t)
	pass := o.run(t)
	pass(10 * time.Minute)
	if n := o.store.looks(); n > 10*60/5 {
		t.Errorf("the mailbox was read %d times in ten minutes of nothing", n)
	}
	for range 40 { // a storm of wakes is no storm of reads
		o.Wake()
		pass(250 * time.Millisecond)
	}
	if n := o.store.looks(); n > 10*60/5+11 {
		t.Errorf("the mailbox was read %d times", n)
	}
	o.post(t, 1, alert.ToSlack) // as another process does, without a wake
	pass(30 * time.Second)
	o.want(t, 0, 1, 0)
}

func TestRunKeepsToTheRate(t *testing.T) {
	o := newOffice(t)
	o.target.GoogleChat = o.target.Slack // three names of few places
	pass := o.run(t)
	for range 300 {
		o.post(t, 1, alert.ToSlack, alert.ToWebhook)
		o.Wake()
		pass(250 * time.Millisecond)
	}
	pass(time.Minute)
	o.want(t, 0, 600, 0)
	if took, got := o.chats.Requests(chat.Slack), len(o.chats.Messages(chat.Slack)); took != got {
		t.Errorf("%d of %d messages were too fast for slack", took-got, took)
	}
}

func TestTwoTargetsOfOnePlaceShareItsRate(t *testing.T) {
	o := newOffice(t)
	store, ctx := o.store, t.Context()
	for _, target := range []string{"finance/slack", "books/slack"} {
		l := alert.Letter{Target: target, Event: failed(0, "a.b"), Since: start, CreatedAt: start}
		if err := store.Record(ctx, alert.Incident{Pipeline: target, Kind: alert.Failed}, false, &l); err != nil {
			t.Fatal(err)
		}
	}
	o.pass(t)
	o.want(t, 1, 1, 0)
	o.clock.Advance(2 * time.Second)
	o.pass(t)
	o.want(t, 0, 2, 0)
	if n := o.chats.Requests(chat.Slack); n != 2 {
		t.Errorf("%d requests", n)
	}
}

func TestAStoreThatFails(t *testing.T) {
	o := newOffice(t)
	o.post(t, 1, alert.ToSlack)
	o.store.failNext("Waiting", 3)
	pass := o.run(t)
	pass(12 * time.Second)
	if n := o.store.looks(); n > 3 {
		t.Errorf("a store that is away was read %d times in 12 s", n)
	}
	pass(20 * time.Second)
	o.want(t, 0, 1, 0)
}

// A message whose mark could not be written is not sent again by the same
// process. By the next it is: with the same key and ids.
func TestSentAndNotMarked(t *testing.T) {
	for _, crash := range []bool{false, true} {
		o := newOffice(t)
		o.post(t, 2, alert.ToWebhook)
		o.store.failNext("Deliver", 2)
		for range 2 {
			if err := o.RunOnce(t.Context()); err == nil {
				t.Error("a failure of the store is not told")
			}
		}
		if crash {
			o.restart()
		}
		o.clock.Advance(time.Minute)
		o.pass(t)
		o.want(t, 0, 2, 0)
		messages := o.chats.Messages(chat.Webhook)
		if want := map[bool]int{false: 1, true: 2}[crash]; len(messages) != want {
			t.Fatalf("%d messages, want %d", len(messages), want)
		}
		first, last := messages[0], messages[len(messages)-1]
		if a, b := first.Header.Get("Idempotency-Key"), last.Header.Get("Idempotency-Key"); a == "" || a != b {
			t.Errorf("keys %q and %q", a, b)
		}
	}
}

// A reply that is lost brings the message again, together with what came
// meanwhile: the ids of the events tell.
func TestLostReply(t *testing.T) {
	o := newOffice(t)
	o.chats.Script(chat.Webhook, chat.Fault{Keep: true, Reset: true})
	o.post(t, 1, alert.ToWebhook)
	o.pass(t)
	o.post(t, 1, alert.ToWebhook)
	o.clock.Advance(time.Minute)
	o.pass(t)
	o.want(t, 0, 2, 0)
	var seen []string
	for _, m := range o.chats.Messages(chat.Webhook) {
		var body struct{ Events []struct{ ID string } }
		if err := json.Unmarshal(m.Body, &body); err != nil {
			t.Fatal(err)
		}
		for _, e := range body.Events {
			seen = append(seen, e.ID)
		}
	}
	if len(seen) != 3 || seen[0] != seen[1] || seen[1] == seen[2] {
		t.Errorf("ids %v", seen)
	}
}

func TestADeferThatFails(t *testing.T) {
	o := newOffice(t)
	o.post(t, 1, alert.ToSlack)
	o.chats.Script(chat.Slack, chat.Fault{Status: 429, RetryAfter: "60"})
	o.store.failNext("Defer", 1)
	if err := o.RunOnce(t.Context()); err == nil {
		t.Error("a failure of the store is not told")
	}
	o.clock.Advance(30 * time.Second)
	o.pass(t)
	if n := o.chats.Requests(chat.Slack); n != 1 {
		t.Errorf("%d requests while asked to wait", n)
	}
	o.clock.Advance(31 * time.Second)
	o.pass(t)
	o.want(t, 0, 1, 0)
}

func TestStoppedOnTheWay(t *testing.T) {
	o := newOffice(t)
	o.post(t, 1, alert.ToSlack)
	o.chats.Script(chat.Slack, chat.Fault{Hang: time.Minute})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_ = o.RunOnce(ctx)
	o.want(t, 1, 0, 0)
	if l := o.store.all()[0]; l.Attempts != 0 {
		t.Errorf("being stopped counts as an attempt: %+v", l)
	}
	o.clock.Advance(time.Minute)
	o.pass(t)
	o.want(t, 0, 1, 0)
}

func TestDestinationsOfATarget(t *testing.T) {
	o := newOffice(t)
	if got := o.target.Destinations(); !slices.Equal(got, []string{alert.ToSlack, alert.ToGoogleChat, alert.ToWebhook}) {
		t.Errorf("got %v", got)
	}
	if got := (alert.Target{}).Destinations(); len(got) != 0 {
		t.Errorf("a target without settings has %v", got)
	}
}
