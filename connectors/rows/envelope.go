package rows

import (
	"fmt"

	"github.com/tieout/tieout/schemas/record"
)

// What stands beside the records is kept as one JSON object: the objects on
// the way, the members asked for, and null in place of the records.

func (c *Cutter) keeping() bool { return len(c.keep) > 0 }

// open notes the start of a level; lists are not kept.
func (c *Cutter) open(ch byte) {
	if !c.keeping() {
		return
	}
	if ch == '{' && !c.listed() {
		c.envelope = append(c.envelope, '{')
		return
	}
	c.null()
}

// close leaves a level.
func (c *Cutter) close(top *level) {
	object := !top.list
	c.levels = c.levels[:len(c.levels)-1]
	if c.carry.on() && object {
		c.carry.leave(len(c.cut.Path) - top.depth)
	}
	if c.keeping() && object && !c.listed() {
		c.envelope = append(c.envelope, '}')
	}
}

// listed reports whether one of the levels is a list.
func (c *Cutter) listed() bool {
	for i := range c.levels {
		if c.levels[i].list {
			return true
		}
	}
	return false
}

// key writes the name of a member.
func (c *Cutter) key(name string) {
	if c.listed() {
		return
	}
	if n := len(c.envelope); c.envelope[n-1] != '{' {
		c.envelope = append(c.envelope, ',')
	}
	c.envelope = append(record.AppendJSONString(c.envelope, []byte(name)), ':')
}

// null stands for what is not kept.
func (c *Cutter) null() {
	if c.keeping() && len(c.envelope) > 0 && !c.listed() {
		c.envelope = append(c.envelope, "null"...)
	}
}

// beside passes over a member that is not on the way, or keeps it.
func (c *Cutter) beside(top *level, name string) error {
	full := name
	for at := top.depth - 1; at >= 0; at-- {
		full = c.cut.Path[at] + "." + full
	}
	up := len(c.cut.Path) - top.depth
	carried := c.carry.on() && c.carry.wants(up, name)
	if !carried && (!c.keep[full] || c.listed()) {
		_, err := c.w.sound(maxEnvelope, c.cut.Limits.Depth)
		return err
	}
	e, err := c.w.sound(maxEnvelope, c.cut.Limits.Depth)
	if err != nil {
		return err
	}
	if e.long || e.deep || len(c.envelope)+len(e.raw) > maxEnvelope {
		return fmt.Errorf("%q beside the records is longer or deeper than the limit", full)
	}
	if carried {
		c.carry.met(up, name, e.raw)
	}
	if !c.keep[full] || c.listed() {
		return nil
	}
	c.key(name)
	c.envelope = append(c.envelope, e.raw...)
	return nil
}
