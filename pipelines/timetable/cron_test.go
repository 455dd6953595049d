package timetable_test

import (
	"strings"
	"testing"
	"time"

	"github.com/tieout/tieout/pipelines/timetable"
	"github.com/tieout/tieout/transforms/calendar"
)

func TestCronErrors(t *testing.T) {
	for text, want := range map[string]string{
		"* * * *":        `"* * * *" has 4 fields, not 5`,
		"61 * * * *":     `"61" is no minute from 0 to 59`,
		"* 24 * * *":     `"24" is no hour from 0 to 23`,
		"* * 0 * *":      `"0" is no day of month from 1 to 31`,
		"* * * 13 *":     `"13" is no month from 1 to 12`,
		"* * * ANU *":    `"ANU" is no month from 1 to 12`,
		"* * * * 8":      `"8" is no day of week from 0 to 7`,
		"5-1 * * * *":    `"5-1" ends before it begins`,
		"*/0 * * * *":    `"0" is no step of the minute`,
		"*/60 * * * *":   `"60" is no step of the minute`,
		"*/+5 * * * *":   `"+5" is no step of the minute`,
		"*/ * * * *":     `"" is no step of the minute`,
		"5/10 * * * *":   `"5/10": a step needs a range; write 5-59/10 or */10`,
		"1, * * * *":     `"" is no minute from 0 to 59`,
		"-1 * * * *":     `"-1" is no minute from 0 to 59`,
		"1--2 * * * *":   `"1--2" is no minute from 0 to 59`,
		"0 0 30 2 *":     `month 2 has no day 30`,
		"0 0 31 APR,6 *": `month APR,6 has no day 31`,
		"0 0 30,31 2 *":  `month 2 has no day 30,31`,
		"@daily":         `"@daily" is not known here; write "0 0 * * *"`,
		"@reboot":        `"@reboot" has 1 fields, not 5`,
		"0 0 L * *":      `"L" is no day of month from 1 to 31`,
		"0 0 * * 5#2":    `"5#2" is no day of week from 0 to 7`,
	} {
		if _, err := timetable.New(timetable.Rule{Cron: text}); err == nil || err.Error() != want {
			t.Errorf("%q: %v\nwant %s", text, err, want)
		}
	}
	if _, err := timetable.New(timetable.Rule{Cron: strings.Repeat("1,", 5000) + "1 * * * *"}); err == nil || len(err.Error()) > 100 {
		t.Errorf("a long expression: %.100v", err)
	}
}

func TestCronDays(t *testing.T) {
	for text, want := range map[string]string{
		"0 0 13 * 5":        "2026-01-02T00:00 2026-01-09T00:00 2026-01-13T00:00", // either
		"0 0 */12 * 5":      "2026-02-13T00:00 2026-03-13T00:00 2026-05-01T00:00", // a field that begins with * restricts the other
		"0 0 13 * */5":      "2026-02-13T00:00 2026-03-13T00:00 2026-09-13T00:00",
		"0 0 * * 0":         "2026-01-04T00:00 2026-01-11T00:00 2026-01-18T00:00",
		"0 0 * * 7":         "2026-01-04T00:00 2026-01-11T00:00 2026-01-18T00:00",
		"0 0 * * fri-7":     "2026-01-02T00:00 2026-01-03T00:00 2026-01-04T00:00",
		"0 0 31 * *":        "2026-01-31T00:00 2026-03-31T00:00 2026-05-31T00:00",
		"0 0 29 2 *":        "2028-02-29T00:00 2032-02-29T00:00 2036-02-29T00:00",
		"0 0 31 dec,jan *":  "2026-01-31T00:00 2026-12-31T00:00 2027-01-31T00:00",
		"5 4 1 JAN-MAR/2 *": "2026-01-01T04:05 2026-03-01T04:05 2027-01-01T04:05",
		"0 0 30 2 1":        "2026-02-02T00:00 2026-02-09T00:00 2026-02-16T00:00",
	} {
		tt := table(t, timetable.Rule{Cron: text})
		at, ok := instant(t, "2026-01-01T00:00:00Z"), true
		var got []time.Time
		for len(got) < 3 && ok {
			at, ok = tt.Next(at)
			got = append(got, at)
		}
		if joined(got) != want {
			t.Errorf("%q:\n got %s\nwant %s", text, joined(got), want)
		}
	}
}

