package connectortest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/record"
)

// Widening says how to test a sink that gives its target columns for fields
// of the source that nobody declared.
type Widening struct {
	// Columns are the names and types of those the stream has, as "name type".
	Columns func(t *testing.T) []string
	// ByHand makes the stream as a person would, with a text field id alone.
	ByHand func(t *testing.T)
	// Kept says that added columns stay when the load does not commit.
	Kept bool
}

func widenCases() []sinkCase {
	return []sinkCase{
		{"a new field gets a column, append", connectors.Append, widenAppend},
		{"a new field gets a column, upsert", connectors.Upsert, widenUpsert},
		{"a new field gets a column, replace", connectors.Replace, widenReplace},
		{"a new field gets a column, history", connectors.History, widenHistory},
		{"an added column is one of a created table", connectors.Append, widenKinds},
		{"a load that does not commit adds no column", connectors.Append, widenUndone},
		{"two loads add the same column", connectors.Append, widenTwice},
		{"two loads add the same column at once", connectors.Upsert, widenAtOnce},
		{"a field that is not extra gets no column", connectors.Append, widenRefused},
		{"a table made by hand is given columns only when told", connectors.Append, widenByHand},
	}
}

// narrow is a load of two fields, wide one with agent and fee besides, which
// nobody declared.
func (k SinkTarget) narrow(mode connectors.Mode) connectors.Load {
	l := k.load(mode)
	l.AsOf, l.Shape = day(1), record.MustShape(l.Shape.Fields[:2]...)
	return l
}

func (k SinkTarget) wide(mode connectors.Mode, n int) connectors.Load {
	l := k.narrow(mode)
	fee := record.NewField("fee", record.Decimal)
	fee.Scale = 2
	l.AsOf, l.Extra = day(n), []string{"agent", "fee", "id"}
	l.Shape = record.MustShape(append(slices.Clone(l.Shape.Fields), record.NewField("agent", record.Text), fee)...)
	return l
}

// pairs are rows a, b and so on.
func pairs(ids ...string) (rows []Row) {
	for _, id := range ids {
		rows = append(rows, Row{"id": id, "amount": "1.00"})
	}
	return rows
}

// noted checks what a load says of the columns it added.
func noted(t *testing.T, w connectors.Writer, names ...string) {
	t.Helper()
	notes := strings.Join(w.(connectors.Noter).Notes(), "\n")
	for _, name := range []string{"agent", "fee"} {
		if slices.Contains(names, name) != strings.Contains(notes, `"`+name+`"`) {
			t.Errorf("notes are %q, want them to name %v", notes, names)
		}
	}
}

// widen runs a wide load and checks what it says.
func (k SinkTarget) widen(t *testing.T, l connectors.Load, rows []Row, names ...string) connectors.Receipt {
	t.Helper()
	w := k.begin(t, l)
	write(t, w, l.Shape, rows, 500)
	receipt, err := w.Commit(context.Background(), ledgerOf(l, "2026-01-31T10:00:00Z"), yes)
	if err != nil {
		t.Fatalf("Commit: %v", err)
	}
	noted(t, w, names...)
	return receipt
}

func widenAppend(t *testing.T, k SinkTarget) {
	k.run(t, k.narrow(connectors.Append), pairs("a", "b"))
	c := Row{"id": "c", "amount": "2.00", "agent": "Zoë", "fee": "0.10"}
	l := k.wide(connectors.Append, 1)
	counts(t, k.widen(t, l, []Row{c}, "agent", "fee"), 1, 0, 0, 0, 0)
	d := Row{"id": "d", "amount": "3.00"}
	counts(t, k.widen(t, k.wide(connectors.Append, 1), []Row{d}), 1, 0, 0, 0, 0)
	k.run(t, k.narrow(connectors.Append), pairs("e")) // the field is gone again
	k.expect(t, l, append(pairs("a", "b", "e"), c, d))
}

