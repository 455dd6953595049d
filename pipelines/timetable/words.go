package timetable

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"
	"time"

	"github.com/tieout/tieout/transforms/calendar"
)

// String says the rule in words: "at 06:15 on Monday to Friday,
// America/Chicago". A cron that is too hard to say is shown as it is written.
func (t *Timetable) String() string {
	r := &t.rule
	if r.Every != 0 {
		return "every " + length(t.every)
	}
	var words string
	switch {
	case r.Cron != "":
		words = t.cron.words(r.Cron)
	case r.Monthly != 0:
		words = clock(t.times) + " on " + dayWords(r.Monthly) + rollWords(r.Roll)
	default:
		words = clock(t.times) + " on " + businessWords(r.BusinessDay)
	}
	if r.Zone != nil {
		words += ", " + r.Zone.String()
	}
	return words
}

// length is "15 minutes", or "hour" for one.
func length(seconds int64) string {
	for _, u := range []struct {
		name  string
		worth int64
	}{{"day", secondsOfDay}, {"hour", 3600}, {"minute", 60}, {"second", 1}} {
		if seconds%u.worth == 0 {
			return several(seconds/u.worth, u.name)
		}
	}
	return ""
}

func several(n int64, unit string) string {
	if n == 1 {
		return unit
	}
	return strconv.FormatInt(n, 10) + " " + unit + "s"
}

func clock(times []int16) string {
	var words []string
	for _, m := range times {
		words = append(words, timeOfDay(int(m)))
	}
	return "at " + list(words)
}

func timeOfDay(minutes int) string { return fmt.Sprintf("%02d:%02d", minutes/60, minutes%60) }

// list joins words as one does: "a, b and c".
func list(words []string) string {
	last := len(words) - 1
	if last < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + " and " + words[last]
}

func dayWords(day int) string {
	if day == Last {
		return "the last day of the month"
	}
	return fmt.Sprintf("day %d of the month", day)
}

func rollWords(roll *calendar.Roll) string {
	switch {
	case roll == nil:
		return ""
	case *roll == calendar.Preceding:
		return " or the business day before"
	case *roll == calendar.Modified:
		return " or the next business day of that month, else the one before"
	}
	return " or the next business day"
}

func businessWords(nth int) string {
	switch {
	case nth == EachBusinessDay:
		return "every business day"
	case nth == Last:
		return "the last business day of the month"
	case nth < 0:
		return fmt.Sprintf("business day %d before the end of the month", -nth)
	}
	return fmt.Sprintf("business day %d", nth)
}

// words says a cron, or shows text.
func (f *fields) words(text string) string {
	when, days := f.timeWords(), f.dayWords()
	if when == "" || days == "?" {
		return "cron " + strconv.Quote(strings.Join(strings.Fields(text), " "))
	}
	if days == "" && strings.HasPrefix(when, "at ") {
		days = " every day"
	}
	return when + days
}

// maxListed is how many times of day or days are named one by one.
const maxListed = 4

// timeWords says minute and hour, or "".
func (f *fields) timeWords() string {
	minute, hour := bits.TrailingZeros64(f.minutes), bits.TrailingZeros32(f.hours)
	step, even := stepOf(f.minutes, 60)
	perDay, hourly := stepOf(uint64(f.hours), 24)
	switch {
	case !f.interval && bits.OnesCount32(f.hours)*bits.OnesCount64(f.minutes) <= maxListed:
		return clock(f.times())
	case even && minute == 0 && perDay == 1:
		return "every " + length(int64(step)*60)
	case even && minute == 0 && f.hours>>hour&(f.hours>>hour+1) == 0: // hours in one row
		last := 31 - bits.LeadingZeros32(f.hours)
		return fmt.Sprintf("every %s from %s to %s", length(int64(step)*60), timeOfDay(hour*60), timeOfDay(last*60+60-step))
	case bits.OnesCount64(f.minutes) != 1 || !hourly || hour != 0:
		return ""
	case minute == 0:
		return "every " + several(int64(perDay), "hour")
	}
	return fmt.Sprintf("every %s at minute %d", several(int64(perDay), "hour"), minute)
}

// stepOf gives the distance of values that divide a whole evenly, from 0 on.
func stepOf(set uint64, whole int) (int, bool) {
	count := bits.OnesCount64(set)
	if count == 0 || whole%count != 0 {
		return 0, false
	}
	step := whole / count
	return step, set == every(0, whole-1, step)
}

// dayWords says the days; "" are all, and "?" those too hard to say.
func (f *fields) dayWords() string {
	months := names(uint64(f.months), 12, func(n int) string { return time.Month(n).String() })
	weekdays := names(uint64(f.weekdays), 7, func(n int) string { return time.Weekday(n).String() })
	days := names(uint64(f.days), 31, strconv.Itoa)
	in := ""
	if months != "" {
		in = " in " + months
	}
	switch {
	case months == "?" || weekdays == "?" || days == "?" || weekdays != "" && days != "":
		return "?"
	case weekdays != "":
		return " on " + weekdays + in
	case days != "" && bits.OnesCount32(f.days) == 1:
		return " on day " + days + " of the month" + in
	case days != "":
		return " on days " + days + " of the month" + in
	}
	return in
}

// names says a set of count values: "" for all of them, a row as "a to b", and
// "?" for too many.
func names(set uint64, count int, name func(int) string) string {
	first, last := bits.TrailingZeros64(set), bits.Len64(set)-1
	size := bits.OnesCount64(set)
	switch {
	case size == count:
		return ""
	case size > 2 && size == last-first+1:
		return name(first) + " to " + name(last)
	case size > maxListed:
		return "?"
	}
	var words []string
	for n := first; n <= last; n++ {
		if set>>n&1 == 1 {
			words = append(words, name(n))
		}
	}
	return list(words)
}
