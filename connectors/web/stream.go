package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// Stream is a reply whose body is read as it arrives. Header and Body are the
// server's own words: they may repeat secrets and belong in no log.
type Stream struct {
	Status     int
	Header     http.Header
	RetryAfter time.Duration // as in Reply
	// Framed says that the end of the body is known from more than the end of
	// the connection, so that a body that was cut off is an error.
	Framed bool
	// Body gives the bytes after inflating. Its errors are those of Do; they
	// name the origin and no more. Read to its end, the connection is used
	// again. Close ends the exchange and may be called at any time, once.
	Body io.ReadCloser
}

// Moved is that of Reply.
func (s *Stream) Moved() string { return Reply{Status: s.Status, Header: s.Header}.Moved() }

// Open makes a request and gives the reply as soon as its header is there. The
// time the server may take, for the header and all of the body together, is
// Options.Timeout, and Options.Idle for each wait; the time the caller takes
// between reads does not count, so that a slow target does not break off a
// sound reply. The body is at most Options.MaxReply bytes.
//
// Errors are those of Do.
func (c *Client) Open(ctx context.Context, r Request) (*Stream, error) {
	inner, cancel := context.WithCancel(ctx)
	p := &patience{left: c.options.Timeout, idle: c.options.Idle, cancel: cancel}
	p.begin()
	response, at, err := c.send(inner, r) //nolint:bodyclose // Stream.Close does
	if expired := p.end(); err != nil {
		cancel()
		if expired {
			err = lateError(at)
		}
		return nil, err
	}
	body := &body{ctx: ctx, at: at, in: response.Body, patience: p, limit: c.options.MaxReply}
	return &Stream{Status: response.StatusCode, Header: response.Header, Body: body,
		Framed:     response.ContentLength >= 0 || len(response.TransferEncoding) > 0 || response.Uncompressed,
		RetryAfter: retryAfter(response.Header.Get("Retry-After"), c.options.Now())}, nil
}

func lateError(at origin) error {
	return fmt.Errorf("%w: %s did not answer in time", ErrTimeout, at)
}

// patience bounds the time spent waiting for a server.
type patience struct {
	left   time.Duration // of the whole exchange
	idle   time.Duration // of one wait
	cancel context.CancelFunc
	began  time.Time
	timer  *time.Timer
	late   bool // a wait has taken too long
}

// begin starts a wait; the exchange is cancelled when it takes too long.
func (p *patience) begin() {
	p.began = time.Now() //nolint:forbidigo // a stopwatch beside time.AfterFunc, not an instant
	wait := max(0, min(p.left, p.idle))
	if p.timer == nil {
		p.timer = time.AfterFunc(wait, p.cancel)
		return
	}
	p.timer.Reset(wait)
}

// end stops the wait and reports whether it, or one before, took too long.
func (p *patience) end() bool {
	p.late = !p.timer.Stop() || p.late
	p.left -= time.Since(p.began)
	return p.late
}

// body is the body of an open reply.
type body struct {
	ctx      context.Context
	at       origin
	in       io.ReadCloser
	patience *patience
	limit    int64 // bytes still allowed
	err      error
}

// Read waits for the next bytes.
func (b *body) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	if int64(len(p)) > b.limit+1 {
		p = p[:b.limit+1] // one more, to see that it is too long
	}
	b.patience.begin()
	n, err := b.in.Read(p)
	expired := b.patience.end()
	if b.limit -= int64(n); b.limit < 0 {
		b.err = fmt.Errorf("%w: %s sent more than it may", ErrTooLarge, b.at)
		return 0, b.err
	}
	switch {
	case err == nil:
	case errors.Is(err, io.EOF):
		b.err = io.EOF
	case b.ctx.Err() != nil:
		b.err = explain(b.ctx, b.at, b.ctx.Err())
	case expired:
		b.err = lateError(b.at)
	default:
		b.err = explain(b.ctx, b.at, err)
	}
	return n, b.err
}

// Close ends the exchange.
func (b *body) Close() error {
	b.patience.timer.Stop()
	err := b.in.Close()
	b.patience.cancel()
	if err != nil {
		return explain(b.ctx, b.at, err)
	}
	return nil
}
