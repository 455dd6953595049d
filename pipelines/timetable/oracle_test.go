package timetable_test

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // the zones of the tests do not depend on the machine

	"github.com/tieout/tieout/pipelines/timetable"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func table(t testing.TB, r timetable.Rule) *timetable.Timetable {
	t.Helper()
	tt, err := timetable.New(r)
	if err != nil {
		t.Fatalf("%+v: %v", r, err)
	}
	return tt
}

// minute is one minute of a year and what the clock shows then, as if it were
// UTC.
type minute struct{ at, wall int64 }

// walk lists every minute of a year and of three days beside it.
func walk(year int, loc *time.Location) (minutes []minute, first map[int64]int64) {
	first = make(map[int64]int64)
	from := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)
	for at := from.Add(-72 * time.Hour); at.Before(from.AddDate(1, 0, 3)); at = at.Add(time.Minute) {
		_, offset := at.In(loc).Zone()
		m := minute{at.Unix(), at.Unix() + int64(offset)}
		minutes = append(minutes, m)
		if _, seen := first[m.wall]; !seen {
			first[m.wall] = m.at
		}
	}
	return minutes, first
}

// cronTable is a second, plainer reading of a cron: a table for each field.
type cronTable struct {
	minutes, hours, days, months, weekdays [61]bool
	both, interval                         bool
}

func read(text string) *cronTable {
	var c cronTable
	f := strings.Fields(text)
	for v := range 60 {
		c.minutes[v], c.hours[v] = in(f[0], v, 0, 59), in(f[1], v, 0, 23)
		c.days[v], c.months[v] = in(f[2], v, 1, 31), in(f[3], v, 1, 12)
		c.weekdays[v] = in(f[4], v, 0, 6) || v == 0 && in(f[4], 7, 0, 7)
	}
	c.both = f[2][0] == '*' || f[4][0] == '*'
	c.interval = strings.ContainsAny(f[0]+f[1], "*/")
	return &c
}

func (c *cronTable) matches(wall int64) bool {
	if !c.minutes[wall/60%60] || !c.hours[wall/3600%24] {
		return false
	}
	at := time.Unix(wall, 0).UTC()
	day, weekday := c.days[at.Day()], c.weekdays[at.Weekday()]
	return c.months[at.Month()] && (day && weekday || !c.both && (day || weekday))
}

func in(field string, v, low, high int) bool {
	for _, item := range strings.Split(field, ",") {
		span, stepText, stepped := strings.Cut(item, "/")
		from, to, step := low, high, 1
		if a, b, ranged := strings.Cut(span, "-"); span != "*" {
			from, _ = strconv.Atoi(a)
			if to = from; ranged {
				to, _ = strconv.Atoi(b)
			}
		}
		if stepped {
			step, _ = strconv.Atoi(stepText)
		}
		if v >= from && v <= to && (v-from)%step == 0 {
			return true
		}
	}
	return false
}

// due lists by brute force when a cron is due within a year.
func due(cron string, year int, minutes []minute, first map[int64]int64) []time.Time {
	c := read(cron)
	seconds := make(map[int64]bool)
	for _, m := range minutes {
		if c.interval && c.matches(m.wall) {
			seconds[m.at] = true
		}
	}
	from := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)
	for wall := from.Unix() - 2*86400; !c.interval && wall < from.AddDate(1, 0, 2).Unix(); wall += 60 {
		if !c.matches(wall) {
			continue
		}
		at, shown := first[wall]
		if !shown {
			at = minutes[slices.IndexFunc(minutes, func(m minute) bool { return m.wall >= wall })].at
		}
		seconds[at] = true
	}
	var found []time.Time
	for _, s := range slices.Sorted(maps.Keys(seconds)) {
		if at := time.Unix(s, 0).UTC(); !at.Before(from) && at.Before(from.AddDate(1, 0, 0)) {
			found = append(found, at)
		}
	}
	return found
}

func TestAgainstEveryMinute(t *testing.T) {
	crons := []string{
		"30 2 * * *", "30 1 * * *", "0 * * * *", "*/30 * * * *", "*/5 2 * * *", "7 */3 * * *", "0,30 1,2,3 * * *", "15 6 * * 1-5",
		"0 0 1 * *", "59 23 31 * 5", "0 2 */2 * 0", "45 1 1-15/3 3,4,10,11 7", "10 0 29 2 *", "*/17 1-4/2 * * *", "0 0 * * *",
	}
	for _, z := range []struct {
		name string
		year int
	}{
		{"America/New_York", 2026}, {"Europe/London", 2026}, {"Australia/Lord_Howe", 2026}, {"Asia/Kathmandu", 2026}, {"UTC", 2028},
		{"America/St_Johns", 2026}, {"Pacific/Apia", 2011}, {"Africa/Casablanca", 2026}, {"America/St_Johns", 2007},
		{"Antarctica/Troll", 2026}, {"Pacific/Kwajalein", 1993}, {"Europe/Dublin", 2040},
	} {
		t.Run(fmt.Sprintf("%s %d", z.name, z.year), func(t *testing.T) {
			t.Parallel()
			loc := zone(t, z.name)
			minutes, first := walk(z.year, loc)
			for _, cron := range crons {
				compare(t, table(t, timetable.Rule{Cron: cron, Zone: loc}), cron, due(cron, z.year, minutes, first), z.year)
			}
		})
	}
}

// compare asks for the instants of a year one by one, in both directions.
func compare(t *testing.T, tt *timetable.Timetable, cron string, want []time.Time, year int) {
	t.Helper()
	from := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)
	var got, back []time.Time
	for at, ok := tt.Next(from.Add(-1)); ok && at.Before(from.AddDate(1, 0, 0)); at, ok = tt.Next(at) {
		got = append(got, at)
	}
	for at, ok := tt.Previous(from.AddDate(1, 0, 0)); ok && !at.Before(from); at, ok = tt.Previous(at) {
		back = append(back, at)
	}
	slices.Reverse(back)
	for name, list := range map[string][]time.Time{"next": got, "previous": back, "between": tt.Between(from.Add(-1), from.AddDate(1, 0, 0).Add(-1), 1<<20)} {
		if slices.Equal(list, want) {
			continue
		}
		for i := range max(len(list), len(want)) {
			if i >= len(list) || i >= len(want) || !list[i].Equal(want[i]) {
				t.Errorf("%q by %s: %d instants, want %d; they differ from %v on, want %v", cron, name, len(list), len(want), list[min(i, len(list)):min(i+1, len(list))], want[min(i, len(want)):min(i+1, len(want))])
				break
			}
		}
	}
}
