package document

import "testing"

func TestSyntaxErrorsHaveAPlaceAndACode(t *testing.T) {
	for _, c := range []struct{ text, want, fix string }{
		{"pipeline: a\nfilter: \"A\" in tags\nb: 1\n", "2:9 yaml.text_after_quote", `'"A" in tags'`},
		{"a: 1\nsource:\n  x: \"abc\n  y: 2\nb: 3\n", "3:6 yaml.unclosed_quote", ""},
		{"a: 1\nsource:\n  x: 'abc\n  y: 2\nb: 'q'\n", "3:6 yaml.unclosed_quote", ""},
		{"a: 1\nb: { c: 1\nd: 2\n", "2:4 yaml.unclosed_bracket", ""},
		{"a: 1\nb: { c: 1, d: [1, 2\ne: 2\nf: 3\n", "2:15 yaml.unclosed_bracket", ""},
		{"a: 1\nb: [1, 2\n", "2:4 yaml.unclosed_bracket", ""},
		{"a: [b}}\n", "1:4 yaml.unclosed_bracket", ""},
		{"a: 1\n\tb: 2\n", "2:1 yaml.tab", "  "},
		{"a:\n  b: 1\n\tc: 2\n", "3:1 yaml.tab", "  "},
		{"a:\n  b: 1\n \tc: 2\n", "3:2 yaml.tab", "  "},
		{"a: b: c\n", "1:4 yaml.colon_in_text", "'b: c'"},
		{"x: 1\nnote: rent: due # c\ny: 1\n", "2:7 yaml.colon_in_text", ""},
		{"x: 1\né: ü\nnote: it's: due\n", "3:7 yaml.colon_in_text", "'it''s: due'"},
		{"a: 1\nb\nc: 2\n", "2:1 yaml.syntax", ""},
		{"a: 1\nkey:value\nc: 2\n", "2:1 yaml.missing_blank", "key: value"},
		{"a: 1\nsource:\n  connection:x\n  b: 1\n", "3:3 yaml.missing_blank", "connection: x"},
		{"a:\n  - b\n  c: 1\n", "3:3 yaml.syntax", ""},
		{"a:\n   b: 1\n  c: 1\n", "3:3 yaml.syntax", ""},
		{"a: 1\n  b: 2\n", "2:3 yaml.syntax", ""},
		{"- a\nb: 1\n", "2:1 yaml.syntax", ""},
		{"a: - b\n", "1:4 yaml.syntax", ""},
		{"a: @foo\n", "1:4 yaml.reserved_character", "'@foo'"},
		{"a: %x\n", "1:4 yaml.reserved_character", "'%x'"},
		{"a: | x\n", "1:4 yaml.reserved_character", "'| x'"},
		{"a: > x > 1\n", "1:4 yaml.reserved_character", "'> x > 1'"},
		{"a: [1] + b\n", "1:4 yaml.reserved_character", "'[1] + b'"},
		{"a: {x: 1} y\n", "1:4 yaml.reserved_character", ""},
		{"a: 1\nb: *paid\n", "2:4 yaml.anchor", ""},
		{"a: *\n", "1:4 yaml.reserved_character", ""},
		{"a: {b: !has(x)}\n", "1:8 yaml.lost_not", "not "},
		{"a: {b: if c { a } else { b }}\n", "1:8 yaml.flow_split", ""},
		{"a: {b: \"A\" in tags}\n", "1:8 yaml.text_after_quote", `'"A" in tags'`},
		{"a: \"\\q\"\n", "1:5 yaml.syntax", ""},
		{"a: 'it''s' ok\n", "1:4 yaml.text_after_quote", ""},
		{"a: ]\n", "1:4 yaml.reserved_character", ""},
		{"{a: 1}}\n", "1:1 yaml.reserved_character", ""},
		{"a: !<x\n", "1:4 yaml.lost_not", ""},
		{"a: |\n  x\n y: 1\n", "3:2 yaml.syntax", ""},
		{"a: >\n  folded: text\n  more\nb: c: d\n", "4:4 yaml.colon_in_text", ""},
	} {
		r := new(Report)
		Parse("f", []byte(c.text), r)
		ds := r.Diagnostics()
		if len(ds) == 0 {
			t.Errorf("%q: no finding", c.text)
			continue
		}
		got := ds[0].Position.String()[2:] + " " + string(ds[0].Code)
		if got != c.want || c.fix != "" && ds[0].Fix != c.fix {
			t.Errorf("%q\n got %s fix %q (%s)\nwant %s fix %q", c.text, got, ds[0].Fix, ds[0].Message, c.want, c.fix)
		}
	}
}
