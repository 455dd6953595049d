package timetable_test

import (
	"strings"
	"testing"
	"time"

	"github.com/tieout/tieout/pipelines/timetable"
	"github.com/tieout/tieout/transforms/calendar"
)

func instant(t testing.TB, s string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		t.Fatal(err)
	}
	return at.UTC()
}

func dates(t testing.TB, list ...string) calendar.Holidays {
	t.Helper()
	var days []calendar.Date
	for _, s := range list {
		d, ok := calendar.ParseISO([]byte(s))
		if !ok {
			t.Fatal(s)
		}
		days = append(days, d)
	}
	return calendar.NewHolidays(days)
}

func joined(list []time.Time) string {
	var b strings.Builder
	for i, at := range list {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(strings.TrimSuffix(at.Format(time.RFC3339), ":00Z"))
	}
	return b.String()
}

func TestClockChanges(t *testing.T) {
	for _, c := range []struct{ cron, zone, after, upto, want string }{
		// New York puts the clock forward at 02:00 on 8 March 2026, and back at 02:00 on 1 November.
		{"30 2 * * *", "America/New_York", "2026-03-07T12:00:00Z", "2026-03-10T00:00:00Z", "2026-03-08T07:00 2026-03-09T06:30"},
		{"0,30 2 * * *", "America/New_York", "2026-03-08T00:00:00Z", "2026-03-09T00:00:00Z", "2026-03-08T07:00"},
		{"0 2,3 * * *", "America/New_York", "2026-03-08T00:00:00Z", "2026-03-09T00:00:00Z", "2026-03-08T07:00"},
		{"30 1 * * *", "America/New_York", "2026-10-31T12:00:00Z", "2026-11-02T12:00:00Z", "2026-11-01T05:30 2026-11-02T06:30"},
		// a restart between the two passes proposes no second one
		{"30 1 * * *", "America/New_York", "2026-11-01T05:45:00Z", "2026-11-02T12:00:00Z", "2026-11-02T06:30"},
		// a restart on the day of the change leaves nothing out
		{"30 2 * * *", "America/New_York", "2026-03-08T05:00:00Z", "2026-03-08T12:00:00Z", "2026-03-08T07:00"},
		{"0 2 * * *", "America/New_York", "2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z", "2026-11-01T07:00"},
		{"0 * * * *", "America/New_York", "2026-11-01T04:00:00Z", "2026-11-01T08:00:00Z", "2026-11-01T05:00 2026-11-01T06:00 2026-11-01T07:00 2026-11-01T08:00"},
		{"*/20 2 * * *", "America/New_York", "2026-03-08T00:00:00Z", "2026-03-09T07:00:00Z", "2026-03-09T06:00 2026-03-09T06:20 2026-03-09T06:40"},
		{"30 1 * * *", "Europe/London", "2026-03-28T12:00:00Z", "2026-03-30T12:00:00Z", "2026-03-29T01:00 2026-03-30T00:30"},
		// Lord Howe moves by half an hour.
		{"*/30 * * * *", "Australia/Lord_Howe", "2026-04-04T14:00:00Z", "2026-04-04T16:00:00Z", "2026-04-04T14:30 2026-04-04T15:00 2026-04-04T15:30 2026-04-04T16:00"},
		{"45 1 * * *", "Australia/Lord_Howe", "2026-04-04T00:00:00Z", "2026-04-06T00:00:00Z", "2026-04-04T14:45 2026-04-05T15:15"},
		{"15 2 * * *", "Australia/Lord_Howe", "2026-10-03T00:00:00Z", "2026-10-05T00:00:00Z", "2026-10-03T15:30 2026-10-04T15:15"},
		// Samoa had no 30 December 2011.
		{"0 9,17 * * *", "Pacific/Apia", "2011-12-29T18:00:00Z", "2011-12-31T18:00:00Z", "2011-12-29T19:00 2011-12-30T03:00 2011-12-30T10:00 2011-12-30T19:00 2011-12-31T03:00"},
		{"0 */12 * * *", "Pacific/Apia", "2011-12-29T18:00:00Z", "2011-12-31T18:00:00Z", "2011-12-29T22:00 2011-12-30T10:00 2011-12-30T22:00 2011-12-31T10:00"},
		// Manila left out a day when its offset had seconds.
		{"0 12 * * *", "Asia/Manila", "1844-12-30T00:00:00Z", "1845-01-02T00:00:00Z", "1844-12-30T03:56:08Z 1844-12-31T03:56:08Z 1844-12-31T15:56:08Z 1845-01-01T03:56:08Z"},
		{"0 6 29 2 *", "UTC", "2096-03-01T00:00:00Z", "2108-12-31T00:00:00Z", "2104-02-29T06:00 2108-02-29T06:00"},
	} {
		tt := table(t, timetable.Rule{Cron: c.cron, Zone: zone(t, c.zone)})
		if got := joined(tt.Between(instant(t, c.after), instant(t, c.upto), 100)); got != c.want {
			t.Errorf("%q in %s after %s:\n got %s\nwant %s", c.cron, c.zone, c.after, got, c.want)
		}
		if at, ok := tt.Next(instant(t, c.after)); !ok || !strings.HasPrefix(c.want, joined([]time.Time{at})) {
			t.Errorf("%q in %s after %s: next is %s", c.cron, c.zone, c.after, at)
		}
	}
}

