package calendar

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func compile(t testing.TB, text string) *Pattern {
	t.Helper()
	p, err := CompilePattern(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPatternDates(t *testing.T) {
	for _, c := range []struct{ pattern, in, want string }{
		{"YYYY-MM-DD", "2026-01-31", "2026-01-31"}, {"DD/MM/YYYY", "31/01/2026", "2026-01-31"}, {"MM/DD/YYYY", "01/31/2026", "2026-01-31"},
		{"M/D/YYYY", "1/5/2026", "2026-01-05"}, {"M/D/YYYY", "12/31/2026", "2026-12-31"}, {"M/D/YYYY", "01/05/2026", "2026-01-05"},
		{"YYYYMMDD", "20260131", "2026-01-31"}, {"DD.MM.YYYY", "29.02.2028", "2028-02-29"},
		{"DD-MMM-YYYY", "31-jan-2026", "2026-01-31"}, {"DD MMM YY", "05 SEP 68", "2068-09-05"}, {"MM/DD/YY", "12/31/69", "1969-12-31"}, {"MM/DD/YY", "12/31/00", "2000-12-31"},
		{"MMMM D, YYYY", "February 3, 2026", "2026-02-03"}, {"MMMM D, YYYY", "may 3, 2026", "2026-05-03"}, {"MMM D, YYYY", "May 3, 2026", "2026-05-03"},
		{"YYYY-MM-DDTHH:mm:ss", "2026-01-31T23:59:59", "2026-01-31"}, {"DD MM YYYY [at] HH:mm", "31 01 2026 at 08:05", "2026-01-31"},
		{"YYYY年MM月DD", "2026年01月31", "2026-01-31"},
	} {
		d, err := compile(t, c.pattern).ParseDate([]byte(c.in))
		if err != nil || d.String() != c.want {
			t.Errorf("%q as %s: got %s, %v, want %s", c.in, c.pattern, d, err, c.want)
		}
	}
}

// Section 13: a value in the wrong place is refused, not guessed.
func TestPatternRefusesText(t *testing.T) {
	for _, c := range []struct {
		pattern, in string
		want        error
	}{
		{"DD/MM/YYYY", "01/31/2026", ErrNotExisting}, {"MM/DD/YYYY", "31/01/2026", ErrNotExisting}, {"DD/MM/YYYY", "29/02/2026", ErrNotExisting},
		{"DD/MM/YYYY", "1/01/2026", ErrPattern}, {"DD/MM/YYYY", "01/1/2026", ErrPattern}, {"DD/MM/YYYY", "01/01/26", ErrPattern}, {"DD/MM/YYYY", "01/01/20260", ErrPattern},
		{"DD/MM/YYYY", "01-01-2026", ErrPattern}, {"DD/MM/YYYY", " 01/01/2026", ErrPattern}, {"DD/MM/YYYY", "", ErrPattern}, {"DD/MM/YYYY", "01/01/2026 10:00", ErrPattern},
		{"DD MMM YYYY", "01 Mai 2026", ErrPattern}, {"DD MMM YYYY", "01 June 2026", ErrPattern}, {"M/D/YYYY", "001/1/2026", ErrPattern}, {"M/D/YYYY", "0/1/2026", ErrNotExisting},
		{"MM/DD/YY", "12/31/2026", ErrPattern}, {"YYYY-MM-DD HH:mm", "2026-01-01 24:00", ErrNotExisting}, {"YYYY-MM-DD HH:mm", "2026-01-01 10:60", ErrNotExisting},
		{"DD/MM/YYYY", strings.Repeat("1", 400), ErrPattern},
	} {
		d, err := compile(t, c.pattern).ParseDate([]byte(c.in))
		if !errors.Is(err, c.want) || len(err.Error()) > 150 {
			t.Errorf("%q as %s: got %s, %v", c.in, c.pattern, d, err)
		}
	}
	if _, err := compile(t, "YYYY-MM").ParseDate([]byte("2026-01")); err == nil {
		t.Error("a month was taken for a date")
	}
	if _, err := compile(t, "YYYY").ParseMonth([]byte("2026")); err == nil {
		t.Error("a year was taken for a month")
	}
}

func TestPatternsThatCannotBe(t *testing.T) {
	for _, text := range []string{
		"", "yyyy-mm-dd", "DDD", "YYY-MM-DD", "HH:mm:s", "H:mm", "hh:mm", "MMMMM", "SS", "YYYY-MM-DD YYYY", "YYYY YY", "MM MMM", "DD D",
		"MD", "YYYY-M-DHH", "MM D[1] YYYY", "YYYY-MM-DD mm", "YYYY-MM-DD HH:ss", "HH:mm SSS", "YYYY-MM-DD Z", "YYYY [at", "AA", strings.Repeat("-", MaxPattern+1),
	} {
		if p, err := CompilePattern(text); err == nil || p != nil {
			t.Errorf("%q was accepted", text)
		}
	}
}

func TestPatternTimestamps(t *testing.T) {
	york := zone(t, "America/New_York")
	for _, c := range []struct{ pattern, in, want string }{
		{"DD/MM/YYYY HH:mm:ss", "31/01/2026 12:00:00", "2026-01-31T17:00:00Z"},
		{"DD/MM/YYYY HH:mm:ss.SSS", "31/07/2026 12:00:00.250", "2026-07-31T16:00:00.25Z"},
		{"YYYY-MM-DD HH:mm:ssZ", "2026-11-01 01:30:00-05:00", "2026-11-01T06:30:00Z"},
		{"YYYY-MM-DDTHH:mm Z", "2026-01-31T12:00 Z", "2026-01-31T12:00:00Z"},
		{"DD/MM/YYYY", "31/01/2026", "2026-01-31T05:00:00Z"},
	} {
		micros, err := compile(t, c.pattern).ParseTimestamp([]byte(c.in), york)
		if got := string(AppendTimestamp(nil, micros)); err != nil || got != c.want {
			t.Errorf("%q as %s: got %s, %v, want %s", c.in, c.pattern, got, err, c.want)
		}
	}
	local := compile(t, "DD/MM/YYYY HH:mm:ss")
	for in, want := range map[string]error{"08/03/2026 02:30:00": ErrLocalMissing, "01/11/2026 01:30:00": ErrLocalAmbiguous} {
		if _, err := local.ParseTimestamp([]byte(in), york); !errors.Is(err, want) {
			t.Errorf("%s: got %v", in, err)
		}
	}
	if _, err := local.ParseTimestamp([]byte("08/03/2026 12:30:00"), nil); !errors.Is(err, ErrNoZone) {
		t.Errorf("got %v", err)
	}
}

func TestPatternWriting(t *testing.T) {
	d := day10(t, "2026-01-05")
	for pattern, want := range map[string]string{
		"YYYY-MM-DD": "2026-01-05", "DD/MM/YYYY": "05/01/2026", "D.M.YY": "5.1.26", "MMM D, YYYY": "Jan 5, 2026", "MMMM YYYY": "January 2026",
		"[Rent] MMM": "Rent Jan", "YYYY-MM-DDTHH:mm:ss.SSSZ": "2026-01-05T00:00:00.000Z", "YYYYMMDD": "20260105",
	} {
		if got := string(compile(t, pattern).AppendDate(nil, d)); got != want {
			t.Errorf("%s: got %s, want %s", pattern, got, want)
		}
	}
	if got := string(compile(t, "YYYY-MM").AppendMonth(nil, MonthOf(d))); got != "2026-01" {
		t.Errorf("month: got %s", got)
	}
	micros, _ := ParseTimestamp([]byte("2026-12-01T04:59:59.123456Z"), nil)
	for pattern, want := range map[string]string{"YYYY-MM-DD HH:mm:ss.SSS": "2026-11-30 23:59:59.123", "YYYY-MM-DDTHH:mm:ssZ": "2026-11-30T23:59:59-05:00"} {
		if got := string(compile(t, pattern).AppendTimestamp(nil, micros, zone(t, "America/New_York"))); got != want {
			t.Errorf("%s: got %s, want %s", pattern, got, want)
		}
	}
	if got := string(compile(t, "HH:mmZ").AppendTimestamp(nil, micros, zone(t, "Asia/Kolkata"))); got != "10:29+05:30" {
		t.Errorf("got %s", got)
	}
}

func TestPatternParts(t *testing.T) {
	for text, want := range map[string][4]bool{ // month, date, time, offset
		"YYYY-MM": {true}, "DD/MM": {}, "YYYY-MM-DD": {true, true}, "D MMM YY HH:mm": {true, true, true}, "YYYY-MM-DDTHH:mm:ssZ": {true, true, true, true},
	} {
		p := compile(t, text)
		if got := [4]bool{p.HasMonth(), p.HasDate(), p.HasTime(), p.HasOffset()}; got != want || p.String() != text {
			t.Errorf("%s: got %v", text, got)
		}
	}
}

func FuzzPattern(f *testing.F) {
	for _, s := range []string{"YYYY-MM-DD", "DD/MM/YYYY HH:mm:ss.SSSZ", "MMMM D, YY", "[", "[]", "yyyy", "年", "\xff", "M/D/YYYY"} {
		f.Add(s, "2026-01-31")
	}
	f.Fuzz(func(t *testing.T, pattern, text string) {
		p, err := CompilePattern(pattern)
		if err != nil {
			return
		}
		p.ParseMonth([]byte(text))
		p.ParseTimestamp([]byte(text), time.UTC)
		if _, err := p.ParseDate([]byte(text)); err == nil && len(text) > 4*MaxPattern {
			t.Fatalf("%q accepts %d bytes", pattern, len(text))
		}
		// What a pattern with a four-digit year writes, it reads back.
		if d := Date(20484); p.HasDate() && p.has[year4] {
			out := p.AppendDate(nil, d)
			if back, err := p.ParseDate(out); err != nil || back != d {
				t.Fatalf("%q writes %q and reads %s, %v", pattern, out, back, err)
			}
		}
	})
}

func BenchmarkPatternDate(b *testing.B) {
	p, in := compile(b, "DD/MM/YYYY"), []byte("31/01/2026")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.ParseDate(in); err != nil {
			b.Fatal(err)
		}
	}
}
