package web

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"syscall"
)

// Transport gives what sends the requests of a library that speaks HTTP by
// itself. It goes to the origins of the client and nowhere else, under the
// same checks of addresses, and inflates nothing. Limits of time and size are
// the caller's; its errors are those of net/http and may quote the URL.
func (c *Client) Transport() http.RoundTripper {
	t := c.transport.Clone()
	t.DisableCompression = true
	return &carrier{client: c, transport: t}
}

// carrier sends to the origins of a client.
type carrier struct {
	client    *Client
	transport *http.Transport
}

// RoundTrip sends one request and follows no redirection.
func (c *carrier) RoundTrip(r *http.Request) (*http.Response, error) {
	_, at, err := read(r.URL.Scheme + "://" + r.URL.Host)
	if err != nil {
		return nil, err
	}
	if _, ok := c.client.origins[at.String()]; !ok {
		return nil, fmt.Errorf("%w: %s is none of the origins this client was made for", ErrRefused, at)
	}
	reply, err := c.transport.RoundTrip(r)
	if err == nil && strings.Contains(reply.Header.Get("Content-Type"), "xml") {
		err = wholeBody(reply)
	}
	return reply, err
}

// maxDocument bounds a reply that is read whole.
const maxDocument = 64 << 20

// wholeBody reads a document before anybody looks at it: who only reads up to
// the end of its root would not notice that bytes of it are missing.
func wholeBody(reply *http.Response) error {
	text, err := io.ReadAll(io.LimitReader(reply.Body, maxDocument+1))
	reply.Body.Close()
	if err == nil && len(text) > maxDocument {
		err = ErrTooLarge
	}
	reply.Body = io.NopCloser(bytes.NewReader(text))
	return err
}

// CloseIdleConnections ends idle connections.
func (c *carrier) CloseIdleConnections() { c.transport.CloseIdleConnections() }

// Dial connects to host:port for a protocol other than HTTP. The address is
// checked as a Client checks the addresses of its origins; errors of that wrap
// ErrRefused.
func Dial(ctx context.Context, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("%w: %q is not host:port", ErrRefused, address)
	}
	local := loopback(host)
	d := net.Dialer{Control: func(_, resolved string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(resolved)
		if err != nil {
			return fmt.Errorf("%w: %s leads to %w", ErrRefused, address, &addressError{"the address", "not one of IP"})
		}
		if ip := plain(to.Addr()); unwanted(ip, local) != "" {
			return fmt.Errorf("%w: %s leads to %w", ErrRefused, address, &addressError{ip.String(), unwanted(ip, local)})
		}
		return nil
	}}
	return d.DialContext(ctx, "tcp", address)
}
