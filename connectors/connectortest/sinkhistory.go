package connectortest

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/record"
)

// day is an instant of the loads below.
func day(n int) time.Time { return time.Date(2026, 1, n, 6, 30, 0, 250000000, time.UTC) }

func stamp(n int) string { return "2026-01-" + pad(n)[3:] + "T06:30:00.25Z" }

// version is a row with the time it was valid; day 0 is still.
func version(row Row, from, to int) Row {
	out := Row{"valid_from": stamp(from)}
	for k, v := range row {
		out[k] = v
	}
	if to > 0 {
		out["valid_to"] = stamp(to)
	}
	return out
}

// historyAt is a load that stands for a day.
func (k SinkTarget) historyAt(n int) connectors.Load {
	l := k.load(connectors.History)
	l.AsOf = day(n)
	return l
}

// versions compares the target with rows in any order.
func (k SinkTarget) versions(t *testing.T, l connectors.Load, want ...Row) {
	t.Helper()
	got := k.rows(t, l)
	order := func(a, b Row) int { return strings.Compare(a["id"]+a["valid_from"], b["id"]+b["valid_from"]) }
	slices.SortFunc(got, order)
	slices.SortFunc(want, order)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("the versions differ (-want +got):\n%s", diff)
	}
}

func historyKeepsVersions(t *testing.T, k SinkTarget) {
	l := k.historyAt(1)
	a, b, c := charge("a", "1.00"), charge("b", "2.00"), charge("c", "3.00")
	counts(t, k.run(t, l, []Row{a, b}), 2, 0, 0, 0, 0)
	counts(t, k.run(t, k.historyAt(1), []Row{a, b}), 0, 0, 2, 0, 0)
	counts(t, k.run(t, k.historyAt(2), []Row{a, b}), 0, 0, 2, 0, 0)
	k.versions(t, l, version(a, 1, 0), version(b, 1, 0))
	b2 := charge("b", "2.50")
	delete(b2, "note")
	counts(t, k.run(t, k.historyAt(3), []Row{a, b2, c}), 1, 1, 1, 0, 0)
	counts(t, k.run(t, k.historyAt(3), []Row{a, b2, c}), 0, 0, 3, 0, 0)
	k.versions(t, l, version(a, 1, 0), version(b, 1, 3), version(b2, 3, 0), version(c, 3, 0))
	// Other values at the very instant of a version correct it.
	b3 := charge("b", "2.75")
	counts(t, k.run(t, k.historyAt(3), []Row{b3}), 0, 1, 0, 0, 0)
	k.versions(t, l, version(a, 1, 0), version(b, 1, 3), version(b3, 3, 0), version(c, 3, 0))
}

func historyInOrder(t *testing.T, k SinkTarget) {
	l := k.historyAt(5)
	a, b := charge("a", "1.00"), charge("b", "2.00")
	k.run(t, l, []Row{a, b})
	w := k.begin(t, k.historyAt(4))
	write(t, w, l.Shape, []Row{a, charge("b", "9.00")}, 500)
	_, err := w.Commit(context.Background(), ledgerOf(l, "2026-01-31T10:00:00Z"), yes)
	if err == nil || !strings.Contains(err.Error(), "sink.older") || !strings.Contains(err.Error(), `"b"`) {
		t.Fatalf("a load older than the versions it changes: %v", err)
	}
	k.versions(t, l, version(a, 5, 0), version(b, 5, 0))
	counts(t, k.run(t, k.historyAt(4), []Row{a, b}), 0, 0, 2, 0, 0)
	counts(t, k.run(t, k.historyAt(4), []Row{charge("c", "3.00")}), 1, 0, 0, 0, 0)
}

func historyDuplicates(t *testing.T, k SinkTarget) {
	l := k.historyAt(1)
	a := charge("a", "1.00")
	counts(t, k.run(t, l, []Row{a, a, charge("a", "2.00")}), 1, 0, 1, 0, 1)
	none := charge("x", "5.00")
	delete(none, "id")
	counts(t, k.run(t, k.historyAt(2), []Row{none, a}), 0, 0, 1, 0, 1)
	k.versions(t, l, version(a, 1, 0))
}

func poisonHistory(t *testing.T, k SinkTarget) {
	if k.Refuse == nil {
		t.Skip("no record of this target is refused")
	}
	l := k.historyAt(1)
	k.run(t, l, charges(3))
	k.Refuse(t)
	rows := charges(300)
	rows[1]["amount"], rows[150]["id"] = "99.00", "poison"
	counts(t, k.run(t, k.historyAt(2), rows), 296, 1, 2, 0, 1)
	rows[150]["id"] = "c00151"
	counts(t, k.run(t, k.historyAt(3), rows), 1, 0, 299, 0, 0)
}

