package alert

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/tieout/tieout/connectors/web"
	"github.com/tieout/tieout/schemas/document"
)

// codeAlert is the code under which undeliverable alerts are logged.
const codeAlert = string(document.CodeRunAlert)

const (
	// maxAttempts is where a letter is given up: after about a day, most of it
	// in steps of longestPause.
	maxAttempts   = 56
	shortestPause = 5 * time.Second
	longestPause  = 30 * time.Minute
	longestAsked  = time.Hour // of Retry-After
	// maxLetters is how many letters go into one message; the rest follows in
	// the next.
	maxLetters = 200
)

// spacing is the time between two messages to one place, a little above what
// the vendors allow: Slack one a second for a webhook, Google Chat 60 in 60 s
// for a space, others four a second.
func spacing(kind string) time.Duration {
	if kind == ToWebhook {
		return 275 * time.Millisecond
	}
	return 1100 * time.Millisecond
}

// resolve finds the URL of a parcel's destination.
func (c *Courier) resolve(p *parcel) {
	t, err := c.o.Targets(p.name)
	secret := t.url(p.kind)
	switch {
	case errors.Is(err, ErrNoTarget), err == nil && !secret.Given():
		p.gone = true
	case err != nil:
		p.trouble = err
	case !secret.IsSet() || secret.Reveal() == "":
		p.trouble = fmt.Errorf("%s has no value", secret)
	default:
		p.url = secret.Reveal()
	}
	where := p.address
	if u, err := url.Parse(p.url); err == nil && p.url != "" {
		where = u.Host + u.EscapedPath() // keys in the query do not make another place
	}
	p.place = sha256.Sum256([]byte(where))
}

// deliver sends a parcel and writes down what became of it. The error is that
// of the mailbox.
func (c *Courier) deliver(ctx context.Context, p parcel) error {
	result := c.send(ctx, p)
	if !result.done && ctx.Err() != nil {
		return ctx.Err() // stopped on the way: it waits as it was
	}
	now := c.o.Clock.Now()
	if result.done {
		return c.mark(ctx, p, now)
	}
	attempts := 0
	var again, over []int64
	for _, l := range p.letters {
		attempts = max(attempts, l.Attempts+1)
		if result.final || l.Attempts+1 >= maxAttempts {
			over = append(over, l.ID)
		} else {
			again = append(again, l.ID)
		}
	}
	until := now.Add(max(pause(attempts), min(result.asked, longestAsked)))
	c.report(p, result, attempts, len(over), until)
	return errors.Join(c.postpone(ctx, p, again, until, result.reason, false), c.postpone(ctx, p, over, now, result.reason, true))
}

// mark writes down that letters were delivered. If that fails they are
// remembered, so that this process does not send them again.
func (c *Courier) mark(ctx context.Context, p parcel, at time.Time) error {
	ids := make([]int64, len(p.letters))
	for i, l := range p.letters {
		ids[i] = l.ID
	}
	// It was sent, so it is marked even when the process is told to stop.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTrouble)
	defer cancel()
	if err := c.mail.Deliver(ctx, ids, at); err != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, id := range ids {
			c.sent[id] = at
		}
		return fmt.Errorf("mark letters as delivered: %w", err)
	}
	c.o.Log.Debug("alert delivered", "target", p.address, "letters", len(ids))
	return nil
}

func (c *Courier) postpone(ctx context.Context, p parcel, ids []int64, until time.Time, reason string, giveUp bool) error {
	if len(ids) == 0 {
		return nil
	}
	if err := c.mail.Defer(ctx, ids, until, reason, giveUp); err != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		if until.After(c.hold[p.address]) {
			c.hold[p.address] = until
		}
		return fmt.Errorf("defer letters: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.hold, p.address)
	return nil
}

// report logs a failure: the first of a series and its end aloud.
func (c *Courier) report(p parcel, r outcome, attempts, over int, until time.Time) {
	log := c.o.Log.With("target", p.address, "reason", r.reason, "attempt", attempts)
	if over > 0 {
		log.Error("alert given up", "code", codeAlert, "letters", over, "hint", cmp.Or(r.hint, "see that alerts."+p.name+"."+p.kind+" can be reached from here"))
	}
	switch left := len(p.letters) - over; {
	case left == 0:
	case attempts == 1:
		log.Warn("alert not delivered yet", "code", codeAlert, "letters", left, "again", until)
	default:
		log.Debug("alert not delivered yet", "code", codeAlert, "letters", left, "again", until)
	}
}

// pause is the time to wait after a number of failed attempts.
func pause(attempts int) time.Duration {
	if attempts > 10 {
		return longestPause
	}
	return min(longestPause, shortestPause<<(attempts-1))
}

// send makes the exchange of a parcel.
func (c *Courier) send(ctx context.Context, p parcel) outcome {
	setting := "alerts." + p.name + "." + p.kind
	switch {
	case p.gone:
		return outcome{final: true, reason: setting + " is not set any more", hint: "set it in tieout.yaml, or take `notify` out of the pipeline"}
	case p.trouble != nil:
		return outcome{reason: setting + ": " + p.trouble.Error()}
	}
	request, err := c.request(p)
	if err != nil {
		return outcome{final: true, reason: setting + ": " + err.Error(), hint: "correct the URL in " + setting}
	}
	at, err := web.Origin(request.URL)
	if err != nil {
		return outcome{final: true, reason: setting + ": " + err.Error(), hint: "correct the URL in " + setting}
	}
	limits := c.o.Web
	limits.Origins = []string{at}
	client, err := web.New(limits)
	if err != nil {
		return outcome{final: true, reason: setting + ": " + err.Error()}
	}
	defer client.Close()
	reply, err := client.Do(ctx, request)
	return judge(p, reply, err)
}
