package cli

import (
	"errors"
	"fmt"
	"time"

	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/transforms/calendar"
)

// mostWindows bounds how many loads one command makes of a backfill.
const mostWindows = 10_000

// window is one part of a backfill, both ends included.
type window struct{ from, to string }

// windows divides the range of a backfill, oldest part first. Without a length
// there is one part.
func windows(from, to, length string) ([]window, error) {
	if length == "" {
		return []window{{from, to}}, nil
	}
	if from == "" || to == "" {
		return nil, usage(errors.New("--window divides the range from --from to --to"), "give both ends")
	}
	size, err := document.ParseDuration(length)
	if err != nil || size <= 0 {
		return nil, usage(fmt.Errorf("--window %q is no length of time", length), "write --window 31d")
	}
	first, ok := calendar.ParseISO([]byte(from))
	last, also := calendar.ParseISO([]byte(to))
	if ok && also {
		return days(first, last, size.Std())
	}
	begin, err := calendar.ParseTimestamp([]byte(from), time.UTC)
	end, err2 := calendar.ParseTimestamp([]byte(to), time.UTC)
	if err != nil || err2 != nil {
		return nil, usage(fmt.Errorf("--from %q and --to %q are no dates or instants, which --window could divide", from, to), "leave --window out, or give two dates")
	}
	var out []window
	for at := begin; at <= end; at += size.Std().Microseconds() {
		upto := min(at+size.Std().Microseconds()-1, end)
		out = append(out, window{string(calendar.AppendTimestamp(nil, at)), string(calendar.AppendTimestamp(nil, upto))})
		if len(out) > mostWindows {
			return nil, tooMany()
		}
	}
	return orNone(out, from, to)
}

func days(first, last calendar.Date, size time.Duration) ([]window, error) {
	const day = 24 * time.Hour
	if size%day != 0 {
		return nil, usage(fmt.Errorf("--window %s is not a number of days, and --from and --to are days", size), "write --window 31d")
	}
	var out []window
	for at := first; at <= last; at = at.AddDays(int64(size / day)) {
		out = append(out, window{at.String(), min(at.AddDays(int64(size/day)-1), last).String()})
		if len(out) > mostWindows {
			return nil, tooMany()
		}
	}
	return orNone(out, first.String(), last.String())
}

func tooMany() error {
	return usage(fmt.Errorf("the range has more than %d windows", mostWindows), "write a longer --window")
}

func orNone(list []window, from, to string) ([]window, error) {
	if len(list) == 0 {
		return nil, usage(fmt.Errorf("--from %q lies behind --to %q", from, to), "exchange the two")
	}
	return list, nil
}