func TestLengthsOfDays(t *testing.T) {
	tt := table(t, timetable.Rule{Cron: "0 * * * *", Zone: zone(t, "America/New_York")})
	for day, want := range map[string]int{"2026-03-08T05:00:00Z": 23, "2026-11-01T04:00:00Z": 25, "2026-06-01T04:00:00Z": 24} {
		from := instant(t, day)
		to := time.Date(from.Year(), from.Month(), from.Day()+1, 0, 0, 0, 0, tt.Zone())
		if got := len(tt.Between(from.Add(-1), to.Add(-1), 100)); got != want {
			t.Errorf("%s: %d runs, want %d", day, got, want)
		}
	}
}

func TestDaysOfTheMonth(t *testing.T) {
	chicago := zone(t, "America/Chicago")
	off := dates(t, "2026-11-26", "2026-11-27", "2026-11-30", "2026-12-25", "2027-01-01", "2026-12-26")
	at18 := []int{18 * 60}
	for _, c := range []struct {
		rule timetable.Rule
		want string // local dates from 2026-10-01 on
	}{
		{timetable.Rule{Monthly: timetable.Last, At: at18}, "10-31 11-30 12-31 01-31 02-28"},
		{timetable.Rule{Monthly: 28, At: at18}, "10-28 11-28 12-28 01-28 02-28"},
		{timetable.Rule{Monthly: timetable.Last, At: at18, Roll: new(calendar.Preceding)}, "10-30 11-30 12-31 01-29 02-26"},
		{timetable.Rule{Monthly: timetable.Last, At: at18, Roll: new(calendar.Following)}, "11-02 11-30 12-31 02-01 03-01"},
		{timetable.Rule{Monthly: timetable.Last, At: at18, Roll: new(calendar.Following), Holidays: off}, "11-02 12-01 12-31 02-01 03-01"},
		{timetable.Rule{Monthly: timetable.Last, At: at18, Roll: new(calendar.Modified), Holidays: off}, "10-30 11-25 12-31 01-29 02-26"},
		{timetable.Rule{Monthly: 1, At: at18, Roll: new(calendar.Preceding), Holidays: off}, "10-01 10-30 12-01 12-31 02-01"},
		{timetable.Rule{BusinessDay: 1, At: at18, Holidays: off}, "10-01 11-02 12-01 01-04 02-01"},
		{timetable.Rule{BusinessDay: timetable.Last, At: at18, Holidays: off}, "10-30 11-25 12-31 01-29 02-26"},
		{timetable.Rule{BusinessDay: -3, At: at18, Holidays: off}, "10-28 11-23 12-29 01-27 02-24"},
		{timetable.Rule{BusinessDay: 3, At: []int{7 * 60, 7 * 60, 19 * 60}}, "10-05 10-05 11-04 11-04 12-03 12-03"},
		{timetable.Rule{BusinessDay: timetable.EachBusinessDay, At: at18, Holidays: off}, "10-01 10-02 10-05"},
		{timetable.Rule{Cron: "0 18 25,26 * *", Holidays: off}, "10-25 10-26 11-25 01-25 01-26"},
	} {
		c.rule.Zone = chicago
		tt := table(t, c.rule)
		at := time.Date(2026, 10, 1, 0, 0, 0, 0, chicago)
		var got []string
		for range strings.Count(c.want, " ") + 1 {
			before := at
			var ok bool
			if at, ok = tt.Next(at); !ok {
				t.Fatalf("%s: nothing after %s", tt, before)
			}
			if b, _ := tt.Previous(at.Add(1)); !b.Equal(at) {
				t.Errorf("%s: before %s comes %s", tt, at, b)
			}
			got = append(got, at.In(chicago).Format("01-02"))
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s:\n got %s\nwant %s", tt, strings.Join(got, " "), c.want)
		}
	}
}

// A month with no fifteenth business day has none, and one with no business
// day at all rolls far.
func TestMonthsOff(t *testing.T) {
	var off []calendar.Date
	first, _ := calendar.FromYMD(2026, 5, 9)
	last, _ := calendar.FromYMD(2026, 8, 5)
	for d := first; d <= last; d++ {
		off = append(off, d)
	}
	h := calendar.NewHolidays(off)
	tt := table(t, timetable.Rule{BusinessDay: 15, At: []int{0}, Holidays: h})
	if got := joined(tt.Between(instant(t, "2026-04-01T00:00:00Z"), instant(t, "2026-10-01T00:00:00Z"), 9)); got != "2026-04-21T00:00 2026-08-26T00:00 2026-09-21T00:00" {
		t.Error(got)
	}
	tt = table(t, timetable.Rule{Monthly: 20, At: []int{0}, Holidays: h, Roll: new(calendar.Following)})
	if at, ok := tt.Next(instant(t, "2026-04-21T00:00:00Z")); !ok || joined([]time.Time{at}) != "2026-08-06T00:00" {
		t.Error(at)
	}
	if at, ok := tt.Previous(instant(t, "2026-08-20T00:00:00Z")); !ok || joined([]time.Time{at}) != "2026-08-06T00:00" {
		t.Error(at)
	}
}

