package pipelines

import (
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tieout/tieout/pipelines/timetable"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/transforms/calendar"
)

// Bounds of what a schedule may say.
const (
	longestJitter  = 24 * time.Hour
	mostCatchUps   = 1000
	mostAttempts   = 20
	longestPoll    = time.Hour
	longestSettle  = 24 * time.Hour
	smallestLength = document.Duration(time.Second)
)

// timeKeys are the keys that make a pipeline due by time.
func timeKeys() []string { return []string{"cron", "every", "monthly", "business_day"} }

func (c *checker) schedule() {
	s := c.p.Schedule
	if s == nil || s.Node == nil {
		return
	}
	before := c.r.Errors()
	kind, ok := c.kindOf(s)
	rule := timetable.Rule{Zone: c.p.zone}
	if rule.Zone == nil {
		rule.Zone = time.UTC
	}
	c.cron(s, &rule)
	switch kind {
	case "every":
		c.every(s, &rule)
	case "monthly":
		c.monthly(s, &rule)
	case "business_day":
		c.businessDay(s, &rule)
	}
	c.at(s, kind, &rule)
	c.holidays(s, kind, &rule)
	c.limits(s)
	c.trigger(s.On)
	if !ok || kind == "" || c.r.Errors() > before {
		return
	}
	var err error
	if s.timetable, err = timetable.New(rule); err != nil && c.readable(s, kind) {
		c.wrong(s.Node, "", "%v", err)
	}
}

// readable reports whether the value of the key that says when could be read;
// otherwise that was reported.
func (c *checker) readable(s *Schedule, kind string) bool {
	return kind != "every" && s.Node.Get(kind).Text() != "" || given(s.Node, kind) != nil
}

// kindOf finds the key that says when, "" when there is none, and whether what
// stands beside it may.
func (c *checker) kindOf(s *Schedule) (string, bool) {
	var kinds []string
	for _, key := range timeKeys() {
		if s.Node.KeyNode(key) != nil {
			kinds = append(kinds, key)
		}
	}
	on, after := s.Node.KeyNode("on"), s.Node.KeyNode("after")
	switch {
	case len(kinds) == 0 && on == nil && after == nil:
		c.r.ErrorAt(keyOf(s.Node), document.CodeMissingKey, "Write cron: \"15 6 * * 1-5\" or every: 15m.", "%q needs one of the keys cron, every, monthly, business_day, after and on", "schedule")
		return "", false
	case len(kinds) > 1:
		c.r.ErrorAt(s.Node.KeyNode(kinds[1]), document.CodeOneKey, "Keep one of the two.", "a schedule has %s or %s, not both", kinds[0], kinds[1])
		return kinds[0], false
	case on != nil && len(kinds)+len(s.After) > 0:
		c.r.ErrorAt(on, document.CodeOneKey, "Make two pipelines, or keep one of the two.", "`on` stands alone in a schedule")
		return "", false
	case len(kinds) == 0:
		return "", true
	}
	return kinds[0], true
}

func (c *checker) wrong(at document.Place, hint, format string, args ...any) {
	c.r.ErrorAt(at, document.CodeSchedule, hint, format, args...)
}

// given is the value of a key that was written and could be read as a length
// of time; what could not is reported already.
func given(n *document.Node, key string) *document.Node {
	v := n.Get(key)
	if v == nil {
		return nil
	}
	if _, err := document.ParseDuration(v.Text()); err != nil {
		return nil
	}
	return v
}

func (c *checker) cron(s *Schedule, rule *timetable.Rule) {
	rule.Cron = s.Cron.Value
	if s.Cron.IsZero() {
		return
	}
	if _, err := timetable.New(timetable.Rule{Cron: s.Cron.Value}); err != nil {
		c.wrong(s.Cron, "The five fields are minute, hour, day of month, month and day of week: \"15 6 * * 1-5\".", "cron: %v", err)
	}
}

func (c *checker) every(s *Schedule, rule *timetable.Rule) {
	rule.Every = s.Every.Std()
	at := given(s.Node, "every")
	if at == nil {
		return
	}
	if s.Every < smallestLength || rule.Every%time.Second != 0 {
		c.wrong(at, "Write a length of time such as 15m.", "an interval of %s is not one or more whole seconds", s.Every)
		return
	}
	if fresh := c.p.FreshWithin; fresh > 0 && fresh < s.Every {
		c.r.WarnAt(c.p.Root.Get("fresh_within"), document.CodeSchedule, "Make it longer than the interval.", "with an interval of %s the pipeline is late before every run", s.Every)
	}
}

func (c *checker) monthly(s *Schedule, rule *timetable.Rule) {
	day, err := strconv.Atoi(s.Monthly.Value)
	switch {
	case s.Monthly.IsZero():
	case s.Monthly.Value == "last":
		rule.Monthly = timetable.Last
	case err != nil || day < 1 || day > 31 || !plainNumber(s.Monthly.Value):
		c.wrong(s.Monthly, "Write a day from 1 to 28, or last.", "monthly: %q is no day of the month from 1 to 28, or last", s.Monthly.Value)
	case day > 28:
		c.wrong(s.Monthly, "Write last for the last day of the month.", "monthly: not every month has a day %d", day)
	default:
		rule.Monthly = day
	}
	if s.Roll != "" {
		roll, err := calendar.ParseRoll(s.Roll)
		if err == nil {
			rule.Roll = &roll
		}
	}
}

