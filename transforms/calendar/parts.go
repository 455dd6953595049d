package calendar

import (
	"strings"
	"time"
)

var monthNames = [12]string{
	"January", "February", "March", "April", "May", "June",
	"July", "August", "September", "October", "November", "December",
}

// scan reads one part at the start of b and returns what follows.
func (t part) scan(c *civil, b []byte) (rest []byte, ok bool) {
	switch t.token {
	case literal:
		n := len(t.text)
		return tail(b, n), len(b) >= n && string(b[:n]) == t.text
	case monthLong, monthShort:
		n := 0
		c.month, n = scanMonthName(b, t.token)
		return b[n:], n > 0
	case offset:
		n := 0
		c.offset, n = scanOffset(b)
		c.zoned = true
		return b[n:], n > 0
	}
	least, most := t.token.width()
	v, n := 0, 0
	for n < most && n < len(b) && b[n]-'0' <= 9 {
		v, n = v*10+int(b[n]-'0'), n+1
	}
	t.token.set(c, v)
	return b[n:], n >= least
}

func tail(b []byte, n int) []byte { return b[min(n, len(b)):] }

// width returns the fewest and the most digits of a token.
func (t token) width() (least, most int) {
	switch t {
	case year4:
		return 4, 4
	case milli3:
		return 3, 3
	case month1, day1:
		return 1, 2
	}
	return 2, 2
}

func (t token) set(c *civil, v int) {
	switch t {
	case year4:
		c.year = v
	case year2:
		c.year = 1900 + v
		if v < 69 {
			c.year = 2000 + v
		}
	case month2, month1:
		c.month = v
	case day2, day1:
		c.day = v
	case hour2:
		c.hour = v
	case minute2:
		c.minute = v
	case second2:
		c.second = v
	case milli3:
		c.micro = v * 1000
	}
}

// scanMonthName returns the month at the start of b and the length of its name,
// 0 when there is none.
func scanMonthName(b []byte, t token) (month, n int) {
	for i, name := range monthNames {
		if t == monthShort {
			name = name[:3]
		}
		if len(b) >= len(name) && strings.EqualFold(string(b[:len(name)]), name) {
			return i + 1, len(name)
		}
	}
	return 0, 0
}

// AppendDate appends d in the form of the pattern; a time of day is midnight
// and an offset is Z.
func (p *Pattern) AppendDate(dst []byte, d Date) []byte {
	c := civil{}
	c.year, c.month, c.day = d.YMD()
	return p.append(dst, c)
}

// AppendMonth appends m in the form of the pattern; a day is the first of the
// month.
func (p *Pattern) AppendMonth(dst []byte, m Month) []byte { return p.AppendDate(dst, m.Start()) }

// AppendTimestamp appends the local time in loc of an instant in microseconds
// UTC. loc must not be nil. Digits below the last token are cut.
func (p *Pattern) AppendTimestamp(dst []byte, micros int64, loc *time.Location) []byte {
	zone := offsetAt(micros, loc)
	local := micros + zone*second
	d := floorDiv(local, day)
	c := timeOfDay(local - d*day)
	c.year, c.month, c.day = Date(d).YMD()
	c.offset = int(zone)
	return p.append(dst, c)
}

func (p *Pattern) append(dst []byte, c civil) []byte {
	for _, t := range p.parts {
		dst = t.append(dst, c)
	}
	return dst
}

func (t part) append(dst []byte, c civil) []byte {
	switch t.token {
	case literal:
		return append(dst, t.text...)
	case year4:
		return appendYear(dst, c.year)
	case year2:
		return appendPair(dst, (c.year%100+100)%100)
	case monthLong:
		return append(dst, monthNames[c.month-1]...)
	case monthShort:
		return append(dst, monthNames[c.month-1][:3]...)
	case month2:
		return appendPair(dst, c.month)
	case month1:
		return appendShort(dst, c.month)
	case day2:
		return appendPair(dst, c.day)
	case day1:
		return appendShort(dst, c.day)
	}
	return t.appendTime(dst, c)
}

func (t part) appendTime(dst []byte, c civil) []byte {
	switch t.token {
	case hour2:
		return appendPair(dst, c.hour)
	case minute2:
		return appendPair(dst, c.minute)
	case second2:
		return appendPair(dst, c.second)
	case milli3:
		ms := c.micro / 1000
		return appendPair(append(dst, byte('0'+ms/100)), ms%100)
	}
	return appendOffset(dst, c.offset)
}

func appendShort(dst []byte, v int) []byte {
	if v < 10 {
		return append(dst, byte('0'+v))
	}
	return appendPair(dst, v)
}

// appendOffset writes whole minutes: no zone of today has seconds.
func appendOffset(dst []byte, offset int) []byte {
	sign, minutes := byte('+'), offset/60
	if minutes == 0 {
		return append(dst, 'Z')
	}
	if minutes < 0 {
		sign, minutes = '-', -minutes
	}
	dst = appendPair(append(dst, sign), minutes/60)
	return appendPair(append(dst, ':'), minutes%60)
}
