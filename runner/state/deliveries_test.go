package state_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/runner"
	"github.com/tieout/tieout/runner/delivery"
	"github.com/tieout/tieout/runner/state"
	"github.com/tieout/tieout/schemas/record"
)

func loadOf(id string) connectors.Load {
	return connectors.Load{ID: id, Project: "p", Pipeline: "rent", Stream: "invoices", Key: []string{"id"}, Shape: record.MustShape(record.NewField("id", record.Text))}
}

func intentOf(load, key string, place, sequence int64) delivery.Intent {
	return delivery.Intent{Identity: delivery.Identity{Project: "p", From: "a.b", To: "c.d", Key: key}, Pipeline: "rent", RunID: "r-" + load, LoadID: load, Place: place,
		Sequence: sequence, Operation: connectors.Create, IntentKey: fmt.Sprint(load, "-", place), Fields: []string{key}, Record: `{"id":"` + key + `"}`, Content: fmt.Sprint("h", place), Input: "x.csv", Line: 2, PlannedAt: at}
}

// plan opens a load, plans intents and commits them.
func plan(t *testing.T, d *state.Deliveries, load connectors.Load, intents ...delivery.Intent) error {
	t.Helper()
	ctx := context.Background()
	epoch, err := d.Raise(ctx, load)
	if err == nil {
		err = d.Plan(ctx, intents)
	}
	if err != nil {
		t.Fatal(err)
	}
	return d.Commit(ctx, load, epoch, connectors.Ledger{LoadID: load.ID, After: &connectors.Position{Field: "n", Text: "9", Kind: "integer", LoadID: load.ID}})
}

func TestDeliveries(t *testing.T) {
	stores(t, func(t *testing.T, place string) {
		ctx, s := context.Background(), open(t, place)
		d := s.Deliveries()
		one, two := intentOf("l1", "nul\x00 and \xff", 0, 1), intentOf("l1", "2", 1, 1)
		if err := plan(t, d, loadOf("l1"), one, two); err != nil {
			t.Fatal(err)
		}
		ledger, fields, found, err := d.Committed(ctx, "l1")
		if err != nil || !found || ledger.LoadID != "l1" || len(fields) != 1 || fields[0].Name != "id" {
			t.Errorf("the ledger is %+v with %v, %v, %v", ledger, fields, found, err)
		}
		if pos, found, err := d.Position(ctx, loadOf("")); err != nil || !found || pos.Text != "9" || pos.Epoch != 1 {
			t.Errorf("the position is %+v, %v, %v", pos, found, err)
		}
		open, err := d.Open(ctx, "l1", -1)
		if err != nil || len(open) != 2 || open[1].Status != delivery.Planned {
			t.Fatalf("%+v, %v", open, err)
		}
		two.Status = delivery.Planned
		two.Kept = delivery.Progress{Status: delivery.Planned}
		if diff := cmp.Diff(two, open[1]); diff != "" {
			t.Errorf("an intent comes back as another (-want +got):\n%s", diff)
		}
		known, err := d.Standings(ctx, []delivery.Identity{open[1].Identity, {Project: "p", Key: "nobody"}, open[0].Identity})
		if err != nil || known[0].Last == nil || known[1].Last != nil || known[2].Last == nil || known[0].Taken != nil || known[0].Linked {
			t.Errorf("what is known of them: %+v, %v", known, err)
		}
		if rest, err := d.Open(ctx, "l1", 0); err != nil || len(rest) != 1 || rest[0].Key != "2" {
			t.Errorf("behind the first: %+v, %v", rest, err)
		}
	})
}