// missing is a load that takes away what it does not hold.
func (k SinkTarget) missing(mode connectors.Mode, policy connectors.Missing, n int) connectors.Load {
	l := k.load(mode)
	l.AsOf, l.Missing = day(n), policy
	return l
}

func missingDeletes(t *testing.T, k SinkTarget) {
	l := k.load(connectors.Upsert)
	k.run(t, l, charges(10))
	next := charges(8)
	next[0]["amount"] = "7.00"
	receipt := k.run(t, k.missing(connectors.Upsert, connectors.Delete, 1), next)
	counts(t, receipt, 0, 1, 7, 2, 0)
	if receipt.Present != 10 {
		t.Errorf("%d were present, want 10", receipt.Present)
	}
	k.expect(t, l, next)
	receipt = k.run(t, k.missing(connectors.Upsert, connectors.Delete, 2), nil)
	if counts(t, receipt, 0, 0, 0, 8, 0); receipt.Present != 8 {
		t.Errorf("%d were present, want 8", receipt.Present)
	}
	k.expect(t, l, nil)
}

func missingKeeps(t *testing.T, k SinkTarget) {
	for _, policy := range []connectors.Missing{connectors.Delete, connectors.Close} {
		l := k.missing(connectors.Upsert, policy, 1)
		l.Stream = "kept_" + string(policy)
		k.run(t, l, charges(6))
		l.ID = k.load(connectors.Upsert).ID
		w := k.begin(t, l)
		write(t, w, l.Shape, charges(2), 500)
		keys := record.MustShape(record.NewField("id", record.Text))
		for _, b := range batches(t, keys, charges(4)[2:], 1) {
			if err := w.(connectors.Keeper).Keep(context.Background(), b); err != nil {
				t.Fatal(err)
			}
		}
		receipt, err := w.Commit(context.Background(), ledgerOf(l, "2026-01-31T10:00:00Z"), yes)
		if err != nil {
			t.Fatal(err)
		}
		counts(t, receipt, 0, 0, 2, 2, 0)
		l.ID = k.load(connectors.Upsert).ID
		w = k.begin(t, l)
		w.(connectors.Keeper).KeepAll()
		if receipt, err = w.Commit(context.Background(), ledgerOf(l, "2026-01-31T10:00:00Z"), yes); err != nil {
			t.Fatal(err)
		}
		counts(t, receipt, 0, 0, 0, 0, 0)
		if receipt.Present != 0 {
			t.Errorf("%d were present where nobody asked", receipt.Present)
		}
	}
}

func missingRefused(t *testing.T, k SinkTarget) {
	if k.Refuse == nil {
		t.Skip("no record of this target is refused")
	}
	l := k.load(connectors.Upsert)
	rows := charges(4)
	k.run(t, l, rows)
	k.Refuse(t)
	gone := slices.Concat(rows[1:4], []Row{charge("poison", "1.00")})
	counts(t, k.run(t, k.missing(connectors.Upsert, connectors.Delete, 1), gone), 0, 0, 3, 1, 1)
	k.expect(t, l, rows[1:])
	// A record that is refused is in the source all the same.
	twice := slices.Concat(rows[2:4], []Row{rows[1], charge(rows[1]["id"], "99.00")})
	counts(t, k.run(t, k.missing(connectors.Upsert, connectors.Delete, 1), twice), 0, 0, 3, 0, 1)
	k.expect(t, l, rows[1:])
}

// missingLost loads a record whose amount does not fit the target.
func missingLost(t *testing.T, k SinkTarget) {
	if k.Narrow == nil {
		t.Skip("no number is too long for this target")
	}
	k.Narrow(t)
	l := k.load(connectors.Upsert)
	amount := record.NewField("amount", record.Decimal)
	l.Shape, l.Missing, l.AsOf = record.MustShape(record.NewField("id", record.Text), amount), connectors.Delete, day(1)
	a, b := Row{"id": "a", "amount": "1.00"}, Row{"id": "b", "amount": "2.00"}
	k.run(t, l, []Row{a, b, {"id": "c", "amount": "3.00"}})
	l.ID = k.load(connectors.Upsert).ID
	counts(t, k.run(t, l, []Row{a, {"id": "b", "amount": "2.001"}}), 0, 0, 1, 1, 1)
	l.Shape = record.MustShape(l.Shape.Fields[0], record.NewField("amount", record.Decimal))
	got := k.rows(t, l)
	if len(got) != 2 || got[0]["id"] != "a" || got[1]["id"] != "b" {
		t.Errorf("rows: %v", got)
	}
}

