package connectortest

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/tieout/tieout/connectors"
)

func appendTwice(t *testing.T, k SinkTarget) {
	l := k.load(connectors.Append)
	counts(t, k.run(t, l, charges(3)), 3, 0, 0, 0, 0)
	counts(t, k.run(t, k.load(connectors.Append), charges(3)), 3, 0, 0, 0, 0)
	k.expect(t, l, append(charges(3), charges(3)...))
}

func upsertCounts(t *testing.T, k SinkTarget) {
	l := k.load(connectors.Upsert)
	counts(t, k.run(t, l, charges(1200)), 1200, 0, 0, 0, 0)
	counts(t, k.run(t, k.load(connectors.Upsert), charges(1200)), 0, 0, 1200, 0, 0)
	k.expect(t, l, charges(1200))
	next := charges(1202)
	next[0]["amount"] = "99.00"
	delete(next[1], "note")
	counts(t, k.run(t, k.load(connectors.Upsert), next[:2]), 0, 2, 0, 0, 0)
	counts(t, k.run(t, k.load(connectors.Upsert), next), 2, 0, 1200, 0, 0)
	k.expect(t, l, next)
	// Back from nil to a value is a change too.
	next[1]["note"] = "again"
	counts(t, k.run(t, k.load(connectors.Upsert), next[1:3]), 0, 1, 1, 0, 0)
	k.expect(t, l, next)
}

func duplicateKeys(t *testing.T, k SinkTarget) {
	l := k.load(connectors.Upsert)
	rows := []Row{charge("a", "1.00"), charge("b", "2.00"), charge("a", "1.00"), charge("b", "3.00"), charge("c", "4.00"), charge("a", "1.00")}
	receipt := k.run(t, l, rows)
	counts(t, receipt, 3, 0, 2, 0, 1)
	r := receipt.Refused[0]
	if r.Key != "b" || r.Seq != 0 || r.Row != 3 || !strings.Contains(r.Reason, "sink.duplicate_key") || !strings.Contains(string(r.Record), "3.00") {
		t.Errorf("refusal: %+v %s", r, r.Record)
	}
	k.expect(t, l, []Row{rows[0], rows[1], rows[4]})
}

func keyWithoutValue(t *testing.T, k SinkTarget) {
	l := k.load(connectors.Upsert)
	none := charge("x", "5.00")
	delete(none, "id")
	receipt := k.run(t, l, []Row{charge("a", "1.00"), none})
	counts(t, receipt, 1, 0, 0, 0, 1)
	if r := receipt.Refused[0]; !strings.Contains(r.Reason, "sink.missing_key") || r.Row != 1 {
		t.Errorf("refusal: %+v", r)
	}
	k.expect(t, l, []Row{charge("a", "1.00")})
}

func replaceDeletes(t *testing.T, k SinkTarget) {
	l := k.load(connectors.Replace)
	counts(t, k.run(t, l, charges(5)), 5, 0, 0, 0, 0)
	next := charges(6)[2:]
	next[0]["amount"] = "77.00"
	counts(t, k.run(t, k.load(connectors.Replace), next), 1, 1, 2, 2, 0)
	k.expect(t, l, next)
	counts(t, k.run(t, k.load(connectors.Replace), nil), 0, 0, 0, 4, 0)
	k.expect(t, l, nil)
}

func replaceWithoutKey(t *testing.T, k SinkTarget) {
	l := k.load(connectors.Replace)
	l.Key = nil
	k.run(t, l, charges(5))
	l.ID = k.load(connectors.Replace).ID
	k.run(t, l, append(charges(2), charges(1)...))
	k.expect(t, l, append(charges(2), charges(1)...))
}

func poisonAppend(t *testing.T, k SinkTarget) { poison(t, k, connectors.Append) }
func poisonUpsert(t *testing.T, k SinkTarget) { poison(t, k, connectors.Upsert) }

// poison loads a batch of 500 with one record the target refuses, at the
// first, a middle and the last place.
func poison(t *testing.T, k SinkTarget, mode connectors.Mode) {
	if k.Refuse == nil {
		t.Skip("no record of this target is refused")
	}
	l := k.load(mode)
	k.run(t, l, nil)
	k.Refuse(t)
	var all []Row
	for round, at := range []int{0, 249, 499} {
		rows := charges(500)
		for i := range rows {
			rows[i]["id"] = string(rune('a'+round)) + rows[i]["id"]
		}
		rows[at]["id"] = "poison"
		receipt := k.run(t, k.load(mode), rows)
		counts(t, receipt, 499, 0, 0, 0, 1)
		r := receipt.Refused[0]
		if r.Seq != 0 || r.Row != int32(at) || r.Line != int64(at)+2 || r.Input != "charges.csv" || r.Reason == "" || !strings.Contains(string(r.Record), `"poison"`) {
			t.Fatalf("refusal at %d: seq %d row %d line %d input %q reason %q record %.80s", at, r.Seq, r.Row, r.Line, r.Input, r.Reason, r.Record)
		}
		all = append(all, append(rows[:at:at], rows[at+1:]...)...)
	}
	k.expect(t, l, all)
	// Several in one load, in two batches.
	rows := charges(1000)
	rows[0]["id"], rows[499]["id"], rows[500]["id"], rows[999]["id"] = "poison", "poison", "poison", "poison"
	if mode == connectors.Append {
		counts(t, k.run(t, k.load(mode), rows), 996, 0, 0, 0, 4)
	}
}

func tooManyRefused(t *testing.T, k SinkTarget) {
	if k.Refuse == nil {
		t.Skip("no record of this target is refused")
	}
	l := k.load(connectors.Append)
	k.run(t, l, nil)
	k.Refuse(t)
	l = k.load(connectors.Append)
	l.MaxRefused = 2
	rows := charges(200)
	for _, at := range []int{0, 60, 199} {
		rows[at]["id"] = "poison"
	}
	w := k.begin(t, l)
	var err error
	for _, b := range batches(t, l.Shape, rows, 50) {
		if err = w.Write(context.Background(), b); err != nil {
			break
		}
	}
	if err == nil {
		_, err = w.Commit(context.Background(), ledgerOf(l, "2026-03-31T10:00:00Z"), yes)
	}
	if !errors.Is(err, connectors.ErrTooManyRefused) {
		t.Fatalf("three refusals where two are allowed: %v", err)
	}
	_ = w.Abort(context.Background())
	k.expect(t, l, nil)
	if _, found, _ := k.Sink.Settle(context.Background(), l); found {
		t.Fatal("the load is in the ledger")
	}
}
