package rows

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/go-faster/jx"

	"github.com/tieout/tieout/connectors"
)

// Item is one record as received, good until the next one is asked for.
type Item struct {
	Raw  []byte // the start of it when Err is ErrTooLong
	Line int64  // line of a file, or number of the record or page
	Byte int64  // where it begins
	Err  error  // why the text is no record; those behind it go on
	From int    // which of several inputs it is of, for who reads them as one
}

// Cut says how a document is cut.
type Cut struct {
	// Path leads to the records: member names, or * for any member. A list on
	// the way is entered as if its elements stood there. A single object at
	// the end is a list of one, and null is a list of none.
	Path []string
	// Keep lists the dotted paths beside the records whose values Envelope
	// gives afterwards.
	Keep []string
	// Carry lists what is copied into each record from around it.
	Carry []Carry
	// Around is how many elements an XML document may have around the first
	// name of Path and of the paths of Keep; without it, they begin with the
	// root.
	Around int
	// Inside leads to the element of an XML document whose text is another
	// XML document, the one with the records.
	Inside []string
	Limits connectors.Limits
}

// maxEnvelope bounds what is kept of a document beside its records.
const maxEnvelope = 1 << 20

// Cutter cuts the records out of one document as it arrives. It checks that
// the document is whole and sound JSON around its records, and that nothing
// follows it; the text of a record is checked by who reads it, a Filler.
type Cutter struct {
	w        window
	cut      Cut
	keep     map[string]bool // every path of Cut.Keep and the paths to them
	levels   []level
	begun    bool
	found    bool
	count    int64
	envelope []byte
	carry    carrier
	names    []string // of the members on the way
}

// level is one object or list the cutter is inside of.
type level struct {
	list    bool
	records bool // the elements are records
	depth   int  // how much of the path leads here
	some    bool // an element came before
	taken   bool // the member on the path came before
}

// NewCutter begins a document.
func NewCutter(r io.Reader, cut Cut) *Cutter {
	return &Cutter{w: newWindow(r), cut: cut, keep: keptPaths(cut.Keep), carry: newCarrier(cut.Carry)}
}

// keptPaths is the set of paths and of the paths to them.
func keptPaths(paths []string) map[string]bool {
	keep := make(map[string]bool)
	for _, path := range paths {
		for at := range len(path) {
			if path[at] == '.' {
				keep[path[:at]] = true
			}
		}
		keep[path] = true
	}
	return keep
}

// Reset begins another document of the same kind.
func (c *Cutter) Reset(r io.Reader) {
	c.w = window{r: r, buf: c.w.buf, mark: -1}
	c.levels, c.begun, c.found, c.count, c.envelope = c.levels[:0], false, false, 0, c.envelope[:0]
	c.carry.reset()
}

// Found reports whether the path was there. A document whose last object on
// the way merely lacks the last of several names counts as an empty list.
func (c *Cutter) Found() bool { return c.found }

// Envelope gives what was kept beside the records, as one JSON object, once
// Next has returned io.EOF.
func (c *Cutter) Envelope() []byte {
	if len(c.envelope) == 0 {
		return []byte("{}")
	}
	return c.envelope
}

// Next cuts out the next record. io.EOF says that the document has ended
// soundly; a *BrokenError that it is no sound JSON; any other error is that
// of the reader.
func (c *Cutter) Next() (Item, error) {
	if c.carry.on() {
		return c.carry.through(c.next)
	}
	return c.next()
}

func (c *Cutter) next() (Item, error) {
	if !c.begun {
		c.begun = true
		if it, ok, err := c.begin(); ok || err != nil {
			return it, err
		}
	}
	for len(c.levels) > 0 {
		it, ok, err := c.step(&c.levels[len(c.levels)-1])
		if ok || err != nil {
			return it, err
		}
	}
	return Item{}, c.finish()
}

func (c *Cutter) begin() (Item, bool, error) {
	first, ok := c.w.space()
	if ok && first == 0xEF && c.mark() {
		first, ok = c.w.space()
	}
	if !ok {
		if !errors.Is(c.w.err, io.EOF) {
			return Item{}, false, c.w.err
		}
		return Item{}, false, &BrokenError{Why: "it is empty"}
	}
	if first != '{' && first != '[' {
		return Item{}, false, &BrokenError{Offset: c.w.offset(), Why: "it begins with " + strconv.QuoteRune(rune(first)), First: first}
	}
	return c.enter(0)
}

// mark passes over the byte order mark of UTF-8.
func (c *Cutter) mark() bool {
	w := &c.w
	for w.end-w.at < 3 && w.more() {
	}
	if !bytes.HasPrefix(w.buf[w.at:w.end], []byte("\xEF\xBB\xBF")) {
		return false
	}
	w.at += 3
	return true
}

// step takes the next element of a level, or leaves the level.
func (c *Cutter) step(top *level) (Item, bool, error) {
	more, err := c.separated(top)
	switch {
	case err != nil:
		return Item{}, false, err
	case !more:
		c.close(top)
		return Item{}, false, nil
	case !top.list:
		return c.member(top)
	case top.records:
		it, err := c.take()
		return it, err == nil, err
	}
	return c.enter(top.depth)
}

