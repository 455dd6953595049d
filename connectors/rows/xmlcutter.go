package rows

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/tieout/tieout/connectors/rows/markup"
	"github.com/tieout/tieout/schemas/record"
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
	base    int      // how many of them stand around the first name of the path
	placed  bool     // base is known
	outer   []string // their names
	deepest int      // elements entered within one another
	some    bool     // there is something the path does not lead to, before it was placed
	carry   carrier
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
	soapHeader  = "Header" // holds no records
)

// NewXMLCutter begins a document in whatever encoding it declares.
func NewXMLCutter(r io.Reader, cut Cut) *XMLCutter {
	c := &XMLCutter{r: r, cut: cut, keep: keptPaths(cut.Keep), carry: newCarrier(cut.Carry)}
	c.placed = cut.Around == 0
	return c
}

// Reset begins another document of the same kind.
func (c *XMLCutter) Reset(r io.Reader) {
	*c = XMLCutter{r: r, scan: c.scan, cut: c.cut, keep: c.keep, way: c.way[:0], tree: c.tree, json: c.json, carry: c.carry, placed: c.cut.Around == 0}
	c.carry.reset()
}

// Found reports whether the path was there, up to the element the records
// are in.
func (c *XMLCutter) Found() bool { return c.found || c.bare() }

// bare reports whether the document is nothing but elements around a list of
// none.
func (c *XMLCutter) bare() bool {
	const response = 3 // Envelope, Body and the answer in it
	switch {
	case c.placed || c.some || c.deepest == 0:
		return false
	case c.cut.Around == 1:
		return len(c.cut.Path) == 1
	}
	return c.deepest >= response
}

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
	if c.carry.on() {
		return c.carry.through(c.next)
	}
	return c.next()
}

func (c *XMLCutter) next() (Item, error) {
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
		case kind == markup.Text:
			c.some = c.some || !c.placed && len(bytes.TrimSpace(c.scan.Text())) > 0
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
	path, name := c.cut.Path, c.scan.Name()
	if len(path) == 0 {
		c.found = true
		it, err := c.take()
		return it, err == nil, err
	}
	if !c.placed && (path[0] == "*" || path[0] == string(name)) {
		c.placed, c.base = true, len(c.way)
		c.outer = slices.Clone(c.way)
	}
	depth := len(c.way) - c.base
	switch {
	case !c.placed && len(c.way) < c.cut.Around && string(name) != soapHeader && !c.exactly(string(name)):
		c.enter()
		return Item{}, false, nil
	case !c.placed, depth < 0 && !c.around(), depth >= 0 && path[depth] != "*" && path[depth] != string(name):
		c.some = c.some || !c.placed && string(name) != soapHeader
		c.other(depth)
		return Item{}, false, c.pass()
	case depth < 0:
		c.enter()
		return Item{}, false, nil
	}
	if c.reached = max(c.reached, min(depth+1, len(path)-1)); depth+1 == len(path) {
		c.found = true
		c.carry.enter(0, name)
		it, err := c.take()
		return it, err == nil, err
	}
	c.found = c.found || depth+2 >= len(path)
	c.enter()
	return Item{}, false, nil
}

// around reports whether an element around the first name of the path, behind
// the place where that was first found, may hold it again: one that is called
// as the one there was.
func (c *XMLCutter) around() bool {
	return len(c.way) < len(c.outer) && c.outer[len(c.way)] == string(c.scan.Name())
}

// up is how far the innermost open element is above a record.
func (c *XMLCutter) up() int {
	base := c.base
	if !c.placed {
		base = c.cut.Around
	}
	return base + len(c.cut.Path) - len(c.way)
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
	c.deepest = max(c.deepest, len(c.way))
	if c.carry.on() {
		c.carryLevel()
	}
	if len(c.keep) == 0 {
		return
	}
	if id := c.beside.child(c.scan.Name()); id != 0 {
		c.beside.open = append(c.beside.open, id)
		return
	}
	c.beside.start(c.scan.Name(), nil)
	for _, a := range c.scan.Attrs() {
		if c.kept("@" + string(a.Name)) {
			c.beside.add(xmlNode{name: c.beside.keep([]byte{'@'}, a.Name), text: c.beside.keep(a.Value)})
		}
	}
}

// carryLevel tells the carrier of the element that has just been entered.
func (c *XMLCutter) carryLevel() {
	up := c.up()
	c.carry.enter(up, c.scan.Name())
	for _, a := range c.scan.Attrs() {
		name := "@" + string(a.Name)
		c.carry.met(up, name, record.AppendJSONString(nil, a.Value))
	}
}

func (c *XMLCutter) leave() {
	if c.carry.on() {
		c.carry.leave(c.up())
	}
	c.way = c.way[:len(c.way)-1]
	if len(c.keep) > 0 {
		c.beside.end()
	}
}

// path is the dotted path of a name here.
func (c *XMLCutter) path(name string) string {
	return strings.Join(append(slices.Clone(c.way), name), ".")
}

// kept reports whether a name here is to be kept. Its path may leave out
// elements at the beginning.
func (c *XMLCutter) kept(name string) bool {
	for from := 0; from <= min(c.cut.Around, len(c.way)); from++ {
		if c.keep[strings.Join(append(slices.Clone(c.way[from:]), name), ".")] {
			return true
		}
	}
	return false
}

// exactly reports whether a name here is one of those to be kept, and not just
// on the way to one.
func (c *XMLCutter) exactly(name string) bool {
	for from := 0; from <= min(c.cut.Around, len(c.way)); from++ {
		if slices.Contains(c.cut.Keep, strings.Join(append(slices.Clone(c.way[from:]), name), ".")) {
			return true
		}
	}
	return false
}

// pass passes over an element beside the records, or keeps it.
func (c *XMLCutter) pass() error {
	name := string(c.scan.Name())
	kept, carried := len(c.keep) > 0 && c.kept(name), c.carry.on() && c.carry.wants(c.up(), name)
	if !kept && !carried {
		return c.scan.Skip()
	}
	to := &c.beside
	if !kept {
		to = &c.tree
		to.reset()
	}
	at := int32(len(to.nodes))
	fits, deep, err := c.read(to, maxEnvelope, c.cut.Limits.Depth)
	if err == nil && (!fits || deep) {
		err = fmt.Errorf("%q beside the records is longer or deeper than the limit", c.path(name))
	}
	if err == nil && carried {
		c.carry.met(c.up(), name, to.appendJSON(nil, at))
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
