package expression

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
)

func textFunctions() []function {
	return slices.Concat(wholeTextFunctions(), partFunctions(), joinFunctions(), serviceFunctions())
}

// partFunctions take parts of a text, or replace them.
func partFunctions() []function {
	return []function{
		{
			signature: "left(text: text, n: integer) -> text",
			doc:       "The first n characters.",
			examples:  []Example{{`left("Maple Court", 5)`, "Maple"}},
			build:     func(c *compiler, a args) *operand { return part(a, 0, nil, a[1].i) },
		},
		{
			signature: "right(text: text, n: integer) -> text",
			doc:       "The last n characters.",
			examples:  []Example{{`right("Maple Court", 5)`, "Court"}},
			build:     buildRight,
		},
		{
			signature: "substring(text: text, start: integer, length?: integer) -> text",
			doc:       "length characters from the start-th on (the first is 1), or all from there.",
			examples:  []Example{{`substring("4000-210", 6)`, "210"}, {`substring("4000-210", 1, 4)`, "4000"}},
			build:     buildSubstring,
		},
		{
			signature: "replace(text: text, old: text, new: text) -> text",
			doc:       "Every old replaced by new.",
			examples:  []Example{{`replace("12-B-3", "-", "")`, "12B3"}},
			build:     buildReplace,
		},
		{
			signature: "split_part(text: text, mark: text, n: integer) -> text",
			doc:       "The n-th part between the marks (the first is 1), empty when there are fewer.",
			examples:  []Example{{`split_part("4000-210-A", "-", 2)`, "210"}, {`split_part("4000", "-", 2)`, ""}},
			build:     buildSplitPart,
		},
		{
			signature: "pad_left(text: text, width: integer, fill: text) -> text",
			doc:       "The text filled up on the left to a number of characters.",
			examples:  []Example{{`pad_left("42", 5, "0")`, "00042"}},
			build:     buildPadLeft,
		},
		{
			signature: "length(text: text) -> integer",
			doc:       "The number of characters.",
			examples:  []Example{{`length("Zoë")`, "3"}},
			build:     buildLength,
		},
	}
}

// joinFunctions look into texts, and make one of several.
func joinFunctions() []function {
	return []function{
		textTestFunction("contains", "contains", "Whether the part is in the text; the same as text contains part.", `contains("Rent May", "May")`),
		textTestFunction("starts_with", "startsWith", "Whether the text begins with the part; the same as text startsWith part.", `starts_with("Rent May", "Rent")`),
		textTestFunction("ends_with", "endsWith", "Whether the text ends with the part; the same as text endsWith part.", `ends_with("Rent May", "May")`),
		{
			signature: "matches(text: text, pattern: const text) -> boolean",
			doc:       "Whether the regular expression (RE2) is found in the text; ^ and $ bind it to the ends.",
			examples:  []Example{{`matches("12B", "^[0-9]+[A-Z]$")`, "true"}},
			build:     func(c *compiler, a args) *operand { return c.matches(a[1].node, a[0], a[1]) },
		},
		{
			signature: "concat(texts...: text) -> text",
			doc:       "The texts one after the other; the same as a + b.",
			examples:  []Example{{`concat("A", "-", "1")`, "A-1"}},
			build:     func(c *compiler, a args) *operand { return concat(a...) },
		},
		{
			signature: "join(list: list, value: each, mark: text) -> text",
			doc:       "A text of each element with the mark between them.",
			examples:  []Example{{`join(lines, .code, ", ")`, "A, B"}, {`join(map(lines, text(.amount)), "+")`, "100.00+50.00"}},
			special:   join,
		},
		{
			signature: "mask(text: text, keep_last: integer) -> text",
			doc:       "The text with a star for each character but the last ones.",
			examples:  []Example{{`mask("021000021", 4)`, "*****0021"}},
			build:     buildMask,
		},
		{
			signature: "hash(texts...: text) -> text",
			doc:       "SHA-256 in hexadecimal of the texts, a unit separator (U+001F) between them.",
			examples:  []Example{{`left(hash("A"), 16)`, "559aead08264d579"}},
			build:     buildHash,
		},
		{
			signature: "uuid5(namespace: const text, text: text) -> text",
			doc:       "The UUID (version 5) of a text in a namespace, which is a UUID itself.",
			examples:  []Example{{`uuid5("6ba7b810-9dad-11d1-80b4-00c04fd430c8", "example.com")`, "cfbff0d1-9375-5685-968c-48ce8b15ae17"}},
			build:     buildUUID5,
		},
	}
}

