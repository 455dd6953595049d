package rows

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzScan holds the scanner to encoding/json: it takes a text to its end if
// and only if that is sound JSON, and reads strings as it does.
func FuzzScan(f *testing.F) {
	for _, seed := range []string{`{"a":[1,-0.5e+7,true,null,{"":[]}]}`, `"\u00e9\ud83d\ude00\ud83d x\ude00\"\\\/\b\f\n\r\t"`, `"\ud800\u0041"`, `"\u12G4"`, "\"\x01\"", "\"12345678\x1f\"", "\"1234567\x7f\xff\"",
		`01`, `-`, `1.`, `1e`, `-0`, `1E-5`, `[1,]`, `{"a":1,}`, `{,}`, `[`, `]`, `{"a"}`, `tru`, `nulll`, ` [ ] `, `"abcdefgh\`, `"abcdefgh\u00`, "[1\x00]", "\u00a0[]", strings.Repeat("[", 50) + strings.Repeat("]", 50)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s := scan{b: []byte(text)}
		err := s.skip(maxSkip)
		took := err == nil && s.peek() == 0 && s.at == len(text)
		if sound := json.Valid([]byte(text)); took != sound && strings.Count(text, "[")+strings.Count(text, "{") < maxSkip {
			t.Fatalf("%q: took it %v, sound %v", text, took, sound)
		}
		var want string
		if !took || json.Unmarshal([]byte(text), &want) != nil || !utf8.ValidString(text) || strings.TrimSpace(text) == "null" {
			return
		}
		s = scan{b: []byte(text)}
		if inner, _, err := s.text(); err != nil || string(unescape(nil, inner)) != want {
			t.Fatalf("%q is read as %q, want %q (%v)", text, unescape(nil, inner), want, err)
		}
	})
}

func TestPlainText(t *testing.T) {
	for n := range 40 {
		for _, c := range []byte{'"', '\\', 0, 0x1f, '\n'} {
			text := []byte(strings.Repeat("\x7f é!", 10))[:n]
			if got := plainText(append(append(text, c), "\x01\"\\"...)); got != n {
				t.Errorf("%d bytes before %q: %d", n, c, got)
			}
		}
		if got := plainText([]byte(strings.Repeat("\xff ", 20))[:n]); got != n {
			t.Errorf("%d bytes: %d", n, got)
		}
	}
}