func missingCloses(t *testing.T, k SinkTarget) {
	l := k.missing(connectors.Upsert, connectors.Close, 1)
	a, b := charge("a", "1.00"), charge("b", "2.00")
	counts(t, k.run(t, l, []Row{a, b}), 2, 0, 0, 0, 0)
	counts(t, k.run(t, k.missing(connectors.Upsert, connectors.Close, 2), []Row{a}), 0, 0, 1, 1, 0)
	closed := charge("b", "2.00")
	closed["closed_at"] = stamp(2)
	k.expect(t, l, []Row{a, closed})
	receipt := k.run(t, k.missing(connectors.Upsert, connectors.Close, 3), []Row{a})
	if counts(t, receipt, 0, 0, 1, 0, 0); receipt.Present != 1 {
		t.Errorf("%d were present, want 1", receipt.Present)
	}
	k.expect(t, l, []Row{a, closed})
	counts(t, k.run(t, k.missing(connectors.Upsert, connectors.Close, 4), []Row{a, b}), 0, 1, 1, 0, 0)
	k.expect(t, l, []Row{a, b})
}

func missingVersions(t *testing.T, k SinkTarget) {
	l := k.historyAt(1)
	a, b, c := charge("a", "1.00"), charge("b", "2.00"), charge("c", "3.00")
	k.run(t, l, []Row{a, b, c})
	receipt := k.run(t, k.missing(connectors.History, connectors.Close, 2), []Row{a})
	if counts(t, receipt, 0, 0, 1, 2, 0); receipt.Present != 3 {
		t.Errorf("%d were present, want 3", receipt.Present)
	}
	k.versions(t, l, version(a, 1, 0), version(b, 1, 2), version(c, 1, 2))
	counts(t, k.run(t, k.missing(connectors.History, connectors.Close, 2), []Row{a}), 0, 0, 1, 0, 0)
	b2 := charge("b", "2.50")
	counts(t, k.run(t, k.missing(connectors.History, connectors.Close, 4), []Row{a, b2}), 1, 0, 1, 0, 0)
	k.versions(t, l, version(a, 1, 0), version(b, 1, 2), version(b2, 4, 0), version(c, 1, 2))
	// A version that would end where it begins was never valid.
	counts(t, k.run(t, k.missing(connectors.History, connectors.Close, 4), []Row{a}), 0, 0, 1, 1, 0)
	k.versions(t, l, version(a, 1, 0), version(b, 1, 2), version(c, 1, 2))
	k.run(t, k.historyAt(5), []Row{b2})
	counts(t, k.run(t, k.missing(connectors.History, connectors.Delete, 6), []Row{a}), 0, 0, 1, 1, 0)
	k.versions(t, l, version(a, 1, 0), version(c, 1, 2))
}

func missingInOrder(t *testing.T, k SinkTarget) {
	l := k.historyAt(5)
	a, b := charge("a", "1.00"), charge("b", "2.00")
	k.run(t, l, []Row{a, b})
	w := k.begin(t, k.missing(connectors.History, connectors.Close, 4))
	write(t, w, l.Shape, []Row{a}, 500)
	_, err := w.Commit(context.Background(), ledgerOf(l, "2026-01-31T10:00:00Z"), yes)
	if err == nil || !strings.Contains(err.Error(), "sink.older") {
		t.Fatalf("a load older than the versions it closes: %v", err)
	}
	k.versions(t, l, version(a, 5, 0), version(b, 5, 0))
}

func missingBlocked(t *testing.T, k SinkTarget) {
	l := k.load(connectors.Upsert)
	k.run(t, l, charges(5))
	next := k.missing(connectors.Upsert, connectors.Delete, 1)
	w := k.begin(t, next)
	write(t, w, next.Shape, charges(1), 500)
	blocked := context.DeadlineExceeded
	_, err := w.Commit(context.Background(), ledgerOf(next, "2026-01-31T10:00:00Z"), func(r connectors.Receipt) error {
		counts(t, r, 0, 0, 1, 4, 0)
		return blocked
	})
	if err != blocked { //nolint:errorlint // as it is
		t.Fatalf("Commit: %v", err)
	}
	k.expect(t, l, charges(5))
}
