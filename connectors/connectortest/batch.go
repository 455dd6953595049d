package connectortest

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/decimal"
	"github.com/tieout/tieout/schemas/record"
	"github.com/tieout/tieout/transforms/calendar"
)

// Row is one record as texts in the canonical form of each kind; a field that
// is not there has no value.
type Row map[string]string

// shape is what most cases load: one field of every plain kind.
func shape() *record.Shape {
	amount := record.NewField("amount", record.Decimal)
	amount.Scale = 2
	return record.MustShape(record.NewField("id", record.Text), amount, record.NewField("quantity", record.Decimal),
		record.NewField("units", record.Integer), record.NewField("due", record.Date), record.NewField("paid", record.Boolean),
		record.NewField("changed", record.Timestamp), record.NewField("period", record.Month), record.NewField("note", record.Text))
}

// charge is a complete row of shape.
func charge(id, amount string) Row {
	return Row{"id": id, "amount": amount, "quantity": "1.5", "units": "7", "due": "2026-02-28", "paid": "true",
		"changed": "2026-01-31T23:59:59.25Z", "period": "2026-01", "note": "rent " + id}
}

// charges are rows c00001, c00002 and so on.
func charges(n int) []Row {
	rows := make([]Row, n)
	for i := range rows {
		rows[i] = charge("c"+pad(i+1), "12.50")
	}
	return rows
}

func pad(n int) string {
	digits := []byte("00000")
	for i := len(digits) - 1; i >= 0; i-- {
		digits[i] += byte(n % 10)
		n /= 10
	}
	return string(digits)
}

// batches turns rows into batches of at most size.
func batches(t testing.TB, s *record.Shape, rows []Row, size int) []*record.Batch {
	t.Helper()
	var out []*record.Batch
	line := int64(1)
	for chunk := range slices.Chunk(rows, size) {
		b := new(record.Batch)
		b.Reset(s, len(chunk))
		b.Seq, b.Origin.Input = int64(len(out)), "charges.csv"
		for i, row := range chunk {
			line++
			b.Origin.Line = append(b.Origin.Line, line)
			for k := range s.Fields {
				set(t, &b.Columns[k], &s.Fields[k], i, row)
			}
		}
		out = append(out, b)
	}
	return out
}

func set(t testing.TB, c *record.Column, f *record.Field, row int, from Row) {
	t.Helper()
	text, there := from[f.Name]
	if !there {
		c.SetNil(row)
		return
	}
	switch f.Kind {
	case record.Text, record.List, record.Record:
		c.SetString(row, text)
	case record.Decimal:
		d, err := decimal.Parse(text)
		if err != nil {
			t.Fatalf("test row has %q for %q: %v", text, f.Name, err)
		}
		c.SetDecimal(row, d)
	case record.Boolean:
		c.SetBool(row, text == "true")
	default:
		c.SetInt(row, number(t, f, text))
	}
}

func number(t testing.TB, f *record.Field, text string) int64 {
	t.Helper()
	switch f.Kind {
	case record.Date:
		if d, ok := calendar.ParseISO([]byte(text)); ok {
			return int64(d)
		}
	case record.Month:
		if m, ok := calendar.ParseMonth([]byte(text)); ok {
			return int64(m)
		}
	case record.Timestamp:
		if v, err := calendar.ParseTimestamp([]byte(text), nil); err == nil {
			return v
		}
	case record.Integer:
		if d, err := decimal.Parse(text); err == nil {
			if v, ok := d.Int64(); ok {
				return v
			}
		}
	}
	t.Fatalf("test row has %q for %q, which is %s", text, f.Name, f.Kind)
	return 0
}

// rowsOf reads the live rows of a batch as texts.
func rowsOf(b *record.Batch) []Row {
	var rows []Row
	for _, r := range b.Live {
		row := make(Row)
		for i := range b.Columns {
			if b.Columns[i].Presence[r] == record.Value {
				row[b.Shape.Fields[i].Name] = string(record.AppendValue(nil, &b.Shape.Fields[i], &b.Columns[i], int(r)))
			}
		}
		rows = append(rows, row)
	}
	return rows
}

// readAll reads to the end, checking what holds for every batch.
func readAll(t testing.TB, r connectors.Reader) (rows []Row, held []record.Hold) {
	t.Helper()
	var b record.Batch
	for seq := int64(0); ; seq++ {
		err := r.Next(context.Background(), &b)
		if errors.Is(err, io.EOF) {
			return rows, held
		}
		if err != nil {
			t.Fatalf("Next: %v", err)
		}
		if b.Seq != seq {
			t.Fatalf("batch %d has Seq %d", seq, b.Seq)
		}
		if b.Rows < 1 || b.Rows > record.BatchRows {
			t.Fatalf("batch %d has %d rows", seq, b.Rows)
		}
		if b.Shape != r.Shape() && !b.Shape.Equal(r.Shape()) {
			t.Fatalf("batch %d has another shape than the reader", seq)
		}
		if b.Origin.Input == "" {
			t.Fatalf("batch %d does not say where it came from", seq)
		}
		rows = append(rows, rowsOf(&b)...)
		for _, h := range b.Held {
			h.Record = slices.Clone(h.Record)
			held = append(held, h)
		}
	}
}

// specs declares the fields of a shape, for reading back what was loaded.
func specs(s *record.Shape) []connectors.FieldSpec {
	var out []connectors.FieldSpec
	for _, f := range s.Fields {
		out = append(out, connectors.FieldSpec{Name: f.Name, Kind: f.Kind, Scale: f.Scale})
	}
	return out
}

// byID sorts rows by their id, then by their amount.
func byID(rows []Row) []Row {
	rows = slices.Clone(rows)
	slices.SortFunc(rows, func(a, b Row) int {
		return strings.Compare(a["id"]+"|"+a["amount"], b["id"]+"|"+b["amount"])
	})
	return rows
}
