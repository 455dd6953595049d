package rows

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/tieout/tieout/connectors/rows/markup"
)

// XMLCutter cuts the records out of one XML document as it arrives, and hands
// each out as the JSON it stands for, so that everything behind it is shared
// with JSON: attributes are members whose names begin with @, the text of an
// element that has attributes is its member #text, children of one name are a
// list, an element without content is null, prefixes of names are dropped.
//
// Cut.Path begins with the name of the root; no path makes the root the one
// record. Cut.Keep names paths from the root in the same way. The plan of the
// records is made by NewXMLPlan.
type XMLCutter struct {
	r       io.Reader
	scan    *markup.Scanner
	cut     Cut
	keep    map[string]bool
	way     []string // the open elements, all of them on the way
	found   bool
	count   int64
	tree    xmlTree // of the record
	beside  xmlTree // of the envelope
	json    []byte
	reached int      // how deep the path was found
	others  []string // what stands where the path goes on otherwise
}

const (
	maxXMLDepth = 512     // elements within one another, in a whole document
	maxXMLTag   = 1 << 20 // bytes of one tag
	maxOthers   = 8
)

// NewXMLCutter begins a document in whatever encoding it declares.
func NewXMLCutter(r io.Reader, cut Cut) *XMLCutter {
	return &XMLCutter{r: r, cut: cut, keep: keptPaths(cut.Keep)}
}

// Reset begins another document of the same kind.
func (c *XMLCutter) Reset(r io.Reader) {
	*c = XMLCutter{r: r, scan: c.scan, cut: c.cut, keep: c.keep, way: c.way[:0], tree: c.tree, json: c.json}
}

// Found reports whether the path was there, up to the element the records
// are in.
func (c *XMLCutter) Found() bool { return c.found }

// Missing says, when the path was not found, where it ends and what stands
// there instead.
func (c *XMLCutter) Missing() string {
	text := fmt.Sprintf("there is no element %q", strings.Join(c.cut.Path[:c.reached+1], "."))
	if len(c.others) > 0 {
		text += "; there is " + strings.Join(c.others, ", ")
	}
	return text
}

// Envelope gives what was kept beside the records, as one JSON object, once
// Next has returned io.EOF.
func (c *XMLCutter) Envelope() []byte {
	if len(c.beside.nodes) == 0 {
		return []byte("{}")
	}
	if json := c.beside.appendJSON(nil, 0); json[0] == '{' {
		return json
	}
	return []byte("{}")
}

// Next cuts out the next record; it is good until the one after. io.EOF says
// that the document has ended soundly, a *markup.Error that it is no sound
// XML, any other error is the reader's.
func (c *XMLCutter) Next() (Item, error) {
	if err := c.begin(); err != nil {
		return Item{}, err
	}
	for {
		kind, err := c.scan.Next()
		switch {
		case err != nil:
			return Item{}, err
		case kind == markup.End:
			c.leave()
		case kind == markup.Start:
			if it, ok, err := c.element(); ok || err != nil {
				return it, err
			}
		}
	}
}

// begin finds the encoding, once.
func (c *XMLCutter) begin() error {
	if c.r == nil {
		return nil
	}
	in, err := markup.Decode(c.r)
	if err != nil {
		return err
	}
	if c.r = nil; c.scan == nil {
		c.scan = markup.New(in, markup.Limits{Depth: maxXMLDepth, TagBytes: maxXMLTag})
	} else {
		c.scan.Reset(in)
	}
	if c.beside.reset(); len(c.keep) > 0 {
		c.beside.start(nil, nil) // stands around the root
	}
	return nil
}

// element goes into an element on the way, takes a record, or passes over
// what is beside.
func (c *XMLCutter) element() (Item, bool, error) {
	depth, path := len(c.way), c.cut.Path
	if len(path) == 0 {
		c.found = true
		it, err := c.take()
		return it, err == nil, err
	}
	name := c.scan.Name()
	if path[depth] != "*" && path[depth] != string(name) {
		c.other(depth)
		return Item{}, false, c.pass()
	}
	if c.reached = max(c.reached, min(depth+1, len(path)-1)); depth+1 == len(path) {
		c.found = true
		it, err := c.take()
		return it, err == nil, err
	}
	c.found = c.found || depth+2 >= len(path)
	c.enter()
	return Item{}, false, nil
}

