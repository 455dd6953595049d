package service

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/record"
	"github.com/tieout/tieout/transforms/calendar"
)

// setCursor gives the world the bounds of a read, when the service can be
// asked for them. Otherwise everything is read, and the runner leaves out what
// lies outside.
func (f *fetcher) setCursor(read *connectors.Read, fields []connectors.FieldSpec) error {
	c := f.stream.Cursor
	if c == nil || read.Cursor == nil {
		return nil
	}
	spec := connectors.FieldSpec{Name: c.Field.Value, Kind: record.Text}
	for i := range fields {
		if fields[i].Name == read.Cursor.Field {
			spec = fields[i]
		}
	}
	if read.Cursor.Field != c.Field.Value && spec.Name != c.Field.Value && !slices.Contains(spec.Columns, c.Field.Value) {
		return nil
	}
	for end, text := range map[string]string{"from": read.Cursor.From, "to": read.Cursor.To} {
		if text == "" {
			continue
		}
		if err := f.setBound(end, text, spec.Kind, read.Zone); err != nil {
			return fmt.Errorf("%w: cursor %q: %w", connectors.ErrConfig, read.Cursor.Field, err)
		}
	}
	return nil
}

// setBound gives one end, widened by the lookback and to the granularity.
func (f *fetcher) setBound(end, text string, kind record.Kind, zone *time.Location) error {
	c, upper := f.stream.Cursor, end == "to"
	b := f.world.change("cursor", end)
	switch kind {
	case record.Timestamp:
		v, err := instant(text, zone, upper)
		if err != nil {
			return err
		}
		b.setNum(kind, widen(v, c, upper))
	case record.Date:
		day, ok := calendar.ParseISO([]byte(text))
		if !ok {
			return fmt.Errorf("%q is no date", text)
		}
		if !upper {
			day = day.AddDays(-int64((c.Lookback.Std() + 24*time.Hour - 1) / (24 * time.Hour)))
		}
		b.setNum(kind, int64(day))
	case record.Integer:
		v, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return fmt.Errorf("%q is no whole number", text)
		}
		b.setNum(kind, v)
	default:
		b.setText(text)
	}
	f.bounds[end] = b.plain()
	return nil
}

// instant reads a bound of timestamps; a date is the whole of its day.
func instant(text string, zone *time.Location, upper bool) (int64, error) {
	if day, ok := connectors.DayBound(text, zone, upper); ok {
		return day, nil
	}
	if zone == nil {
		zone = time.UTC
	}
	return calendar.ParseTimestamp([]byte(text), zone)
}

// widen moves a bound outwards, so that rounding on the other side loses
// nothing.
func widen(micros int64, c *Cursor, upper bool) int64 {
	step := c.Granularity.Std().Microseconds()
	if !upper {
		micros -= c.Lookback.Std().Microseconds()
	}
	if step <= 1 {
		return micros
	}
	rest := micros % step
	if rest < 0 {
		rest += step
	}
	if rest != 0 && upper {
		return micros + step - rest
	}
	return micros - rest
}

// plain is the value of a branch as text.
func (b *branch) plain() string {
	field := record.NewField(b.name, b.kind)
	c := record.Column{}
	c.Reset(b.kind, 1)
	if b.kind == record.Text {
		return b.text
	}
	c.SetInt(0, b.num)
	return string(record.AppendValue(nil, &field, &c, 0))
}