func widenUpsert(t *testing.T, k SinkTarget) {
	k.run(t, k.narrow(connectors.Upsert), pairs("a", "b", "c"))
	l := k.wide(connectors.Upsert, 1)
	rows := append(pairs("a", "b"), Row{"id": "d", "amount": "1.00", "agent": "y"})
	rows[0]["agent"] = "x"
	// Where the new field has no value nothing has changed.
	counts(t, k.widen(t, l, rows, "agent", "fee"), 1, 1, 1, 0, 0)
	k.expect(t, l, append(rows, pairs("c")...))
	counts(t, k.widen(t, k.wide(connectors.Upsert, 1), rows), 0, 0, 3, 0, 0)
}

func widenReplace(t *testing.T, k SinkTarget) {
	k.run(t, k.narrow(connectors.Replace), pairs("a", "b", "c"))
	l := k.wide(connectors.Replace, 1)
	rows := pairs("a", "b", "d")
	rows[0]["fee"] = "0.25"
	counts(t, k.widen(t, l, rows, "agent", "fee"), 1, 1, 1, 1, 0)
	k.expect(t, l, rows)
}

func widenHistory(t *testing.T, k SinkTarget) {
	k.run(t, k.narrow(connectors.History), pairs("a", "b"))
	l := k.wide(connectors.History, 2)
	rows := pairs("a", "b")
	rows[1]["agent"] = "x"
	counts(t, k.widen(t, l, rows, "agent", "fee"), 0, 1, 1, 0, 0)
	l.Shape = record.MustShape(append(slices.Clone(l.Shape.Fields), record.NewField("valid_from", record.Timestamp), record.NewField("valid_to", record.Timestamp))...)
	k.versions(t, l, version(rows[0], 1, 0), version(pairs("b")[0], 1, 2), version(rows[1], 2, 0))
}

// widenKinds compares a table that was widened with one that was created.
func widenKinds(t *testing.T, k SinkTarget) {
	created := k.load(connectors.Append)
	k.run(t, created, charges(2))
	want := k.Widening.Columns(t)
	k = k.Fresh(t)
	l := k.load(connectors.Append)
	l.Shape = record.MustShape(l.Shape.Fields[0])
	k.run(t, l, []Row{{"id": "old"}})
	l = k.load(connectors.Append)
	l.Extra = l.Shape.Names()
	k.run(t, l, charges(2))
	k.expect(t, l, append(charges(2), Row{"id": "old"}))
	got := k.Widening.Columns(t)
	if !slices.Equal(got, want) {
		t.Errorf("the columns are\n%v, and those of a created table\n%v", got, want)
	}
}

func widenUndone(t *testing.T, k SinkTarget) {
	k.run(t, k.narrow(connectors.Append), pairs("a"))
	before := k.Widening.Columns(t)
	if len(before) != 2 {
		t.Fatalf("the columns are %v", before)
	}
	check := func() {
		t.Helper()
		now := len(k.Widening.Columns(t))
		if want := map[bool]int{true: 4, false: 2}[k.Widening.Kept]; now != want {
			t.Errorf("%d columns, want %d", now, want)
		}
		k.expect(t, k.narrow(connectors.Append), pairs("a"))
	}
	l := k.wide(connectors.Append, 1)
	w := k.begin(t, l)
	write(t, w, l.Shape, pairs("b"), 500)
	check()
	if err := w.Abort(context.Background()); err != nil {
		t.Fatal(err)
	}
	check()
	if k.Widening.Kept {
		noted(t, w, "agent", "fee")
	} else {
		noted(t, w)
	}
	l = k.wide(connectors.Append, 1)
	w = k.begin(t, l)
	write(t, w, l.Shape, pairs("b"), 500)
	blocked := errors.New("the gate says no")
	if _, err := w.Commit(context.Background(), ledgerOf(l, "2026-01-31T10:00:00Z"), func(connectors.Receipt) error { return blocked }); !errors.Is(err, blocked) {
		t.Fatalf("Commit: %v", err)
	}
	check()
	noted(t, w)
	// A load whose process is gone is settled and has left nothing either.
	l = k.wide(connectors.Append, 1)
	w = k.begin(t, l)
	write(t, w, l.Shape, pairs("b"), 500)
	if _, found, err := k.Sink.Settle(context.Background(), l); found || err != nil {
		t.Fatalf("Settle: found=%v err=%v", found, err)
	}
	if _, err := w.Commit(context.Background(), ledgerOf(l, "2026-01-31T10:00:00Z"), yes); !errors.Is(err, connectors.ErrFenced) {
		t.Fatalf("Commit of a load that was settled: %v, want fenced", err)
	}
	check()
}

