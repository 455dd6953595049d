package expression

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/tieout/tieout/schemas/record"
	"github.com/tieout/tieout/transforms/calendar"
)

// wholeTextFunctions take a whole text and give another.
func wholeTextFunctions() []function {
	return []function{
		{
			signature: "text(x: any) -> text",
			doc:       "The value as text: plain digits, YYYY-MM-DD, YYYY-MM, RFC 3339, true or false.",
			examples:  []Example{{"text(rent)", "1500.00"}, {"text(due)", "2026-10-22"}, {"\"P\" + text(3)", "P3"}},
			build:     buildText,
		},
		{
			signature: "upper(text: text) -> text",
			doc:       "All letters large.",
			examples:  []Example{{`upper("zoë")`, "ZOË"}},
			build:     func(c *compiler, a args) *operand { return letters(a[0].s, 'a', 'z', strings.ToUpper) },
		},
		{
			signature: "lower(text: text) -> text",
			doc:       "All letters small.",
			examples:  []Example{{`lower("ZOË")`, "zoë"}},
			build:     func(c *compiler, a args) *operand { return letters(a[0].s, 'A', 'Z', strings.ToLower) },
		},
		{
			signature: "trim(text: text) -> text",
			doc:       "The text without blanks at both ends.",
			examples:  []Example{{"trim(unit)", "12b"}},
			build:     buildTrim,
		},
		{
			signature: "digits_only(text: text) -> text",
			doc:       "The digits 0 to 9 of the text.",
			examples:  []Example{{`digits_only("(555) 010-2345")`, "5550102345"}},
			build:     buildDigitsOnly,
		},
	}
}

func buildTrim(c *compiler, a args) *operand {
	s := a[0].s
	return textOperand(func(f *frame) (string, bool) {
		v, ok := s(f)
		if !ok || !f.scan(len(v)) {
			return "", false
		}
		return strings.TrimSpace(v), true
	})
}

// letters changes the case of letters: those from..to by themselves, a text
// with others through the tables of Unicode.
func letters(s textFn, from, to byte, unicode func(string) string) *operand {
	return madeText(func(f *frame, dst []byte) ([]byte, bool) {
		v, ok := s(f)
		if !ok || !f.scan(len(v)) || !f.room(len(v)) {
			return dst, false
		}
		start := len(dst)
		dst = append(dst, v...)
		made := dst[start:]
		for i, b := range made {
			if b >= utf8.RuneSelf {
				return append(dst[:start], unicode(v)...), f.room(2 * len(v))
			}
			if b-from <= to-from {
				made[i] = b ^ ('a' - 'A')
			}
		}
		return dst, true
	})
}

func buildDigitsOnly(c *compiler, a args) *operand {
	s := a[0].s
	return madeText(func(f *frame, dst []byte) ([]byte, bool) {
		v, ok := s(f)
		if !ok || !f.scan(len(v)) || !f.room(len(v)) {
			return dst, false
		}
		for i := range len(v) {
			if v[i]-'0' <= 9 {
				dst = append(dst, v[i])
			}
		}
		return dst, true
	})
}

// buildText writes any plain value.
func buildText(c *compiler, a args) *operand {
	o := a[0]
	switch o.kind {
	case record.Text:
		same := *o
		same.ref = nil
		return &same
	case record.Boolean:
		b := o.b
		return textOperand(func(f *frame) (string, bool) {
			v := b(f)
			return strconv.FormatBool(v == True), v != Nil
		})
	case record.Decimal:
		d := o.d
		return madeText(func(f *frame, dst []byte) ([]byte, bool) {
			v, ok := d(f)
			if !ok || !f.room(v.Digits()) {
				return dst, false
			}
			return v.Append(dst), true
		})
	}
	i, write := o.i, writerOf(o.kind)
	return madeText(func(f *frame, dst []byte) ([]byte, bool) {
		v, ok := i(f)
		if !ok || !f.room(20) {
			return dst, false
		}
		return write(dst, v), true
	})
}

func writerOf(kind record.Kind) func(dst []byte, v int64) []byte {
	switch kind {
	case record.Date:
		return func(dst []byte, v int64) []byte { return calendar.Date(v).AppendISO(dst) }
	case record.Month:
		return func(dst []byte, v int64) []byte { return calendar.Month(v).AppendISO(dst) }
	case record.Timestamp:
		return calendar.AppendTimestamp
	}
	return func(dst []byte, v int64) []byte { return strconv.AppendInt(dst, v, 10) }
}
