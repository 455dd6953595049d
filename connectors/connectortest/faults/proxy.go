package faults

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// Kind is what becomes of a connection.
type Kind string

// The ways a connection breaks. Cut closes both ends; Reset does so without a
// word of farewell; HalfClose ends what the server says and still takes what
// the program says; Stall passes nothing on for a while and then cuts; Lose
// leaves some bytes out and cuts a moment later, as a body does that is
// shorter than it said; Slow passes some bytes on one by one and breaks
// nothing. Down cuts and takes no further connection until it is told
// otherwise.
const (
	Cut       Kind = "cut"
	Reset     Kind = "reset"
	HalfClose Kind = "half-close"
	Stall     Kind = "stall"
	Lose      Kind = "lose"
	Slow      Kind = "slow"
	Down      Kind = "down"
)

// Way is a direction of bytes.
type Way int

// ToServer is what the program sends, ToProgram what it is sent.
const (
	ToServer Way = iota
	ToProgram
)

// String names the way.
func (w Way) String() string { return [...]string{"to the server", "to the program"}[w] }

// Fault is what happens once, at a byte counted over all connections since
// Arm.
type Fault struct {
	Kind Kind
	Way  Way
	At   int64
	// Pause is how long Stall lasts.
	Pause time.Duration
}

// String describes it for a message.
func (f Fault) String() string { return fmt.Sprintf("%s at byte %d %s", f.Kind, f.At, f.Way) }

// slowBytes and lostBytes are how many bytes Slow and Lose mean.
const (
	slowBytes = 40
	lostBytes = 7
)

// Proxy passes bytes between programs and one server. It is safe for
// concurrent use.
type Proxy struct {
	listener net.Listener
	target   string

	mu     sync.Mutex
	fault  *Fault
	struck bool
	down   bool
	passed [2]int64
	conns  map[net.Conn]struct{}
	wait   sync.WaitGroup
}

// New listens on loopback for the server at host:port. The caller closes it.
func New(target string) (*Proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &Proxy{listener: l, target: target, conns: make(map[net.Conn]struct{})}
	p.wait.Go(p.accept)
	return p, nil
}

// Address is host:port to connect to.
func (p *Proxy) Address() string { return p.listener.Addr().String() }

// Arm counts from zero, lets connections in again and strikes once, or never
// with nil. Connections that are open stay.
func (p *Proxy) Arm(f *Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault, p.struck, p.down, p.passed = f, false, false, [2]int64{}
}

// Passed are the bytes that passed each way since Arm.
func (p *Proxy) Passed() (toServer, toProgram int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.passed[ToServer], p.passed[ToProgram]
}

// Struck reports whether the fault has happened.
func (p *Proxy) Struck() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.struck
}

// Close ends every connection and waits until they are gone.
func (p *Proxy) Close() {
	p.listener.Close()
	p.hangUp()
	p.wait.Wait()
}

func (p *Proxy) hangUp() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		c.Close()
	}
}

func (p *Proxy) accept() {
	for {
		c, err := p.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue
		}
		p.wait.Go(func() { p.serve(c) })
	}
}

// serve joins one connection to the server.
func (p *Proxy) serve(program net.Conn) {
	defer p.leave(program)
	if !p.enter(program) {
		return
	}
	server, err := net.DialTimeout("tcp", p.target, 5*time.Second)
	if err != nil {
		return
	}
	defer p.leave(server)
	if !p.enter(server) {
		return
	}
	pair := &pair{program: program, server: server}
	var both sync.WaitGroup
	both.Go(func() { p.pass(pair, ToServer) })
	both.Go(func() { p.pass(pair, ToProgram) })
	both.Wait()
}

func (p *Proxy) enter(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conns[c] = struct{}{}
	return !p.down
}

func (p *Proxy) leave(c net.Conn) {
	c.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
}
