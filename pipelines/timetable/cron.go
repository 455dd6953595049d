package timetable

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"
)

// fields are the five fields of a cron expression as sets of bits: bit n says
// that the value n matches.
type fields struct {
	minutes  uint64
	hours    uint32
	days     uint32 // of the month
	months   uint32
	weekdays uint32 // 0 is Sunday
	// interval says that minute or hour holds * or a step.
	interval bool
	// either says that day of month and day of week are both restricted: then
	// a day matches when one of them does. A field that begins with * is not
	// restricted, whatever its step.
	either bool
}

// cronField is what may stand in one of the five fields.
type cronField struct {
	name     string
	from, to int
	words    string // names of the values, three letters each
	first    int    // value of the first word
}

func cronFields() []cronField {
	return []cronField{
		{name: "minute", to: 59},
		{name: "hour", to: 23},
		{name: "day of month", from: 1, to: 31},
		{name: "month", from: 1, to: 12, words: "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC", first: 1},
		{name: "day of week", to: 7, words: "SUNMONTUEWEDTHUFRISAT"},
	}
}

// maxCron bounds an expression; every list written in full is shorter.
const maxCron = 1000

// parseCron reads the five fields, each a list of *, a, a-b, */n and a-b/n.
func parseCron(text string) (*fields, error) {
	if len(text) > maxCron {
		return nil, fmt.Errorf("an expression of %d bytes is too long", len(text))
	}
	parts := strings.Fields(text)
	kinds := cronFields()
	if full := alias(parts); full != "" {
		return nil, fmt.Errorf("%q is not known here; write %q", parts[0], full)
	}
	if len(parts) != len(kinds) {
		return nil, fmt.Errorf("%q has %d fields, not 5", text, len(parts))
	}
	var sets [5]uint64
	for i, f := range kinds {
		for _, item := range strings.Split(parts[i], ",") {
			set, err := f.parse(item)
			if err != nil {
				return nil, err
			}
			sets[i] |= set
		}
	}
	f := &fields{minutes: sets[0], hours: uint32(sets[1]), days: uint32(sets[2]), months: uint32(sets[3]), weekdays: uint32(sets[4])}
	f.weekdays = (f.weekdays | f.weekdays>>7) & 0x7f // 7 is Sunday too
	f.interval = strings.ContainsAny(parts[0]+parts[1], "*/")
	f.either = parts[2][0] != '*' && parts[4][0] != '*'
	if !f.occurs() {
		return nil, fmt.Errorf("month %s has no day %s", parts[3], parts[2])
	}
	return f, nil
}

// alias gives the five fields that another cron has a word for.
func alias(parts []string) string {
	if len(parts) != 1 {
		return ""
	}
	switch strings.ToLower(parts[0]) {
	case "@hourly":
		return "0 * * * *"
	case "@daily", "@midnight":
		return "0 0 * * *"
	case "@weekly":
		return "0 0 * * 0"
	case "@monthly":
		return "0 0 1 * *"
	case "@yearly", "@annually":
		return "0 0 1 1 *"
	}
	return ""
}

// parse reads one item of a list and gives its values.
func (f *cronField) parse(item string) (uint64, error) {
	span, stepText, stepped := strings.Cut(item, "/")
	step := 1
	if stepped {
		n, err := strconv.Atoi(stepText)
		if err != nil || n < 1 || n > f.to || stepText[0] == '+' {
			return 0, fmt.Errorf("%q is no step of the %s", stepText, f.name)
		}
		step = n
	}
	if span == "*" {
		return every(f.from, f.to, step), nil
	}
	low, high, ranged := strings.Cut(span, "-")
	from, ok := f.value(low)
	to := from
	if ok && ranged {
		to, ok = f.value(high)
	}
	switch {
	case !ok:
		return 0, fmt.Errorf("%q is no %s from %d to %d", item, f.name, f.from, f.to)
	case stepped && !ranged:
		return 0, fmt.Errorf("%q: a step needs a range; write %s-%d/%s or */%s", item, span, f.to, stepText, stepText)
	case from > to:
		return 0, fmt.Errorf("%q ends before it begins", item)
	}
	return every(from, to, step), nil
}

func every(from, to, step int) (set uint64) {
	for v := from; v <= to; v += step {
		set |= 1 << v
	}
	return set
}

func (f *cronField) value(s string) (int, bool) {
	if len(s) == 3 && f.words != "" {
		if i := strings.Index(f.words, strings.ToUpper(s)); i >= 0 && i%3 == 0 {
			return f.first + i/3, true
		}
	}
	n, err := strconv.Atoi(s)
	return n, err == nil && s[0] != '+' && s[0] != '-' && n >= f.from && n <= f.to
}

// occurs reports whether any month has a matching day: none has a 30th of
// February.
func (f *fields) occurs() bool {
	const longMonths = 1<<1 | 1<<3 | 1<<5 | 1<<7 | 1<<8 | 1<<10 | 1<<12
	first := bits.TrailingZeros32(f.days)
	switch {
	case f.either || f.months&longMonths != 0:
		return true
	case f.months == 1<<2:
		return first <= 29
	}
	return first <= 30
}

// times lists the matching minutes of a day.
func (f *fields) times() []int16 {
	times := make([]int16, 0, bits.OnesCount32(f.hours)*bits.OnesCount64(f.minutes))
	for h := range 24 {
		for m := range 60 {
			if f.hours>>h&1 == 1 && f.minutes>>m&1 == 1 {
				times = append(times, int16(h*60+m))
			}
		}
	}
	return times
}

// weekdays are the fields of every Monday to Friday.
func weekdays() *fields {
	return &fields{days: uint32(every(1, 31, 1)), months: uint32(every(1, 12, 1)), weekdays: uint32(every(1, 5, 1))}
}
