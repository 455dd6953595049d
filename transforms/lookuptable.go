package transforms

import (
	"bytes"
	"fmt"

	"github.com/tieout/tieout/schemas/record"
	"github.com/tieout/tieout/transforms/calendar"
)

// lookupTable is a table indexed by its match columns. It is shared by lanes
// and never changes.
type lookupTable struct {
	rows  *record.Batch
	add   []int // column of the table for each added field
	index map[string][]int32
	from  []calendar.Date
	to    []calendar.Date
}

// keySep parts the values of a key; it cannot be typed into a table.
const keySep = 0x1f

// appendKey writes the values of columns as one key. It stops at a value that
// is nil and returns its name.
func appendKey(dst []byte, b *record.Batch, columns []int, row int) (key []byte, nilField string) {
	for n, i := range columns {
		if n > 0 {
			dst = append(dst, keySep)
		}
		c := &b.Columns[i]
		if c.Presence[row] != record.Value {
			return dst, b.Shape.Fields[i].Name
		}
		// A key compares values, not spellings: a decimal loses its padding.
		f := record.Field{Kind: c.Kind, Scale: record.NoScale, Child: b.Shape.Fields[i].Child}
		dst = record.AppendValue(dst, &f, c, row)
	}
	return dst, ""
}

func splitKey(key []byte) [][]byte { return bytes.Split(key, []byte{keySep}) }

func indexTable(s *Lookup, rows *record.Batch) (*lookupTable, error) {
	t := &lookupTable{rows: rows, index: make(map[string][]int32, rows.Rows)}
	var match []int
	for _, e := range s.Match.Entries {
		match = append(match, rows.Shape.Index(e.Value.Value))
	}
	for _, e := range s.Add.Entries {
		t.add = append(t.add, rows.Shape.Index(e.Value.Value))
	}
	var key []byte
	for _, row := range rows.Live {
		var nilField string
		if key, nilField = appendKey(key[:0], rows, match, int(row)); nilField == "" {
			t.index[string(key)] = append(t.index[string(key)], row)
		}
	}
	if s.Effective == nil {
		return t, nil
	}
	return t, t.dates(s)
}

func (t *lookupTable) dates(s *Lookup) error {
	var err error
	if t.from, err = t.dateColumn(s.Effective.From.Value, calendar.MinDate); err != nil {
		return err
	}
	if s.Effective.To.Value == "" {
		return nil
	}
	t.to, err = t.dateColumn(s.Effective.To.Value, calendar.MaxDate)
	return err
}

// dateColumn reads a column as dates; an empty one is open.
func (t *lookupTable) dateColumn(name string, open calendar.Date) ([]calendar.Date, error) {
	c := t.rows.Column(name)
	out := make([]calendar.Date, t.rows.Rows)
	for row := range out {
		out[row] = open
		if c.Presence[row] != record.Value {
			continue
		}
		if c.Kind == record.Date {
			out[row] = calendar.Date(c.Ints[row])
			continue
		}
		d, ok := calendar.Date(0), false
		if c.Kind == record.Text {
			d, ok = calendar.ParseISO(c.Text(row))
		}
		if !ok {
			return nil, fmt.Errorf("row %d: column %q is no date written YYYY-MM-DD", row+1, name)
		}
		out[row] = d
	}
	return out, nil
}

func (t *lookupTable) find(dst []int32, key []byte) []int32 {
	return append(dst, t.index[string(key)]...)
}

// inForce keeps the rows in force on a day; of several, those that began
// last.
func (t *lookupTable) inForce(rows []int32, day calendar.Date) []int32 {
	kept := rows[:0]
	var latest calendar.Date
	for _, row := range rows {
		if t.from[row] > day || t.to != nil && t.to[row] < day {
			continue
		}
		switch {
		case len(kept) == 0 || t.from[row] > latest:
			kept, latest = append(kept[:0], row), t.from[row]
		case t.from[row] == latest:
			kept = append(kept, row)
		}
	}
	return kept
}

// copyValue writes the value of added field i of a table row.
func (t *lookupTable) copyValue(dst *record.Column, to, i int, row int32) {
	src := &t.rows.Columns[t.add[i]]
	if src.Presence[row] != record.Value {
		dst.Presence[to] = record.Nil
		return
	}
	switch src.Kind {
	case record.Text:
		dst.SetText(to, src.Text(int(row)))
	case record.Decimal:
		dst.SetDecimal(to, src.Decimal(int(row)))
	default:
		dst.SetInt(to, src.Ints[row])
	}
}

// appendRows adds table rows to a child batch of one column.
func (t *lookupTable) appendRows(child *record.Batch, i int, rows []int32) {
	for _, row := range rows {
		child.SetRows(child.Rows + 1)
		t.copyValue(&child.Columns[0], child.Rows-1, i, row)
		child.Live = append(child.Live, int32(child.Rows-1))
	}
}