// An intent goes on from where it is, and from nowhere else.
func TestMarkIsFenced(t *testing.T) {
	stores(t, func(t *testing.T, place string) {
		ctx, s := context.Background(), open(t, place)
		d := s.Deliveries()
		if err := plan(t, d, loadOf("l1"), intentOf("l1", "1", 0, 1)); err != nil {
			t.Fatal(err)
		}
		read := func() delivery.Intent {
			list, err := d.Open(ctx, "l1", -1)
			if err != nil || len(list) != 1 {
				t.Fatal(list, err)
			}
			return list[0]
		}
		mine, theirs := read(), read()
		mine.Status, mine.Attempts, mine.SentAt = delivery.Sent, 1, at
		if err := d.Mark(ctx, &mine); err != nil || mine.Kept != (delivery.Progress{Status: delivery.Sent, Attempts: 1}) {
			t.Fatal(mine.Kept, err)
		}
		theirs.Status, theirs.Attempts = delivery.Sent, 1
		if err := d.Mark(ctx, &theirs); !errors.Is(err, connectors.ErrFenced) {
			t.Errorf("two processes send it: %v", err)
		}
		mine.Status, mine.ID, mine.Version, mine.EndedAt = delivery.Confirmed, "77", "3", at
		if err := d.Mark(ctx, &mine); err != nil {
			t.Fatal(err)
		}
		known, err := d.Standings(ctx, []delivery.Identity{mine.Identity})
		if err != nil || !known[0].Linked || known[0].ID != "77" || known[0].Version != "3" || known[0].Taken == nil || known[0].Taken.Content != "h0" {
			t.Errorf("after it was taken: %+v, %v", known, err)
		}
		update := intentOf("l2", "1", 0, 2)
		update.Operation = connectors.Update
		if err := plan(t, d, loadOf("l2"), update); err != nil {
			t.Fatal(err)
		}
		list, err := d.Open(ctx, "l2", -1)
		if err != nil || len(list) != 1 {
			t.Fatal(list, err)
		}
		refused := list[0]
		refused.Status, refused.Reason, refused.EndedAt = delivery.Refused, "no", at
		if err := d.Mark(ctx, &refused); err != nil {
			t.Fatal(err)
		}
		known, err = d.Standings(ctx, []delivery.Identity{mine.Identity})
		if err != nil || known[0].Last.Sequence != 2 || known[0].Taken == nil || known[0].Taken.Sequence != 1 {
			t.Errorf("after a change was refused: %+v, %v", known, err)
		}
		if tally, err := d.Tally(ctx, "l2"); err != nil || tally[delivery.Refused] != 1 {
			t.Errorf("%v, %v", tally, err)
		}
	})
}

func TestCommitOfDeliveries(t *testing.T) {
	stores(t, func(t *testing.T, place string) {
		ctx, s := context.Background(), open(t, place)
		d := s.Deliveries()
		first, err := d.Raise(ctx, loadOf("l1"))
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Plan(ctx, []delivery.Intent{intentOf("l1", "1", 0, 1)}); err != nil {
			t.Fatal(err)
		}
		if err := plan(t, d, loadOf("l2"), intentOf("l2", "2", 0, 1)); err != nil {
			t.Fatal(err)
		}
		if err := d.Commit(ctx, loadOf("l1"), first, connectors.Ledger{}); !errors.Is(err, connectors.ErrFenced) {
			t.Errorf("a load that was overtaken commits: %v", err)
		}
		other := loadOf("l3")
		other.Pipeline = "another"
		if err := plan(t, d, other, intentOf("l3", "2", 0, 1)); !errors.Is(err, delivery.ErrOvertaken) {
			t.Errorf("two pipelines send one document: %v", err)
		}
		for _, id := range []string{"l1", "l3"} {
			if err := d.Drop(ctx, id); err != nil {
				t.Fatal(err)
			}
			if _, _, found, err := d.Committed(ctx, id); found || err != nil {
				t.Errorf("%s has a ledger: %v", id, err)
			}
		}
		if list, err := d.Unsettled(ctx, "p", "", 10); err != nil || len(list) != 1 || list[0].Key != "2" {
			t.Errorf("open: %+v, %v", list, err)
		}
		if _, err := d.Intent(ctx, "p", "", "l2"); err != nil {
			t.Error(err)
		}
		if _, err := d.Intent(ctx, "p", "", "nothing"); !errors.Is(err, state.ErrMissing) {
			t.Error(err)
		}
		if err := d.SetPosition(ctx, loadOf(""), nil); err != nil {
			t.Fatal(err)
		}
		if _, found, err := d.Position(ctx, loadOf("")); found || err != nil {
			t.Errorf("the position is still there: %v", err)
		}
	})
}

// Records that were refused after the commit are kept once, however often they
// are told.
func TestHoldOnce(t *testing.T) {
	stores(t, func(t *testing.T, place string) {
		ctx, s := context.Background(), open(t, place)
		r := run("1")
		begin(t, s, r, held("a", `{"from":"the run"}`))
		again := []runner.Held{held("a", `{"from":"settling"}`), held("b", `{}`)}
		for range 3 {
			if err := s.HoldOnce(ctx, r, again); err != nil {
				t.Fatal(err)
			}
		}
		finish(t, s, r, true)
		if got := waiting(t, s); len(got) != 2 || got[0] != `a {"from":"settling"}` {
			t.Errorf("held: %v", got)
		}
	})
}

