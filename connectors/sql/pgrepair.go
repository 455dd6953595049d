package sql

import (
	"context"
	"database/sql/driver"
	"errors"
	"strconv"
	"strings"

	"github.com/lib/pq"
)

// failed undoes a COPY that the server refused and, when a record was to
// blame, sends the rest of the segment again.
func (c *copier) failed(ctx context.Context, cause error) error {
	if c.open != nil {
		open := c.open
		c.open = nil
		if err := c.s.raw(func(driver.Conn) error { _ = open.Close(); return nil }); err != nil {
			return c.s.wrap(err, "load into %q", c.target.name)
		}
	}
	if err := c.undo(ctx, cause); err != nil {
		return err
	}
	total := 0
	for _, k := range c.segment {
		total += len(k.ends)
	}
	if err := c.resend(ctx, 0, total, cause); err != nil {
		return err
	}
	c.forget()
	return nil
}

// undo goes back to the savepoint if the error is about a record, and returns
// any other error.
func (c *copier) undo(ctx context.Context, cause error) error {
	if c.s.classify(cause) != faultData {
		return c.s.wrap(cause, "load into %q", c.target.name)
	}
	return c.s.exec(ctx, "leave a refused record out", "ROLLBACK TO SAVEPOINT tieout_copy")
}

// resend brings in the lines from..to of the segment, which failed as a whole
// with cause. The server names the line for most errors; a foreign key is
// checked at the end and names none, and then the lines are halved.
func (c *copier) resend(ctx context.Context, from, to int, cause error) error {
	for {
		if c.divert != nil && met(cause) {
			if err := c.turn(ctx); err != nil {
				return err
			}
			return c.retry(ctx, from, to)
		}
		at := from + c.line(cause) - 1
		if at < from || at >= to {
			if to-from == 1 {
				return c.refuse(from, cause)
			}
			middle := from + (to-from)/2
			if err := c.retry(ctx, from, middle); err != nil {
				return err
			}
			return c.retry(ctx, middle, to)
		}
		if err := c.retry(ctx, from, at); err != nil {
			return err
		}
		if err := c.refuse(at, cause); err != nil {
			return err
		}
		from = at + 1
		var err error
		if cause, err = c.attempt(ctx, from, to); cause == nil || err != nil {
			return err
		}
	}
}

// met reports whether a line met a key that is there already.
func met(cause error) bool {
	var pe *pq.Error
	return errors.As(cause, &pe) && pe.Code == "23505"
}

// turn goes over to staging: a key came twice in the load, or somebody else
// filled the target meanwhile, and only a merge can tell what that means. The
// lines of the segment get the numbers of their rows.
func (c *copier) turn(ctx context.Context) error {
	divert := c.divert
	c.divert = nil
	if err := divert(ctx); err != nil {
		return err
	}
	c.aim()
	for _, k := range c.segment {
		k.number()
	}
	return nil
}

// number puts each row's number behind its line, as staged lines have it.
func (k *block) number() {
	text := make([]byte, 0, len(k.text)+20*len(k.ends))
	start := uint32(0)
	for i, end := range k.ends {
		text = append(append(text, k.text[start:end-1]...), '\t')
		text = append(strconv.AppendInt(text, k.rows[i], 10), '\n')
		start, k.ends[i] = end, uint32(len(text))
	}
	k.text = text
}

func (c *copier) retry(ctx context.Context, from, to int) error {
	cause, err := c.attempt(ctx, from, to)
	if err != nil || cause == nil {
		return err
	}
	return c.resend(ctx, from, to, cause)
}

// attempt sends lines as a COPY of their own. cause is a refusal, with the
// lines undone.
func (c *copier) attempt(ctx context.Context, from, to int) (cause, err error) {
	if from >= to {
		return nil, nil
	}
	if err := c.start(ctx); err != nil {
		return nil, c.s.wrap(err, "load into %q", c.target.name)
	}
	first := 0
	for _, k := range c.segment {
		lo, hi := max(from-first, 0), min(to-first, len(k.ends))
		first += len(k.ends)
		if lo >= hi {
			continue
		}
		if cause = c.send(ctx, k.lines(lo, hi)); cause != nil {
			break
		}
	}
	if cause == nil {
		if cause = c.end(ctx); cause == nil {
			return nil, nil
		}
	} else {
		open := c.open
		c.open = nil
		if err := c.s.raw(func(driver.Conn) error { _ = open.Close(); return nil }); err != nil {
			return nil, c.s.wrap(err, "load into %q", c.target.name)
		}
	}
	return cause, c.undo(ctx, cause)
}

// lines are the text of the lines from..to.
func (k *block) lines(from, to int) []byte {
	start := uint32(0)
	if from > 0 {
		start = k.ends[from-1]
	}
	return k.text[start:k.ends[to-1]]
}

// refuse keeps a line of the segment as a refusal.
func (c *copier) refuse(at int, cause error) error {
	for _, k := range c.segment {
		if at >= len(k.ends) {
			at -= len(k.ends)
			continue
		}
		line := k.lines(at, at+1)
		c.lines--
		return c.refusals.addTexts(c.target, k.rows[at], decodeLine(line[:len(line)-1]), c.s.reason(cause), c.columns(cause))
	}
	return nil
}

// where is what the server says behind the table's name: `line 501, column
// amount: "abc"`.
func (c *copier) where(cause error) string {
	var pe *pq.Error
	if !errors.As(cause, &pe) {
		return ""
	}
	for line := range strings.SplitSeq(pe.Where, "\n") {
		if rest, found := strings.CutPrefix(line, "COPY "+c.relation+", line "); found {
			return rest
		}
	}
	return ""
}

// line is the number of the refused line, counted from 1, or 0.
func (c *copier) line(cause error) int {
	rest := c.where(cause)
	end := 0
	for end < len(rest) && rest[end] >= '0' && rest[end] <= '9' {
		end++
	}
	n, err := strconv.Atoi(rest[:end])
	if err != nil {
		return 0
	}
	return n
}

// columns are the columns at fault, if the server says.
func (c *copier) columns(cause error) []string {
	if names := c.s.atFault(cause); names != nil {
		return names
	}
	_, rest, _ := strings.Cut(c.where(cause), ", column ")
	for i := range c.target.columns {
		if name := c.target.columns[i].name; rest != "" && strings.HasPrefix(rest, name+":") {
			return []string{name}
		}
	}
	return nil
}