func textTestFunction(name, operator, doc, example string) function {
	return function{
		signature: name + "(text: text, part: text) -> boolean",
		doc:       doc,
		examples:  []Example{{example, "true"}},
		build: func(c *compiler, a args) *operand {
			return boolOperand(textTest(operator, a[0].s, a[1].s))
		},
	}
}

// skip gives the byte offset behind n characters.
func skip(s string, n int64) int {
	if n >= int64(len(s)) && n >= int64(utf8.RuneCountInString(s)) {
		return len(s)
	}
	at := 0
	for ; n > 0 && at < len(s); n-- {
		_, size := utf8.DecodeRuneInString(s[at:])
		at += size
	}
	return at
}

// part is a stretch of a text: from is a fixed start, or start gives one
// counted from 1; without length it goes to the end. Nothing is copied.
func part(a args, from int64, start, length intFn) *operand {
	s := a[0].s
	return textOperand(func(f *frame) (string, bool) {
		v, ok := s(f)
		if !ok || !f.scan(len(v)) {
			return "", false
		}
		at, n := from, int64(len(v))
		if start != nil {
			if at, ok = start(f); !ok {
				return "", false
			}
			at--
		}
		if length != nil {
			if n, ok = length(f); !ok {
				return "", false
			}
		}
		if at < 0 || n < 0 {
			f.fail(document.CodeExprValue, "a part of a text begins at 1 or later and has no negative length")
			return "", false
		}
		v = v[skip(v, at):]
		return v[:skip(v, n)], true
	})
}

func buildSubstring(c *compiler, a args) *operand {
	var length intFn
	if o := a.at(2); o != nil {
		length = o.i
	}
	return part(a, 0, a[1].i, length)
}

func buildRight(c *compiler, a args) *operand {
	s, n := a[0].s, a[1].i
	return textOperand(func(f *frame) (string, bool) {
		v, ok := s(f)
		if !ok || !f.scan(len(v)) {
			return "", false
		}
		keep, ok := n(f)
		if !ok {
			return "", false
		}
		return v[len(v)-tail(v, keep):], true
	})
}

// tail is how many bytes the last n characters have.
func tail(s string, n int64) int {
	at := len(s)
	for ; n > 0 && at > 0; n-- {
		_, size := utf8.DecodeLastRuneInString(s[:at])
		at -= size
	}
	return len(s) - at
}

func buildReplace(c *compiler, a args) *operand {
	s, from, to := a[0].s, a[1].s, a[2].s
	return madeText(func(f *frame, dst []byte) ([]byte, bool) {
		var v [3]string
		for i, fn := range [...]textFn{s, from, to} {
			x, ok := fn(f)
			if !ok {
				return dst, false
			}
			v[i] = x
		}
		if !f.scan(len(v[0])) {
			return dst, false
		}
		if v[1] == "" {
			f.fail(document.CodeExprValue, "replace needs a text to look for")
			return dst, false
		}
		// The length is known before a byte is written.
		n := strings.Count(v[0], v[1])
		if !f.room(len(v[0]) + n*(len(v[2])-len(v[1]))) {
			return dst, false
		}
		for rest := v[0]; ; {
			head, behind, found := strings.Cut(rest, v[1])
			dst = append(dst, head...)
			if !found {
				return dst, true
			}
			dst, rest = append(dst, v[2]...), behind
		}
	})
}

func buildSplitPart(c *compiler, a args) *operand {
	s, mark, n := a[0].s, a[1].s, a[2].i
	return textOperand(func(f *frame) (string, bool) {
		v, ok := s(f)
		if !ok || !f.scan(len(v)) {
			return "", false
		}
		m, ok := mark(f)
		if !ok {
			return "", false
		}
		i, ok := n(f)
		switch {
		case !ok:
			return "", false
		case m == "" || i < 1:
			f.fail(document.CodeExprValue, "split_part needs a mark and a number of 1 or more")
			return "", false
		}
		found := true
		for ; i > 1 && found; i-- {
			_, v, found = strings.Cut(v, m)
		}
		v, _, _ = strings.Cut(v, m)
		return v, true
	})
}

