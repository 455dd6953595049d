package calendar

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func day10(t *testing.T, s string) Date {
	t.Helper()
	d, ok := ParseISO([]byte(s))
	if !ok {
		t.Fatalf("%q is no date", s)
	}
	return d
}

// Every date there is, against the standard library: numbers, text, weekday,
// month and its ends.
func TestEveryDate(t *testing.T) {
	std := time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)
	var buf []byte
	for d := MinDate; d <= MaxDate; d++ {
		y, m, day := d.YMD()
		sy, sm, sd := std.Date()
		if y != sy || m != int(sm) || day != sd || d.Weekday() != std.Weekday() {
			t.Fatalf("%d: got %d-%d-%d %s, want %s", d, y, m, day, d.Weekday(), std)
		}
		back, ok := FromYMD(y, m, day)
		buf = d.AppendISO(buf[:0])
		parsed, ok2 := ParseISO(buf)
		if !ok || !ok2 || back != d || parsed != d || !d.Valid() {
			t.Fatalf("%s: %d becomes %d and %d", buf, d, back, parsed)
		}
		month := MonthOf(d)
		if MonthStart(d) != month.Start() || MonthEnd(d) != month.End() || MonthStart(d) > d || MonthEnd(d) < d {
			t.Fatalf("%s: month %s from %s to %s", d, month, MonthStart(d), MonthEnd(d))
		}
		std = std.AddDate(0, 0, 1)
	}
	if std.Year() != 10000 || (MaxDate + 1).Valid() || (MinDate - 1).Valid() {
		t.Errorf("the calendar ends at %s", std)
	}
}

func TestDatesThatDoNotExist(t *testing.T) {
	for _, s := range []string{
		"", "2026-02-29", "2100-02-29", "2026-04-31", "2026-13-01", "2026-00-10", "2026-01-00", "2026-01-32", "0000-01-01",
		"2026-1-01", "2026-01-1", "26-01-01", "2026/01/01", "2026-01-01 ", " 2026-01-01", "2026-01-01T", "20260101", "+026-01-01", "2026-0x-01", "٢٠٢٦-01-01",
	} {
		if d, ok := ParseISO([]byte(s)); ok {
			t.Errorf("%q became %s", s, d)
		}
	}
	for _, s := range []string{"2028-02-29", "2000-02-29", "0001-01-01", "9999-12-31"} {
		if got := day10(t, s).String(); got != s {
			t.Errorf("%s became %s", s, got)
		}
	}
}

// Section 13: month ends.
func TestAddMonths(t *testing.T) {
	for _, c := range []struct {
		from string
		n    int64
		want string
	}{
		{"2026-01-31", 1, "2026-02-28"}, {"2028-01-31", 1, "2028-02-29"}, {"2026-01-31", 2, "2026-03-31"}, {"2026-03-31", -1, "2026-02-28"},
		{"2026-10-31", 1, "2026-11-30"}, {"2028-02-29", 12, "2029-02-28"}, {"2026-01-15", -13, "2024-12-15"}, {"2026-05-10", 0, "2026-05-10"},
	} {
		if got := AddMonths(day10(t, c.from), c.n).String(); got != c.want {
			t.Errorf("%s %+d: got %s, want %s", c.from, c.n, got, c.want)
		}
	}
	d := day10(t, "2026-01-31")
	for _, n := range []int64{math.MaxInt64, math.MinInt64, 1 << 40} {
		if AddMonths(d, n).Valid() || d.AddDays(n).Valid() || MonthOf(d).AddMonths(n).Valid() {
			t.Errorf("a step of %d comes back into the calendar", n)
		}
	}
}

func TestMonths(t *testing.T) {
	for s, want := range map[string]Month{"1970-01": 0, "1969-12": -1, "2026-11": 56*12 + 10, "0001-01": -1969 * 12, "9999-12": 8030*12 - 1} {
		m, ok := ParseMonth([]byte(s))
		if !ok || m != want || m.String() != s || MonthOf(m.Start()) != m || MonthOf(m.End()) != m || !m.Valid() {
			t.Errorf("%s: got %d %s, %v", s, m, m, ok)
		}
	}
	for _, s := range []string{"", "2026-13", "2026-00", "0000-01", "2026-1", "202601", "2026-011", "2026/01"} {
		if m, ok := ParseMonth([]byte(s)); ok {
			t.Errorf("%q became %s", s, m)
		}
	}
	if m, _ := FromYM(2028, 2); m.Days() != 29 || m.End().String() != "2028-02-29" {
		t.Errorf("February 2028 ends %s", m.End())
	}
	if n := DaysInclusive(day10(t, "2026-02-17"), day10(t, "2026-02-28")); n != 12 {
		t.Errorf("17 to 28 February: %d days", n)
	}
}

