package rows

import (
	"bytes"
	"slices"

	"github.com/tieout/tieout/schemas/record"
)

// appendNested writes a nested value that no field takes apart as
// record.AppendValue writes one whose fields are known: members sorted by
// name, single values as strings, no spaces. Which of the two happens hangs on
// the other records, and must not show. A list with elements that are no
// objects stays as received.
func appendNested(dst []byte, s *scan) ([]byte, error) {
	switch s.peek() {
	case '{':
		return appendObject(dst, s)
	case '[':
		return appendArray(dst, s)
	case '"':
		inner, escaped, err := s.text()
		if escaped {
			inner = unescape(nil, inner)
		}
		return record.AppendJSONString(dst, inner), err
	case 'n':
		word, err := s.word("null")
		return append(dst, word...), err
	}
	text, err := s.plain()
	return record.AppendJSONString(dst, text), err
}

func appendObject(dst []byte, s *scan) ([]byte, error) {
	type member struct{ name, value []byte }
	var members []member
	err := s.each('{', '}', maxSkip, func() error {
		name, err := s.name()
		if err != nil {
			return err
		}
		value, err := appendNested(nil, s)
		if len(name) > 0 { // no field can be called ""
			members = append(members, member{name, value})
		}
		return err
	})
	slices.SortStableFunc(members, func(a, b member) int { return bytes.Compare(a.name, b.name) })
	dst = append(dst, '{')
	for i, m := range members {
		if i > 0 && bytes.Equal(m.name, members[i-1].name) {
			return dst, bad(string(m.name), "the record has two members %q", m.name)
		}
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(record.AppendJSONString(dst, m.name), ':')
		dst = append(dst, m.value...)
	}
	return append(dst, '}'), err
}

func appendArray(dst []byte, s *scan) ([]byte, error) {
	from, before, plain := s.at, len(dst), false
	dst = append(dst, '[')
	err := s.each('[', ']', maxSkip, func() error {
		plain = plain || s.peek() != '{'
		if plain {
			return s.skip(maxSkip)
		}
		if len(dst) > before+1 {
			dst = append(dst, ',')
		}
		var err error
		dst, err = appendNested(dst, s)
		return err
	})
	if plain {
		return append(dst[:before], s.b[from:s.at]...), err
	}
	return append(dst, ']'), err
}
