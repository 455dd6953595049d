package schedule

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/tieout/tieout/pipelines/timetable"
)

// TestYear runs the schedule over a full year in zones with every kind of
// clock change, restarting at random, and wants each nominal slot once.
func TestYear(t *testing.T) {
	for _, zone := range []string{"America/New_York", "Europe/London", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"} {
		t.Run(zone, func(t *testing.T) {
			t.Parallel()
			year(t, zone)
		})
	}
}

func year(t *testing.T, zone string) {
	loc, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	rules := []timetable.Rule{{Cron: "30 1 * * *"}, {Cron: "30 2 * * *"}, {Cron: "15 2 * * 0"}, {Cron: "0 * * * *"}, {Cron: "*/30 * * * *"},
		{Monthly: timetable.Last, At: []int{18 * 60}}, {BusinessDay: 3, At: []int{2*60 + 30}}, {Every: 6 * time.Hour}}
	var plans []*Plan
	for i, r := range rules {
		r.Zone = loc
		p := plan(t, fmt.Sprintf("p%d", i), r)
		p.Rule = p.Pipeline
		plans = append(plans, p)
	}
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, loc).Add(-time.Minute)
	end := time.Date(2027, 1, 1, 0, 0, 0, 0, loc)
	r := newRig(t, start, plans...)
	random := rand.New(rand.NewPCG(7, 7))
	for now := start; now.Before(end); {
		next := end
		for _, p := range plans {
			if n, ok := p.Table.Next(now); ok && n.Before(next) {
				next = n
			}
		}
		now = next
		r.to(now)
		if random.IntN(100) == 0 {
			r.restart()
		}
	}
	for i, p := range plans {
		want := oracle(rules[i], loc, start, end)
		slots := r.mem.all(p.Pipeline)
		if len(slots) != want {
			t.Errorf("%v: %d slots in the year, want %d", rules[i], len(slots), want)
		}
		for _, s := range slots {
			if s.Status != Done || r.runs[idOf(&s)] != 1 {
				t.Errorf("%v: slot %s ended %s after %d runs: %s", rules[i], s.Local, s.Status, r.runs[idOf(&s)], s.Reason)
			}
		}
	}
}

// oracle counts the slots of a rule in (start, end] by hand: local days for
// fixed times, instants for intervals.
func oracle(r timetable.Rule, loc *time.Location, start, end time.Time) int {
	n := 0
	if r.Every > 0 {
		for u := start.Unix() + 1; u <= end.Unix(); u++ {
			if u%int64(r.Every/time.Second) == 0 {
				n++
			}
		}
		return n
	}
	switch r.Cron {
	case "30 1 * * *", "30 2 * * *":
		return 365
	case "15 2 * * 0":
		return 52
	case "":
		return 12
	}
	for m := start.Add(time.Minute); !m.After(end); m = m.Add(time.Minute) {
		if minute := m.In(loc).Minute(); minute == 0 || minute == 30 && r.Cron[0] == '*' {
			n++
		}
	}
	return n
}
