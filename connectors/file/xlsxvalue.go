package file

import (
	"bytes"
	"fmt"

	"github.com/tieout/tieout/schemas/decimal"
	"github.com/tieout/tieout/schemas/record"
	"github.com/tieout/tieout/transforms/calendar"
)

// excelDigits is how many digits of a number a spreadsheet shows and works
// with. What it writes beyond them is the noise of a binary number.
const excelDigits = 15

// appendNumber writes the number of a cell as a plain decimal. Its text is
// taken as it stands in the file, with two exceptions: an exponent is written
// out (1E-3 is 0.001), and a number of more than 15 digits is rounded to 15,
// as every spreadsheet shows it (1234.5600000000001 is 1234.56). No float is
// made of it.
func appendNumber(dst, text []byte) ([]byte, bool) {
	if digits, plain := digitsOf(text); plain && digits <= excelDigits {
		return append(dst, text...), true
	}
	d, err := decimal.ParseBytes(bytes.TrimSpace(text))
	if err != nil || d.Digits() > 400 {
		return dst, false
	}
	if over := d.Digits() - excelDigits; over > 0 {
		d = d.Round(d.Scale()-int32(over), decimal.HalfUp)
	}
	return d.AppendCanonical(dst), true
}

// digitsOf counts the digits of -?digits[.digits]; plain is false for
// anything else.
func digitsOf(text []byte) (digits int, plain bool) {
	if len(text) > 0 && text[0] == '-' {
		text = text[1:]
	}
	point := -1
	for i, ch := range text {
		switch {
		case ch >= '0' && ch <= '9':
			digits++
		case ch == '.' && point < 0 && i > 0 && i < len(text)-1:
			point = i
		default:
			return 0, false
		}
	}
	if digits > 1 && text[0] == '0' && point != 1 {
		return 0, false // a zero before the number
	}
	return digits, digits > 0
}

// moment is a date, a time or both as a number of days.
type moment struct {
	day    calendar.Date
	millis int64 // of the day
	days   int64 // as counted
}

const millisOfDay = 86_400_000

// momentOf reads a number of days: since the end of 1899, in which count the
// year 1900 has a 29th of February that never was, or since 1904. Times are
// rounded to the millisecond, which is what the digits of a spreadsheet hold.
func (b *book) momentOf(number []byte) (moment, error) {
	d, err := decimal.ParseBytes(number)
	if err != nil || d.Sign() < 0 || d.IntDigits() > 7 {
		return moment{}, fmt.Errorf("%s is no date", number)
	}
	total, ok := d.Mul(decimal.FromInt(millisOfDay)).Round(0, decimal.HalfUp).Int64()
	if !ok {
		return moment{}, fmt.Errorf("%s is no date", number)
	}
	m := moment{days: total / millisOfDay, millis: total % millisOfDay}
	switch first, _ := calendar.FromYMD(1904, 1, 1); {
	case b.date1904:
		m.day = first.AddDays(m.days)
	case m.days == 60:
		return m, fmt.Errorf("60 is the 29th of February 1900, which never was")
	case m.days > 60:
		m.day = first.AddDays(m.days - 1462)
	default:
		m.day = first.AddDays(m.days - 1461)
	}
	if !m.day.Valid() {
		return m, fmt.Errorf("%s lies beyond the year 9999", number)
	}
	return m, nil
}

// appendMoment writes a number as its style shows it, for a field of a kind:
// ISO text that the field takes.
func (b *book) appendMoment(dst, number []byte, as shows, kind record.Kind) ([]byte, error) {
	m, err := b.momentOf(number)
	early := !b.date1904 && m.days < 1
	switch {
	case err != nil:
		return dst, err
	case as == asElapsed:
		return appendClock(dst, m.days*24, m.millis), nil
	case as == asTime && m.days == 0:
		return appendClock(dst, 0, m.millis), nil
	case early:
		return dst, fmt.Errorf("%s is no date", number)
	case kind == record.Month:
		return record.AppendMonth(dst, int64(calendar.MonthOf(m.day))), nil
	}
	dst = m.day.AppendISO(dst)
	if kind == record.Timestamp || as != asDate && (kind != record.Date || m.millis > 0) {
		dst = appendClock(append(dst, 'T'), 0, m.millis)
	}
	return dst, nil
}

// appendClock writes a time of day, or hours beyond it.
func appendClock(dst []byte, hours, millis int64) []byte {
	seconds := millis / 1000
	dst = fmt.Appendf(dst, "%02d:%02d:%02d", hours+seconds/3600, seconds/60%60, seconds%60)
	if rest := millis % 1000; rest > 0 {
		dst = fmt.Appendf(dst, ".%03d", rest)
	}
	return dst
}
