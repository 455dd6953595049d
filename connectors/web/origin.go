package web

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// origin is a place requests are sent to.
type origin struct {
	scheme  string
	address string // host:port
	local   bool   // the host was given as this machine
	shown   string
}

// String gives scheme://host[:port].
func (o origin) String() string { return o.shown }

// Origin gives scheme://host[:port] of a URL, without anything that may be
// secret. The error wraps ErrRefused and shows no part of the URL but its
// origin.
func Origin(rawURL string) (string, error) {
	_, at, err := read(rawURL)
	return at.String(), err
}

// Local reports whether a URL leads to this machine.
func Local(rawURL string) bool {
	_, at, err := read(rawURL)
	return err == nil && at.local
}

// hostLetters may stand in host:port; other scripts are written as punycode, so
// that the host checked is the host dialed.
const hostLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._:[]"

// read takes a URL apart. The parser's own errors quote the URL and are not
// passed on.
func read(text string) (*url.URL, origin, error) {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.Opaque != "" || strings.Trim(u.Host, hostLetters) != "" {
		return nil, origin{}, fmt.Errorf("%w: not a URL with scheme and host", ErrRefused)
	}
	u.Host = strings.ToLower(u.Host) // as the dialer will be told it
	host, port := u.Hostname(), u.Port()
	o := origin{scheme: u.Scheme, local: loopback(host)}
	standard := map[string]string{"https": "443", "http": "80"}[o.scheme]
	if port == "" {
		port = standard
	}
	o.address = net.JoinHostPort(host, port)
	o.shown = o.scheme + "://" + o.address
	if port == standard {
		o.shown = strings.TrimSuffix(o.shown, ":"+port)
	}
	switch {
	case standard == "":
		return nil, origin{}, fmt.Errorf("%w: the scheme of a URL is https", ErrRefused)
	case o.scheme == "http" && !o.local:
		return nil, origin{}, fmt.Errorf("%w: %s: only https is sent to other machines", ErrRefused, o)
	}
	return u, o, nil
}

// loopback reports whether a host as written means this machine.
func loopback(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// proxy is the environment's, for https alone: over http the proxy would see
// the request.
func proxy(r *http.Request) (*url.URL, error) {
	if r.URL.Scheme != "https" {
		return nil, nil
	}
	return http.ProxyFromEnvironment(r)
}
