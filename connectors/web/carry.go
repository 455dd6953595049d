package web

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
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
	return c.transport.RoundTrip(r)
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
