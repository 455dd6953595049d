package runner

import (
	"cmp"
	"fmt"
	"time"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
)

// Span is a range of cursor values, both ends included; an empty end is open.
type Span struct{ From, To string }

// RangeError says that the range of a backfill cannot be read, and what to do
// instead. It is a configuration error.
type RangeError struct{ Why, Next string }

// Error names the code and the reason.
func (e *RangeError) Error() string { return string(document.CodeRunUsage) + ": " + e.Why }

// Unwrap gives the kind of failure.
func (e *RangeError) Unwrap() error { return connectors.ErrConfig }

// CheckRange refuses a range that ends before it begins, read as values of a
// kind. What cannot be read as such a value is left to the run to name.
func CheckRange(kind record.Kind, zone *time.Location, s Span) error {
	t := tracker{kind: kind}
	from, err := t.bound(s.From, zone, false)
	if err != nil {
		return nil //nolint:nilerr // the run names it
	}
	to, err := t.bound(s.To, zone, true)
	if err != nil || !from.behind(&to) {
		return nil //nolint:nilerr // the same
	}
	return &RangeError{Why: fmt.Sprintf("--from %q lies behind --to %q, so that no record lies between", s.From, s.To), Next: "exchange the two"}
}

// behind reports whether both ends are there and the first is the greater.
func (b *bound) behind(other *bound) bool {
	if !b.set || !other.set {
		return false
	}
	return cmp.Or(cmp.Compare(b.value, other.value), cmp.Compare(b.text, other.text)) > 0
}
