package service

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/auth"
	"github.com/tieout/tieout/connectors/web"
)

const (
	maxAttempts   = 6 // of one request
	checkAttempts = 2 // of one that only proves the connection
	firstPause    = 500 * time.Millisecond
	longPause     = 30 * time.Second
	maxRefusal    = 64 << 10 // bytes of a reply that is no page, read so that the connection lives on
)

// caller sends the requests of one connection.
type caller struct {
	client *web.Client
	signer *auth.Signer
	budget *budget
	judge  *judge
	tools  tools
	log    *slog.Logger // may be nil
	// attempts are how often a request is tried that broke off.
	attempts int
}

// call is one request as it is made anew for each attempt.
type call struct {
	method string
	url    *url.URL
	header http.Header
	body   []byte
	// again makes the request anew after a session was refused; nil without.
	again func(ctx context.Context) error
}

// trial counts what happened to one request so far.
type trial struct {
	failures  int
	throttled int
	waited    time.Duration
	refreshed bool
}

// tellWait is the shortest wait that the log tells of.
const tellWait = 5 * time.Second

// send makes a request until it is answered with a page, and waits and tries
// again as the rules about replies say. Errors wrap connectors.ErrEnvironment
// or connectors.ErrConfig.
func (c *caller) send(ctx context.Context, r *call, t *trial) (*page, error) {
	for {
		leave, err := c.enter(ctx)
		if err != nil {
			return nil, err
		}
		stream, sent, err := c.attempt(ctx, r)
		if err != nil {
			leave()
			if err = c.failed(ctx, t, err); err != nil {
				return nil, err
			}
			continue
		}
		now := c.tools.now()
		c.budget.correct(stream.Header, now)
		p := &page{stream: stream, leave: leave, sent: sent}
		v, err := c.judge.first(p, now)
		if err != nil {
			p.done()
			if err = c.failed(ctx, t, err); err != nil {
				return nil, err
			}
			continue
		}
		c.note(r, stream.Status, &v)
		if v.is == isOK {
			return p, nil
		}
		_, _ = io.CopyN(io.Discard, stream.Body, maxRefusal)
		p.done()
		if v.is == isEmpty || v.is == isGone {
			return &page{leave: func() {}}, nil
		}
		if v.is == isRefresh && r.again != nil && !t.refreshed {
			t.refreshed = true
			if err := r.again(ctx); err != nil {
				return nil, err
			}
			continue
		}
		if err := c.again(ctx, t, v, stream, sent); err != nil {
			return nil, err
		}
	}
}

// note writes down what the service calls a request, so that its people can
// find it.
func (c *caller) note(r *call, status int, v *verdict) {
	if c.log != nil && v.request != "" {
		c.log.Debug("request", "method", r.method, "origin", r.url.Host, "status", status, "request", v.request)
	}
}

// enter waits until the service allows another request.
func (c *caller) enter(ctx context.Context) (leave func(), err error) {
	if leave, err = c.budget.enter(ctx); err != nil {
		return nil, err
	}
	for {
		wait, err := c.budget.take(ctx, c.tools.now())
		switch {
		case err != nil:
		case wait == 0:
			return leave, nil
		case wait > patienceMax:
			err = fmt.Errorf("%w: the requests that limits allow are used up, and there are more only in %v; run it again then", connectors.ErrEnvironment, wait.Round(time.Second))
		default:
			if wait >= tellWait && c.log != nil {
				c.log.Info("waiting for the requests that limits allow", "seconds", int64(wait/time.Second))
			}
			err = c.tools.sleep(ctx, wait)
		}
		if err != nil {
			leave()
			return nil, err
		}
	}
}

// attempt signs a copy of the request and sends it.
func (c *caller) attempt(ctx context.Context, r *call) (*web.Stream, http.Header, error) {
	header, to := r.header.Clone(), *r.url
	query := to.Query()
	before := len(query)
	if err := c.signer.Sign(ctx, header, query); err != nil {
		return nil, nil, err
	}
	if len(query) != before || query.Encode() != to.Query().Encode() {
		to.RawQuery = query.Encode()
	}
	s, err := c.client.Open(ctx, web.Request{Method: r.method, URL: to.String(), Header: header, Body: r.body})
	return s, header, err
}

// failed decides after an exchange that broke off: nil is to try again.
func (c *caller) failed(ctx context.Context, t *trial, err error) error {
	t.failures++
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case !errors.Is(err, connectors.ErrEnvironment), errors.Is(err, web.ErrTLS), auth.Final(err):
		return err
	case t.failures >= c.attempts:
		return fmt.Errorf("%w (tried %d times)", err, t.failures)
	}
	return c.tools.sleep(ctx, c.pause(t.failures))
}

// pause grows with each failure and is spread at random, so that many readers
// do not come back together.
func (c *caller) pause(failures int) time.Duration {
	most := min(firstPause<<min(failures-1, 10), longPause)
	return most/2 + time.Duration(c.tools.random(int64(most/2)+1))
}

// again decides after a reply that is no page: nil is to ask again, once the
// time to wait has passed.
func (c *caller) again(ctx context.Context, t *trial, v verdict, s *web.Stream, sent http.Header) error {
	switch v.is {
	case isThrottled:
		wait := v.wait
		if t.throttled++; wait == 0 {
			wait = min(c.pause(t.throttled), v.most)
		}
		if t.waited += wait; t.waited > patienceMax {
			return fmt.Errorf("%w%s: it was waited for %v altogether, which is the most; run it again later, or ask less often under limits",
				v.refusal(s.Status, ""), v.absurd(), patienceMax)
		}
		if wait >= tellWait && c.log != nil {
			c.log.Info("the service asks to wait", "status", s.Status, "seconds", int64(wait/time.Second), "waited_before", (t.waited - wait).Round(time.Second).String())
		}
		return c.tools.sleep(ctx, wait)
	case isRetry, isUnknown:
		if t.failures++; t.failures >= c.attempts {
			return fmt.Errorf("%w (tried %d times)", v.refusal(s.Status, s.Moved()), t.failures)
		}
		return c.tools.sleep(ctx, c.pause(t.failures))
	case isRefresh:
		if !t.refreshed && c.signer.Refresh(sent) {
			t.refreshed = true
			return nil
		}
	}
	return v.refusal(s.Status, s.Moved())
}
