package pipelines

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/tieout/tieout/schemas/document"
)

func (c *checker) schedule() {
	s := c.p.Schedule
	if s == nil || s.Node == nil {
		return
	}
	every := s.Node.Get("every") != nil
	switch {
	case s.Node.Get("cron") == nil && !every:
		c.r.ErrorAt(keyOf(s.Node), document.CodeMissingKey, "Write cron: \"15 6 * * 1-5\" or every: 15m.", "%q needs the key %q or %q", "schedule", "cron", "every")
	case !s.Cron.IsZero() && every:
		c.r.ErrorAt(s.Node.KeyNode("every"), document.CodeOneKey, "Keep one of the two.", "a schedule has cron or every, not both")
	}
	if every && s.Every <= 0 && s.Node.Get("every").Text() != "" {
		c.r.ErrorAt(s.Node.Get("every"), document.CodeWrongType, "Write a length of time such as 15m.", "every must be above 0")
	}
	if every && s.Every > 0 && s.Jitter >= s.Every {
		c.r.ErrorAt(s.Node.Get("jitter"), document.CodeWrongType, "Make it shorter than the interval.", "a jitter of %s is not below the interval of %s", s.Jitter, s.Every)
	}
	if !s.Cron.IsZero() {
		if err := checkCron(s.Cron.Value); err != nil {
			c.r.ErrorAt(s.Cron, document.CodeWrongType, "The five fields are minute, hour, day of month, month and day of week: \"15 6 * * 1-5\".", "cron: %v", err)
		}
	}
}

// cronField is one of the five fields.
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

// checkCron reads the five fields: each a list of *, a, a-b, */n or a-b/n.
func checkCron(text string) error {
	parts := strings.Fields(text)
	fields := cronFields()
	if len(parts) != len(fields) {
		return fmt.Errorf("%q has %d fields, not 5", text, len(parts))
	}
	for i, f := range fields {
		for _, item := range strings.Split(parts[i], ",") {
			if err := f.check(item); err != nil {
				return err
			}
		}
	}
	return neverDue(parts[2], parts[3], parts[4])
}

func (f *cronField) check(item string) error {
	span, step, stepped := strings.Cut(item, "/")
	if stepped {
		if n, err := strconv.Atoi(step); err != nil || n < 1 || n > f.to {
			return fmt.Errorf("%q is no step of the %s", step, f.name)
		}
	}
	if span == "*" {
		return nil
	}
	low, high, ranged := strings.Cut(span, "-")
	from, ok := f.value(low)
	to := from
	if ok && ranged {
		to, ok = f.value(high)
	}
	switch {
	case !ok:
		return fmt.Errorf("%q is no %s from %d to %d", item, f.name, f.from, f.to)
	case stepped && !ranged:
		return fmt.Errorf("%q: a step needs a range; write %s-%d/%s or */%s", item, span, f.to, step, step)
	case from > to:
		return fmt.Errorf("%q ends before it begins", item)
	}
	return nil
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

// neverDue finds days that no month has, such as the 30th of February.
func neverDue(day, month, weekday string) error {
	d, err := strconv.Atoi(day)
	if number := err == nil; !number || weekday != "*" {
		return nil
	}
	longest := map[string]int{"2": 29, "4": 30, "6": 30, "9": 30, "11": 30, "FEB": 29, "APR": 30, "JUN": 30, "SEP": 30, "NOV": 30}
	if most, limited := longest[strings.ToUpper(month)]; limited && d > most {
		return fmt.Errorf("month %s has no day %d", month, d)
	}
	return nil
}
