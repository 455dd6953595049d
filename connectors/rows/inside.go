package rows

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/tieout/tieout/connectors/rows/markup"
)

// InsideCutter cuts the records out of a document, XML or JSON, that is the
// text of an element of another: escaped, or as CDATA. The text is read as it
// arrives and is never whole in memory.
type InsideCutter struct {
	r     io.Reader
	cut   Cut // of the document inside; Inside leads to it
	scan  *markup.Scanner
	way   int // open elements around
	base  int // of them around the first name of Inside, -1 while not known
	inner recordCutter
	over  bool   // the element with the document has ended
	fault []byte // of SOAP
	ended bool
}

// recordCutter is what cuts one kind of document.
type recordCutter interface {
	Next() (Item, error)
	Found() bool
	Envelope() []byte
}

// NewInsideCutter begins a document.
func NewInsideCutter(r io.Reader, cut Cut) *InsideCutter {
	return &InsideCutter{r: r, cut: cut, base: -1}
}

// Reset begins another document of the same kind.
func (c *InsideCutter) Reset(r io.Reader) {
	*c = InsideCutter{r: r, cut: c.cut, scan: c.scan, base: -1}
}

// Found reports whether there was a document inside with the path in it. A
// text that is blank holds no records.
func (c *InsideCutter) Found() bool { return c.over && (c.inner == nil || c.inner.Found()) }

// Missing says what was not there.
func (c *InsideCutter) Missing() string {
	if !c.over {
		return fmt.Sprintf("there is no element %q with a document inside", dots(c.cut.Inside))
	}
	if xml, ok := c.inner.(*XMLCutter); ok {
		return "in the document inside " + xml.Missing()
	}
	return fmt.Sprintf("in the document inside there is no %q", dots(c.cut.Path))
}

// Envelope is that of the document inside; without one, a Fault of SOAP.
func (c *InsideCutter) Envelope() []byte {
	switch {
	case c.inner != nil:
		return c.inner.Envelope()
	case c.fault != nil:
		return append(append([]byte(`{"Fault":`), c.fault...), '}')
	}
	return []byte("{}")
}

// Next is that of XMLCutter.
func (c *InsideCutter) Next() (Item, error) {
	if c.r != nil {
		in, err := markup.Decode(c.r)
		if err != nil {
			return Item{}, err
		}
		if c.r = nil; c.scan == nil {
			c.scan = markup.New(in, markup.Limits{Depth: maxXMLDepth, TagBytes: maxXMLTag})
		} else {
			c.scan.Reset(in)
		}
	}
	for {
		if c.inner != nil && !c.ended {
			it, err := c.inner.Next()
			if !errors.Is(err, io.EOF) {
				return it, err
			}
			c.ended = true
		}
		if err := c.step(); err != nil {
			return Item{}, err
		}
	}
}

// step goes on in the document around.
func (c *InsideCutter) step() error {
	kind, err := c.scan.Next()
	switch {
	case err != nil:
		return err
	case kind == markup.End:
		c.way--
		return nil
	case kind != markup.Start:
		return nil
	}
	name := string(c.scan.Name())
	if name == "Fault" && !c.over {
		return c.takeFault()
	}
	if c.base < 0 && name == c.cut.Inside[0] {
		c.base = c.way
	}
	depth := c.way - c.base
	switch {
	case c.over, c.base >= 0 && (depth >= len(c.cut.Inside) || name != c.cut.Inside[depth]), c.base < 0 && c.way >= c.cut.Around:
		return c.scan.Skip()
	case c.base >= 0 && depth == len(c.cut.Inside)-1:
		return c.begin()
	}
	c.way++
	return nil
}

// begin looks what kind of document the text is.
func (c *InsideCutter) begin() error {
	c.over = true
	text := bufio.NewReaderSize(&textReader{scan: c.scan, depth: c.scan.Depth()}, 4<<10)
	for {
		head, err := text.Peek(1)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if len(bytes.TrimSpace(head)) > 0 {
			cut := c.cut
			if head[0] == '<' {
				cut.Around = 1
				c.inner = NewXMLCutter(text, cut)
			} else {
				c.inner = NewCutter(text, cut)
			}
			return nil
		}
		_, _ = text.Discard(1)
	}
}

func (c *InsideCutter) takeFault() error {
	var t xmlTree
	x := XMLCutter{scan: c.scan, cut: c.cut}
	if _, _, err := x.read(&t, maxEnvelope, c.cut.Limits.Depth); err != nil {
		return err
	}
	c.fault = t.appendJSON(nil, 0)
	return nil
}

// textReader gives the text of the element just begun, up to its end.
type textReader struct {
	scan  *markup.Scanner
	depth int
	text  []byte
	err   error
}

// Read gives the next piece.
func (r *textReader) Read(p []byte) (int, error) {
	for len(r.text) == 0 {
		if r.err != nil {
			return 0, r.err
		}
		kind, err := r.scan.Next()
		switch {
		case errors.Is(err, io.EOF):
			r.err = io.ErrUnexpectedEOF
		case err != nil:
			r.err = err
		case kind == markup.Text:
			r.text = r.scan.Text()
		case kind == markup.End && r.scan.Depth() < r.depth:
			r.err = io.EOF
		case kind == markup.Start:
			r.err = fmt.Errorf("the element whose text is a document holds the element %q", r.scan.Name())
		}
	}
	n := copy(p, r.text)
	r.text = r.text[n:]
	return n, nil
}

func dots(path []string) string { return strings.Join(path, ".") }
