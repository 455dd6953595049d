package cli

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/tieout/tieout/pipelines/timetable"
)

func TestSpanText(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0 s", time.Second: "1 s", 59*time.Second + 999*time.Millisecond: "59 s", time.Minute: "1 min", 61 * time.Second: "1 min 1 s",
		time.Hour: "1 h", 40 * time.Hour: "1 d 16 h", 24 * time.Hour: "1 d", 24*time.Hour + time.Minute: "1 d", 400 * 24 * time.Hour: "400 d",
	} {
		if got := spanText(d); got != want {
			t.Errorf("%v is %q, not %q", d, got, want)
		}
	}
	for d, want := range map[time.Duration]string{
		-90 * time.Second: "1 min 30 s ago", 90 * time.Second: "in 1 min 30 s", farAway: "in 36600 d",
		time.Duration(math.MinInt64): "", time.Duration(math.MaxInt64): "",
	} {
		if got := awayText(d); got != want {
			t.Errorf("%v is %q, not %q", d, got, want)
		}
	}
}

// What is said of a time follows from the rule and the zone alone: half-hour
// changes, a day that was left out, and zones without names.
func TestClockNotes(t *testing.T) {
	for _, c := range []struct{ zone, cron, after, text, note string }{
		{"America/New_York", "30 2 * * *", "2026-03-07T12:00:00Z", "Sun 2026-03-08 03:00 America/New_York (EDT, UTC-04:00)", "there is no 02:30 that day: the clock goes from 02:00 to 03:00"},
		{"America/New_York", "0 3 * * *", "2026-03-07T12:00:00Z", "Sun 2026-03-08 03:00 America/New_York (EDT, UTC-04:00)", ""},
		{"America/New_York", "30 1 * * *", "2026-10-31T12:00:00Z", "Sun 2026-11-01 01:30 America/New_York (EDT, UTC-04:00)", "the clock shows this time twice: the first counts"},
		{"America/New_York", "0 2 * * *", "2026-10-31T12:00:00Z", "Sun 2026-11-01 02:00 America/New_York (EST, UTC-05:00)", ""},
		{"America/New_York", "*/30 * * * *", "2026-11-01T05:59:00Z", "Sun 2026-11-01 01:00 America/New_York (EST, UTC-05:00)", "the clock shows this time twice: the second"},
		{"Australia/Lord_Howe", "15 2 * * *", "2026-10-03T12:00:00Z", "Sun 2026-10-04 02:30 Australia/Lord_Howe (UTC+11:00)", "there is no 02:15 that day: the clock goes from 02:00 to 02:30"},
		{"Pacific/Apia", "0 12 30 12 *", "2011-12-29T00:00:00Z", "Sat 2011-12-31 00:00 Pacific/Apia (UTC+14:00)", "there is no 2011-12-30 12:00: the day does not exist"},
		{"America/Sao_Paulo", "0 6 * * *", "2026-11-21T12:00:00Z", "Sun 2026-11-22 06:00 America/Sao_Paulo (UTC-03:00)", ""},
		{"UTC", "0 6 * * *", "2026-11-21T12:00:00Z", "Sun 2026-11-22 06:00 UTC", ""},
	} {
		zone, err := time.LoadLocation(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		table, err := timetable.New(timetable.Rule{Cron: c.cron, Zone: zone})
		if err != nil {
			t.Fatal(err)
		}
		after, _ := time.Parse(time.RFC3339, c.after)
		at, _ := table.Next(after)
		asked, once := table.Asked(at)
		if got := localText(at.In(zone)); got != c.text {
			t.Errorf("%s %s: %s, not %s", c.zone, c.cron, got, c.text)
		}
		if got := clockNote(at.In(zone), asked, once); got != c.note {
			t.Errorf("%s %s: %q, not %q", c.zone, c.cron, got, c.note)
		}
	}
}

func TestNotesAreOneLine(t *testing.T) {
	if got, err := oneLine(" a\n\tb "); got != "a b" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := oneLine(strings.Repeat("ä", mostNote)); err != nil {
		t.Error(err)
	}
	if _, err := oneLine(strings.Repeat("ä", mostNote+1)); err == nil {
		t.Error("a note without end was taken")
	}
}
