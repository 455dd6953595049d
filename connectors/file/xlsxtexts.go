package file

import (
	"bytes"
	"strconv"
	"unicode/utf8"

	"github.com/tieout/tieout/connectors/rows/markup"
)

// maxTexts bounds the shared texts of a workbook, all of which are in memory
// while it is read.
const maxTexts = 512 << 20

// texts are the texts the cells of a workbook share, one behind the other.
type texts struct {
	arena []byte
	ends  []uint32
}

// get gives a text by its number.
func (t *texts) get(n int) ([]byte, bool) {
	if n < 0 || n >= len(t.ends) {
		return nil, false
	}
	from := uint32(0)
	if n > 0 {
		from = t.ends[n-1]
	}
	return t.arena[from:t.ends[n]:t.ends[n]], true
}

// loadTexts reads the shared texts; runs of one text are joined, and what
// says how to pronounce it is left out.
func (b *book) loadTexts(part string) error {
	t, from, inside := &b.texts, 0, false
	return b.walk(part, func(s *markup.Scanner, kind markup.Kind) error {
		switch {
		case kind == markup.Text:
			if inside {
				t.arena = append(t.arena, s.Text()...)
			}
		case string(s.Name()) == "t":
			inside = kind == markup.Start
		case string(s.Name()) == "rPh" && kind == markup.Start:
			return s.Skip()
		case string(s.Name()) == "si" && kind == markup.Start:
			from = len(t.arena)
		case string(s.Name()) == "si":
			t.arena = append(t.arena[:from], unescaped(t.arena[from:])...)
			t.ends = append(t.ends, uint32(len(t.arena)))
			if len(t.arena)+4*len(t.ends) > maxTexts {
				return b.refuse("its texts are more than %d MiB; save the sheet as CSV", maxTexts>>20)
			}
		}
		return nil
	})
}

// unescaped replaces what stands for characters that XML cannot hold:
// _x000D_ is a carriage return. It shortens the text in place.
func unescaped(text []byte) []byte {
	if !bytes.Contains(text, []byte("_x")) {
		return text
	}
	out := text[:0]
	for i := 0; i < len(text); i++ {
		if i+7 <= len(text) && text[i] == '_' && text[i+1] == 'x' && text[i+6] == '_' {
			if r, err := strconv.ParseUint(string(text[i+2:i+6]), 16, 16); err == nil && utf8.ValidRune(rune(r)) {
				out = utf8.AppendRune(out, rune(r))
				i += 6
				continue
			}
		}
		out = append(out, text[i])
	}
	return out
}