func (c *checker) businessDay(s *Schedule, rule *timetable.Rule) {
	day, err := strconv.Atoi(s.BusinessDay.Value)
	switch {
	case s.BusinessDay.IsZero():
	case s.BusinessDay.Value == "last":
		rule.BusinessDay = timetable.Last
	case s.BusinessDay.Value == "every":
		rule.BusinessDay = timetable.EachBusinessDay
	case err != nil || day == 0 || day < -timetable.MaxBusinessDay || day > timetable.MaxBusinessDay || !plainNumber(strings.TrimPrefix(s.BusinessDay.Value, "-")):
		c.wrong(s.BusinessDay, "Write a number such as 3, or -1 for the last business day of the month.", "business_day: %q is none of 1 to 15, -1 to -15, last and every", s.BusinessDay.Value)
	default:
		rule.BusinessDay = day
	}
}

// plainNumber refuses +3 and 03.
func plainNumber(s string) bool { return s != "" && s[0] >= '1' && s[0] <= '9' }

// at reads the times of day, which monthly and business_day need and nothing
// else has.
func (c *checker) at(s *Schedule, kind string, rule *timetable.Rule) {
	monthly := kind == "monthly" || kind == "business_day"
	key := s.Node.KeyNode("at")
	if roll := s.Node.KeyNode("roll"); roll != nil && kind != "monthly" {
		c.wrong(roll, "Leave it out.", "roll belongs to monthly")
	}
	switch {
	case key == nil && monthly:
		c.r.ErrorAt(s.Node.KeyNode(kind), document.CodeMissingKey, "Write at: \"18:00\".", "%q needs the key %q beside it", kind, "at")
	case key != nil && !monthly:
		c.wrong(key, "Leave it out; a cron names its own times.", "at belongs to monthly and business_day")
	case key != nil && len(s.At) == 0 && s.Node.Get("at").Kind() == document.Sequence:
		c.wrong(key, "Write at: \"18:00\".", "at names no time of day")
	}
	for _, text := range s.At {
		if text.IsZero() {
			continue
		}
		minutes, err := timetable.ParseTime(text.Value)
		if err != nil {
			c.wrong(text, "Write hours and minutes, such as \"06:15\".", "at: %v", err)
			continue
		}
		rule.At = append(rule.At, minutes)
	}
}

// limits checks what bounds the scheduler.
func (c *checker) limits(s *Schedule) {
	if at := given(s.Node, "jitter"); at != nil {
		switch {
		case s.Every >= smallestLength && s.Jitter >= s.Every:
			c.wrong(at, "Make it shorter than the interval.", "a jitter of %s is not below the interval of %s", s.Jitter, s.Every)
		case s.Jitter.Std() > longestJitter:
			c.wrong(at, "Make it shorter.", "a jitter of %s is longer than 24h", s.Jitter)
		}
	}
	if at := s.Node.Get("catch_up_max"); at != nil {
		switch {
		case s.CatchUp != "all":
			c.wrong(s.Node.KeyNode("catch_up_max"), "Write catch_up: all beside it, or leave it out.", "catch_up_max belongs to catch_up: all")
		case !upTo(s.CatchUpMax, at, mostCatchUps):
			c.wrong(at, "", "catch_up_max is a number from 1 to %d, not %s", mostCatchUps, at.Text())
		}
	}
	for i, name := range s.After {
		if slices.ContainsFunc(s.After[:i], func(t document.Text) bool { return t.Value == name.Value }) {
			c.r.ErrorAt(name, document.CodeDuplicateKey, "Name it once.", "after names %q twice", name.Value)
		}
	}
}

func (c *checker) trigger(t *Trigger) {
	if t == nil || t.Node == nil || t.Node.KeyNode("webhook") != nil {
		return
	}
	pattern := t.Files.Value
	switch {
	case t.Node.KeyNode("files") == nil:
		c.r.ErrorAt(keyOf(t.Node), document.CodeMissingKey, "Write files: inbox/*.csv.", "%q needs the key %q", "on", "files")
	case strings.Contains(pattern, "://"):
		c.wrong(t.Files, "Copy the files to a folder of this machine first.", "files: %q is not on this machine", pattern)
	case !t.Files.IsZero():
		if _, err := filepath.Match(pattern, ""); err != nil || strings.TrimSpace(pattern) == "" {
			c.wrong(t.Files, "Write a folder, or a pattern such as inbox/*.csv.", "files: %q is no pattern", pattern)
		}
	}
	if at := given(t.Node, "poll"); at != nil && (t.Poll < smallestLength || t.Poll.Std() > longestPoll) {
		c.wrong(at, "", "poll is a length of time from 1s to 1h, not %s", t.Poll)
	}
	if at := given(t.Node, "settle"); at != nil && t.Settle.Std() > longestSettle {
		c.wrong(at, "", "settle is at most 24h, not %s", t.Settle)
	}
}

// unattended checks the keys that bound a run nobody watches.
func (c *checker) unattended() {
	if c.p.Root == nil {
		return
	}
	for key, value := range map[string]document.Duration{"timeout": c.p.Timeout, "fresh_within": c.p.FreshWithin} {
		if at := given(c.p.Root, key); at != nil && value < smallestLength {
			c.wrong(at, "Write a length of time such as 2h, or leave it out.", "%s of %s is below 1s", key, value)
		}
	}
	r := c.p.Retry
	if r == nil || r.Node == nil {
		return
	}
	if at := r.Node.Get("attempts"); at != nil && !upTo(r.Attempts, at, mostAttempts) {
		c.wrong(at, "1 is one attempt and no retry.", "attempts is a number from 1 to %d, not %s", mostAttempts, at.Text())
	}
	if at := given(r.Node, "max_backoff"); at != nil && r.MaxBackoff < r.Backoff {
		c.wrong(at, "Make it as long as backoff, or longer.", "a max_backoff of %s is below the backoff of %s", r.MaxBackoff, r.Backoff)
	}
}
