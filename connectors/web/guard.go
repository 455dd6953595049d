package web

import (
	"context"
	"net"
	"net/netip"
	"syscall"
)

// addressError says that a name led to an address nothing is sent to.
type addressError struct {
	ip  string
	why string
}

func (e *addressError) Error() string { return e.ip + " is " + e.why }

// dial connects to an origin, or to the proxy in front of it. The address is
// checked when it is known and before a packet is sent, so that a name that
// changes its mind is caught too.
func (c *Client) dial(ctx context.Context, network, address string) (net.Conn, error) {
	at, ours := c.dialed[address]
	d := net.Dialer{Resolver: c.options.Resolver}
	d.Control = func(_, resolved string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(resolved)
		if err != nil {
			return &addressError{"the address", "not one of IP"}
		}
		ip := plain(to.Addr())
		why := forbidden(ip) // whoever asks
		if ours {            // and no proxy that the environment names
			why = unwanted(ip, at.local)
		}
		if why != "" {
			return &addressError{ip.String(), why}
		}
		return nil
	}
	return d.DialContext(ctx, network, address)
}

// unwanted says why an address is not the one a host stands for, or "". local
// says that the host was given as this machine.
func unwanted(ip netip.Addr, local bool) string {
	why := forbidden(ip)
	switch {
	case why != "":
	case local && !ip.IsLoopback():
		why = "another machine, though the host says this one"
	case !local && ip.IsLoopback():
		why = "this machine, which the host does not say"
	}
	return why
}

// forbidden says why an address is never connected to, or "".
func forbidden(ip netip.Addr) string {
	switch {
	case ip.IsUnspecified(), ip.Is4() && ip.As4()[0] == 0:
		return "no address of a server"
	case ip.IsLinkLocalUnicast():
		return "link-local, where clouds keep credentials"
	case ip.IsMulticast(), ip == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return "an address of many machines"
	case metadata(ip):
		return "where a cloud keeps credentials"
	}
	return ""
}

// metadata reports addresses of cloud metadata services that are not
// link-local: those of AWS and Google over IPv6, Alibaba, Oracle, Azure.
func metadata(ip netip.Addr) bool {
	switch ip.String() {
	case "fd00:ec2::254", "fd20:ce::254", "100.100.100.200", "192.0.0.192", "168.63.129.16":
		return true
	}
	return false
}

// plain takes an IPv4 address out of the IPv6 forms that translators accept.
func plain(ip netip.Addr) netip.Addr {
	ip = ip.Unmap().WithZone("")
	if !ip.Is6() {
		return ip
	}
	b := ip.As16()
	switch {
	case netip.MustParsePrefix("64:ff9b::/96").Contains(ip), netip.MustParsePrefix("::/96").Contains(ip) && !ip.IsLoopback() && !ip.IsUnspecified():
		return netip.AddrFrom4([4]byte(b[12:16]))
	case netip.MustParsePrefix("2002::/16").Contains(ip):
		return netip.AddrFrom4([4]byte(b[2:6]))
	}
	return ip
}
