package runner

import (
	"fmt"
	"time"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
)

// forget takes back the lower bounds of a read that are older than the source
// can be asked for: it then brings everything, and what lies before the
// position may be a change nobody has seen.
func (e *execution) forget(c *connectors.Cursor) error {
	source, can := e.job.Source.(connectors.Forgetful)
	kind, _ := record.ParseKind(e.run.Before.Kind)
	if !can || kind != record.Timestamp && kind != record.Date {
		return nil
	}
	reach := source.Reach(e.job.Read.Stream)
	if reach == 0 {
		return nil
	}
	warned := false
	oldest := e.deps.Now().Add(-reach)
	lift := func(from string) (string, error) {
		late, err := older(kind, from, e.job.Read.Zone, oldest)
		switch {
		case err != nil || !late:
			return from, err
		case e.job.Load.Mode == connectors.Append && !e.job.Once:
			warned = true
			return from, nil
		}
		return c.Start, nil
	}
	var err error
	if c.From, err = lift(c.From); err != nil {
		return err
	}
	for name, from := range c.Parts {
		if c.Parts[name], err = lift(from); err != nil {
			return err
		}
	}
	if warned {
		e.notes = append(e.notes, fmt.Sprintf("the position %s is older than the %s the source can be asked for, so everything was read; append takes only what lies behind the position, and a change before it is not seen; `mode: upsert` with a key takes both", e.run.Before.Text, document.Duration(reach)))
	}
	return nil
}

// older reports whether a cursor value lies before an instant.
func older(kind record.Kind, text string, zone *time.Location, at time.Time) (bool, error) {
	t := tracker{kind: kind}
	b, err := t.bound(text, zone, false)
	if err != nil || !b.set {
		return false, err
	}
	if kind == record.Timestamp {
		return b.value < at.UnixMicro(), nil
	}
	if zone == nil {
		zone = time.UTC
	}
	day, err := t.bound(at.In(zone).Format(time.DateOnly), zone, false)
	return b.value < day.value, err
}
