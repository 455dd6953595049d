package timetable_test

import (
	"testing"
	"time"

	"github.com/tieout/tieout/pipelines/timetable"
)

func TestAsked(t *testing.T) {
	chicago, err := time.LoadLocation("America/Chicago")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		cron, after, want string // want is what the rule asks for at the next instant
	}{
		{"30 2 * * *", "2026-03-06T12:00:00Z", "2026-03-07T02:30:00Z"},
		{"30 2 * * *", "2026-03-07T12:00:00Z", "2026-03-08T02:30:00Z"}, // there is none: 03:00
		{"0 3 * * *", "2026-03-07T12:00:00Z", "2026-03-08T03:00:00Z"},
		{"30 1 * * *", "2026-10-31T12:00:00Z", "2026-11-01T01:30:00Z"}, // twice: the first
		{"30 1 * * *", "2026-11-01T06:30:00Z", "2026-11-02T01:30:00Z"},
		{"*/30 * * * *", "2026-03-07T12:00:00Z", ""},
	} {
		table, err := timetable.New(timetable.Rule{Cron: c.cron, Zone: chicago})
		if err != nil {
			t.Fatal(err)
		}
		after, _ := time.Parse(time.RFC3339, c.after)
		next, _ := table.Next(after)
		got, ok := table.Asked(next)
		if ok != (c.want != "") || ok && got.Format(time.RFC3339) != c.want {
			t.Errorf("%s after %s stands for %s %v, want %q", c.cron, c.after, got, ok, c.want)
		}
	}
}
