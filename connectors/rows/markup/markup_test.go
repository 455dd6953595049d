package markup

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"golang.org/x/text/encoding/unicode"
)

var limits = Limits{Depth: 8, TagBytes: 1 << 20}

// tokens writes a document down as one line.
func tokens(r io.Reader) (string, error) {
	var b strings.Builder
	s := New(r, limits)
	text := ""
	for {
		kind, err := s.Next()
		if kind != Text && text != "" {
			fmt.Fprintf(&b, "%q ", text)
			text = ""
		}
		if errors.Is(err, io.EOF) {
			return strings.TrimSpace(b.String()), nil
		}
		if err != nil {
			return b.String(), err
		}
		switch kind {
		case Start:
			fmt.Fprintf(&b, "<%s", s.Name())
			for _, a := range s.Attrs() {
				fmt.Fprintf(&b, " %s=%q", a.Name, a.Value)
			}
			b.WriteString("> ")
		case End:
			fmt.Fprintf(&b, "</%s> ", s.Name())
		case Text:
			text += string(s.Text())
		}
	}
}

func TestTokens(t *testing.T) {
	tests := map[string]string{
		`<a/>`: `<a> </a>`,
		`<?xml version="1.0"?><!-- c --><n:a xmlns:n="urn:x" n:k='1>2' z="&lt;&#65;&#x42;&amp;"><b>1 &amp; 2</b ></n:a>`: `<a k="1>2" z="<AB&"> <b> "1 & 2" </b> </a>`,
		"<a>x<![CDATA[<&]>]]>y<!-- -- no -->z\r\nq\rr</a>\n":                                                             `<a> "x<&]>yz\nq\nr" </a>`,
		"<a k=\"1\r\n2\t3\"/>":           `<a k="1 2 3"> </a>`,
		"<a><b><c/></b><b é='ü'/></a>\n": `<a> <b> <c> </c> </b> <b é="ü"> </b> </a>`,
	}
	for text, want := range tests {
		got, err := tokens(strings.NewReader(text))
		if err != nil || got != want {
			t.Errorf("%s:\n got %s %v\nwant %s", text, got, err, want)
		}
		slow, err := tokens(iotest.OneByteReader(strings.NewReader(text)))
		if err != nil || slow != want {
			t.Errorf("%s, a byte at a time:\n got %s %v\nwant %s", text, slow, err, want)
		}
	}
}

func TestUnsound(t *testing.T) {
	tests := map[string]string{
		"":                              "line 1: it holds no element",
		"x":                             "line 1: text outside",
		"<a>":                           `line 1: it ends in the middle of the element "a"`,
		"<a>\n</b>":                     "line 2: </b> where </a> belongs",
		"</a>":                          "ends no element",
		"<a/><b/>":                      "second element",
		"<a/>x":                         "text outside",
		"<!DOCTYPE a []><a/>":           "document type",
		"<a>\n\n&nbsp;</a>":             "line 3: an entity that is not known: &nbsp;",
		"<a>&</a>":                      "begins no entity",
		"<a>&#0;</a>":                   "not known",
		"<a>&#xD800;</a>":               "not known",
		"<a>\x01</a>":                   "control character",
		"<a>\xff</a>":                   "encoding",
		"<a>]]></a>":                    "]]>",
		"<a k=1/>":                      "no quotes",
		"<a k/>":                        "no value",
		"<a k='1' k='2'/>":              "twice",
		"<a k='1'j='2'/>":               "inside the tag",
		"<a k='<'/>":                    "a < inside",
		"<1/>":                          "begins no tag",
		"<a><![CDATA[x</a>":             "CDATA",
		"<a><!-- x</a>":                 "a comment",
		"<a":                            "middle of a tag",
		strings.Repeat("<a>", 9):        "more than 8 elements",
		"<a " + long():                  "longer than",
		"<a><!ENTITY x SYSTEM 'y'></a>": "refused",
	}
	for text, want := range tests {
		_, err := tokens(strings.NewReader(text))
		var broken *Error
		if !errors.As(err, &broken) || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40s: %v, want %s", text, err, want)
		}
	}
}

