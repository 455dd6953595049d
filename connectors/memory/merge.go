package memory

import (
	"fmt"
	"maps"
	"strconv"
	"strings"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
	"github.com/tieout/tieout/transforms/calendar"
)

// merging is one load on its way into the rows of a stream.
type merging struct {
	w       *writer
	receipt *connectors.Receipt
	fresh   map[string]staged // by key, those not met yet
	loaded  map[string]bool   // keys of the load
	at      string            // the instant of the load
	after   []Row
}

// merge gives the rows of the stream as they are after the load.
func (w *writer) merge(before []Row, receipt *connectors.Receipt) ([]Row, error) {
	m := &merging{w: w, receipt: receipt, loaded: make(map[string]bool), at: string(calendar.AppendTimestamp(nil, w.load.AsOf.UnixMicro()))}
	if w.load.Mode == connectors.Append || len(w.load.Key) == 0 {
		return m.add(before), nil
	}
	var err error
	if m.fresh, err = w.unique(receipt); err != nil {
		return nil, err
	}
	for key := range m.fresh {
		m.loaded[key] = true
	}
	take := m.upsert
	if w.load.Mode == connectors.History {
		take = m.version
		if err := m.late(before); err != nil {
			return nil, err
		}
	}
	for _, old := range before {
		if err := take(old, w.keyOf(old)); err != nil {
			return nil, err
		}
	}
	for _, s := range w.rows {
		if _, left := m.fresh[s.key]; left {
			m.receipt.Inserted++
			m.open(s)
		}
	}
	return m.after, nil
}

// add keeps the rows and adds those of the load.
func (m *merging) add(before []Row) []Row {
	after := before[:len(before):len(before)]
	if m.w.load.Mode == connectors.Replace {
		after = nil
		for _, old := range before {
			if m.within(old) {
				m.receipt.Deleted++
			} else {
				after = append(after, old)
			}
		}
	}
	for _, s := range m.w.rows {
		after = append(after, s.row)
	}
	m.receipt.Inserted = int64(len(m.w.rows))
	return after
}

// open puts a record of the load in.
func (m *merging) open(s staged) {
	row := s.row
	if m.w.load.Mode == connectors.History {
		row = with(row, "valid_from", m.at)
	}
	m.after = append(m.after, row)
	delete(m.fresh, s.key)
}

func with(row Row, field, value string) Row {
	out := maps.Clone(row)
	out[field] = value
	return out
}

// upsert brings one row of the target up to date.
func (m *merging) upsert(old Row, key string) error {
	s, match := m.fresh[key]
	switch {
	case match && m.w.load.Mode == connectors.Replace && !m.within(old):
		return fmt.Errorf("%s: the target has record %q outside of where", document.CodeSinkWhere, key)
	case match && maps.Equal(old, s.row):
		m.receipt.Unchanged++
		m.after = append(m.after, old)
	case match:
		m.receipt.Changed++
		m.after = append(m.after, s.row)
	case m.w.load.Mode == connectors.Replace && m.within(old):
		m.receipt.Deleted++
	case m.gone(old, key, "closed_at") && m.w.load.Missing == connectors.Close:
		m.after = append(m.after, with(old, "closed_at", m.at))
	case m.gone(old, key, "closed_at"):
	default:
		m.after = append(m.after, old)
	}
	if m.active() && m.within(old) && old["closed_at"] == "" {
		m.receipt.Present++
		if m.gone(old, key, "closed_at") {
			m.receipt.Deleted++
		}
	}
	delete(m.fresh, key)
	return nil
}

// version brings one version of the target up to date.
func (m *merging) version(old Row, key string) error {
	if old["valid_to"] != "" {
		if !m.forgotten(key) {
			m.after = append(m.after, old)
		}
		return nil
	}
	s, match := m.fresh[key]
	switch {
	case match && maps.Equal(old, with(s.row, "valid_from", old["valid_from"])):
		m.receipt.Unchanged++
		m.after = append(m.after, old)
		delete(m.fresh, key)
	case match && old["valid_from"] == m.at:
		m.receipt.Changed++
		m.open(s)
	case match:
		m.receipt.Changed++
		m.after = append(m.after, with(old, "valid_to", m.at))
		m.open(s)
	case m.gone(old, key, "valid_to"):
		m.receipt.Deleted++
		if m.w.load.Missing == connectors.Close && old["valid_from"] != m.at {
			m.after = append(m.after, with(old, "valid_to", m.at))
		}
	default:
		m.after = append(m.after, old)
	}
	if m.active() && m.within(old) {
		m.receipt.Present++
	}
	return nil
}

// forgotten reports whether a record goes with all its versions.
func (m *merging) forgotten(key string) bool {
	if m.w.load.Missing != connectors.Delete {
		return false
	}
	for _, row := range m.w.db.Rows(m.w.load.Stream) {
		if m.w.keyOf(row) == key && m.gone(row, key, "valid_to") {
			return true
		}
	}
	return false
}

func (m *merging) active() bool {
	return m.w.load.Missing != "" && m.w.load.Missing != connectors.Keep && !m.w.keepAll
}

// gone reports whether a current row is not in the source any more.
func (m *merging) gone(row Row, key, end string) bool {
	return m.active() && row[end] == "" && !m.loaded[key] && !m.w.kept[key] && m.within(row)
}

// within reports whether a row lies in the part a load may touch.
func (m *merging) within(row Row) bool {
	for i := range m.w.load.Where {
		c := &m.w.load.Where[i]
		text, there := row[c.Field]
		if !there {
			return false
		}
		var one record.Column
		one.Reset(c.Values.Kind, 1)
		parse(&one, text)
		if !c.Holds(&one, 0) {
			return false
		}
	}
	return true
}

func parse(c *record.Column, text string) {
	switch c.Kind {
	case record.Text:
		c.SetString(0, text)
	case record.Boolean:
		c.SetBool(0, text == "true")
	case record.Date:
		d, _ := calendar.ParseISO([]byte(text))
		c.SetInt(0, int64(d))
	case record.Month:
		m, _ := calendar.ParseMonth([]byte(text))
		c.SetInt(0, int64(m))
	case record.Timestamp:
		at, _ := calendar.ParseTimestamp([]byte(text), nil)
		c.SetInt(0, at)
	case record.Integer:
		v, _ := strconv.ParseInt(text, 10, 64)
		c.SetInt(0, v)
	}
}

// late refuses a load older than a version it would change or close.
func (m *merging) late(before []Row) error {
	unchanged := make(map[string]bool)
	for _, old := range before {
		key := m.w.keyOf(old)
		if s, match := m.fresh[key]; match && old["valid_to"] == "" && maps.Equal(old, with(s.row, "valid_from", old["valid_from"])) {
			unchanged[key] = true
		}
	}
	for _, old := range before {
		key := m.w.keyOf(old)
		_, match := m.fresh[key]
		later := m.isAfter(old["valid_from"]) || match && m.isAfter(old["valid_to"])
		if later && (match && !unchanged[key] || m.gone(old, key, "valid_to")) {
			return fmt.Errorf("%s: the target has a later version of record %q", document.CodeSinkOlder, key)
		}
	}
	return nil
}

// isAfter compares instants as texts: without its Z one of fewer digits comes
// before those that go on.
func (m *merging) isAfter(text string) bool {
	return strings.TrimSuffix(text, "Z") > strings.TrimSuffix(m.at, "Z")
}
