package connectors

import (
	"bytes"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/tieout/tieout/schemas/decimal"
	"github.com/tieout/tieout/schemas/record"
	"github.com/tieout/tieout/transforms/calendar"
	"github.com/tieout/tieout/transforms/fieldtype"
)

// encoded reads a value that is written in one of the ways of fieldtype; false
// when the text is no such thing.
func encoded(encoding string, kind record.Kind, text []byte) (int64, bool) {
	var micros int64
	ok := false
	switch encoding {
	case fieldtype.DotNet:
		micros, ok = dotNet(text)
	case fieldtype.Unix:
		micros, ok = epoch(text, 6)
	case fieldtype.UnixMillis:
		micros, ok = epoch(text, 3)
	case fieldtype.HTTPDate:
		at, err := http.ParseTime(string(text))
		micros, ok = at.UnixMicro(), err == nil
	}
	if !ok || kind == record.Timestamp {
		return micros, ok
	}
	at := time.UnixMicro(micros).UTC()
	day, ok := calendar.FromYMD(at.Year(), int(at.Month()), at.Day())
	return int64(day), ok
}

// dotNet reads /Date(1539993600000+0000)/. The number is UTC; the offset only
// says how it would be shown.
func dotNet(text []byte) (int64, bool) {
	text, ok := bytes.CutPrefix(text, []byte("/Date("))
	if !ok {
		return 0, false
	}
	if text, ok = bytes.CutSuffix(text, []byte(")/")); !ok || len(text) == 0 {
		return 0, false
	}
	if at := bytes.LastIndexAny(text, "+-"); at > 0 {
		if zone := text[at+1:]; len(zone) != 4 || bytes.Trim(zone, "0123456789") != nil {
			return 0, false
		}
		text = text[:at]
	}
	return epoch(text, 3)
}

// epoch reads a number since 1970 whose unit is ten to the power of -6+places
// seconds, in microseconds. What is finer than that is cut off.
func epoch(text []byte, places int32) (int64, bool) {
	unit := int64(1)
	for range places {
		unit *= 10
	}
	if v, err := strconv.ParseInt(string(text), 10, 64); err == nil {
		return v * unit, v <= math.MaxInt64/unit && v >= math.MinInt64/unit
	}
	d, err := decimal.ParseBytes(text)
	if err != nil {
		return 0, false
	}
	return d.Mul(decimal.FromInt(unit)).Round(0, decimal.Down).Int64()
}

// percent reads "8.25%" as 0.0825.
func percent(text []byte) (decimal.Decimal, bool) {
	text, ok := bytes.CutSuffix(text, []byte("%"))
	if !ok {
		return decimal.Decimal{}, false
	}
	d, err := decimal.ParseBytes(bytes.TrimSpace(text))
	if err != nil {
		return decimal.Decimal{}, false
	}
	return d.Mul(decimal.New(1, 2)), true
}