func long() string { return "k='" + strings.Repeat("x", 1<<20) }

// A text far longer than the window comes whole, with its entities and
// characters.
func TestLongText(t *testing.T) {
	unit := "ü&amp;]\r\n"
	text := "<a>" + strings.Repeat(unit, 100_000) + "</a>"
	got, err := tokens(strings.NewReader(text))
	if want := fmt.Sprintf("<a> %q </a>", strings.Repeat("ü&]\n", 100_000)); err != nil || got != want {
		t.Fatalf("%d bytes, want %d: %v", len(got), len(want), err)
	}
}

func TestReaderError(t *testing.T) {
	broken := errors.New("the line went dead")
	for _, text := range []string{"<a>", "<a>xyz", "<a", "<a><!-- "} {
		if _, err := tokens(io.MultiReader(strings.NewReader(text), iotest.ErrReader(broken))); !errors.Is(err, broken) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestDecode(t *testing.T) {
	wide, err := unicode.UTF16(unicode.BigEndian, unicode.UseBOM).NewEncoder().String("<a>é</a>")
	if err != nil {
		t.Fatal(err)
	}
	bare, err := unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM).NewEncoder().String(`<?xml version="1.0" encoding="UTF-16"?><a>é</a>`)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"<a>é</a>", "\xEF\xBB\xBF<a>é</a>", wide, bare, `<?xml version="1.0" encoding="utf-16"?><a>é</a>`,
		"<?xml version='1.0' encoding='ISO-8859-1'?><a>\xe9</a>", "<?xml version=\"1.0\" encoding = \"Windows-1252\" ?><a>\xe9</a>"} {
		r, err := Decode(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := tokens(r); got != `<a> "é" </a>` {
			t.Errorf("%q: %s %v", text, got, err)
		}
	}
	if _, err := Decode(strings.NewReader(`<?xml version="1.0" encoding="ebcdic"?><a/>`)); err == nil || !strings.Contains(err.Error(), `"ebcdic"`) {
		t.Error(err)
	}
}

// FuzzScanner compares with the standard decoder: what this scanner takes,
// that one takes too, and cutting the input into bytes changes nothing.
func FuzzScanner(f *testing.F) {
	for _, seed := range []string{`<a/>`, `<a b="c">d<![CDATA[e]]></a>`, `<a><b/>&#x41;<!-- c --></a>`, `<x:a xmlns:x="y"><?p q?></x:a>`, "<a>\r\n</a>", `<a b='1' c="2"/>`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		whole, err := tokens(strings.NewReader(text))
		bits, err2 := tokens(iotest.OneByteReader(strings.NewReader(text)))
		if (err == nil) != (err2 == nil) || err == nil && whole != bits {
			t.Fatalf("whole: %s %v\nin bytes: %s %v", whole, err, bits, err2)
		}
		if err != nil || strings.Contains(text, "<?") || strings.Contains(text, "<!--") || strings.Contains(text, ":") {
			return
		}
		d := xml.NewDecoder(strings.NewReader(text))
		for {
			_, err := d.RawToken()
			if err != nil && !errors.Is(err, io.EOF) && !strings.Contains(err.Error(), "invalid XML name") && !strings.Contains(err.Error(), "illegal character code") {
				t.Fatalf("the standard decoder refuses %q: %v", text, err)
			}
			if err != nil {
				return
			}
		}
	})
}

func BenchmarkScanner(b *testing.B) {
	var doc strings.Builder
	doc.WriteString("<sheetData>")
	for i := range 20_000 {
		fmt.Fprintf(&doc, `<row r="%d"><c r="A%d" s="1" t="s"><v>%d</v></c><c r="B%d"><v>1234.5</v></c></row>`, i, i, i, i)
	}
	doc.WriteString("</sheetData>")
	b.SetBytes(int64(doc.Len()))
	s := New(nil, limits)
	for b.Loop() {
		s.Reset(strings.NewReader(doc.String()))
		for {
			if _, err := s.Next(); err != nil {
				break
			}
		}
	}
}