// other remembers what stands where the path goes on otherwise.
func (c *XMLCutter) other(depth int) {
	if depth < c.reached {
		return
	}
	if name := strconv.Quote(string(c.scan.Name())); !c.found && len(c.others) < maxOthers && !slices.Contains(c.others, name) {
		c.others = append(c.others, name)
	}
}

// enter goes into an element on the way.
func (c *XMLCutter) enter() {
	c.others = c.others[:0]
	c.way = append(c.way, string(c.scan.Name()))
	if len(c.keep) == 0 {
		return
	}
	if id := c.beside.child(c.scan.Name()); id != 0 {
		c.beside.open = append(c.beside.open, id)
		return
	}
	c.beside.start(c.scan.Name(), nil)
	for _, a := range c.scan.Attrs() {
		if c.keep[c.path("@"+string(a.Name))] {
			c.beside.add(xmlNode{name: c.beside.keep([]byte{'@'}, a.Name), text: c.beside.keep(a.Value)})
		}
	}
}

func (c *XMLCutter) leave() {
	c.way = c.way[:len(c.way)-1]
	if len(c.keep) > 0 {
		c.beside.end()
	}
}

// path is the dotted path of a name here.
func (c *XMLCutter) path(name string) string {
	return strings.Join(append(slices.Clone(c.way), name), ".")
}

// pass passes over an element beside the records, or keeps it.
func (c *XMLCutter) pass() error {
	if len(c.keep) == 0 || !c.keep[c.path(string(c.scan.Name()))] {
		return c.scan.Skip()
	}
	name := c.path(string(c.scan.Name()))
	fits, _, err := c.read(&c.beside, maxEnvelope, c.cut.Limits.Depth)
	if err == nil && !fits {
		err = fmt.Errorf("%q beside the records is longer or deeper than the limit", name)
	}
	return err
}

// take reads one record.
func (c *XMLCutter) take() (Item, error) {
	it := Item{Line: c.scan.Line(), Byte: c.scan.Offset()}
	c.count++
	c.tree.reset()
	fits, deep, err := c.read(&c.tree, c.cut.Limits.RecordBytes, c.cut.Limits.Depth)
	if err != nil {
		return it, err
	}
	c.json = c.tree.appendJSON(c.json[:0], 0)
	if c.json[0] != '{' {
		c.json = textRecord(c.json)
	}
	switch it.Raw = c.json; {
	case !fits:
		it.Raw, it.Err = c.json[:min(len(c.json), headBytes)], ErrTooLong
	case deep:
		it.Err = fmt.Errorf("%w: more than %d levels", errTooDeep, c.cut.Limits.Depth)
	}
	return it, nil
}

// textRecord makes a record of an element that is nothing but text.
func textRecord(value []byte) []byte {
	if string(value) == "null" {
		return append(value[:0], "{}"...)
	}
	out := append([]byte(`{"`+textMember+`":`), value...)
	return append(out, '}')
}

// read takes the element just begun into a tree, until it is more than most
// bytes or depth levels; the rest is passed over.
func (c *XMLCutter) read(t *xmlTree, most, depth int) (fits, deep bool, err error) {
	base := len(t.open)
	t.start(c.scan.Name(), c.scan.Attrs())
	fits = true
	for len(t.open) > base {
		kind, err := c.scan.Next()
		if err != nil {
			return fits, deep, err
		}
		switch kind {
		case markup.Start:
			if fits = fits && t.size() <= most; !fits || len(t.open)-base >= depth {
				deep = deep || fits
				err = c.scan.Skip()
			} else {
				t.start(c.scan.Name(), c.scan.Attrs())
			}
		case markup.End:
			t.end()
		case markup.Text:
			if fits = fits && t.size()+len(c.scan.Text()) <= most; fits {
				t.data(c.scan.Text())
			}
		}
		if err != nil {
			return fits, deep, err
		}
	}
	return fits, deep, nil
}

// Broken reports whether an error says that a document is not sound, JSON or
// XML, and not that it could not be read.
func Broken(err error) bool {
	var json *BrokenError
	var xml *markup.Error
	return errors.As(err, &json) || errors.As(err, &xml)
}
