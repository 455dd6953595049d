package calendar

import (
	"errors"
	"fmt"
	"time"
)

const (
	second = 1_000_000 // microseconds
	day    = 86_400 * second
)

// Why a text is no timestamp; callers test with errors.Is.
var (
	ErrSyntax         = errors.New("not a timestamp of the form 2026-01-31T23:59:59Z")
	ErrNotExisting    = errors.New("no such date or time of day")
	ErrFraction       = errors.New("digits below a microsecond would be lost")
	ErrNoZone         = errors.New("no offset in the text and no time zone given")
	ErrLocalMissing   = errors.New("local time does not exist: the clock was put forward")
	ErrLocalAmbiguous = errors.New("local time exists twice: the clock was put back")
)

// civil is a written date and time. offset counts seconds east of UTC.
type civil struct {
	year, month, day     int
	hour, minute, second int
	micro                int
	offset               int
	zoned                bool
}

// naive returns the microseconds as if the civil time were UTC.
func (c civil) naive() (int64, bool) {
	d, ok := FromYMD(c.year, c.month, c.day)
	if !ok || c.hour > 23 || c.minute > 59 || c.second > 59 {
		return 0, false
	}
	secs := int64(c.hour*3600 + c.minute*60 + c.second)
	return int64(d)*day + secs*second + int64(c.micro), true
}

// instant returns the microseconds UTC of the civil time.
func (c civil) instant(loc *time.Location) (int64, error) {
	t, ok := c.naive()
	if !ok {
		return 0, ErrNotExisting
	}
	switch {
	case c.zoned:
		t -= int64(c.offset) * second
	case loc == nil:
		return 0, ErrNoZone
	case loc != time.UTC:
		var err error
		if t, err = resolve(t, loc); err != nil {
			return 0, err
		}
	}
	if !Date(floorDiv(t, day)).Valid() {
		return 0, ErrNotExisting
	}
	return t, nil
}

// resolve finds the one instant that shows the given local time. The offsets in
// question are the one in force around that time and its two neighbours.
func resolve(local int64, loc *time.Location) (int64, error) {
	near := time.Unix(floorDiv(local, second), 0).In(loc)
	start, end := near.ZoneBounds()
	found, at := 0, int64(0)
	try := func(offset int64) {
		t := local - offset*second
		if offsetAt(t, loc) == offset && (found == 0 || t != at) {
			found, at = found+1, t
		}
	}
	_, offset := near.Zone()
	try(int64(offset))
	if !start.IsZero() {
		try(offsetAt(start.UnixMicro()-1, loc))
	}
	if !end.IsZero() {
		try(offsetAt(end.UnixMicro(), loc))
	}
	switch found {
	case 0:
		return 0, ErrLocalMissing
	case 1:
		return at, nil
	}
	return 0, ErrLocalAmbiguous
}

func offsetAt(micros int64, loc *time.Location) int64 {
	_, offset := time.Unix(floorDiv(micros, second), 0).In(loc).Zone()
	return int64(offset)
}

// LocalDate returns the date that a calendar in loc shows at the instant. loc
// must not be nil.
func LocalDate(micros int64, loc *time.Location) Date {
	return Date(floorDiv(micros+offsetAt(micros, loc)*second, day))
}

// ParseTimestamp reads an RFC 3339 timestamp and returns microseconds UTC. A
// text without offset is a local time in loc; it is an error when loc is nil
// and when that local time exists twice or not at all. The fraction may have up
// to nine digits, but those below a microsecond must be zero. A blank may stand
// for the T.
func ParseTimestamp(b []byte, loc *time.Location) (int64, error) {
	c, err := scanISO(b)
	if err == nil {
		var t int64
		if t, err = c.instant(loc); err == nil {
			return t, nil
		}
	}
	return 0, fmt.Errorf("parse timestamp %q: %w", clip(b), err)
}

