package faults_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/tieout/tieout/connectors/connectortest/faults"
)

// echo is a server that says back what it is told.
func echo(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				io.Copy(c, c)
			}()
		}
	}()
	return l.Addr().String()
}

func start(t *testing.T) *faults.Proxy {
	p, err := faults.New(echo(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// say sends bytes and gives what came back and how it ended.
func say(t *testing.T, p *faults.Proxy, text []byte) ([]byte, error) {
	t.Helper()
	c, err := net.Dial("tcp", p.Address())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(5 * time.Second))
	c.Write(text)
	c.(*net.TCPConn).CloseWrite()
	return io.ReadAll(c)
}

// A fault strikes at its byte and once; then all is as before.
func TestFaults(t *testing.T) {
	text := bytes.Repeat([]byte("0123456789"), 300)
	const at = 1234
	for _, kind := range []faults.Kind{faults.Cut, faults.Reset, faults.HalfClose, faults.Stall, faults.Lose, faults.Slow} {
		t.Run(string(kind), func(t *testing.T) {
			p := start(t)
			p.Arm(&faults.Fault{Kind: kind, Way: faults.ToProgram, At: at, Pause: 50 * time.Millisecond})
			got, err := say(t, p, text)
			switch {
			case !p.Struck():
				t.Error("it did not strike")
			case kind == faults.Slow && (err != nil || !bytes.Equal(got, text)):
				t.Errorf("slow: %d bytes, %v", len(got), err)
			case kind == faults.Lose && (len(got) >= len(text) || !bytes.HasPrefix(got, text[:at])):
				t.Errorf("lose: %d bytes, %v", len(got), err)
			case kind == faults.Reset && !errors.Is(err, syscall.ECONNRESET):
				t.Errorf("reset: %d bytes, %v", len(got), err)
			case (kind == faults.Cut || kind == faults.Stall || kind == faults.HalfClose) && !bytes.Equal(got, text[:at]):
				t.Errorf("%d bytes, %v", len(got), err)
			}
			if got, err := say(t, p, text); err != nil || !bytes.Equal(got, text) {
				t.Errorf("afterwards: %d bytes, %v", len(got), err)
			}
		})
	}
}

func TestDown(t *testing.T) {
	p := start(t)
	p.Arm(&faults.Fault{Kind: faults.Down, At: 2})
	for range 2 {
		if got, _ := say(t, p, []byte("hello")); len(got) > 2 {
			t.Errorf("it said %q", got)
		}
	}
	p.Arm(nil)
	if got, err := say(t, p, []byte("hello")); string(got) != "hello" || err != nil {
		t.Errorf("afterwards: %q, %v", got, err)
	}
	if to, from := p.Passed(); to != 5 || from != 5 {
		t.Errorf("passed %d and %d bytes", to, from)
	}
}
