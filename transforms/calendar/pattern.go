package calendar

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// MaxPattern is the longest pattern CompilePattern accepts, in bytes.
const MaxPattern = 200

// ErrPattern says that a text does not have the form of its pattern.
var ErrPattern = errors.New("does not match the pattern")

// Pattern is a compiled date or timestamp pattern; it is safe for concurrent
// use. See CompilePattern for the language.
type Pattern struct {
	text  string
	parts []part
	has   [tokenCount]bool
}

type token uint8

const (
	literal token = iota
	year4
	year2
	monthLong
	monthShort
	month2
	month1
	day2
	day1
	hour2
	minute2
	second2
	milli3
	offset
	tokenCount
)

type part struct {
	token token
	text  string // of a literal
}

// tokens are tried in order: the longer one of a letter stands first.
var tokens = [...]struct {
	text  string
	token token
}{
	{"YYYY", year4}, {"YY", year2},
	{"MMMM", monthLong}, {"MMM", monthShort}, {"MM", month2}, {"M", month1},
	{"DD", day2}, {"D", day1},
	{"HH", hour2}, {"mm", minute2}, {"ss", second2}, {"SSS", milli3}, {"Z", offset},
}

// CompilePattern reads a pattern of these tokens; any other text stands for
// itself, and text in square brackets does so whatever it holds.
//
//	YYYY MM DD HH mm ss   exactly four or two digits
//	SSS                   exactly three digits, milliseconds
//	M D                   one or two digits
//	MMM MMMM              Jan, January; English, in any case when read
//	YY                    two digits: 00-68 are 2000-2068, 69-99 are 1969-1999
//	Z                     Z or an offset such as -05:00
//
// Misspelled tokens (yyyy, DDD, hh) are errors, and so are two tokens for the
// same thing.
func CompilePattern(text string) (*Pattern, error) {
	p := &Pattern{text: text}
	if text == "" || len(text) > MaxPattern {
		return nil, fmt.Errorf("pattern %q: write 1 to %d characters, such as YYYY-MM-DD", clip([]byte(text)), MaxPattern)
	}
	for rest := text; rest != ""; {
		next, n, err := nextPart(rest)
		if err == nil {
			err = p.add(next)
		}
		if err != nil {
			return nil, fmt.Errorf("pattern %q: %w", text, err)
		}
		rest = rest[n:]
	}
	if err := p.check(); err != nil {
		return nil, err
	}
	return p, nil
}

// nextPart returns the first part of a pattern and its length.
func nextPart(s string) (part, int, error) {
	if s[0] == '[' {
		end := strings.IndexByte(s, ']')
		if end < 0 {
			return part{}, 0, errors.New("[ without ]")
		}
		return part{text: s[1:end]}, end + 1, nil
	}
	run := len(s) - len(strings.TrimLeft(s, s[:1]))
	for _, t := range tokens {
		if s[:run] == t.text {
			return part{token: t.token}, run, nil
		}
	}
	if strings.ContainsRune("YMDHmsSZ", rune(s[0])) || run > 1 && strings.ContainsRune("ydhaA", rune(s[0])) {
		return part{}, 0, fmt.Errorf("unknown token %q: use YYYY YY MMMM MMM MM M DD D HH mm ss SSS Z, and [%s] for plain text", s[:run], s[:run])
	}
	return part{text: s[:1]}, 1, nil
}

func (p *Pattern) add(next part) error {
	last := len(p.parts) - 1
	if last >= 0 && p.parts[last].token.open() && next.startsWithDigit() {
		return errors.New("a single M or D before another number: nobody can tell where the one ends; use MM and DD")
	}
	if next.token == literal {
		if last >= 0 && p.parts[last].token == literal {
			p.parts[last].text += next.text
		} else if next.text != "" {
			p.parts = append(p.parts, next)
		}
		return nil
	}
	p.has[next.token] = true
	p.parts = append(p.parts, next)
	return nil
}

// open reports whether the token may end after one digit or after two.
func (t token) open() bool { return t == month1 || t == day1 }