func TestEvery(t *testing.T) {
	for _, c := range []struct {
		every       time.Duration
		after, want string
	}{
		{15 * time.Minute, "2026-03-08T06:59:59.999Z", "2026-03-08T07:00:00Z"},
		{15 * time.Minute, "2026-03-08T07:00:00Z", "2026-03-08T07:15:00Z"},
		{7 * time.Second, "1969-12-31T23:59:58Z", "1970-01-01T00:00:00Z"},
		{90 * time.Minute, "1970-01-01T00:00:00Z", "1970-01-01T01:30:00Z"},
		{48 * time.Hour, "1970-01-02T00:00:00Z", "1970-01-03T00:00:00Z"},
	} {
		tt := table(t, timetable.Rule{Every: c.every, Zone: zone(t, "America/New_York")})
		at, ok := tt.Next(instant(t, c.after))
		if !ok || at.Format(time.RFC3339Nano) != c.want || at.Location() != time.UTC {
			t.Errorf("every %s after %s: %s", c.every, c.after, at)
		}
		if back, ok := tt.Previous(at); !ok || at.Sub(back) != c.every {
			t.Errorf("every %s before %s: %s", c.every, at, back)
		}
	}
}

// Instants that no calendar shows give none, and nothing hangs.
func TestFarAway(t *testing.T) {
	far := []time.Time{{}, time.Unix(-1<<62, 0), time.Unix(1<<62, 999), instant(t, "9999-12-31T23:59:59Z"), instant(t, "0001-01-01T00:00:00Z")}
	for _, r := range []timetable.Rule{
		{Cron: "*/5 * * * *"}, {Cron: "0 6 29 2 *"}, {Every: time.Second}, {Monthly: timetable.Last, At: []int{0}, Roll: new(calendar.Following)}, {BusinessDay: -15, At: []int{5}},
	} {
		for _, z := range []string{"UTC", "Asia/Manila", "America/New_York"} {
			r.Zone = zone(t, z)
			tt := table(t, r)
			for _, at := range far {
				if next, ok := tt.Next(at); ok && (!next.After(at) || next.Year() > 9999) {
					t.Errorf("%s: %s comes after %s", tt, next, at)
				}
				if last, ok := tt.Previous(at); ok && (!last.Before(at) || last.Year() < 1) {
					t.Errorf("%s: %s comes before %s", tt, last, at)
				}
			}
		}
	}
	if got := table(t, timetable.Rule{Every: time.Hour}).Between(far[0], far[1], -3); len(got) > 0 {
		t.Error(got)
	}
}

func TestWrongRules(t *testing.T) {
	noon := []int{720}
	for _, c := range []struct {
		rule timetable.Rule
		want string
	}{
		{timetable.Rule{}, "a timetable has one of cron, every, monthly and business_day"},
		{timetable.Rule{Cron: "* * * * *", Every: time.Hour}, "a timetable has one of cron, every, monthly and business_day"},
		{timetable.Rule{Monthly: 5}, "a time of day is needed"},
		{timetable.Rule{Every: time.Hour, At: noon}, "times of day belong to monthly and business_day"},
		{timetable.Rule{BusinessDay: 1, At: noon, Roll: new(calendar.Following)}, "a roll belongs to monthly"},
		{timetable.Rule{Monthly: 31, At: noon}, "not every month has a day 31; the end of the month is last"},
		{timetable.Rule{Monthly: -2, At: noon}, "-2 is no day of the month from 1 to 28"},
		{timetable.Rule{BusinessDay: 16, At: noon}, "16 is no business day from 1 to 15 or -1 to -15"},
		{timetable.Rule{BusinessDay: 1, At: []int{1440}}, "minute 1440 of the day is not from 0 to 1439"},
		{timetable.Rule{Every: 500 * time.Millisecond}, "500ms is no interval of one or more whole seconds"},
		{timetable.Rule{Every: -time.Hour}, "-1h0m0s is no interval of one or more whole seconds"},
	} {
		if tt, err := timetable.New(c.rule); err == nil || err.Error() != c.want || tt != nil {
			t.Errorf("%+v: %v, want %s", c.rule, err, c.want)
		}
	}
}

func TestParseTime(t *testing.T) {
	for s, want := range map[string]int{"00:00": 0, "18:00": 1080, "23:59": 1439, "06:05": 365, "24:00": -1, "6:05": -1, "06:60": -1, "0605": -1, "": -1, "06:05:00": -1, "-1:00": -1, "+1:00": -1, "aa:bb": -1} {
		got, err := timetable.ParseTime(s)
		if (err == nil) != (want >= 0) || err == nil && got != want {
			t.Errorf("%q: %d, %v", s, got, err)
		}
	}
}
