package rows

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/go-faster/jx"

	"github.com/tieout/tieout/schemas/record"
)

// Carry is a value from around a record that is copied into it.
type Carry struct {
	Name string // of the member it becomes
	// Up is how far up it is looked for: 1 in what the record stands in.
	Up int
	// Path leads from there to the value. Without one the value is the name
	// of that element or member itself, for which Up may be 0.
	Path []string
}

// maxWaiting bounds the records that wait for a value which stands behind
// them.
const maxWaiting = 64 << 20

// carrier copies values from around the records into them. A value may stand
// before or behind the records: those wait for it until what holds both ends.
type carrier struct {
	want  []Carry
	have  [][]byte // JSON, nil while it was not met
	queue []waiting
	size  int // bytes in the queue
	out   []byte
	given bool // the head of the queue was handed out
}

// waiting is a record on its way.
type waiting struct {
	item  Item
	vals  [][]byte
	left  int    // values it still waits for
	close []bool // values that will not come
}

func newCarrier(want []Carry) carrier {
	return carrier{want: want, have: make([][]byte, len(want))}
}

func (c *carrier) on() bool { return len(c.want) > 0 }

func (c *carrier) reset() {
	clear(c.have)
	c.queue, c.size, c.given = c.queue[:0], 0, false
}

// enter notes that a level begins under a name.
func (c *carrier) enter(up int, name []byte) {
	for i := range c.want {
		if w := &c.want[i]; w.Up <= up {
			c.have[i] = nil
			if w.Up == up && len(w.Path) == 0 {
				c.have[i] = record.AppendJSONString(nil, name)
			}
		}
	}
}

// wants reports whether a member of a level is copied.
func (c *carrier) wants(up int, name string) bool {
	return slices.ContainsFunc(c.want, func(w Carry) bool { return w.Up == up && len(w.Path) > 0 && w.Path[0] == name })
}

// met takes a member of a level, as JSON.
func (c *carrier) met(up int, name string, raw []byte) {
	for i := range c.want {
		w := &c.want[i]
		if w.Up != up || len(w.Path) == 0 || w.Path[0] != name || c.have[i] != nil {
			continue
		}
		value := valueAt(raw, w.Path[1:])
		if value == nil {
			continue
		}
		c.have[i] = bytes.Clone(value)
		for k := range c.queue {
			if q := &c.queue[k]; q.vals[i] == nil && !q.close[i] {
				q.vals[i] = c.have[i]
				q.left--
			}
		}
	}
}

// leave notes that a level ends: what was not met in it will not come.
func (c *carrier) leave(up int) {
	for i := range c.want {
		if c.want[i].Up != up {
			continue
		}
		c.have[i] = nil
		for k := range c.queue {
			if q := &c.queue[k]; q.vals[i] == nil && !q.close[i] {
				q.close[i] = true
				q.left--
			}
		}
	}
}

// through gives the next record that has what it waits for, taking records from
// read until there is one.
func (c *carrier) through(read func() (Item, error)) (Item, error) {
	for {
		if it, ok := c.next(); ok {
			return it, nil
		}
		it, err := read()
		if err == nil {
			err = c.add(it)
		}
		if err != nil {
			return c.last(err)
		}
	}
}

// add takes a record. It is handed out by next, at once or later.
func (c *carrier) add(it Item) error {
	q := waiting{item: it, vals: slices.Clone(c.have), close: make([]bool, len(c.want))}
	q.item.Raw = bytes.Clone(it.Raw)
	if it.Err == nil {
		for _, v := range q.vals {
			if v == nil {
				q.left++
			}
		}
	}
	if c.size += len(it.Raw) + 64; c.size > maxWaiting && q.left > 0 {
		return fmt.Errorf("%q stands behind more than %d bytes of records it is to be copied into", c.want[0].Name, maxWaiting)
	}
	c.queue = append(c.queue, q)
	return nil
}

// next gives a record that has what it waits for.
func (c *carrier) next() (Item, bool) {
	if c.given {
		c.queue[0] = waiting{}
		c.queue, c.given = c.queue[1:], false
	}
	if len(c.queue) == 0 || c.queue[0].left > 0 {
		return Item{}, false
	}
	q := &c.queue[0]
	c.given = true
	c.size -= len(q.item.Raw) + 64
	if q.item.Err == nil {
		q.item.Raw = c.splice(q)
	}
	return q.item, true
}

// last gives a record that has waited for the end of the document, or the
// error that ended it.
func (c *carrier) last(err error) (Item, error) {
	if errors.Is(err, io.EOF) {
		if it, ok := c.next(); ok {
			return it, nil
		}
	}
	return Item{}, err
}

// splice writes the values in front of the record's own members.
func (c *carrier) splice(q *waiting) []byte {
	c.out = append(c.out[:0], '{')
	for i, v := range q.vals {
		if v == nil {
			continue
		}
		c.out = append(record.AppendJSONString(comma(c.out), []byte(c.want[i].Name)), ':')
		c.out = append(c.out, v...)
	}
	rest := bytes.TrimLeft(bytes.TrimLeft(q.item.Raw, " \t\r\n")[1:], " \t\r\n")
	if len(rest) > 0 && rest[0] != '}' {
		c.out = comma(c.out)
	}
	return append(c.out, rest...)
}

// valueAt finds the value at a path of JSON, nil when there is none. An element
// of XML that has attributes beside its text is its text.
func valueAt(raw []byte, path []string) []byte {
	for _, name := range path {
		if raw = Member(raw, name); raw == nil {
			return nil
		}
	}
	if text := Member(raw, textMember); text != nil {
		return text
	}
	return raw
}

// Member gives the value of the first member of a JSON object that has a name,
// as it is written; nil when there is none, or the text is no object.
func Member(raw []byte, name string) []byte {
	if raw == nil || jx.DecodeBytes(raw).Next() != jx.Object {
		return nil
	}
	var found []byte
	err := jx.DecodeBytes(raw).ObjBytes(func(d *jx.Decoder, key []byte) error {
		if string(key) != name || found != nil {
			return d.Skip()
		}
		value, err := d.Raw()
		found = value
		return err
	})
	if err != nil {
		return nil
	}
	return found
}
