package calendar

import (
	"errors"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // the zones of the tests do not depend on the machine

	"pgregory.net/rapid"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// Section 13: the local date decides the month of an accounting record.
func TestLocalDate(t *testing.T) {
	for _, c := range []struct{ instant, zone, want string }{
		{"2026-12-01T04:59:59Z", "America/New_York", "2026-11-30"},
		{"2026-12-01T05:00:00Z", "America/New_York", "2026-12-01"},
		{"2026-12-01T07:30:00Z", "America/Los_Angeles", "2026-11-30"},
		{"2026-07-01T03:30:00Z", "America/Chicago", "2026-06-30"},
		{"2026-03-31T23:30:00Z", "Europe/London", "2026-04-01"},
		{"1969-12-31T23:59:59.999999Z", "UTC", "1969-12-31"},
		{"1970-01-01T00:00:00Z", "Pacific/Kiritimati", "1969-12-31"},
		{"2026-01-01T10:00:00Z", "Pacific/Kiritimati", "2026-01-02"},
		// the ends of a day of 23 hours and of one of 25 hours
		{"2026-03-08T05:00:00Z", "America/New_York", "2026-03-08"},
		{"2026-03-09T03:59:59Z", "America/New_York", "2026-03-08"},
		{"2026-11-01T04:00:00Z", "America/New_York", "2026-11-01"},
		{"2026-11-02T04:59:59Z", "America/New_York", "2026-11-01"},
	} {
		micros, err := ParseTimestamp([]byte(c.instant), nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := LocalDate(micros, zone(t, c.zone)).String(); got != c.want {
			t.Errorf("%s in %s: got %s, want %s", c.instant, c.zone, got, c.want)
		}
	}
}

func TestParseTimestamp(t *testing.T) {
	york := zone(t, "America/New_York")
	for _, c := range []struct {
		in   string
		loc  *time.Location
		want string
	}{
		{"2026-01-31T23:59:59Z", nil, "2026-01-31T23:59:59Z"},
		{"2026-01-31t23:59:59z", nil, "2026-01-31T23:59:59Z"},
		{"2026-01-31 23:59:59.5+01:30", nil, "2026-01-31T22:29:59.5Z"},
		{"2026-01-31T23:59:59.123456-05:00", york, "2026-02-01T04:59:59.123456Z"},
		{"2026-01-31T23:59:59.000001000Z", nil, "2026-01-31T23:59:59.000001Z"},
		{"2026-01-31T23:59:59.120Z", nil, "2026-01-31T23:59:59.12Z"},
		{"1969-12-31T23:59:59.9Z", nil, "1969-12-31T23:59:59.9Z"},
		{"0001-01-01T00:00:00Z", nil, "0001-01-01T00:00:00Z"},
		{"2026-01-31T12:00:00", york, "2026-01-31T17:00:00Z"},
		{"2026-07-31T12:00:00", york, "2026-07-31T16:00:00Z"},
		{"2026-07-31T12:00:00", time.UTC, "2026-07-31T12:00:00Z"},
		{"2026-03-08T01:59:59.999999", york, "2026-03-08T06:59:59.999999Z"},
		{"2026-03-08T03:00:00", york, "2026-03-08T07:00:00Z"},
		{"2026-11-01T00:59:59", york, "2026-11-01T04:59:59Z"},
		{"2026-11-01T02:00:00", york, "2026-11-01T07:00:00Z"},
		{"1983-10-30T02:30:00", zone(t, "America/Juneau"), "1983-10-30T11:30:00Z"}, // the offset after it was never in force before
		{"2026-11-01T01:30:00-04:00", york, "2026-11-01T05:30:00Z"},
		{"2026-11-01T01:30:00-05:00", york, "2026-11-01T06:30:00Z"},
	} {
		micros, err := ParseTimestamp([]byte(c.in), c.loc)
		if got := string(AppendTimestamp(nil, micros)); err != nil || got != c.want {
			t.Errorf("%s in %v: got %s, %v, want %s", c.in, c.loc, got, err, c.want)
		}
	}
}

func TestParseTimestampRefuses(t *testing.T) {
	york := zone(t, "America/New_York")
	for _, c := range []struct {
		in   string
		loc  *time.Location
		want error
	}{
		{"", york, ErrSyntax}, {"2026-01-31", york, ErrSyntax}, {"2026-01-31T23:59", york, ErrSyntax}, {"2026-01-31T23:59:59.Z", york, ErrSyntax},
		{"2026-01-31T23:59:59.1234560000Z", york, ErrSyntax}, {"2026-01-31T23:59:59+0100", york, ErrSyntax}, {"2026-01-31T23:59:59+01", york, ErrSyntax},
		{"2026-01-31T23:59:59+24:00", york, ErrSyntax}, {"2026-01-31T23:59:59ZZ", york, ErrSyntax}, {"2026-01-31T23:59:59 UTC", york, ErrSyntax},
		{"2026-01-31T23-59-59", york, ErrSyntax}, {"2026-01-31T2x:59:59Z", york, ErrSyntax}, {strings.Repeat("9", 500), york, ErrSyntax},
		{"2026-02-29T00:00:00Z", york, ErrNotExisting}, {"2026-01-31T24:00:00Z", york, ErrNotExisting}, {"2026-01-31T23:60:00Z", york, ErrNotExisting},
		{"2016-12-31T23:59:60Z", york, ErrNotExisting}, {"9999-12-31T23:59:59-01:00", york, ErrNotExisting}, {"0001-01-01T00:00:00+01:00", york, ErrNotExisting},
		{"2026-01-31T23:59:59.1234567Z", york, ErrFraction}, {"2026-01-31T23:59:59.000000001Z", york, ErrFraction},
		{"2026-01-31T23:59:59", nil, ErrNoZone},
		{"2026-03-08T02:30:00", york, ErrLocalMissing}, {"2026-03-08T02:00:00", york, ErrLocalMissing},
		{"2026-11-01T01:00:00", york, ErrLocalAmbiguous}, {"2026-11-01T01:59:59.999999", york, ErrLocalAmbiguous},
		{"2026-03-29T01:30:00", zone(t, "Europe/London"), ErrLocalMissing}, {"2026-10-25T01:30:00", zone(t, "Europe/London"), ErrLocalAmbiguous},
		{"2014-10-26T01:30:00", zone(t, "Europe/Moscow"), ErrLocalAmbiguous},       // the offset before it never came back
		{"2011-12-30T12:00:00", zone(t, "Pacific/Apia"), ErrLocalMissing},          // a day that Samoa left out
		{"2026-04-05T01:45:00", zone(t, "Australia/Lord_Howe"), ErrLocalAmbiguous}, // a step of half an hour
	} {
		micros, err := ParseTimestamp([]byte(c.in), c.loc)
		if !errors.Is(err, c.want) || len(err.Error()) > 200 {
			t.Errorf("%.60s in %v: got %d, %v", c.in, c.loc, micros, err)
		}
	}
}

// Any instant, written as local time, is read back or is one of two.
func TestLocalTimesReadBack(t *testing.T) {
	zones := []*time.Location{zone(t, "America/New_York"), zone(t, "Europe/London"), zone(t, "Australia/Lord_Howe"), zone(t, "Asia/Kolkata"), zone(t, "Pacific/Apia")}
	rapid.Check(t, func(t *rapid.T) {
		micros := rapid.Int64Range(0, 4_000_000_000_000_000).Draw(t, "micros")
		loc := rapid.SampledFrom(zones).Draw(t, "zone")
		local := time.UnixMicro(micros).In(loc)
		got, err := ParseTimestamp([]byte(local.Format("2006-01-02T15:04:05.999999")), loc)
		if err != nil && !errors.Is(err, ErrLocalAmbiguous) || err == nil && got != micros {
			t.Fatalf("%s: got %d, %v", local, got, err)
		}
		if full, err := ParseTimestamp([]byte(local.Format(time.RFC3339Nano)), nil); err != nil || full != micros {
			t.Fatalf("%s: got %d, %v", local, full, err)
		}
		if y, m, d := local.Date(); LocalDate(micros, loc).String() != time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Format(time.DateOnly) {
			t.Fatalf("%s: local date %s", local, LocalDate(micros, loc))
		}
	})
}

func FuzzParseTimestamp(f *testing.F) {
	for _, s := range []string{"", "2026-01-31T23:59:59Z", "2026-01-31 23:59:59.123456789+01:00", "2026-03-08T02:30:00", "9999-12-31T23:59:59.999999-23:59", "2026-01-31T23:59:59.", "\xff"} {
		f.Add([]byte(s))
	}
	york := zone(f, "America/New_York")
	f.Fuzz(func(t *testing.T, b []byte) {
		micros, err := ParseTimestamp(b, york)
		if err != nil {
			return
		}
		text := AppendTimestamp(nil, micros)
		if back, err := ParseTimestamp(text, nil); err != nil || back != micros {
			t.Fatalf("%q became %s, which reads as %d, %v", b, text, back, err)
		}
		if std, err := time.Parse(time.RFC3339Nano, string(text)); err != nil || std.UnixMicro() != micros {
			t.Fatalf("%q became %s: %v", b, text, err)
		}
	})
}

func BenchmarkParseTimestamp(b *testing.B) {
	for name, text := range map[string]string{"zoned": "2026-01-31T23:59:59.123Z", "local": "2026-01-31T23:59:59.123"} {
		b.Run(name, func(b *testing.B) {
			in, york := []byte(text), zone(b, "America/New_York")
			b.ReportAllocs()
			for b.Loop() {
				if _, err := ParseTimestamp(in, york); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkLocalDate(b *testing.B) {
	york := zone(b, "America/New_York")
	b.ReportAllocs()
	for b.Loop() {
		LocalDate(1_780_000_000_000_000, york)
	}
}
