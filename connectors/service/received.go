package service

import (
	"bytes"
	"errors"
	"io"
	"net/http"

	"github.com/tieout/tieout/connectors/web"
)

// headMost is how much of a reply is looked at before its records are cut
// out. A longer one is looked at again when it has arrived as a whole.
const headMost = 1 << 20

// page is a reply that was accepted. Its stream is nil for an empty page. The
// caller of send calls done once.
type page struct {
	stream *web.Stream
	leave  func()
	head   []byte // its first bytes, once it was looked at
	looked bool
	whole  bool // head is all of it
	late   bool // there are rules about what it says at its end
	sent   http.Header
}

func (p *page) done() {
	if p.stream != nil {
		p.stream.Body.Close()
	}
	p.leave()
}

// look takes in the first bytes, or all of them where there are no more.
func (p *page) look() error {
	if p.looked {
		return nil
	}
	p.looked = true
	head, err := io.ReadAll(io.LimitReader(p.stream.Body, headMost))
	if p.head = head; err != nil {
		return err
	}
	if len(head) < headMost {
		p.whole = true
		return nil
	}
	var one [1]byte
	for {
		n, err := p.stream.Body.Read(one[:])
		p.head = append(p.head, one[:n]...)
		if n > 0 {
			return nil
		}
		if err != nil {
			p.whole = errors.Is(err, io.EOF)
			if p.whole {
				err = nil
			}
			return err
		}
	}
}

// body is the reply from its first byte.
func (p *page) body() io.Reader {
	switch {
	case !p.looked:
		return p.stream.Body
	case p.whole:
		return bytes.NewReader(p.head)
	}
	return io.MultiReader(bytes.NewReader(p.head), p.stream.Body)
}