func buildPadLeft(c *compiler, a args) *operand {
	s, width, fill := a[0].s, a[1].i, a[2].s
	return madeText(func(f *frame, dst []byte) ([]byte, bool) {
		v, ok := s(f)
		if !ok {
			return dst, false
		}
		w, ok := width(f)
		if !ok {
			return dst, false
		}
		with, ok := fill(f)
		if !ok {
			return dst, false
		}
		if utf8.RuneCountInString(with) != 1 {
			f.fail(document.CodeExprValue, "pad_left fills with one character, not %q", clip(with))
			return dst, false
		}
		missing := max(w-int64(utf8.RuneCountInString(v)), 0)
		if missing > int64(f.limits.Bytes) || !f.room(len(v)+int(missing)*len(with)) {
			f.room(f.limits.Bytes + 1)
			return dst, false
		}
		for range missing {
			dst = append(dst, with...)
		}
		return append(dst, v...), true
	})
}

func buildLength(c *compiler, a args) *operand {
	s := a[0].s
	return intOperand(record.Integer, func(f *frame) (int64, bool) {
		v, ok := s(f)
		if !ok || !f.scan(len(v)) {
			return 0, false
		}
		return int64(utf8.RuneCountInString(v)), true
	})
}

func buildMask(c *compiler, a args) *operand {
	s, keep := a[0].s, a[1].i
	return madeText(func(f *frame, dst []byte) ([]byte, bool) {
		v, ok := s(f)
		if !ok {
			return dst, false
		}
		n, ok := keep(f)
		if !ok || !f.room(len(v)) {
			return dst, false
		}
		shown := tail(v, n)
		for range utf8.RuneCountInString(v[:len(v)-shown]) {
			dst = append(dst, '*')
		}
		return append(dst, v[len(v)-shown:]...), true
	})
}

const unitSeparator = "\x1f"

func buildHash(c *compiler, a args) *operand {
	var parts []*operand
	for i, o := range a {
		if i > 0 {
			parts = append(parts, constText(unitSeparator))
		}
		parts = append(parts, o)
	}
	whole := concat(parts...).s
	return madeText(func(f *frame, dst []byte) ([]byte, bool) {
		v, ok := whole(f)
		if !ok || !f.scan(4*len(v)) || !f.room(2*sha256.Size) {
			return dst, false
		}
		sum := sha256.Sum256(bytesOf(v))
		return hex.AppendEncode(dst, sum[:]), true
	})
}

func buildUUID5(c *compiler, a args) *operand {
	name, _ := c.fixedText(a[0])
	space, err := uuid.Parse(name)
	if err != nil {
		return c.errorf(a[0].node, document.CodeExprArguments, `write a UUID of your own as text`, "%q is no UUID", clip(name))
	}
	s := a[1].s
	return madeText(func(f *frame, dst []byte) ([]byte, bool) {
		v, ok := s(f)
		if !ok || !f.scan(4*len(v)) || !f.room(36) {
			return dst, false
		}
		return append(dst, uuid.NewSHA1(space, bytesOf(v)).String()...), true
	})
}

// join is over a list and a text of each element.
func join(c *compiler, k *call) *operand {
	if len(k.args) < 2 || len(k.args) > 3 {
		return c.errorf(k.node, document.CodeExprArguments, "write "+k.fn.examples[0].Expr, "join takes a list, a text of each element and a mark")
	}
	mark := c.expr(k.args[len(k.args)-1])
	list := *k
	list.args = k.args[:len(k.args)-1]
	o, ok := c.plainValue(&list)
	for _, x := range []*operand{mark, o.body} {
		if x != nil && x.kind != record.Text && !x.unknown() {
			c.errorf(x.node, document.CodeExprType, "write text(…)", "join needs text, and this is %s", kindName(x.kind))
			ok = false
		}
	}
	if !ok || mark.unknown() {
		return c.hollow(record.Text)
	}
	body, between := o.body.appender(), mark.appender()
	return madeText(func(f *frame, dst []byte) ([]byte, bool) {
		ok, first := true, true
		done := o.each(f, o.cost, func() bool {
			if !first {
				if dst, ok = between(f, dst); !ok {
					return false
				}
			}
			first = false
			dst, ok = body(f, dst)
			return ok
		})
		return dst, done && ok
	})
}

// clip keeps messages short when the input is hostile.
func clip(s string) string {
	if len(s) > 60 {
		return strings.ToValidUTF8(s[:60], "") + "…"
	}
	return s
}
