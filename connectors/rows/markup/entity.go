package markup

import (
	"bytes"
	"unicode/utf8"
)

// resolve appends raw to scratch with its entities and line ends replaced.
func (s *Scanner) resolve(raw []byte, attribute bool) error {
	for i := 0; i < len(raw); i++ {
		switch ch := raw[i]; {
		case ch == '&':
			n := bytes.IndexByte(raw[i:], ';')
			if !attribute {
				s.at += i // for the line of an error
			}
			if n < 2 || n > 12 {
				return s.unsound("an & that begins no entity; write &amp;")
			}
			r, ok := entity(raw[i+1 : i+n])
			if !ok {
				return s.unsound("an entity that is not known: &%s;", raw[i+1:i+n])
			}
			if !attribute {
				s.at -= i
			}
			s.scratch = utf8.AppendRune(s.scratch, r)
			i += n
		case ch == '\r':
			if i+1 < len(raw) && raw[i+1] == '\n' {
				continue
			}
			s.scratch = append(s.scratch, lineEnd(attribute))
		case attribute && (ch == '\n' || ch == '\t'):
			s.scratch = append(s.scratch, ' ')
		default:
			s.scratch = append(s.scratch, ch)
		}
	}
	return nil
}

func lineEnd(attribute bool) byte {
	if attribute {
		return ' '
	}
	return '\n'
}

// entity gives the character that stands between & and ;.
func entity(name []byte) (rune, bool) {
	switch string(name) {
	case "lt":
		return '<', true
	case "gt":
		return '>', true
	case "amp":
		return '&', true
	case "quot":
		return '"', true
	case "apos":
		return '\'', true
	}
	if len(name) < 2 || name[0] != '#' {
		return 0, false
	}
	digits, base := name[1:], rune(10)
	if digits[0] == 'x' {
		digits, base = digits[1:], 16
	}
	r, ok := number(digits, base)
	legal := r == '\t' || r == '\n' || r == '\r' || r >= ' ' && r < 0xFFFE || r > 0xFFFF
	return r, ok && legal && utf8.ValidRune(r)
}

func number(digits []byte, base rune) (rune, bool) {
	r := rune(0)
	for _, ch := range digits {
		d := rune(99)
		switch {
		case ch >= '0' && ch <= '9':
			d = rune(ch - '0')
		case ch|0x20 >= 'a' && ch|0x20 <= 'f':
			d = rune(ch|0x20-'a') + 10
		}
		if d >= base || r > utf8.MaxRune {
			return 0, false
		}
		r = r*base + d
	}
	return r, len(digits) > 0
}
