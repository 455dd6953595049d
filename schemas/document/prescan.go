package document

import (
	"fmt"
	"unicode/utf8"
)

// checkBytes refuses, before YAML sees them, bytes that are no text, characters
// that YAML or an editor would count differently, and files whose tree would be
// too large to build. It reports the first problem of each kind.
func checkBytes(s *source, r *Report) bool {
	if len(s.raw) > MaxBytes {
		r.Errorf(CodeTooLarge, Position{File: s.file, Line: 1, Column: 1}, "", "Data belongs in a data file, not in YAML.", "the file holds %d bytes; %d are allowed", len(s.raw), MaxBytes)
		return false
	}
	return checkCharacters(s, r) && checkMarks(s, r)
}

func checkCharacters(s *source, r *Report) bool {
	for i := 0; i < len(s.raw); {
		c := s.raw[i]
		if c >= ' ' && c < 0x7f || c == '\n' || c == '\t' || c == '\r' {
			i++
			continue
		}
		ch, n := utf8.DecodeRune(s.raw[i:])
		if ch == utf8.RuneError && n <= 1 {
			r.Errorf(CodeEncoding, s.position(i), "", "Save the file as UTF-8 without other encodings mixed in.", "the byte 0x%02X is not UTF-8 text", c)
			return false
		}
		if why := refusedCharacter(ch); why != "" {
			r.Errorf(CodeControlCharacter, s.position(i), "", fmt.Sprintf("Delete it, or write \"\\u%04X\" in double quotes.", ch), "the invisible character U+%04X %s", ch, why)
			return false
		}
		i += n
	}
	return true
}

// refusedCharacter says why a character may not stand in a document, "" when it may.
func refusedCharacter(c rune) string {
	switch {
	case c < ' ' || c >= 0x7f && c < 0xa0 && c != 0x85:
		return "is a control character"
	case c == 0x85 || c == 0x2028 || c == 0x2029:
		return "breaks the line in some programs and not in others"
	case c >= 0x202a && c <= 0x202e || c >= 0x2066 && c <= 0x2069:
		return "changes the order in which text is shown"
	case c == 0xfeff:
		return "is a byte order mark inside the text"
	case c == 0xfffe || c == 0xffff:
		return "is not a character"
	}
	return ""
}

// checkMarks counts the characters that can begin a value. Their number bounds
// the number of nodes and of documents from above without building any.
func checkMarks(s *source, r *Report) bool {
	marks := 0
	for i, c := range s.raw {
		switch c {
		case ',', '[', '{':
			marks++
		case ':', '-', '?':
			if i+1 == len(s.raw) || s.raw[i+1] <= ' ' || s.raw[i+1] == c || c == ':' && (i == 0 || s.raw[i-1] == '"' || s.raw[i-1] == '\'') {
				marks++
			}
		}
		if marks > MaxNodes {
			r.Errorf(CodeTooLarge, s.position(i), "", "Data belongs in a data file, not in YAML.", "more than %d values in one file", MaxNodes)
			return false
		}
	}
	return true
}