func TestLinks(t *testing.T) {
	stores(t, func(t *testing.T, place string) {
		ctx, s := context.Background(), open(t, place)
		scope := state.LinkScope{Project: "p", Tenant: "acme", From: "a.b", To: "c.d"}
		put := func(replace bool, links ...state.Link) state.Linked {
			t.Helper()
			done, err := s.PutLinks(ctx, scope, links, replace)
			if err != nil {
				t.Fatal(err)
			}
			return done
		}
		if done := put(false, state.Link{Key: "1", ID: "x"}, state.Link{Key: "2\x00", ID: "y", Version: "4"}); done.Added != 2 {
			t.Errorf("%+v", done)
		}
		if done := put(false, state.Link{Key: "1", ID: "x", Version: "2"}, state.Link{Key: "2\x00", ID: "y", Version: "4"}); done.Changed != 1 || done.Unchanged != 1 {
			t.Errorf("%+v", done)
		}
		if _, err := s.PutLinks(ctx, scope, []state.Link{{Key: "3", ID: "z"}, {Key: "1", ID: "other"}}, false); !errors.Is(err, state.ErrLinked) {
			t.Errorf("a link is overwritten: %v", err)
		}
		if done := put(true, state.Link{Key: "1", ID: "other"}); done.Changed != 1 {
			t.Errorf("%+v", done)
		}
		other := scope
		other.Tenant = "beta"
		if _, err := s.PutLinks(ctx, other, []state.Link{{Key: "1", ID: "beta's"}}, false); err != nil {
			t.Fatal(err)
		}
		var got []string
		if err := s.Links(ctx, state.LinkScope{Project: "p"}, func(l state.Link) error { got = append(got, l.Tenant+" "+l.Key+" "+l.ID); return nil }); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"acme 1 other", "acme 2\ufffd y", "beta 1 beta's"}, got); diff != "" {
			t.Error(diff)
		}
		if n, err := s.RemoveLinks(ctx, scope, []string{"1", "nobody"}); n != 1 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		if n, err := s.RemoveLinks(ctx, state.LinkScope{Project: "p"}, nil); n != 2 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
	})
}

// More identities than one question asks for, of two scopes in turns, some of
// them nobody has heard of.
func TestStandingsOfMany(t *testing.T) {
	stores(t, func(t *testing.T, place string) {
		ctx, s := context.Background(), open(t, place)
		d := s.Deliveries()
		var list []delivery.Intent
		for n := range 1500 {
			i := intentOf("l1", fmt.Sprint(n), int64(n), 1)
			if n%700 == 3 {
				i.Tenant = "other"
			}
			list = append(list, i)
		}
		if err := plan(t, d, loadOf("l1"), list...); err != nil {
			t.Fatal(err)
		}
		var ids []delivery.Identity
		for n := range list {
			unknown := list[n].Identity
			unknown.Key += "x"
			ids = append(ids, list[n].Identity, unknown)
		}
		known, err := d.Standings(ctx, ids)
		if err != nil {
			t.Fatal(err)
		}
		for n, k := range known {
			if found := k.Last != nil; found != (n%2 == 0) || found && (k.Last.Identity != ids[n]) || k.Taken != nil {
				t.Fatalf("%d: %+v", n, k)
			}
		}
	})
}

// What was sent of a document before it was changed goes; what the target
// holds now, and what a later one was refused over, stays.
func TestPruneDeliveries(t *testing.T) {
	stores(t, func(t *testing.T, place string) {
		ctx, s := context.Background(), open(t, place)
		d := s.Deliveries()
		send := func(load, key string, sequence int64, end delivery.Status, after time.Duration) {
			t.Helper()
			if err := plan(t, d, loadOf(load), intentOf(load, key, 0, sequence)); err != nil {
				t.Fatal(err)
			}
			list, err := d.Open(ctx, load, -1)
			if err != nil || len(list) != 1 {
				t.Fatal(list, err)
			}
			i := list[0]
			i.Status, i.ID, i.EndedAt = end, "id-"+key, at.Add(after)
			if err := d.Mark(ctx, &i); err != nil {
				t.Fatal(err)
			}
		}
		send("l1", "changed", 1, delivery.Confirmed, 0)
		send("l2", "changed", 2, delivery.Confirmed, time.Hour)
		send("l3", "refused", 1, delivery.Confirmed, 0)
		send("l4", "refused", 2, delivery.Refused, time.Hour)
		send("l5", "mended", 1, delivery.Refused, 0)
		send("l6", "mended", 2, delivery.Confirmed, time.Hour)
		send("l7", "young", 1, delivery.Confirmed, 50*time.Hour)
		send("l8", "young", 2, delivery.Confirmed, 51*time.Hour)
		standings := func() []delivery.Standing {
			var ids []delivery.Identity
			for _, key := range []string{"changed", "refused", "mended", "young"} {
				ids = append(ids, intentOf("", key, 0, 1).Identity)
			}
			known, err := d.Standings(ctx, ids)
			if err != nil {
				t.Fatal(err)
			}
			return known
		}
		before := standings()
		if got := prune(t, s, at.Add(24*time.Hour)); got != (state.Pruned{Deliveries: 2}) {
			t.Errorf("%+v", got)
		}
		if diff := cmp.Diff(before, standings()); diff != "" {
			t.Errorf("what is known changed (-before +after):\n%s", diff)
		}
		if again := prune(t, s, at.Add(24*time.Hour)); again != (state.Pruned{}) {
			t.Errorf("%+v", again)
		}
	})
}
