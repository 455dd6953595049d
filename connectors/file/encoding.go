package file

import (
	"bytes"
	"errors"
	"io"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

var encodings = map[string]encoding.Encoding{
	"utf-16":       unicode.UTF16(unicode.LittleEndian, unicode.UseBOM),
	"utf-16le":     unicode.UTF16(unicode.LittleEndian, unicode.UseBOM),
	"utf-16be":     unicode.UTF16(unicode.BigEndian, unicode.UseBOM),
	"windows-1252": charmap.Windows1252,
	"iso-8859-1":   charmap.ISO8859_1,
	"iso-8859-15":  charmap.ISO8859_15,
}

// decoded turns a file's bytes into UTF-8 without a byte order mark. A mark
// decides over the named encoding. UTF-8 is passed on as it is, so that a bad
// byte is found in the record it stands in.
func decoded(r io.Reader, name string) io.Reader {
	fallback := encodings[name]
	if fallback == nil {
		return &bomReader{r: r}
	}
	return transform.NewReader(r, unicode.BOMOverride(fallback.NewDecoder()))
}

// bomReader looks at the first bytes of a file: it drops a UTF-8 mark and
// decodes what carries a UTF-16 one.
type bomReader struct {
	r       io.Reader
	started bool
}

func (b *bomReader) Read(p []byte) (int, error) {
	if !b.started {
		b.started = true
		if err := b.look(); err != nil {
			return 0, err
		}
	}
	return b.r.Read(p)
}

func (b *bomReader) look() error {
	head := make([]byte, 3)
	n, err := io.ReadFull(b.r, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return err
	}
	head = head[:n]
	switch {
	case string(head) == "\xef\xbb\xbf":
		return nil
	case n >= 2 && (string(head[:2]) == "\xff\xfe" || string(head[:2]) == "\xfe\xff"):
		rest := io.MultiReader(bytes.NewReader(head), b.r)
		b.r = transform.NewReader(rest, unicode.BOMOverride(encoding.Nop.NewDecoder()))
	default:
		b.r = io.MultiReader(bytes.NewReader(head), b.r)
	}
	return nil
}
