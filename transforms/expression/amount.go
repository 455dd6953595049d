package expression

import (
	"strings"
	"unicode"

	"github.com/tieout/tieout/schemas/decimal"
	"github.com/tieout/tieout/transforms/money"
)

const maxAmountLength = 100

// parseAmount reads an amount as people write it. mark is the decimal mark, or
// 0 to tell it from the text. problem says what is wrong, "" when nothing is.
func parseAmount(s string, mark byte) (d decimal.Decimal, problem string) {
	const notAmount = "is not an amount"
	if len(s) > maxAmountLength {
		return d, "is too long for an amount"
	}
	s, negative, ok := unsigned(s)
	if !ok || s == "" {
		return d, notAmount
	}
	digits, marks, ok := grouped(s)
	if !ok {
		return d, notAmount
	}
	point, ok, unsure := decimalPoint(marks, len(digits), digits, mark)
	switch {
	case unsure:
		return d, "may mean two amounts; name the decimal mark: parse_amount(x, \".\")"
	case !ok:
		return d, "has its thousands marks in the wrong places"
	}
	b := make([]byte, 0, maxAmountLength+2)
	if negative {
		b = append(b, '-')
	}
	b = append(b, digits[:point]...)
	if point < len(digits) {
		b = append(append(b, '.'), digits[point:]...)
	}
	d, err := decimal.ParseBytes(b)
	if err != nil {
		return d, notAmount
	}
	return d, ""
}

// unsigned takes blanks, currencies, one sign or one pair of brackets off.
func unsigned(s string) (rest string, negative, ok bool) {
	signs := 0
	for {
		before := len(s)
		s = strings.TrimFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Sc, r) })
		s = withoutCode(s)
		switch {
		case len(s) > 1 && s[0] == '(' && s[len(s)-1] == ')':
			s, negative, signs = s[1:len(s)-1], true, signs+1
		case strings.HasPrefix(s, "-"), strings.HasPrefix(s, "+"):
			negative, signs, s = s[0] == '-', signs+1, s[1:]
		case strings.HasPrefix(s, "−"):
			negative, signs, s = true, signs+1, s[len("−"):]
		case strings.HasSuffix(s, "-"), strings.HasSuffix(s, "+"):
			negative, signs, s = s[len(s)-1] == '-', signs+1, s[:len(s)-1]
		}
		if len(s) == before {
			return s, negative, signs <= 1
		}
	}
}

// withoutCode takes an ISO 4217 code off either end.
func withoutCode(s string) string {
	if len(s) > 3 {
		if _, ok := money.MinorUnits(s[:3]); ok {
			return s[3:]
		}
		if _, ok := money.MinorUnits(s[len(s)-3:]); ok {
			return s[:len(s)-3]
		}
	}
	return s
}

// separator is a mark and how many digits stand before it.
type separator struct {
	mark rune
	at   int
}

// grouped splits digits from the marks between them.
func grouped(s string) (digits []byte, marks []separator, ok bool) {
	for _, r := range s {
		switch {
		case r >= '0' && r <= '9':
			digits = append(digits, byte(r))
		case strings.ContainsRune(".,' ’\u00a0\u202f\u2009", r):
			if n := len(marks); n > 0 && marks[n-1].at == len(digits) {
				return nil, nil, false
			}
			if r == '\u00a0' || r == '\u202f' || r == '\u2009' {
				r = ' '
			}
			marks = append(marks, separator{r, len(digits)})
		default:
			return nil, nil, false
		}
	}
	return digits, marks, len(digits) > 0
}

// decimalPoint finds how many digits stand before the decimal mark. unsure
// says that the one mark there is may be either.
func decimalPoint(marks []separator, n int, digits []byte, mark byte) (point int, ok, unsure bool) {
	if len(marks) == 0 {
		return n, true, false
	}
	last := marks[len(marks)-1]
	fraction := false
	switch {
	case last.mark != '.' && last.mark != ',':
	case mark != 0:
		fraction = last.mark == rune(mark)
	case len(marks) > 1:
		fraction = last.mark != marks[0].mark
	default:
		// 1,234 and 1.234 mean two things; 0.125, 1234.567 and 12,50 do not.
		looksGrouped := n-last.at == 3 && last.at >= 1 && last.at <= 3 && digits[0] != '0'
		if looksGrouped {
			return 0, false, true
		}
		fraction = true
	}
	point = n
	if fraction {
		point, marks = last.at, marks[:len(marks)-1]
	}
	return point, thousands(marks, point, fraction, last.mark), false
}

// thousands checks the marks before the decimal mark: one kind, three digits
// between them, one to three before the first.
func thousands(marks []separator, point int, fraction bool, decimalMark rune) bool {
	for i, m := range marks {
		next := point
		if i+1 < len(marks) {
			next = marks[i+1].at
		}
		switch {
		case m.mark != marks[0].mark, next-m.at != 3:
			return false
		case fraction && m.mark == decimalMark:
			return false
		case i == 0 && (m.at < 1 || m.at > 3):
			return false
		}
	}
	return true
}