// widenTwice: a load of another pipeline adds the column while this one is
// under way.
func widenTwice(t *testing.T, k SinkTarget) {
	for _, mode := range []connectors.Mode{connectors.Append, connectors.Upsert} {
		l := k.narrow(mode)
		l.Stream += "_" + string(mode)
		k.run(t, l, pairs("a"))
		first, second := k.wide(mode, 1), k.wide(mode, 1)
		first.Stream, second.Stream, second.Pipeline = l.Stream, l.Stream, "another"
		w := k.begin(t, first)
		b, c := pairs("b"), pairs("c")
		b[0]["agent"], c[0]["agent"] = "x", "y"
		write(t, w, first.Shape, b, 500)
		k.run(t, second, c)
		if _, err := w.Commit(context.Background(), ledgerOf(first, "2026-01-31T10:00:00Z"), yes); err != nil {
			t.Fatalf("%s: Commit: %v", mode, err)
		}
		k.expect(t, first, append(pairs("a"), b[0], c[0]))
	}
}

// widenAtOnce: several loads of different pipelines end at the same time.
func widenAtOnce(t *testing.T, k SinkTarget) {
	k.run(t, k.narrow(connectors.Upsert), pairs("a"))
	want := pairs("a")
	done := make(chan error)
	const loads = 4
	for n := range loads {
		row := pairs("b" + pad(n))
		row[0]["agent"] = "x"
		want = append(want, row...)
		l := k.wide(connectors.Upsert, 1)
		l.Pipeline += pad(n)
		b := batches(t, l.Shape, row, 1)[0]
		go func() { done <- k.whole(l, b) }()
	}
	for range loads {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	k.expect(t, k.wide(connectors.Upsert, 1), want)
}

// whole does a load of one batch, in any goroutine.
func (k SinkTarget) whole(l connectors.Load, b *record.Batch) error {
	w, err := k.Sink.Begin(context.Background(), l)
	if err != nil {
		return err
	}
	defer func() { _ = w.Abort(context.Background()) }()
	if err := w.Write(context.Background(), b); err != nil {
		return err
	}
	_, err = w.Commit(context.Background(), ledgerOf(l, "2026-01-31T10:00:00Z"), yes)
	return err
}

// lacks checks that a load is refused for want of a column.
func (k SinkTarget) lacks(t *testing.T, l connectors.Load, parts ...string) {
	t.Helper()
	_, err := k.Sink.Begin(context.Background(), l)
	if !errors.Is(err, connectors.ErrConfig) || !strings.Contains(err.Error(), "sink.missing_column") {
		t.Fatalf("a load whose target lacks a column: %v", err)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error is %q, want %q in it", err, part)
		}
	}
}

func widenRefused(t *testing.T, k SinkTarget) {
	k.run(t, k.narrow(connectors.Append), pairs("a"))
	before := k.Widening.Columns(t)
	l := k.wide(connectors.Append, 1)
	l.Extra, l.ExtraAnywhere = []string{"agent"}, true // fee is one the pipeline made
	k.lacks(t, l, `"fee"`)
	l.Extra = nil
	k.lacks(t, l, `"agent"`)
	if got := k.Widening.Columns(t); !slices.Equal(got, before) {
		t.Errorf("the columns are %v, and were %v", got, before)
	}
}

func widenByHand(t *testing.T, k SinkTarget) {
	k.Widening.ByHand(t)
	l := k.wide(connectors.Append, 1)
	l.Extra = append(l.Extra, "amount")
	k.lacks(t, l, "no load created", "contract: { extra: evolve }")
	if got := k.Widening.Columns(t); len(got) != 1 {
		t.Errorf("the columns are %v", got)
	}
	l.ExtraAnywhere = true
	row := Row{"id": "a", "amount": "1.00", "agent": "x", "fee": "0.10"}
	counts(t, k.widen(t, l, []Row{row}, "agent", "fee"), 1, 0, 0, 0, 0)
	k.expect(t, l, []Row{row})
}
