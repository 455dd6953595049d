package sql

import (
	"fmt"
	"slices"
	"time"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
	"github.com/tieout/tieout/transforms/calendar"
)

// The columns a load fills by itself: a version of history is valid from one
// instant up to another, and the open one has no end; a record that the source
// no longer has was closed at an instant.
const (
	validFrom = "valid_from"
	validTo   = "valid_to"
	closedAt  = "closed_at"
)

// markNames are those of a load.
func markNames(load *connectors.Load) []string {
	switch {
	case load.Mode == connectors.History:
		return []string{validFrom, validTo}
	case load.Mode == connectors.Upsert && load.Missing == connectors.Close:
		return []string{closedAt}
	}
	return nil
}

// findMarks plans the columns a load fills by itself.
func (p *plan) findMarks(load *connectors.Load) error {
	for _, name := range markNames(load) {
		quoted, err := p.words.quote(name)
		if err != nil {
			return err
		}
		if load.Shape.Index(name) >= 0 {
			return codedError(document.CodeSinkMode, "a load of %q fills the column %q by itself; rename the field", p.name, name)
		}
		p.marks = append(p.marks, column{name: name, quoted: quoted, field: record.NewField(name, record.Timestamp), precision: -1, scale: -1})
	}
	return nil
}

// fitted are all columns a load writes.
func (p *plan) fitted() []*column {
	out := make([]*column, 0, len(p.columns)+len(p.marks))
	for i := range p.columns {
		out = append(out, &p.columns[i])
	}
	for i := range p.marks {
		out = append(out, &p.marks[i])
	}
	return out
}

// has reports whether a load writes a column.
func (p *plan) has(name string, same func(a, b string) bool) bool {
	return slices.ContainsFunc(p.fitted(), func(c *column) bool { return same(c.name, name) })
}

// identity names the columns that tell rows of the target apart, quoted.
func (p *plan) identity() string {
	if p.versioned() {
		return p.keyList() + ", " + p.marks[0].quoted
	}
	return p.keyList()
}

// names lists what a created table gets as columns.
func (p *plan) names() (names []string) {
	for _, c := range p.fitted() {
		names = append(names, c.name)
	}
	return names
}

// needed reports whether a created column always has a value.
func (p *plan) needed(i int) bool {
	return slices.Contains(p.keys, i) || p.versioned() && i == len(p.columns)
}

// versioned reports whether the target keeps versions; closing whether it
// marks records that ended.
func (p *plan) versioned() bool { return len(p.marks) == 2 }
func (p *plan) closing() bool   { return len(p.marks) == 1 }

// open writes the condition that a row of the target is current; TRUE where
// every row is.
func (p *plan) open(prefix string) string {
	if len(p.marks) == 0 {
		return "TRUE"
	}
	return prefix + p.marks[len(p.marks)-1].quoted + " IS NULL"
}

// finish completes a plan whose columns are known: its scope, the instant of
// the load as SQL, and that the columns it goes to keep all of it.
func (p *plan) finish(load *connectors.Load) error {
	if err := p.findScope(load); err != nil || len(p.marks) == 0 {
		return err
	}
	if load.AsOf.IsZero() {
		return configError("the load into %q does not say what instant it stands for", p.name)
	}
	for i := range p.marks {
		c := &p.marks[i]
		if c.text && p.words.ordered == nil {
			return mismatch(p, c)
		}
		if c.room.stamps && c.room.fraction < 6 {
			return codedError(document.CodeSinkDigitsLost, "column %q of table %q is %s, which loses parts of a second; give it six digits of them", c.name, p.name, c.typ)
		}
	}
	text, ok := p.stamp(&p.marks[0], load.AsOf)
	if !ok {
		return fmt.Errorf("%s", clockTwice(&p.marks[0], load.AsOf.UnixMicro(), p.zone))
	}
	p.asOf = text
	return nil
}

// stamp writes an instant as SQL for a column; it reports false when the
// column's clock would show it as another.
func (p *plan) stamp(c *column, at time.Time) (string, bool) {
	if !c.local {
		return p.words.instant(false, string(calendar.AppendTimestamp(nil, at.UnixMicro()))), true
	}
	text, ok := appendLocal(nil, at.UnixMicro(), p.zone)
	return p.words.instant(true, string(text)), ok
}

// order writes an instant's column of the target so that it compares by time.
func (p *plan) order(c *column) string {
	if c.text && p.words.ordered != nil {
		return p.words.ordered("t." + c.quoted)
	}
	return "t." + c.quoted
}

// now is the instant of the load beside order.
func (p *plan) now(c *column) string {
	if c.text && p.words.ordered != nil {
		return p.words.ordered(p.asOf)
	}
	return p.asOf
}

// appendLocal writes an instant as a clock of the zone shows it, without the
// zone: 2026-01-31T17:59:59.25. It reports false when that clock shows the
// same time twice, so that nobody could read the instant back.
func appendLocal(dst []byte, micros int64, zone *time.Location) ([]byte, bool) {
	start := len(dst)
	if zone == nil || zone == time.UTC {
		dst = calendar.AppendTimestamp(dst, micros)
		return dst[:len(dst)-1], true
	}
	_, offset := time.UnixMicro(micros).In(zone).Zone()
	dst = calendar.AppendTimestamp(dst, micros+int64(offset)*1_000_000)
	dst = dst[:len(dst)-1]
	back, err := calendar.ParseTimestamp(dst[start:], zone)
	return dst, err == nil && back == micros
}

// clockTwice is the reason of an instant that does not survive a column
// without a zone.
func clockTwice(c *column, micros int64, zone *time.Location) string {
	local, _ := appendLocal(nil, micros, zone)
	return fmt.Sprintf("%s: column %q is %s and a clock in %s shows %s twice, so that %s could not be read back; give the column a time zone, or the connection `timezone: UTC`",
		document.CodeSinkAmbiguous, c.name, c.typ, zone, local, calendar.AppendTimestamp(nil, micros))
}

// lostFraction is why a column would lose a part of an instant, or "".
func (c *column) lostFraction(micros int64) string {
	if !c.room.stamps {
		return ""
	}
	step := int64(1)
	for range 6 - c.room.fraction {
		step *= 10
	}
	if micros%step == 0 {
		return ""
	}
	return fmt.Sprintf("%s: column %q is %s and would lose a part of %s; give it six digits of a second",
		document.CodeSinkDigitsLost, c.name, c.typ, calendar.AppendTimestamp(nil, micros))
}
