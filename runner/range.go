package runner

import (
	"cmp"
	"fmt"
	"time"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/pipelines"
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

// twice refuses a backfill of what is loaded already into a sink that would
// have it twice. Loaded is what lies between the start of the cursor and the
// position; before the first load nothing is.
func (e *execution) twice(spec *pipelines.Cursor) error {
	before := e.run.Before
	if before == nil || e.job.Once || e.job.Load.Mode != connectors.Append {
		return nil
	}
	if before.Field != spec.Field.Value {
		return &RangeError{Why: fmt.Sprintf("the cursor field was %q and is now %q, so that it is not known what is loaded already, and append would add it again", before.Field, spec.Field.Value),
			Next: e.onceHint()}
	}
	kind, _ := record.ParseKind(before.Kind)
	asked := e.job.Span
	if asked == (Span{}) {
		asked = Span{From: e.job.From, To: e.job.To}
	}
	meets, err := overlaps(kind, e.job.Read.Zone, asked, Span{From: spec.Start.Value, To: before.Text})
	if err != nil || !meets {
		return err
	}
	return &RangeError{Why: fmt.Sprintf("the range from %s to %s meets what is loaded already (%s from %s to %s), and append would add those records again",
		begins(asked.From), ends(asked.To), spec.Field.Value, begins(spec.Start.Value), before.Text), Next: e.onceHint()}
}

func (e *execution) onceHint() string {
	return "give the sink a key and `mode: upsert`, which loads nothing twice, or ask for a range that is not loaded; see `tieout state show " + e.run.Pipeline + "`"
}

func begins(text string) string { return cmp.Or(text, "the beginning") }
func ends(text string) string   { return cmp.Or(text, "the end") }

// overlaps reports whether two ranges have a value of a kind in common.
func overlaps(kind record.Kind, zone *time.Location, asked, loaded Span) (bool, error) {
	t := tracker{kind: kind}
	var limits [3]bound
	for i, text := range []string{asked.From, asked.To, loaded.From} {
		var err error
		if limits[i], err = t.bound(text, zone, i == 1); err != nil {
			return false, fmt.Errorf("%w: %q is no %s: %w", connectors.ErrConfig, text, kind, err)
		}
	}
	last := bound{set: true, text: loaded.To}
	if kind != record.Text {
		value, err := parseCursor(kind, loaded.To)
		if err != nil {
			return false, fmt.Errorf("read the stored position: %w", err)
		}
		last = bound{set: true, value: value}
	}
	return !limits[0].behind(&last) && !limits[2].behind(&limits[1]), nil
}
