package connectortest

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tieout/tieout/connectors"
)

func invisibleBeforeCommit(t *testing.T, k SinkTarget) {
	l := k.load(connectors.Append)
	w := k.begin(t, l)
	write(t, w, l.Shape, charges(1500), 500)
	if got := k.rows(t, l); len(got) != 0 {
		t.Fatalf("%d rows can be seen before the commit", len(got))
	}
	seen := -1
	_, err := w.Commit(context.Background(), ledgerOf(l, "2026-01-31T10:00:00Z"), func(connectors.Receipt) error {
		seen = len(k.rows(t, l))
		return nil
	})
	if err != nil {
		t.Fatalf("Commit: %v", err)
	}
	if seen != 0 {
		t.Fatalf("%d rows can be seen while the load is approved", seen)
	}
	k.expect(t, l, charges(1500))
}

func abortLeavesNothing(t *testing.T, k SinkTarget) {
	l := k.load(connectors.Append)
	w := k.begin(t, l)
	write(t, w, l.Shape, charges(300), 100)
	if err := w.Abort(context.Background()); err != nil {
		t.Fatalf("Abort: %v", err)
	}
	k.nothing(t, l)
	if err := w.Abort(context.Background()); err != nil {
		t.Fatalf("Abort again: %v", err)
	}
	k.run(t, k.load(connectors.Append), charges(2))
	k.expect(t, l, charges(2))
}

// nothing checks that a load left no row, no position and no proof.
func (k SinkTarget) nothing(t *testing.T, l connectors.Load) {
	t.Helper()
	k.expect(t, l, nil)
	if _, found, err := k.Sink.Position(context.Background(), l); found || err != nil {
		t.Fatalf("Position: found=%v err=%v, want none", found, err)
	}
	if _, found, err := k.Sink.Settle(context.Background(), l); found || err != nil {
		t.Fatalf("Settle: found=%v err=%v, want not found", found, err)
	}
}

func ledgerWithData(t *testing.T, k SinkTarget) {
	l := k.load(connectors.Append)
	if _, found, err := k.Sink.Position(context.Background(), l); found || err != nil {
		t.Fatalf("Position of an empty target: found=%v err=%v", found, err)
	}
	k.run(t, l, charges(3))
	pos, found, err := k.Sink.Position(context.Background(), l)
	if err != nil || !found {
		t.Fatalf("Position: found=%v err=%v", found, err)
	}
	if pos.Epoch < 1 {
		t.Errorf("epoch is %d", pos.Epoch)
	}
	want := *ledgerOf(l, "2026-01-31T10:00:00Z").After
	want.Epoch, want.LoadID = pos.Epoch, l.ID
	if diff := cmp.Diff(want, pos); diff != "" {
		t.Errorf("position (-want +got):\n%s", diff)
	}
	other := l
	other.Pipeline = "another"
	if _, found, err := k.Sink.Position(context.Background(), other); found || err != nil {
		t.Errorf("Position of another pipeline: found=%v err=%v", found, err)
	}
}

func approveUndoes(t *testing.T, k SinkTarget) {
	l := k.load(connectors.Append)
	w := k.begin(t, l)
	write(t, w, l.Shape, charges(10), 5)
	blocked := errors.New("the gate says no")
	if _, err := w.Commit(context.Background(), ledgerOf(l, "2026-01-31T10:00:00Z"), func(r connectors.Receipt) error {
		counts(t, r, 10, 0, 0, 0, 0)
		return blocked
	}); !errors.Is(err, blocked) {
		t.Fatalf("Commit: %v, want the error of approve", err)
	}
	k.nothing(t, l)
}

func settleFinds(t *testing.T, k SinkTarget) {
	l := k.load(connectors.Append)
	k.run(t, l, charges(3))
	got, found, err := k.Sink.Settle(context.Background(), l)
	if err != nil || !found {
		t.Fatalf("Settle: found=%v err=%v", found, err)
	}
	want := ledgerOf(l, "2026-01-31T10:00:00Z")
	if got.LoadID != l.ID || got.RunID != want.RunID || got.ConfigHash != want.ConfigHash || got.Format != connectors.LedgerFormat {
		t.Errorf("ledger: %+v", got)
	}
	if got.Counts.Read != 3 || got.Counts.Inserted != 3 {
		t.Errorf("counts: %+v", got.Counts)
	}
	if got.After == nil || got.After.Text != "2026-01-31T10:00:00Z" || len(got.After.Seen) != 2 {
		t.Errorf("position after: %+v", got.After)
	}
	if !got.StartedAt.Equal(want.StartedAt) || !got.FinishedAt.Equal(want.FinishedAt) {
		t.Errorf("times: %v to %v", got.StartedAt, got.FinishedAt)
	}
	k.run(t, k.load(connectors.Append), charges(1))
	if _, found, err := k.Sink.Settle(context.Background(), l); err != nil || !found {
		t.Errorf("Settle after a later load: found=%v err=%v", found, err)
	}
}

