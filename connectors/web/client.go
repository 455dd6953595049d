package web

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Limits of a client that says nothing else.
const (
	DefaultTimeout  = 30 * time.Second
	DefaultMaxReply = 1 << 20
	DefaultIdle     = 30 * time.Second
	maxHeader       = 64 << 10 // bytes of a reply's header
	maxIdle         = 90 * time.Second
)

// Options say what a client may do.
type Options struct {
	// Origins are the only places it sends to, each scheme://host[:port]. They
	// are https, but for a loopback host.
	Origins []string
	// Timeout bounds a whole exchange, from resolving the name to the last
	// byte of the reply; 0 is DefaultTimeout.
	Timeout time.Duration
	// MaxReply bounds the body of a reply in bytes, after inflating; 0 is
	// DefaultMaxReply.
	MaxReply int64
	// Idle bounds how long an open reply may send nothing; 0 is DefaultIdle.
	Idle      time.Duration
	UserAgent string           // "tieout" when empty
	Now       func() time.Time // required; reads the dates of Retry-After
	// Roots are the authorities that servers are checked against; nil are
	// those of the system.
	Roots *x509.CertPool
	// Certificates prove to servers that ask for it who the client is.
	Certificates []tls.Certificate
	// Resolver looks names up; nil is that of the system.
	Resolver *net.Resolver
}

// Client sends requests to the origins it was made for. It is safe for
// concurrent use, keeps no cookies, and speaks HTTP/1.1 over TLS 1.2 or later.
//
// Requests over https go through the proxy that HTTPS_PROXY and NO_PROXY name,
// if any. The proxy then resolves names, so that only its own address can be
// checked; others are refused as doc.go says.
type Client struct {
	options   Options
	origins   map[string]origin // by text
	dialed    map[string]origin // by host:port
	transport *http.Transport
}

// New makes a client. It opens nothing. Errors wrap ErrRefused.
func New(o Options) (*Client, error) {
	if o.Timeout <= 0 {
		o.Timeout = DefaultTimeout
	}
	if o.MaxReply <= 0 {
		o.MaxReply = DefaultMaxReply
	}
	if o.Idle <= 0 {
		o.Idle = DefaultIdle
	}
	if o.UserAgent == "" {
		o.UserAgent = "tieout"
	}
	c := &Client{options: o, origins: map[string]origin{}, dialed: map[string]origin{}}
	for _, text := range o.Origins {
		u, at, err := read(text)
		if err != nil {
			return nil, err
		}
		if u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.User != nil {
			return nil, fmt.Errorf("%w: an origin is scheme://host[:port] and no more: %s", ErrRefused, at)
		}
		c.origins[at.String()], c.dialed[at.address] = at, at
	}
	c.transport = &http.Transport{
		Proxy:                  proxy,
		DialContext:            c.dial,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: o.Roots, Certificates: o.Certificates},
		MaxResponseHeaderBytes: maxHeader,
		MaxIdleConnsPerHost:    8,
		IdleConnTimeout:        maxIdle,
	}
	return c, nil
}

// Close ends idle connections. The client can still be used.
func (c *Client) Close() { c.transport.CloseIdleConnections() }

// Request is one exchange to be made. It prints as method and origin, because
// the rest may be secret.
type Request struct {
	Method string
	URL    string
	Header http.Header // may be nil; the client does not change it
	Body   []byte
}

// Format gives "POST https://host" for every verb.
func (r Request) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, r.text()) }

// LogValue gives "POST https://host".
func (r Request) LogValue() slog.Value { return slog.StringValue(r.text()) }

func (r Request) text() string {
	_, at, err := read(r.URL)
	if err != nil {
		return r.Method + " ‹no URL›"
	}
	return r.Method + " " + at.String()
}

// Reply is what a server answered. Header and Body are its own words: they may
// repeat secrets and belong in no log.
type Reply struct {
	Status int // any, redirections and errors included
	Header http.Header
	Body   []byte
	// RetryAfter is how long the server asks to wait; 0 when it does not say.
	// It may be absurdly long: the caller caps it.
	RetryAfter time.Duration
}

// Moved gives the origin a redirection points to, without path or query; ""
// when the reply is none.
func (r Reply) Moved() string {
	if r.Status < 300 || r.Status > 399 {
		return ""
	}
	_, at, err := read(r.Header.Get("Location"))
	if err != nil {
		return "a place on the same host, or one that cannot be read"
	}
	return at.String()
}

// Do makes an exchange. Any complete reply is no error, whatever its status.
//
// Errors wrap ErrRefused when the request may not be made, ErrTooLarge when
// the reply exceeds its limit, ErrTimeout when time ran out,
// connectors.ErrEnvironment when the server cannot be reached (ErrTimeout
// among them), and the context's error when ctx was cancelled. They name the
// origin and never path, query, header or body. When the header of the reply
// had arrived before the error, the Reply holds it and its status.
func (c *Client) Do(ctx context.Context, r Request) (Reply, error) {
	ctx, cancel := context.WithTimeout(ctx, c.options.Timeout)
	defer cancel()
	response, at, err := c.send(ctx, r)
	if err != nil {
		return Reply{}, err
	}
	defer response.Body.Close()
	return c.receive(ctx, at, response)
}

// send makes a request and gives the reply with its header read.
func (c *Client) send(ctx context.Context, r Request) (*http.Response, origin, error) {
	u, at, err := read(r.URL)
	if err != nil {
		return nil, at, err
	}
	if _, ok := c.origins[at.String()]; !ok {
		return nil, at, fmt.Errorf("%w: %s is none of the origins this client was made for", ErrRefused, at)
	}
	request, err := http.NewRequestWithContext(ctx, r.Method, u.String(), bytes.NewReader(r.Body))
	if err != nil {
		return nil, at, fmt.Errorf("%w: %s: the method is not one of HTTP", ErrRefused, at)
	}
	if r.Header != nil {
		request.Header = r.Header.Clone()
	}
	if request.Header.Get("User-Agent") == "" {
		request.Header.Set("User-Agent", c.options.UserAgent)
	}
	if password, ok := u.User.Password(); ok && request.Header.Get("Authorization") == "" {
		request.SetBasicAuth(u.User.Username(), password)
	}
	// The transport alone: it follows no redirection and keeps no cookie.
	response, err := c.transport.RoundTrip(request)
	if err != nil {
		return nil, at, explain(ctx, at, err)
	}
	return response, at, nil
}

// receive reads a reply up to the limit.
func (c *Client) receive(ctx context.Context, at origin, response *http.Response) (Reply, error) {
	reply := Reply{Status: response.StatusCode, Header: response.Header}
	reply.RetryAfter = retryAfter(response.Header.Get("Retry-After"), c.options.Now())
	body, err := io.ReadAll(io.LimitReader(response.Body, c.options.MaxReply+1))
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		return reply, explain(ctx, at, err)
	case int64(len(body)) > c.options.MaxReply:
		return reply, fmt.Errorf("%w: %s sent more than %d bytes", ErrTooLarge, at, c.options.MaxReply)
	}
	reply.Body = body
	return reply, nil
}