// separated passes over what stands between elements. It reports false at the
// end of the level.
func (c *Cutter) separated(top *level) (bool, error) {
	w := &c.w
	ch, ok := w.space()
	if !ok {
		return false, w.broken()
	}
	end := byte('}')
	if top.list {
		end = ']'
	}
	if ch == end {
		w.at++
		return false, nil
	}
	if top.some {
		if ch != ',' {
			return false, c.odd(ch)
		}
		w.at++
		if ch, ok = w.space(); !ok {
			return false, w.broken()
		}
	}
	top.some = true
	if ch == ',' || ch == ']' || ch == '}' || ch == ':' {
		return false, c.odd(ch)
	}
	return true, nil
}

func (c *Cutter) odd(ch byte) error {
	return &BrokenError{Offset: c.w.offset(), Why: "unexpected " + strconv.QuoteRune(rune(ch))}
}

// member takes one member of an object on the way.
func (c *Cutter) member(top *level) (Item, bool, error) {
	name, err := c.name()
	if err != nil {
		return Item{}, false, err
	}
	step := ""
	if top.depth < len(c.cut.Path) {
		step = c.cut.Path[top.depth]
	}
	if step == "" || step != "*" && step != name {
		return Item{}, false, c.beside(top, name)
	}
	if top.taken && step != "*" {
		return Item{}, false, fmt.Errorf("the document has two members %q", name)
	}
	top.taken = true
	if c.carry.on() {
		c.names = append(c.names[:top.depth], name)
		if top.depth+1 == len(c.cut.Path) {
			c.carry.enter(0, []byte(name))
		}
	}
	if c.keeping() {
		c.key(name)
	}
	return c.enter(top.depth + 1)
}

// name takes the name of a member and the colon behind it.
func (c *Cutter) name() (string, error) {
	w := &c.w
	if w.buf[w.at] != '"' {
		return "", c.odd(w.buf[w.at])
	}
	e, err := w.sound(headBytes, 1)
	if err != nil {
		return "", err
	}
	if e.long {
		return "", &BrokenError{Offset: e.at, Why: "a name is longer than the limit"}
	}
	name, err := jx.DecodeBytes(e.raw).Str()
	if err != nil {
		return "", &BrokenError{Offset: e.at, Why: "a name is malformed"}
	}
	ch, ok := w.space()
	if ok && ch == ':' {
		w.at++
		ch, ok = w.space()
	} else if ok {
		return "", c.odd(ch)
	}
	if !ok {
		return "", w.broken()
	}
	if ch == ',' || ch == ']' || ch == '}' || ch == ':' {
		return "", c.odd(ch)
	}
	return name, nil
}

// enter goes into the value at the window's place; ok says that it was a
// record itself.
func (c *Cutter) enter(depth int) (it Item, ok bool, err error) {
	last := depth == len(c.cut.Path)
	ch := c.w.buf[c.w.at]
	switch {
	case ch == '{' && !last, ch == '[':
		if len(c.levels) > c.cut.Limits.Depth {
			return Item{}, false, &BrokenError{Offset: c.w.offset(), Why: "it is nested too deep"}
		}
		c.found = c.found || last || depth > 0 && depth == len(c.cut.Path)-1
		c.open(ch)
		c.w.at++
		c.levels = append(c.levels, level{list: ch == '[', records: last, depth: depth})
		if c.carry.on() && ch == '{' {
			c.named(depth)
		}
		return Item{}, false, nil
	case ch == '{':
		c.found = true
		it, err := c.take()
		c.null()
		return it, err == nil, err
	}
	e, err := c.w.sound(headBytes, 1)
	if err != nil {
		return Item{}, false, err
	}
	c.null()
	c.found = c.found || string(e.raw) == "null"
	if string(e.raw) == "null" || depth > 0 && c.cut.Path[depth-1] == "*" {
		return Item{}, false, nil
	}
	return Item{}, false, fmt.Errorf("there is no list of records at %q, but a single value", strings.Join(c.cut.Path[:depth], "."))
}

// named tells the carrier that a level has begun, and its name.
func (c *Cutter) named(depth int) {
	name := ""
	if depth > 0 && len(c.names) >= depth {
		name = c.names[depth-1]
	}
	c.carry.enter(len(c.cut.Path)-depth, []byte(name))
}

// take cuts out one record.
func (c *Cutter) take() (Item, error) {
	e, err := c.w.value(c.cut.Limits.RecordBytes, c.cut.Limits.Depth)
	if err != nil {
		return Item{}, err
	}
	c.count++
	it := Item{Raw: e.raw, Line: c.count, Byte: e.at}
	switch {
	case e.long:
		it.Err = ErrTooLong
	case e.deep:
		it.Err = fmt.Errorf("%w: more than %d levels", errTooDeep, c.cut.Limits.Depth)
	}
	return it, nil
}

// finish makes sure that nothing follows the document.
func (c *Cutter) finish() error {
	if ch, ok := c.w.space(); ok {
		return &BrokenError{Offset: c.w.offset(), Why: "text follows the document: " + strconv.QuoteRune(rune(ch))}
	}
	return c.w.err
}
