package timetable_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tieout/tieout/pipelines/timetable"
	"github.com/tieout/tieout/transforms/calendar"
)

func drawField(t *rapid.T, name string, low, high int) string {
	return rapid.Custom(func(t *rapid.T) string {
		from := rapid.IntRange(low, high).Draw(t, "from")
		to := rapid.IntRange(from, high).Draw(t, "to")
		step := rapid.IntRange(1, high).Draw(t, "step")
		return rapid.SampledFrom([]string{
			"*", fmt.Sprintf("*/%d", step), fmt.Sprint(from), fmt.Sprintf("%d-%d", from, to), fmt.Sprintf("%d-%d/%d", from, to, step), fmt.Sprintf("%d,%d", from, to),
		}).Draw(t, "form")
	}).Draw(t, name)
}

func drawRule(t *rapid.T, zones []*time.Location) timetable.Rule {
	r := timetable.Rule{Zone: rapid.SampledFrom(zones).Draw(t, "zone")}
	at := rapid.SliceOfN(rapid.IntRange(0, 1439), 1, 4)
	var off []calendar.Date
	for _, d := range rapid.SliceOfN(rapid.Int64Range(0, 60), 0, 20).Draw(t, "holidays") {
		off = append(off, calendar.Date(20454+d))
	}
	if rapid.Bool().Draw(t, "closed") {
		r.Holidays = calendar.NewHolidays(off)
	}
	switch rapid.IntRange(0, 4).Draw(t, "kind") {
	case 0:
		r.Monthly = rapid.SampledFrom([]int{timetable.Last, 1, 15, 28}).Draw(t, "day")
		r.At = at.Draw(t, "at")
		if n := rapid.IntRange(-1, 2).Draw(t, "roll"); n >= 0 {
			r.Roll = new(calendar.Roll(n))
		}
	case 1:
		r.BusinessDay, r.At = rapid.SampledFrom([]int{timetable.Last, timetable.EachBusinessDay, 1, 15, -15}).Draw(t, "nth"), at.Draw(t, "at")
	case 2:
		r.Every = time.Duration(rapid.IntRange(1, 100_000).Draw(t, "every")) * time.Second
	default:
		r.Cron = drawField(t, "minute", 0, 59) + " " + drawField(t, "hour", 0, 23) + " " + drawField(t, "day", 1, 28) + " " + drawField(t, "month", 1, 12) + " " + drawField(t, "weekday", 0, 7)
	}
	return r
}

func manyZones(t testing.TB) (zones []*time.Location) {
	for _, name := range []string{"UTC", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kathmandu", "America/St_Johns", "Africa/Casablanca", "Europe/Dublin"} {
		zones = append(zones, zone(t, name))
	}
	return zones
}

// However a timetable is asked, and from whatever moment, it gives the same
// instants.
func TestOneListOfInstants(t *testing.T) {
	zones := manyZones(t)
	rapid.Check(t, func(t *rapid.T) {
		tt, err := timetable.New(drawRule(t, zones))
		if err != nil {
			t.Fatal(err)
		}
		from := time.Unix(rapid.Int64Range(1_300_000_000, 1_900_000_000).Draw(t, "from"), rapid.Int64Range(0, 999_999_999).Draw(t, "nanos"))
		var list []time.Time
		for at, ok := tt.Next(from); ok && len(list) < 60; at, ok = tt.Next(at) {
			if len(list) > 0 && !at.After(list[len(list)-1]) || !at.After(from) {
				t.Fatalf("%s: %s comes after %s", tt, at, list)
			}
			list = append(list, at)
		}
		if len(list) == 0 {
			return
		}
		last := list[len(list)-1]
		if got := tt.Between(from, last, 1000); !slices.Equal(got, list) {
			t.Fatalf("%s between %s and %s:\n%v, one by one\n%v", tt, from, last, got, list)
		}
		n := rapid.IntRange(0, len(list)).Draw(t, "most")
		if got := tt.Between(from, last.Add(time.Duration(n)), n); !slices.Equal(got, list[len(list)-n:]) {
			t.Fatalf("%s, the newest %d: %v", tt, n, got)
		}
		// a restart at any moment
		now := from.Add(time.Duration(rapid.Int64Range(0, int64(last.Sub(from))).Draw(t, "restart")))
		i, _ := slices.BinarySearchFunc(list, now, time.Time.Compare)
		if i < len(list) && list[i].Equal(now) {
			i++
		}
		if at, ok := tt.Next(now); i < len(list) && (!ok || !at.Equal(list[i])) {
			t.Fatalf("%s after %s: %s, want %s", tt, now, at, list[i])
		}
		if at, ok := tt.Previous(now); i > 1 && (!ok || !at.Equal(list[i-1]) && !at.Equal(list[i-2])) {
			t.Fatalf("%s before %s: %s", tt, now, at)
		}
		for i, at := range list {
			if back, ok := tt.Previous(at.Add(1)); !ok || !back.Equal(at) {
				t.Fatalf("%s: the last up to %s is %s", tt, at, back)
			}
			if back, ok := tt.Previous(at); i > 0 && (!ok || !back.Equal(list[i-1])) {
				t.Fatalf("%s: before %s comes %s", tt, at, back)
			}
		}
	})
}
