package auth

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// defaultRedirect is where a service sends the browser back to when nothing
// is said: any free port, as RFC 8252 wants it.
const defaultRedirect = "http://127.0.0.1/callback"

// outOfBand is the redirect of clients whose user copies a code by hand.
const outOfBand = "urn:ietf:wg:oauth:2.0:oob"

// redirect is where the answer to a consent comes to.
type redirect struct {
	*url.URL
	here bool // on this machine, so that it can be waited for
}

// readRedirect reads a redirect. A port that is not 0 replaces its own.
func readRedirect(text string, port int) (redirect, error) {
	if text == "" {
		text = defaultRedirect
	}
	if text == outOfBand {
		return redirect{URL: &url.URL{Scheme: "urn", Opaque: strings.TrimPrefix(outOfBand, "urn:")}}, nil
	}
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.User != nil || u.Fragment != "" {
		return redirect{}, errors.New("redirect is no address with scheme and host")
	}
	here := u.Scheme == "http" && isHere(u.Hostname())
	switch {
	case !here && u.Scheme != "https":
		return redirect{}, fmt.Errorf("redirect leads to %s://%s: it is http on this machine, or https", u.Scheme, u.Host)
	case !here && port != 0:
		return redirect{}, fmt.Errorf("redirect leads to %s, where there is no port to choose", u.Host)
	case port != 0:
		u.Host = net.JoinHostPort(u.Hostname(), strconv.Itoa(port))
	}
	if u.Path == "" {
		u.Path = "/"
	}
	return redirect{URL: u, here: here}, nil
}

// isHere reports whether a host is written as this machine.
func isHere(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// listen opens the port of a redirect on this machine, and writes the port
// into it when it names none. localhost is listened for on both families,
// since browsers choose either.
func (r *redirect) listen() ([]net.Listener, error) {
	host := r.Hostname()
	if host == "localhost" {
		host = "127.0.0.1"
	}
	first, err := net.Listen("tcp", net.JoinHostPort(host, r.Port()))
	if err != nil {
		return nil, fmt.Errorf("listen for the answer on %s: %w; choose another port with --port, if the service allows it", r.Host, errors.Unwrap(err))
	}
	_, port, err := net.SplitHostPort(first.Addr().String())
	if err != nil {
		_ = first.Close()
		return nil, err
	}
	list := []net.Listener{first}
	if r.Hostname() == "localhost" {
		if second, err := net.Listen("tcp", net.JoinHostPort("::1", port)); err == nil {
			list = append(list, second)
		}
	}
	if r.Port() == "" || r.Port() == "0" {
		r.Host = net.JoinHostPort(r.Hostname(), port)
	}
	return list, nil
}
