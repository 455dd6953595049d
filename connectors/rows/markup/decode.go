package markup

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// Decode makes a document UTF-8 without a byte order mark, by its mark or by
// the encoding it declares. UTF-8 is passed on as it is; the Scanner finds
// what is none.
func Decode(r io.Reader) (io.Reader, error) {
	in := bufio.NewReaderSize(r, 4<<10)
	head, err := in.Peek(256)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	switch {
	case bytes.HasPrefix(head, []byte("\xEF\xBB\xBF")):
		_, err := in.Discard(3)
		return in, err
	case bytes.HasPrefix(head, []byte("\xFF\xFE")), bytes.HasPrefix(head, []byte("<\x00")):
		return sixteen(in, unicode.LittleEndian), nil
	case bytes.HasPrefix(head, []byte("\xFE\xFF")), bytes.HasPrefix(head, []byte("\x00<")):
		return sixteen(in, unicode.BigEndian), nil
	}
	name := declared(head)
	enc, known := named(name)
	if !known {
		return nil, &Error{Line: 1, Why: fmt.Sprintf("it declares the encoding %q, which is not known; save it as UTF-8", name)}
	}
	if enc == nil {
		return in, nil
	}
	return transform.NewReader(in, enc.NewDecoder()), nil
}

func sixteen(r io.Reader, order unicode.Endianness) io.Reader {
	return transform.NewReader(r, unicode.BOMOverride(unicode.UTF16(order, unicode.IgnoreBOM).NewDecoder()))
}

// declared is the encoding an XML declaration names, "" for none.
func declared(head []byte) string {
	if !bytes.HasPrefix(head, []byte("<?xml")) {
		return ""
	}
	head, _, _ = bytes.Cut(head, []byte("?>"))
	_, rest, found := bytes.Cut(head, []byte("encoding"))
	rest = bytes.TrimLeft(rest, " \t\r\n=")
	if !found || len(rest) < 2 || rest[0] != '"' && rest[0] != '\'' {
		return ""
	}
	name, _, _ := bytes.Cut(rest[1:], rest[:1])
	return strings.ToLower(string(name))
}

// named gives an encoding, nil for UTF-8. A document that can be read up to
// its declaration is no UTF-16, whatever it says: programs that keep texts as
// UTF-16 write that name and save as UTF-8.
func named(name string) (encoding.Encoding, bool) {
	switch name {
	case "", "utf-8", "utf8", "us-ascii", "ascii", "utf-16", "utf16", "unicode":
		return nil, true
	case "iso-8859-1", "latin1", "iso8859-1":
		return charmap.ISO8859_1, true
	case "iso-8859-2":
		return charmap.ISO8859_2, true
	case "iso-8859-15":
		return charmap.ISO8859_15, true
	case "windows-1250":
		return charmap.Windows1250, true
	case "windows-1251":
		return charmap.Windows1251, true
	case "windows-1252", "cp1252":
		return charmap.Windows1252, true
	}
	return nil, false
}