func TestFiscalPeriods(t *testing.T) {
	for _, c := range []struct {
		date         string
		first        int
		year, period int
	}{
		{"2026-01-31", 1, 2026, 1}, {"2026-12-31", 1, 2026, 12},
		{"2026-06-30", 7, 2026, 12}, {"2026-07-01", 7, 2027, 1}, {"2026-10-01", 10, 2027, 1}, {"2026-09-30", 10, 2026, 12},
		{"2026-12-01", 12, 2027, 1}, {"2026-11-30", 12, 2026, 12}, {"2026-01-01", 2, 2026, 12}, {"2026-02-01", 2, 2027, 1},
	} {
		if y, p := FiscalPeriod(day10(t, c.date), c.first); y != c.year || p != c.period {
			t.Errorf("%s with first month %d: got %d period %d", c.date, c.first, y, p)
		}
	}
}

func TestBusinessDays(t *testing.T) {
	holidays := NewHolidays([]Date{day10(t, "2026-12-25"), day10(t, "2026-01-01"), day10(t, "2026-12-25"), day10(t, "2026-12-26"), day10(t, "2026-05-29")})
	for date, want := range map[string]bool{"2026-12-25": true, "2026-12-26": true, "2026-12-24": false, "2026-12-27": false} {
		if holidays.Contains(day10(t, date)) != want {
			t.Errorf("%s is given as a holiday: %v", date, !want)
		}
	}
	for _, c := range []struct{ date, following, preceding, modified string }{
		{"2026-11-20", "2026-11-20", "2026-11-20", "2026-11-20"}, // a Friday
		{"2026-11-21", "2026-11-23", "2026-11-20", "2026-11-23"},
		{"2026-11-22", "2026-11-23", "2026-11-20", "2026-11-23"},
		{"2026-12-25", "2026-12-28", "2026-12-24", "2026-12-28"}, // Friday, then a weekend
		{"2026-12-27", "2026-12-28", "2026-12-24", "2026-12-28"},
		{"2026-10-31", "2026-11-02", "2026-10-30", "2026-10-30"}, // Saturday at the end of a month
		{"2026-05-31", "2026-06-01", "2026-05-28", "2026-05-28"},
		{"2026-01-01", "2026-01-02", "2025-12-31", "2026-01-02"},
	} {
		for roll, want := range map[string]string{"following": c.following, "preceding": c.preceding, "modified": c.modified} {
			r, err := ParseRoll(roll)
			if got := BusinessDay(day10(t, c.date), r, holidays).String(); err != nil || got != want {
				t.Errorf("%s %s: got %s, want %s", c.date, roll, got, want)
			}
		}
	}
	if _, err := ParseRoll("next"); err == nil {
		t.Error("an unknown roll was taken")
	}
}

// Steps of business days against counting one day at a time.
func TestAddBusinessDays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		start := Date(rapid.Int64Range(20000, 20800).Draw(t, "start"))
		var off []Date
		for _, n := range rapid.SliceOfN(rapid.Int64Range(19900, 20900), 0, 200).Draw(t, "holidays") {
			off = append(off, Date(n))
		}
		h := NewHolidays(off)
		n := rapid.Int64Range(-60, 60).Draw(t, "n")
		want, step := start, Date(1)
		if n < 0 {
			step = -1
		}
		for left := n; left != 0; {
			want += step
			if IsBusinessDay(want, h) {
				left -= int64(step)
			}
		}
		if got := AddBusinessDays(start, n, h); got != want {
			t.Fatalf("%s %+d: got %s, want %s", start, n, got, want)
		}
	})
	if AddBusinessDays(20000, math.MaxInt64, Holidays{}).Valid() {
		t.Error("an endless step comes back into the calendar")
	}
}

func TestDatesAllocateNothing(t *testing.T) {
	text, buf := []byte("2026-02-28"), make([]byte, 0, 40)
	if n := testing.AllocsPerRun(100, func() {
		d, _ := ParseISO(text)
		buf = AddMonths(MonthEnd(d), 1).AppendISO(buf[:0])
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkParseISO(b *testing.B) {
	text := []byte("2026-02-28")
	b.ReportAllocs()
	for b.Loop() {
		ParseISO(text)
	}
}

func BenchmarkAppendISO(b *testing.B) {
	var buf [16]byte
	b.ReportAllocs()
	for b.Loop() {
		Date(20500).AppendISO(buf[:0])
	}
}
