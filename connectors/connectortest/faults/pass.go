package faults

import (
	"net"
	"time"
)

// pair is one connection and its other half.
type pair struct{ program, server net.Conn }

func (c *pair) ends(way Way) (from, to net.Conn) {
	if way == ToServer {
		return c.program, c.server
	}
	return c.server, c.program
}

func (c *pair) close() {
	c.program.Close()
	c.server.Close()
}

// pass copies one way until that ends or is broken.
func (p *Proxy) pass(c *pair, way Way) {
	from, to := c.ends(way)
	buf := make([]byte, 16<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 && !p.forward(c, way, buf[:n]) {
			return
		}
		if err != nil {
			if half, can := to.(*net.TCPConn); can {
				_ = half.CloseWrite() // the other way may still have something to say
			}
			return
		}
	}
}

// forward sends what was read on, up to the byte where a fault strikes; false
// ends the copying.
func (p *Proxy) forward(c *pair, way Way, bytes []byte) bool {
	_, to := c.ends(way)
	before, fault := p.count(way, len(bytes))
	if _, err := to.Write(bytes[:before]); err != nil {
		c.close()
		return false
	}
	if fault == nil {
		return true
	}
	return p.strike(c, fault, bytes[before:])
}

// count takes bytes into account, and says how many come before the fault if
// it strikes among them.
func (p *Proxy) count(way Way, n int) (before int, fault *Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := p.passed[way]
	p.passed[way] += int64(n)
	f := p.fault
	if f == nil || p.struck || f.Way != way || f.At < at || f.At >= at+int64(n) {
		return n, nil
	}
	p.struck = true
	return int(f.At - at), f
}

// strike breaks a connection; what is left of the bytes read follows where
// anything does.
func (p *Proxy) strike(c *pair, f *Fault, rest []byte) bool {
	_, to := c.ends(f.Way)
	switch f.Kind {
	case Slow:
		slow := min(slowBytes, len(rest))
		for i := range slow {
			if _, err := to.Write(rest[i : i+1]); err != nil {
				return false
			}
			time.Sleep(2 * time.Millisecond)
		}
		_, err := to.Write(rest[slow:])
		return err == nil
	case HalfClose:
		if half, can := c.program.(*net.TCPConn); can {
			_ = half.CloseWrite()
		}
		return f.Way == ToServer
	case Lose:
		_, _ = to.Write(rest[min(lostBytes, len(rest)):])
		time.Sleep(20 * time.Millisecond)
	case Stall:
		time.Sleep(f.Pause)
	case Reset:
		for _, end := range []net.Conn{c.program, c.server} {
			if tcp, can := end.(*net.TCPConn); can {
				_ = tcp.SetLinger(0)
			}
		}
	case Down:
		p.mu.Lock()
		p.down = true
		p.mu.Unlock()
		p.hangUp()
	}
	c.close()
	return false
}
