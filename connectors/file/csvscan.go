package file

import (
	"bytes"

	"github.com/tieout/tieout/schemas/record"
)

// scanner cuts CSV records out of a buffer. It keeps no copy: fields are
// spans of the buffer, and a field with doubled quotes is rewritten in place,
// where it can only shrink.
type scanner struct {
	delimiter byte
	comment   byte // 0 for none
	limit     int  // bytes of one record

	fields  []record.Span
	doubled []int  // fields with doubled quotes still to be undone
	fault   string // why the record is not sound, "" when it is
	cut     bool   // the fault left the rest of an endless line unread
}

// verdict is what scan found at the start of the buffer.
type verdict uint8

const (
	found   verdict = iota // a record; fields and size are set
	skipped                // a blank line or a comment
	short                  // the record goes on past the end of the buffer
)

// scan reads one record at the start of buf[from:]. final says that nothing
// follows buf. It returns how many bytes the record took, line end included.
func (s *scanner) scan(buf []byte, from int, final bool) (verdict, int) {
	s.fields, s.doubled, s.fault, s.cut = s.fields[:0], s.doubled[:0], "", false
	if from == len(buf) {
		return short, 0
	}
	if n, blank := lineEnd(buf, from, final); blank {
		return skipped, n
	}
	if s.comment != 0 && buf[from] == s.comment {
		return s.skipLine(buf, from, final)
	}
	at := from
	for {
		next, end, ok := s.field(buf, at, final)
		if !ok {
			return s.unfinished(buf, from, final)
		}
		at = next
		if end {
			if s.fault != "" && s.spread(buf, from, at) {
				return found, s.firstLine(buf, from)
			}
			s.undouble(buf)
			return found, at - from
		}
	}
}

// lineEnd reports whether a line end stands at buf[at:], and its length. A CR
// that is the last byte so far may be half of a CRLF.
func lineEnd(buf []byte, at int, final bool) (int, bool) {
	switch buf[at] {
	case '\n':
		return 1, true
	case '\r':
		if at+1 < len(buf) {
			if buf[at+1] == '\n' {
				return 2, true
			}
			return 1, true
		}
		return 1, final
	}
	return 0, false
}

func (s *scanner) skipLine(buf []byte, from int, final bool) (verdict, int) {
	n := bytes.IndexAny(buf[from:], "\r\n")
	if n < 0 {
		if final {
			return skipped, len(buf) - from
		}
		return short, 0
	}
	size, ends := lineEnd(buf, from+n, final)
	if !ends {
		return short, 0
	}
	return skipped, n + size
}

// field reads one field at buf[at:]. It returns where the next begins and
// whether this one ended the record; ok is false when the buffer ends first.
func (s *scanner) field(buf []byte, at int, final bool) (next int, end, ok bool) {
	if at < len(buf) && buf[at] == '"' {
		return s.quotedField(buf, at, final)
	}
	for i := at; i < len(buf); i++ {
		switch ch := buf[i]; {
		case ch == s.delimiter:
			s.add(at, i)
			return i + 1, false, true
		case ch == '\n' || ch == '\r':
			size, ends := lineEnd(buf, i, final)
			if !ends {
				return 0, false, false
			}
			s.add(at, i)
			return i + size, true, true
		}
	}
	if !final {
		return 0, false, false
	}
	s.add(at, len(buf))
	return len(buf), true, true
}

func (s *scanner) add(from, to int) {
	s.fields = append(s.fields, record.Span{Off: uint32(from), Len: uint32(to - from)})
}

