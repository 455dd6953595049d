package expression

import (
	"time"

	"github.com/tieout/tieout/schemas/decimal"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
	"github.com/tieout/tieout/transforms/calendar"
)

// Env is what an expression may see. It is read while compiling and not kept.
type Env struct {
	// Shape holds the record's fields. In an open shape a name it lacks gets
	// the kind Assume and is listed in Program.Assumed; such a program can be
	// checked but not evaluated.
	Shape  *record.Shape
	Assume record.Kind
	// Assumed, when set, is told each name an open shape lacks, once for each
	// expression, and the text the name stands in.
	Assumed func(name string, in document.Text)
	// Names are the values fixed for the run: run.date, var.x, company.x.
	Names []Constant
	Money Money
	// Zone is the time zone of local_date and of days added to timestamps;
	// nil is none: local_date then needs its second argument.
	Zone     *time.Location
	Holidays calendar.Holidays
	Limits   Limits
	// PlainRecord makes `record` a name like any other, where a field of the
	// shape is called so.
	PlainRecord bool
}

// Money says how postable amounts are rounded. Without a currency, and with
// Places zero, two places are kept.
type Money struct {
	Currency string // ISO 4217, may be empty
	Places   int32
	Mode     decimal.Mode
}

func (m Money) places() int32 {
	if m.Currency == "" && m.Places == 0 {
		return 2
	}
	return m.Places
}

// Limits bounds the evaluation of one record. Zero means the default.
type Limits struct {
	Steps int // elements visited by list functions; default 1,000,000
	Bytes int // bytes of text made on the way; default 8 MiB
}

const (
	defaultSteps = 1_000_000
	defaultBytes = 8 << 20
)

func (l Limits) orDefault() Limits {
	if l.Steps <= 0 {
		l.Steps = defaultSteps
	}
	if l.Bytes <= 0 {
		l.Bytes = defaultBytes
	}
	return l
}

// Constant is a named value that stays the same for a whole run. Make one with
// TextConstant and its like, or with UnsetConstant when only the kind is known
// yet, as in a static check.
type Constant struct {
	Name string // dotted: run.date
	Kind record.Kind

	set  bool
	none bool // the value is nil
	text string
	num  int64
	dec  decimal.Decimal
}

// UnsetConstant has a kind but no value; what reads it can only be checked.
func UnsetConstant(name string, kind record.Kind) Constant { return Constant{Name: name, Kind: kind} }

// TextConstant is a text.
func TextConstant(name, v string) Constant {
	return Constant{Name: name, Kind: record.Text, set: true, text: v}
}

// NilTextConstant is a text that is nil.
func NilTextConstant(name string) Constant {
	return Constant{Name: name, Kind: record.Text, set: true, none: true}
}

// IntegerConstant is an integer.
func IntegerConstant(name string, v int64) Constant {
	return Constant{Name: name, Kind: record.Integer, set: true, num: v}
}

// DecimalConstant is a decimal.
func DecimalConstant(name string, v decimal.Decimal) Constant {
	return Constant{Name: name, Kind: record.Decimal, set: true, dec: v}
}

// DateConstant is a date.
func DateConstant(name string, v calendar.Date) Constant {
	return Constant{Name: name, Kind: record.Date, set: true, num: int64(v)}
}

// TimestampConstant is an instant in microseconds UTC since 1970-01-01.
func TimestampConstant(name string, micros int64) Constant {
	return Constant{Name: name, Kind: record.Timestamp, set: true, num: micros}
}

// Truth is a boolean that may be missing.
type Truth uint8

// The three truths.
const (
	False Truth = iota
	True
	Nil
)

func truth(v bool) Truth {
	if v {
		return True
	}
	return False
}

func (t Truth) not() Truth {
	switch t {
	case True:
		return False
	case False:
		return True
	}
	return Nil
}

// Failure says why the expression has no result for one record.
type Failure struct {
	Code    document.Code
	Field   string // the field at fault, "" when no single one is
	Message string
}