func (t part) startsWithDigit() bool {
	switch t.token {
	case literal:
		return t.text != "" && t.text[0]-'0' <= 9
	case monthLong, monthShort, offset:
		return false
	}
	return true
}

// check refuses patterns with two tokens for one thing, or with a hole.
func (p *Pattern) check() error {
	var seen [tokenCount]int
	for _, t := range p.parts {
		seen[kindOf(t.token)]++
	}
	for kind, n := range seen {
		if n > 1 && kind != int(literal) {
			return fmt.Errorf("pattern %q: two tokens for the same part", p.text)
		}
	}
	switch {
	case p.has[minute2] && !p.has[hour2], p.has[second2] && !p.has[minute2], p.has[milli3] && !p.has[second2]:
		return fmt.Errorf("pattern %q: a part of the time is missing: write HH, HH:mm, HH:mm:ss or HH:mm:ss.SSS", p.text)
	case p.has[offset] && !p.has[hour2]:
		return fmt.Errorf("pattern %q: an offset without a time of day", p.text)
	}
	return nil
}

// kindOf maps tokens of the same thing to one of them.
func kindOf(t token) token {
	switch t {
	case year2:
		return year4
	case monthLong, monthShort, month1:
		return month2
	case day1:
		return day2
	}
	return t
}

// String returns the text of the pattern.
func (p *Pattern) String() string { return p.text }

// HasMonth reports whether the pattern has year and month: enough for a month.
func (p *Pattern) HasMonth() bool {
	return (p.has[year4] || p.has[year2]) && (p.has[month2] || p.has[month1] || p.has[monthShort] || p.has[monthLong])
}

// HasDate reports whether the pattern has year, month and day: enough for a
// date.
func (p *Pattern) HasDate() bool { return p.HasMonth() && (p.has[day2] || p.has[day1]) }

// HasTime reports whether the pattern has a time of day.
func (p *Pattern) HasTime() bool { return p.has[hour2] }

// HasOffset reports whether the pattern carries its own offset from UTC.
func (p *Pattern) HasOffset() bool { return p.has[offset] }

// ParseDate returns the date written in b. A time of day in the pattern must be
// well formed; it does not move the date.
func (p *Pattern) ParseDate(b []byte) (Date, error) {
	c, err := p.scan(b, p.HasDate())
	if err != nil {
		return 0, err
	}
	d, _ := FromYMD(c.year, c.month, c.day)
	return d, nil
}

// ParseMonth returns the month written in b.
func (p *Pattern) ParseMonth(b []byte) (Month, error) {
	c, err := p.scan(b, p.HasMonth())
	if err != nil {
		return 0, err
	}
	m, _ := FromYM(c.year, c.month)
	return m, nil
}

// ParseTimestamp returns microseconds UTC. A pattern without Z reads local
// times in loc, under the rules of the function ParseTimestamp; one without a
// time of day means midnight.
func (p *Pattern) ParseTimestamp(b []byte, loc *time.Location) (int64, error) {
	c, err := p.scan(b, p.HasDate())
	if err != nil {
		return 0, err
	}
	t, err := c.instant(loc)
	if err != nil {
		return 0, p.problem(b, err)
	}
	return t, nil
}

// scan reads b by the pattern and refuses what no calendar holds.
func (p *Pattern) scan(b []byte, enough bool) (civil, error) {
	c := civil{year: 1970, month: 1, day: 1}
	if !enough {
		return c, p.problem(b, errors.New("the pattern lacks year, month or day"))
	}
	rest := b
	for _, t := range p.parts {
		var ok bool
		if rest, ok = t.scan(&c, rest); !ok {
			return c, p.problem(b, ErrPattern)
		}
	}
	if len(rest) > 0 {
		return c, p.problem(b, ErrPattern)
	}
	if _, ok := c.naive(); !ok {
		return c, p.problem(b, ErrNotExisting)
	}
	return c, nil
}

func (p *Pattern) problem(b []byte, err error) error {
	return fmt.Errorf("parse %q as %s: %w", clip(b), p.text, err)
}