func TestWords(t *testing.T) {
	chicago := zone(t, "America/Chicago")
	off := dates(t, "2026-12-25")
	for _, c := range []struct {
		rule timetable.Rule
		want string
	}{
		{timetable.Rule{Cron: "15 6 * * 1-5", Zone: chicago}, "at 06:15 on Monday to Friday, America/Chicago"},
		{timetable.Rule{Cron: "*/15 * * * *"}, "every 15 minutes"},
		{timetable.Rule{Every: 15 * time.Minute, Zone: chicago}, "every 15 minutes"},
		{timetable.Rule{Every: time.Hour}, "every hour"},
		{timetable.Rule{Every: 90 * time.Second}, "every 90 seconds"},
		{timetable.Rule{Every: 48 * time.Hour}, "every 2 days"},
		{timetable.Rule{Monthly: timetable.Last, At: []int{1080}}, "at 18:00 on the last day of the month"},
		{timetable.Rule{Monthly: 15, At: []int{1080}, Roll: new(calendar.Preceding), Zone: time.UTC}, "at 18:00 on day 15 of the month or the business day before, UTC"},
		{timetable.Rule{Monthly: 15, At: []int{1080}, Roll: new(calendar.Following)}, "at 18:00 on day 15 of the month or the next business day"},
		{timetable.Rule{Monthly: 28, At: []int{1080}, Roll: new(calendar.Modified)}, "at 18:00 on day 28 of the month or the next business day of that month, else the one before"},
		{timetable.Rule{BusinessDay: 3, At: []int{420}}, "at 07:00 on business day 3"},
		{timetable.Rule{BusinessDay: -3, At: []int{420}}, "at 07:00 on business day 3 before the end of the month"},
		{timetable.Rule{BusinessDay: timetable.Last, At: []int{1080, 420, 720}}, "at 07:00, 12:00 and 18:00 on the last business day of the month"},
		{timetable.Rule{BusinessDay: timetable.EachBusinessDay, At: []int{0}, Holidays: off}, "at 00:00 on every business day"},
		{timetable.Rule{Cron: "0 6 * * *"}, "at 06:00 every day"},
		{timetable.Rule{Cron: "0 6,18 1 * *"}, "at 06:00 and 18:00 on day 1 of the month"},
		{timetable.Rule{Cron: "0 6 1,15 JAN,JUL *"}, "at 06:00 on days 1 and 15 of the month in January and July"},
		{timetable.Rule{Cron: "0 * * * *"}, "every hour"},
		{timetable.Rule{Cron: "* * * * *"}, "every minute"},
		{timetable.Rule{Cron: "20 * * * 0"}, "every hour at minute 20 on Sunday"},
		{timetable.Rule{Cron: "0 */6 * * *"}, "every 6 hours"},
		{timetable.Rule{Cron: "5 */6 * * *"}, "every 6 hours at minute 5"},
		{timetable.Rule{Cron: "*/10 8-17 * * MON-FRI", Zone: chicago}, "every 10 minutes from 08:00 to 17:50 on Monday to Friday, America/Chicago"},
		{timetable.Rule{Cron: "0 8-18 * * *"}, "every hour from 08:00 to 18:00"},
		{timetable.Rule{Cron: "*/7 * * * *"}, `cron "*/7 * * * *"`},
		{timetable.Rule{Cron: "0 6 13 * 5", Zone: chicago}, `cron "0 6 13 * 5", America/Chicago`},
		{timetable.Rule{Cron: "*/15 8,12 * * *"}, `cron "*/15 8,12 * * *"`},
		{timetable.Rule{Cron: " 1,2,3,4,5 6\t* * *"}, `cron "1,2,3,4,5 6 * * *"`},
	} {
		if got := table(t, c.rule).String(); got != c.want {
			t.Errorf("%+v:\n got %s\nwant %s", c.rule, got, c.want)
		}
	}
}

// Whatever is accepted has instants in order and can be said.
func FuzzCron(f *testing.F) {
	for _, s := range []string{"15 6 * * 1-5", "*/15 * * * *", "0 0 29 2 *", "0-30/10 8-18 * JAN-MAR 0,7", "61 * * * *", "@daily", "5/10 * * * *", "\xff * * * *", "0 0 30 2 */2", "1-5,*/7,3 * */2 * SUN-7"} {
		f.Add(s)
	}
	howe := zone(f, "Australia/Lord_Howe")
	from := instant(f, "2026-01-01T00:00:00Z")
	f.Fuzz(func(t *testing.T, text string) {
		tt, err := timetable.New(timetable.Rule{Cron: text, Zone: howe})
		if err != nil || text == "" {
			return
		}
		if tt.String() == "" {
			t.Fatalf("%q has no words", text)
		}
		at, ok := tt.Next(from)
		if !ok {
			t.Fatalf("%q is never due", text)
		}
		if back, ok := tt.Previous(at.Add(1)); !ok || !back.Equal(at) {
			t.Fatalf("%q: %s and back %s", text, at, back)
		}
		if c := read(strings.ToUpper(text)); !strings.ContainsAny(text, "JFMASONDTWjfmasondtw") && !c.matches(at.In(howe).Unix()+offsetOf(at.In(howe))) && at.In(howe).Minute() != 30 {
			t.Fatalf("%q is due at %s", text, at.In(howe))
		}
	})
}

func offsetOf(at time.Time) int64 {
	_, offset := at.Zone()
	return int64(offset)
}
