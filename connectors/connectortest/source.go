package connectortest

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/tieout/tieout/connectors"
)

// SourceHarness says how to test one source.
type SourceHarness struct {
	// New gives a source over an empty system. It is called once for each
	// case.
	New func(t *testing.T) SourceTarget
}

// SourceTarget is one system to read from.
type SourceTarget struct {
	Source connectors.Source
	Stream string
	// Fill makes the stream hold exactly the rows, under the columns given,
	// each of which holds texts of the kind that Field names.
	Fill func(t *testing.T, columns []Column, rows []Row)
	// Add adds rows to the stream while it may be read; nil leaves the case
	// out.
	Add func(t *testing.T, rows []Row)
	// Cursor says that the source can read from a cursor.
	Cursor bool
}

// Column is one column of a stream to be made.
type Column struct{ Name, Kind string }

// columns are the columns of the default shape.
func columns() []Column {
	var out []Column
	for _, f := range shape().Fields {
		out = append(out, Column{f.Name, f.Kind.String()})
	}
	return out
}

// RunSource runs the suite for sources.
func RunSource(t *testing.T, h SourceHarness) {
	cases := []struct {
		name   string
		cursor bool
		run    func(*testing.T, SourceTarget)
	}{
		{"batches, order and origin", false, readsAll},
		{"an empty stream", false, readsNothing},
		{"columns under other names, optional ones", false, renamed},
		{"a missing column", false, missingColumn},
		{"a missing stream", false, missingStream},
		{"wanted fields are right", false, wanted},
		{"bad values are held as received", false, badValues},
		{"cancel in the middle of a read", false, cancelled},
		{"close at any time", false, closes},
		{"fields, check and streams", false, describes},
		{"resumes from the cursor, ties included", true, resumes},
		{"rows without a cursor", true, withoutCursor},
		{"an explicit range", true, explicitRange},
		{"the upper end is frozen", true, frozen},
		{"the lag is taken off", true, lagged},
		{"windows equal one read", true, windows},
		{"cursors of every kind", true, cursorKinds},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			k := h.New(t)
			if c.cursor && !k.Cursor {
				t.Skip("the source has no cursor")
			}
			before := goleak.IgnoreCurrent()
			c.run(t, k)
			goleak.VerifyNone(t, before)
		})
	}
}

// read opens a read of the whole default shape.
func (k SourceTarget) open(t *testing.T, change func(*connectors.Read)) connectors.Reader {
	t.Helper()
	read := connectors.Read{Stream: k.Stream, Fields: specs(shape()), Key: []string{"id"}, Zone: time.UTC}
	if change != nil {
		change(&read)
	}
	r, err := k.Source.Open(context.Background(), read)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

// all reads everything of one read and closes it.
func (k SourceTarget) all(t *testing.T, change func(*connectors.Read)) []Row {
	t.Helper()
	r := k.open(t, change)
	rows, held := readAll(t, r)
	if len(held) > 0 {
		t.Fatalf("%d records held: %s", len(held), held[0].Message)
	}
	if err := r.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	return rows
}

func same(t *testing.T, want, got []Row) {
	t.Helper()
	if diff := cmp.Diff(byID(want), byID(got)); diff != "" {
		t.Fatalf("the records differ (-want +got):\n%s", diff)
	}
}

func readsAll(t *testing.T, k SourceTarget) {
	rows := charges(2500)
	delete(rows[7], "note")
	delete(rows[8], "amount")
	delete(rows[9], "due")
	rows[10]["paid"], rows[10]["units"], rows[10]["amount"] = "false", "-12", "-0.05"
	rows[11]["note"] = "Zoë, \"quoted\"; back\\slash 東京"
	rows[12]["amount"] = "99999999999999999999999999999.99"
	k.Fill(t, columns(), rows)
	same(t, rows, k.all(t, nil))
}

func readsNothing(t *testing.T, k SourceTarget) {
	k.Fill(t, columns(), nil)
	if rows := k.all(t, nil); len(rows) != 0 {
		t.Fatalf("%d rows in an empty stream", len(rows))
	}
}

func renamed(t *testing.T, k SourceTarget) {
	k.Fill(t, []Column{{"Charge No", "text"}, {"Amt", "decimal"}, {"select", "text"}}, []Row{{"Charge No": "c1", "Amt": "1.50", "select": "x"}})
	r, err := k.Source.Open(context.Background(), connectors.Read{Stream: k.Stream, Fields: []connectors.FieldSpec{
		spec("id", "text", "Number", "Charge No"), spec("amount", "decimal", "Amt"), optional(spec("note", "text"))}})
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	defer r.Close()
	if r.Shape().Index("note") < 0 {
		t.Error("the optional field is not in the shape")
	}
	rows, _ := readAll(t, r)
	same(t, []Row{{"id": "c1", "amount": "1.5", "select": "x"}}, trimmed(rows))
}

// trimmed drops zeros behind the last digit of amounts: a source that knows
// the scale of its column pads.
func trimmed(rows []Row) []Row {
	for _, row := range rows {
		if row["amount"] == "1.50" {
			row["amount"] = "1.5"
		}
	}
	return rows
}

func missingColumn(t *testing.T, k SourceTarget) {
	k.Fill(t, columns(), charges(1))
	_, err := k.Source.Open(context.Background(), connectors.Read{Stream: k.Stream, Fields: []connectors.FieldSpec{spec("tenant", "text", "Tenant", "tenant_id")}})
	var missing *connectors.MissingColumnError
	if !errors.As(err, &missing) || !errors.Is(err, connectors.ErrData) {
		t.Fatalf("Open: %v, want a missing column", err)
	}
	if missing.Field != "tenant" || len(missing.Columns) != 2 || !slices.Contains(missing.Known, "amount") {
		t.Errorf("missing column: %+v", missing)
	}
}

func missingStream(t *testing.T, k SourceTarget) {
	if _, err := k.Source.Open(context.Background(), connectors.Read{Stream: "no_such_stream.csv"}); !errors.Is(err, connectors.ErrConfig) && !errors.Is(err, connectors.ErrEnvironment) {
		t.Fatalf("Open: %v, want a mistake in the configuration", err)
	}
}

func wanted(t *testing.T, k SourceTarget) {
	k.Fill(t, columns(), charges(5))
	rows := k.all(t, func(r *connectors.Read) { r.Wanted = []string{"id", "amount"} })
	for i, row := range rows {
		if row["id"] != charges(5)[i]["id"] || row["amount"] != "12.50" {
			t.Fatalf("row %d: %v", i, row)
		}
		if note, there := row["note"]; there && note != "rent "+row["id"] {
			t.Fatalf("row %d has the note %q", i, note)
		}
	}
}