func settleFences(t *testing.T, k SinkTarget) {
	l := k.load(connectors.Append)
	w := k.begin(t, l)
	write(t, w, l.Shape, charges(3), 3)
	if _, found, err := k.Sink.Settle(context.Background(), l); found || err != nil {
		t.Fatalf("Settle: found=%v err=%v, want not found", found, err)
	}
	if _, err := w.Commit(context.Background(), ledgerOf(l, "2026-01-31T10:00:00Z"), yes); !errors.Is(err, connectors.ErrFenced) {
		t.Fatalf("Commit of a load that was settled: %v, want fenced", err)
	}
	k.nothing(t, l)
}

func zombieFenced(t *testing.T, k SinkTarget) {
	old := k.load(connectors.Append)
	w := k.begin(t, old)
	write(t, w, old.Shape, charges(3), 3)
	k.run(t, k.load(connectors.Append), charges(2))
	if _, err := w.Commit(context.Background(), ledgerOf(old, "2026-02-28T10:00:00Z"), yes); !errors.Is(err, connectors.ErrFenced) {
		t.Fatalf("Commit of the older load: %v, want fenced", err)
	}
	k.expect(t, old, charges(2))
	if pos, _, err := k.Sink.Position(context.Background(), old); err != nil || pos.Text != "2026-01-31T10:00:00Z" {
		t.Fatalf("position is %q, %v", pos.Text, err)
	}
	if _, found, _ := k.Sink.Settle(context.Background(), old); found {
		t.Fatal("the fenced load is in the ledger")
	}
}

func setPosition(t *testing.T, k SinkTarget) {
	p, ok := k.Sink.(connectors.Positioner)
	if !ok {
		t.Skip("the sink's position cannot be set")
	}
	l := k.load(connectors.Append)
	w := k.begin(t, l)
	write(t, w, l.Shape, charges(1), 1)
	want := connectors.Position{Field: "changed", Text: "2025-12-31T00:00:00Z", Kind: "timestamp"}
	if err := p.SetPosition(context.Background(), l, &want); err != nil {
		t.Fatalf("SetPosition: %v", err)
	}
	if got, found, err := k.Sink.Position(context.Background(), l); err != nil || !found || got.Text != want.Text {
		t.Fatalf("Position: %+v found=%v err=%v", got, found, err)
	}
	if _, err := w.Commit(context.Background(), ledgerOf(l, "2026-01-31T10:00:00Z"), yes); !errors.Is(err, connectors.ErrFenced) {
		t.Fatalf("Commit under a position set by hand: %v, want fenced", err)
	}
	if err := p.SetPosition(context.Background(), l, nil); err != nil {
		t.Fatalf("SetPosition to none: %v", err)
	}
	if _, found, err := k.Sink.Position(context.Background(), l); err != nil || found {
		t.Fatalf("Position after it was taken away: found=%v err=%v", found, err)
	}
}

func noSecrets(t *testing.T, h SinkHarness) {
	k := SinkTarget{Sink: h.Broken(t), Stream: "charges"}
	l := k.load(connectors.Append)
	_, begin := k.Sink.Begin(context.Background(), l)
	_, _, settle := k.Sink.Settle(context.Background(), l)
	_, _, position := k.Sink.Position(context.Background(), l)
	for _, err := range []error{begin, settle, position} {
		if !errors.Is(err, connectors.ErrEnvironment) {
			t.Fatalf("a target that cannot be reached gives %v, want an error of the environment", err)
		}
		for _, secret := range h.Secrets {
			if strings.Contains(err.Error(), secret) {
				t.Fatalf("an error shows the secret %q", secret)
			}
		}
	}
}