// quotedField reads a field that begins with a quote. Text between its
// closing quote and the next delimiter is a fault of the record.
func (s *scanner) quotedField(buf []byte, at int, final bool) (next int, end, ok bool) {
	closing, doubled := -1, 0
	for i := at + 1; i < len(buf); {
		q := bytes.IndexByte(buf[i:], '"')
		if q < 0 {
			break
		}
		i += q
		if i+1 < len(buf) && buf[i+1] == '"' {
			doubled++
			i += 2
			continue
		}
		if i+1 == len(buf) && !final {
			return 0, false, false
		}
		closing = i
		break
	}
	if closing < 0 {
		return 0, false, false
	}
	rest := len(s.fields)
	next, end, ok = s.tail(buf, closing+1, final)
	if !ok {
		return 0, false, false
	}
	s.fields = s.fields[:rest]
	if doubled > 0 {
		s.doubled = append(s.doubled, rest)
	}
	s.add(at+1, closing)
	return next, end, true
}

// tail reads what follows a closing quote up to the end of the field.
func (s *scanner) tail(buf []byte, at int, final bool) (next int, end, ok bool) {
	if at < len(buf) && buf[at] == s.delimiter {
		return at + 1, false, true
	}
	if at < len(buf) {
		if size, ends := lineEnd(buf, at, final); ends {
			return at + size, true, true
		}
	}
	if at == len(buf) && final {
		return at, true, true
	}
	if at < len(buf) && buf[at] != '\r' {
		s.fault = "there is text between the closing quote of a field and the next delimiter"
	}
	return s.plainTail(buf, at, final)
}

func (s *scanner) plainTail(buf []byte, at int, final bool) (next int, end, ok bool) {
	for i := at; i < len(buf); i++ {
		if buf[i] == s.delimiter {
			return i + 1, false, true
		}
		if buf[i] == '\n' || buf[i] == '\r' {
			size, ends := lineEnd(buf, i, final)
			return i + size, true, ends
		}
	}
	return len(buf), true, final
}

// undouble shortens the fields of a whole record that hold doubled quotes. It
// waits until the record is whole, because a record that is cut off by the
// end of the buffer is read again from its start.
func (s *scanner) undouble(buf []byte) {
	for _, i := range s.doubled {
		f := &s.fields[i]
		f.Len = uint32(undouble(buf[f.Off : f.Off+f.Len]))
	}
}

// undouble turns every "" into " in place and returns the new length.
func undouble(b []byte) int {
	out := 0
	for i := 0; i < len(b); i++ {
		b[out] = b[i]
		out++
		if b[i] == '"' {
			i++
		}
	}
	return out
}

// Faults of records whose end is not where it should be.
const (
	tooLong   = "the record is longer than the limit"
	notClosed = "a quote is not closed"
)

// spread reports whether a record that is not sound takes more than a line:
// the quote that closes it is one that opens another field far behind.
func (s *scanner) spread(buf []byte, from, to int) bool {
	line := bytes.IndexAny(buf[from:to], "\r\n")
	if line < 0 {
		return false
	}
	size, _ := lineEnd(buf, from+line, true)
	return line+size < to-from
}

// firstLine makes the line at the start of the buffer the record. It returns
// how many bytes it took, line end included.
func (s *scanner) firstLine(buf []byte, from int) int {
	line := bytes.IndexAny(buf[from:], "\r\n")
	if line < 0 {
		line = len(buf) - from
	}
	s.fields, s.doubled = s.fields[:0], s.doubled[:0]
	s.add(from, from+line)
	s.fault = notClosed
	if from+line == len(buf) {
		return line
	}
	size, ends := lineEnd(buf, from+line, true)
	if !ends {
		size = 0
	}
	return line + size
}

// unfinished handles a record whose end is not in the buffer: there may be
// more to come, or a quote was never closed. Then only the line it stands on
// is given up, and what follows is read again from there.
func (s *scanner) unfinished(buf []byte, from int, final bool) (verdict, int) {
	if !final && len(buf)-from < s.limit {
		return short, 0
	}
	size := s.firstLine(buf, from)
	if !final {
		s.fault, s.cut = tooLong, from+int(s.fields[0].Len) == len(buf)
	}
	return found, size
}
