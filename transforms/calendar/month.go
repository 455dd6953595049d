package calendar

// Month is a calendar month as months since 1970-01: 0 is January 1970.
type Month int64

// farMonths is a step that leaves the valid range from any month inside it.
const farMonths = 1 << 18

// FromYM returns the month, and false when month is not 1 to 12 or year not 1
// to 9999.
func FromYM(year, month int) (Month, bool) {
	if year < 1 || year > 9999 || month < 1 || month > 12 {
		return 0, false
	}
	return Month((year-1970)*12 + month - 1), true
}

// YM returns year and month 1 to 12.
func (m Month) YM() (year, month int) {
	y := floorDiv(int64(m), 12)
	return int(y) + 1970, int(int64(m)-y*12) + 1
}

// Valid reports whether m has a year from 1 to 9999.
func (m Month) Valid() bool { return m.Start().Valid() }

// Start returns the first day of the month.
func (m Month) Start() Date {
	y, mo := m.YM()
	return fromCivil(int64(y), int64(mo), 1)
}

// End returns the last day of the month.
func (m Month) End() Date { return (m + 1).Start() - 1 }

// Days returns 28 to 31.
func (m Month) Days() int { return DaysInMonth(m.YM()) }

// AddMonths returns the month n months later; a step far beyond the calendar
// gives a month that is not Valid.
func (m Month) AddMonths(n int64) Month { return m + Month(clamp(n, farMonths)) }

// ParseMonth reads exactly YYYY-MM.
func ParseMonth(b []byte) (Month, bool) {
	if len(b) != 7 || b[4] != '-' {
		return 0, false
	}
	y1, ok1 := pair(b[0], b[1])
	y2, ok2 := pair(b[2], b[3])
	m, ok3 := pair(b[5], b[6])
	if !(ok1 && ok2 && ok3) {
		return 0, false
	}
	return FromYM(y1*100+y2, m)
}

// AppendISO appends YYYY-MM.
func (m Month) AppendISO(dst []byte) []byte {
	y, mo := m.YM()
	return appendPair(append(appendYear(dst, y), '-'), mo)
}

// String returns YYYY-MM.
func (m Month) String() string { return string(m.AppendISO(nil)) }

// MonthOf returns the month that holds d.
func MonthOf(d Date) Month {
	y, m, _ := d.YMD()
	return Month((y-1970)*12 + m - 1)
}

// MonthStart returns the first day of the month of d.
func MonthStart(d Date) Date {
	_, _, day := d.YMD()
	return d - Date(day-1)
}

// MonthEnd returns the last day of the month of d.
func MonthEnd(d Date) Date {
	y, m, day := d.YMD()
	return d + Date(DaysInMonth(y, m)-day)
}

// AddMonths returns the same day n months later, or the last day of that month
// when it is shorter: Jan 31 plus one month is Feb 28 or 29.
func AddMonths(d Date, n int64) Date {
	_, _, day := d.YMD()
	to := MonthOf(d).AddMonths(n)
	return to.Start() + Date(min(day, to.Days())-1)
}

// FiscalPeriod returns the fiscal year and the period 1 to 12 of d when the
// fiscal year begins in firstMonth (1 to 12). A fiscal year has the number of
// the calendar year in which it ends, so with firstMonth 7 July 2026 is 2027,
// period 1.
func FiscalPeriod(d Date, firstMonth int) (year, period int) {
	y, m, _ := d.YMD()
	period = (m-firstMonth+12)%12 + 1
	if firstMonth > 1 && m >= firstMonth {
		y++
	}
	return y, period
}
