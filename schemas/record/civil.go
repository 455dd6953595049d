package record

import "time"

// AppendDate writes a date (days since 1970-01-01) as YYYY-MM-DD.
func AppendDate(dst []byte, days int64) []byte {
	y, m, d := civil(days)
	dst = appendYear(dst, y)
	return append(dst, '-', byte('0'+m/10), byte('0'+m%10), '-', byte('0'+d/10), byte('0'+d%10))
}

// AppendMonth writes a month (months since 1970-01) as YYYY-MM.
func AppendMonth(dst []byte, months int64) []byte {
	y, m := 1970+floorDiv(months, 12), months-floorDiv(months, 12)*12+1
	dst = appendYear(dst, y)
	return append(dst, '-', byte('0'+m/10), byte('0'+m%10))
}

// AppendTimestamp writes a timestamp (microseconds since the epoch) as
// RFC 3339 in UTC with as many fraction digits as it needs.
func AppendTimestamp(dst []byte, micros int64) []byte {
	return time.UnixMicro(micros).UTC().AppendFormat(dst, "2006-01-02T15:04:05.999999Z07:00")
}

func appendYear(dst []byte, y int64) []byte {
	if y < 0 {
		dst, y = append(dst, '-'), -y
	}
	for p := int64(1000); p > 0; p /= 10 {
		dst = append(dst, byte('0'+y/p%10))
	}
	return dst
}

// civil turns days since 1970-01-01 into year, month and day of the
// proleptic Gregorian calendar, counting eras of 400 years that begin in March.
func civil(days int64) (y, m, d int64) {
	days += 719468
	era := floorDiv(days, 146097)
	doe := days - era*146097
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	d = doy - (153*mp+2)/5 + 1
	m = mp + 3
	if m > 12 {
		m -= 12
	}
	y = yoe + era*400
	if m <= 2 {
		y++
	}
	return y, m, d
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