// clip keeps error texts short when the input is hostile.
func clip(b []byte) string {
	if len(b) > 60 {
		return string(b[:60]) + "…"
	}
	return string(b)
}

func scanISO(b []byte) (c civil, err error) {
	if len(b) < 19 || b[10] != 'T' && b[10] != 't' && b[10] != ' ' || b[13] != ':' || b[16] != ':' {
		return c, ErrSyntax
	}
	y1, ok1 := pair(b[0], b[1])
	y2, ok2 := pair(b[2], b[3])
	month, ok3 := pair(b[5], b[6])
	dayOf, ok4 := pair(b[8], b[9])
	hour, ok5 := pair(b[11], b[12])
	minute, ok6 := pair(b[14], b[15])
	sec, ok7 := pair(b[17], b[18])
	if b[4] != '-' || b[7] != '-' || !(ok1 && ok2 && ok3 && ok4 && ok5 && ok6 && ok7) {
		return c, ErrSyntax
	}
	c = civil{year: y1*100 + y2, month: month, day: dayOf, hour: hour, minute: minute, second: sec}
	rest := b[19:]
	if len(rest) > 0 && rest[0] == '.' {
		if c.micro, rest, err = scanFraction(rest[1:]); err != nil {
			return c, err
		}
	}
	if len(rest) == 0 {
		return c, nil
	}
	n := 0
	if c.offset, n = scanOffset(rest); n != len(rest) {
		return c, ErrSyntax
	}
	c.zoned = true
	return c, nil
}

// scanFraction reads one to nine digits.
func scanFraction(b []byte) (micro int, rest []byte, err error) {
	n := 0
	for ; n < len(b) && b[n]-'0' <= 9; n++ {
		switch {
		case n >= 9:
			return 0, nil, ErrSyntax
		case n < 6:
			micro = micro*10 + int(b[n]-'0')
		case b[n] != '0':
			return 0, nil, ErrFraction
		}
	}
	if n == 0 {
		return 0, nil, ErrSyntax
	}
	for i := n; i < 6; i++ {
		micro *= 10
	}
	return micro, b[n:], nil
}

// scanOffset reads Z or +hh:mm and returns seconds east of UTC and the number
// of bytes used, 0 when there is no offset.
func scanOffset(b []byte) (offset, n int) {
	if len(b) > 0 && (b[0] == 'Z' || b[0] == 'z') {
		return 0, 1
	}
	if len(b) < 6 || b[0] != '+' && b[0] != '-' || b[3] != ':' {
		return 0, 0
	}
	h, ok1 := pair(b[1], b[2])
	m, ok2 := pair(b[4], b[5])
	if !ok1 || !ok2 || h > 23 || m > 59 {
		return 0, 0
	}
	offset = h*3600 + m*60
	if b[0] == '-' {
		offset = -offset
	}
	return offset, 6
}

// AppendTimestamp appends RFC 3339 in UTC with as many fraction digits as
// needed: 2026-01-31T23:59:59Z or 2026-01-31T23:59:59.25Z.
func AppendTimestamp(dst []byte, micros int64) []byte {
	d := floorDiv(micros, day)
	c := timeOfDay(micros - d*day)
	dst = append(Date(d).AppendISO(dst), 'T')
	dst = append(appendPair(dst, c.hour), ':')
	dst = append(appendPair(dst, c.minute), ':')
	dst = appendPair(dst, c.second)
	if c.micro != 0 {
		dst = append(dst, '.')
		dst = appendPair(appendPair(appendPair(dst, c.micro/10000), c.micro/100%100), c.micro%100)
		for dst[len(dst)-1] == '0' {
			dst = dst[:len(dst)-1]
		}
	}
	return append(dst, 'Z')
}

// timeOfDay splits the microseconds since midnight.
func timeOfDay(micros int64) civil {
	secs := int(micros / second)
	return civil{
		hour: secs / 3600, minute: secs / 60 % 60, second: secs % 60,
		micro: int(micros % second),
	}
}
