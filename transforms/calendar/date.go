package calendar

import "time"

// Date is a calendar date as days since 1970-01-01, without zone or time of
// day. Two dates may be compared and subtracted as integers.
type Date int64

// MinDate and MaxDate bound the dates with a four-digit year, 0001-01-01 to
// 9999-12-31. Arithmetic may leave the range; Valid tells.
const (
	MinDate Date = -719162
	MaxDate Date = 2932896
)

// farDays is a step that leaves the valid range from any date inside it.
const farDays = 1 << 23

// Valid reports whether d has a year from 1 to 9999.
func (d Date) Valid() bool { return MinDate <= d && d <= MaxDate }

// FromYMD returns the date, and false when it does not exist or its year is
// outside 1 to 9999.
func FromYMD(year, month, day int) (Date, bool) {
	if year < 1 || year > 9999 || month < 1 || month > 12 || day < 1 || day > DaysInMonth(year, month) {
		return 0, false
	}
	return fromCivil(int64(year), int64(month), int64(day)), true
}

// fromCivil counts years from March, so that the leap day is the last of its
// year and the days before a month follow one linear formula.
func fromCivil(y, m, d int64) Date {
	if m <= 2 {
		y, m = y-1, m+12
	}
	era := floorDiv(y, 400)
	yoe := y - era*400
	doy := (153*(m-3)+2)/5 + d - 1
	return Date(era*146097 + yoe*365 + yoe/4 - yoe/100 + doy - 719468)
}

// YMD returns year, month 1 to 12 and day of the month.
func (d Date) YMD() (year, month, day int) {
	z := int64(d) + 719468
	era := floorDiv(z, 146097)
	doe := uint32(z - era*146097)
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	day = int(doy - (153*mp+2)/5 + 1)
	year = int(int64(yoe) + era*400)
	if mp < 10 {
		return year, int(mp) + 3, day
	}
	return year + 1, int(mp) - 9, day
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

func isLeap(year int) bool { return year%4 == 0 && (year%100 != 0 || year%400 == 0) }

// DaysInMonth returns 28 to 31 for a month from 1 to 12.
func DaysInMonth(year, month int) int {
	if month == 2 {
		if isLeap(year) {
			return 29
		}
		return 28
	}
	return 30 + (month+month>>3)&1
}

// DaysInYear returns 365 or 366.
func DaysInYear(year int) int {
	if isLeap(year) {
		return 366
	}
	return 365
}

// ParseISO reads exactly YYYY-MM-DD. ok is false for any other text and for a
// date that does not exist.
func ParseISO(b []byte) (d Date, ok bool) {
	if len(b) != 10 || b[4] != '-' || b[7] != '-' {
		return 0, false
	}
	y1, ok1 := pair(b[0], b[1])
	y2, ok2 := pair(b[2], b[3])
	m, ok3 := pair(b[5], b[6])
	day, ok4 := pair(b[8], b[9])
	if !(ok1 && ok2 && ok3 && ok4) {
		return 0, false
	}
	return FromYMD(y1*100+y2, m, day)
}

// pair reads two ASCII digits.
func pair(a, b byte) (int, bool) {
	a, b = a-'0', b-'0'
	return int(a)*10 + int(b), a <= 9 && b <= 9
}

// AppendISO appends YYYY-MM-DD.
func (d Date) AppendISO(dst []byte) []byte {
	y, m, day := d.YMD()
	dst = append(appendYear(dst, y), '-')
	dst = append(appendPair(dst, m), '-')
	return appendPair(dst, day)
}

// String returns YYYY-MM-DD.
func (d Date) String() string { return string(d.AppendISO(nil)) }

func appendPair(dst []byte, v int) []byte {
	return append(dst, byte('0'+v/10), byte('0'+v%10))
}

// appendYear writes four digits; a year outside them, which no valid date has,
// is marked by a sign and written in full.
func appendYear(dst []byte, y int) []byte {
	if y < 0 {
		dst, y = append(dst, '-'), -y
	} else if y > 9999 {
		dst = append(dst, '+')
	}
	if y > 9999 {
		dst = appendYear(dst, y/10000)
		y %= 10000
	}
	return appendPair(appendPair(dst, y/100), y%100)
}

// Weekday returns the day of the week.
func (d Date) Weekday() time.Weekday {
	w := (int64(d) + 4) % 7 // 1970-01-01 was a Thursday
	if w < 0 {
		w += 7
	}
	return time.Weekday(w)
}

// AddDays returns the date n days later. A step far beyond the calendar gives a
// date that is not Valid instead of wrapping around.
func (d Date) AddDays(n int64) Date { return d + Date(clamp(n, farDays)) }

// DaysInclusive counts the days from first to last with both ends: 1 for the
// same day, 0 or less when last is before first.
func DaysInclusive(first, last Date) int64 { return int64(last-first) + 1 }

func clamp(n, limit int64) int64 { return max(-limit, min(n, limit)) }
