package timetable_test

import (
	"testing"
	"time"

	"github.com/tieout/tieout/pipelines/timetable"
)

func BenchmarkNext(b *testing.B) {
	york := zone(b, "America/New_York")
	for _, c := range []struct {
		name string
		rule timetable.Rule
	}{
		{"daily", timetable.Rule{Cron: "15 6 * * 1-5", Zone: york}},
		{"quarter", timetable.Rule{Cron: "*/15 * * * *", Zone: york}},
		{"leap_day", timetable.Rule{Cron: "0 0 29 2 *", Zone: york}},
		{"business_day", timetable.Rule{BusinessDay: 3, At: []int{420}, Zone: york}},
		{"every", timetable.Rule{Every: 15 * time.Minute}},
	} {
		b.Run(c.name, func(b *testing.B) {
			tt := table(b, c.rule)
			from := instant(b, "2026-07-01T12:34:56Z")
			at := from
			b.ReportAllocs()
			for b.Loop() {
				next, ok := tt.Next(at)
				if at = next; !ok || at.Year() > 2040 {
					at = from
				}
			}
		})
	}
}

func BenchmarkPrevious(b *testing.B) {
	tt := table(b, timetable.Rule{Cron: "15 6 * * 1-5", Zone: zone(b, "America/New_York")})
	from := instant(b, "2040-07-01T12:34:56Z")
	at := from
	b.ReportAllocs()
	for b.Loop() {
		last, ok := tt.Previous(at)
		if at = last; !ok || at.Year() < 2026 {
			at = from
		}
	}
}

// Next allocates nothing.
func TestNextAllocatesNothing(t *testing.T) {
	york := zone(t, "America/New_York")
	for _, r := range []timetable.Rule{{Cron: "15 6 * * 1-5", Zone: york}, {Cron: "*/5 * * * *", Zone: york}, {BusinessDay: 3, At: []int{420}, Zone: york}} {
		tt := table(t, r)
		at := instant(t, "2026-07-01T12:34:56Z")
		if n := testing.AllocsPerRun(100, func() { at, _ = tt.Next(at) }); n != 0 {
			t.Errorf("%s: %v allocations", tt, n)
		}
	}
}
