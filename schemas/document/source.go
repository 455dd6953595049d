package document

import (
	"bytes"
	"unicode/utf8"
)

// source is the text of one file with the byte offset of each line's start. A
// byte order mark is cut off, so that column 1 is the first visible character.
type source struct {
	file  string
	raw   []byte
	lines []int32 // 4 bytes each: a hostile file may be all line breaks
}

func newSource(file string, raw []byte) *source {
	if len(raw) >= 3 && raw[0] == 0xEF && raw[1] == 0xBB && raw[2] == 0xBF {
		raw = raw[3:]
	}
	s := &source{file: file, raw: raw, lines: make([]int32, 1, 2+bytes.Count(raw, []byte("\n")))}
	if len(raw) > MaxBytes {
		return s // refused for its size: nobody asks for lines
	}
	for i := 0; i < len(raw); i++ {
		if raw[i] == '\n' || raw[i] == '\r' && (i+1 == len(raw) || raw[i+1] != '\n') {
			s.lines = append(s.lines, int32(i+1))
		}
	}
	return s
}

// line gives the bytes of a line with its line break.
func (s *source) line(n int) []byte {
	end := len(s.raw)
	if n < len(s.lines) {
		end = int(s.lines[n])
	}
	return s.raw[s.lines[n-1]:end]
}

// offset turns a line and a rune column into a byte offset.
func (s *source) offset(line, column int) int {
	if line < 1 || line > len(s.lines) {
		return len(s.raw)
	}
	at := int(s.lines[line-1])
	for ; column > 1 && at < len(s.raw); column-- {
		_, n := utf8.DecodeRune(s.raw[at:])
		at += n
	}
	return at
}

// position turns a byte offset into a line and a rune column.
func (s *source) position(offset int) Position {
	offset = min(max(offset, 0), len(s.raw))
	low, high := 0, len(s.lines)
	for high-low > 1 {
		if mid := (low + high) / 2; int(s.lines[mid]) <= offset {
			low = mid
		} else {
			high = mid
		}
	}
	return Position{File: s.file, Line: low + 1, Column: 1 + utf8.RuneCount(s.raw[s.lines[low]:offset])}
}
