package runner

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/record"
	"github.com/tieout/tieout/transforms/calendar"
)

// How far ahead of the clock a position may lie before it is spoken of: an
// instant something happened at hardly at all, a day or month that is planned
// for rather far.
const (
	aheadInstant = 24 * time.Hour
	aheadDay     = 366 * 24 * time.Hour
)

// Ahead says, for people, that a pipeline's position lies so far ahead of now
// that hardly any record is read any more, and what to do; "" when it does
// not. Nothing is decided by it: a clock never bounds a read.
func Ahead(pipeline string, p *connectors.Position, now time.Time) string {
	found := ahead(p, now)
	if found == "" {
		return ""
	}
	return fmt.Sprintf("the position of %q is %s, later than the clock (%s): records stamped before it are read no more. Mend the stamp in the source, then move the position with `tieout state set %s VALUE`, VALUE being the newest right stamp that was loaded; `tieout state history %s` has the positions there were",
		p.Field, found, now.UTC().Format(time.RFC3339), pipeline, pipeline)
}

// aheadSoon is Ahead for a position that a run would leave behind and did not.
func aheadSoon(pipeline string, p *connectors.Position, now time.Time) string {
	found := ahead(p, now)
	if found == "" {
		return ""
	}
	return fmt.Sprintf("once these records are loaded, the position of %q is %s, later than the clock (%s), and records stamped before it are read no more. Mend the stamp in the source first; afterwards `tieout state set %s VALUE` is what moves the position back",
		p.Field, found, now.UTC().Format(time.RFC3339), pipeline)
}

// ahead is the value that lies ahead, with the parts that have one.
func ahead(p *connectors.Position, now time.Time) string {
	if p == nil || !aheadOf(p.Kind, p.Text, now) {
		return ""
	}
	var names []string
	for name, part := range partsOf(p) {
		if aheadOf(part.Kind, part.Text, now) {
			names = append(names, fmt.Sprintf("%q", name))
		}
	}
	if len(names) == 0 {
		return p.Text
	}
	slices.Sort(names)
	more := ""
	const shown = 3
	if rest := len(names) - shown; rest > 0 {
		more, names = fmt.Sprintf(" and %d more", rest), names[:shown]
	}
	return p.Text + " (part " + strings.Join(names, ", ") + more + ")"
}

// aheadOf reports whether a cursor value of a kind lies ahead. A text counts
// when it is written as a date or as an instant.
func aheadOf(kind, text string, now time.Time) bool {
	known, _ := record.ParseKind(kind)
	day := text
	switch known {
	case record.Month:
		day += "-01"
	case record.Date, record.Timestamp, record.Text:
	default:
		return false
	}
	if d, is := calendar.ParseISO([]byte(day)); is {
		y, m, n := d.YMD()
		return time.Date(y, time.Month(m), n, 0, 0, 0, 0, time.UTC).Sub(now) > aheadDay
	}
	at, err := calendar.ParseTimestamp([]byte(text), time.UTC)
	return err == nil && known != record.Month && time.UnixMicro(at).Sub(now) > aheadInstant
}

// lookAhead warns of a position that lies ahead of the run's own clock, in
// each run for as long as it does.
func (e *execution) lookAhead() {
	if e.job.Pipeline.Source.Cursor == nil { // nothing goes by the position
		return
	}
	name, now := e.run.Pipeline, e.run.StartedAt
	var text string
	if e.run.Status == Loaded || e.run.Status == NothingNew {
		text = Ahead(name, e.run.After, now)
	} else if text = Ahead(name, e.run.Before, now); text == "" {
		text = aheadSoon(name, e.run.After, now)
	}
	if text != "" {
		e.run.Warnings = append(e.run.Warnings, text)
	}
}
