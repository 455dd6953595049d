package delivery_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/runner"
	"github.com/tieout/tieout/runner/delivery"
	"github.com/tieout/tieout/runner/state"
	"github.com/tieout/tieout/schemas/record"
)

// scene is a fresh world over a SQLite state.
func scene(t *testing.T, mode string, k kind) *world {
	t.Helper()
	s, err := state.Open(context.Background(), t.TempDir()+"/state.db", time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return newWorld(s, pipeline(t, mode), "p", k)
}

func (w *world) want(t *testing.T, status runner.Status, inserted, changed, unchanged, refused int64) runner.Run {
	t.Helper()
	run := w.run()
	if c := run.Counts; run.Status != status || c.Inserted != inserted || c.Changed != changed || c.Unchanged != unchanged || c.Refused != refused {
		t.Errorf("the run is %s with %+v; want %s with %d inserted, %d changed, %d unchanged, %d refused: %v", run.Status, c, status, inserted, changed, unchanged, refused, run.Cause)
	}
	return run
}

func TestOneUpdateCarriesTheVersion(t *testing.T) {
	w := scene(t, "upsert", kinds()["keys"])
	w.set(map[int]string{0: "1", 1: "2"})
	w.want(t, runner.Loaded, 2, 0, 0, 0)
	w.set(map[int]string{0: "1", 1: "2.5"})
	w.want(t, runner.Loaded, 0, 1, 1, 0)
	w.want(t, runner.Loaded, 0, 0, 2, 0)
	if w.service.sent != 3 || w.service.papers[1].amount != "2.5" || w.service.papers[1].version != 2 {
		t.Errorf("%d documents were sent; the second is %+v", w.service.sent, w.service.papers[1])
	}
}

func TestAppendChangesNothing(t *testing.T) {
	w := scene(t, "append", kinds()["keys"])
	w.set(map[int]string{0: "1"})
	w.want(t, runner.Loaded, 1, 0, 0, 0)
	w.set(map[int]string{0: "9"})
	w.want(t, runner.Loaded, 0, 0, 0, 1)
	if w.service.papers[0].amount != "1" {
		t.Errorf("the document is now %+v", w.service.papers[0])
	}
}

// Where neither a key nor a look can tell, nobody guesses: the pipeline stops
// and names the document until a person has looked.
func TestTheUnknownIsNotGuessed(t *testing.T) {
	w := scene(t, "upsert", kinds()["neither"])
	w.set(map[int]string{0: "1", 1: "2"})
	w.service.fault = func(where string) string {
		if where == "send" && w.service.sent == 1 {
			return "lost after"
		}
		return ""
	}
	run := w.run()
	if run.Status != runner.Unknown || run.ErrorCode != "sink.unsettled" || !strings.Contains(run.Error, `create of there.bills "0"`) {
		t.Fatalf("%s: %v", run.Status, run.Cause)
	}
	if len(w.service.papers) != 2 {
		t.Errorf("one document that is not known kept the other from being sent: %d are there", len(w.service.papers))
	}
	for range 2 {
		if run := w.run(); run.Status != runner.Failed || run.ErrorCode != "sink.unsettled" || w.service.sent != 2 {
			t.Errorf("%s, %d sent: %v", run.Status, w.service.sent, run.Cause)
		}
	}
	d := w.store.Deliveries()
	open, err := d.Unsettled(context.Background(), "p", "", 9)
	if err != nil || len(open) != 1 || open[0].Status != delivery.Unknown {
		t.Fatalf("%+v, %v", open, err)
	}
	open[0].Resolve(connectors.Delivery{ID: "1", Version: "1"}, true, "said by me", w.now)
	if err := d.Mark(context.Background(), &open[0]); err != nil {
		t.Fatal(err)
	}
	w.want(t, runner.Loaded, 0, 0, 2, 0)
}

// A service that has another version when a change is sent again may have it
// from the first sending: that is no refusal.
func TestAChangeSentAgainMayBeOurOwn(t *testing.T) {
	k := kinds()["keys"]
	k.traits.Find = false
	w := scene(t, "upsert", k)
	w.service.narrow = true
	w.set(map[int]string{0: "1", 1: "2"})
	w.want(t, runner.Loaded, 2, 0, 0, 0)
	w.set(map[int]string{0: "5", 1: "6"})
	w.service.fault = func(where string) string {
		if where == "send" && w.service.sent == 3 {
			return "lost after"
		}
		return ""
	}
	run := w.run()
	if run.Status != runner.Unknown || run.ErrorCode != "sink.unsettled" || run.Counts.Refused != 0 || !strings.Contains(run.Error, "another version than before it was sent") {
		t.Fatalf("%s with %+v: %v", run.Status, run.Counts, run.Cause)
	}
	d := w.store.Deliveries()
	open, err := d.Unsettled(context.Background(), "p", "", 9)
	if err != nil || len(open) != 1 {
		t.Fatalf("%+v, %v", open, err)
	}
	open[0].Resolve(connectors.Delivery{ID: open[0].ID, Version: "2"}, true, "said by me", w.now)
	if err := d.Mark(context.Background(), &open[0]); err != nil {
		t.Fatal(err)
	}
	w.set(map[int]string{0: "7", 1: "6"})
	w.want(t, runner.Loaded, 0, 1, 1, 0)
	if p := w.service.papers; p[0].amount != "7" || p[1].amount != "6" || len(p) != 2 {
		t.Errorf("the service has %+v and %+v", p[0], p[1])
	}
}

// A document that looks like ours and was there before is not taken for ours.
func TestAStrangersDocumentIsNotAdopted(t *testing.T) {
	for name, k := range kinds() {
		if !k.traits.Find && !k.unique {
			continue // nobody would ever know
		}
		t.Run(name, func(t *testing.T) {
			w := scene(t, "upsert", k)
			w.service.papers = append(w.service.papers, &paper{id: "s", number: "0", amount: "7", version: 1})
			w.set(map[int]string{0: "1"})
			run := w.run()
			free := k.traits.Marks && !k.unique // numbers need not differ, and ours bears a mark
			if held := run.Counts.Refused; run.Status != runner.Loaded || (held == 1) == free || (len(w.service.papers) == 2) != free {
				t.Errorf("%s with %+v and %d documents: %v", run.Status, run.Counts, len(w.service.papers), run.Cause)
			}
		})
	}
}

func TestAServiceThatTakesNothingIsWaitedFor(t *testing.T) {
	w := scene(t, "upsert", kinds()["neither"])
	w.set(map[int]string{0: "1"})
	busy := 5
	w.service.fault = func(where string) string {
		if where != "send" {
			return ""
		}
		if busy--; busy >= 0 {
			return "later"
		}
		return ""
	}
	before := w.now
	w.want(t, runner.Loaded, 1, 0, 0, 0)
	if waited := w.now.Sub(before); waited != 5*time.Minute {
		t.Errorf("it waited for %v", waited)
	}
	w.set(map[int]string{0: "1", 1: "2"})
	busy = 1000
	if run := w.run(); run.Status != runner.Unknown || w.now.Sub(before) > 2*time.Hour {
		t.Errorf("%s after %v: %v", run.Status, w.now.Sub(before), run.Cause)
	}
	busy = 0
	w.want(t, runner.Loaded, 0, 0, 2, 0) // what was left was sent as the load before was settled
}

// A process that slept while another took its pipeline over sends nothing more.
func TestAZombieStops(t *testing.T) {
	w := scene(t, "upsert", kinds()["keys"])
	w.set(map[int]string{0: "1", 1: "2", 2: "3"})
	asleep := true
	w.service.busy = func() {
		if !asleep {
			return
		}
		asleep = false
		other := *w // another process settles the load meanwhile
		if run := other.run(); run.Status != runner.Loaded {
			t.Errorf("the other process: %s, %v", run.Status, run.Cause)
		}
		w.runs = other.runs
	}
	run := w.run()
	if !errors.Is(run.Cause, connectors.ErrFenced) || len(w.service.papers) != 3 {
		t.Errorf("%s with %d documents: %v", run.Status, len(w.service.papers), run.Cause)
	}
	w.want(t, runner.Loaded, 0, 0, 3, 0)
}

// A load that was overtaken does not commit, and what it planned is gone.
func TestAnOvertakenLoadIsFenced(t *testing.T) {
	w := scene(t, "upsert", kinds()["keys"])
	ctx := context.Background()
	load := connectors.Load{ID: "slow", Project: "p", Pipeline: "bills", Stream: "bills", Key: []string{"id"}, Mode: connectors.Upsert,
		Shape: record.MustShape(record.NewField("id", record.Text), record.NewField("amount", record.Text)), MaxRefused: 10}
	writer := func(load connectors.Load) connectors.Writer {
		sink := delivery.New(w.settings("r"))
		sink.Keep(w.store.Deliveries(), nil)
		wr, err := sink.Begin(ctx, load)
		if err != nil {
			t.Fatal(err)
		}
		var b record.Batch
		b.Reset(load.Shape, 1)
		b.Columns[0].SetString(0, "0")
		b.Columns[1].SetString(0, "1")
		if err := wr.Write(ctx, &b); err != nil {
			t.Fatal(err)
		}
		return wr
	}
	commit := func(wr connectors.Writer) error {
		_, err := wr.Commit(ctx, connectors.Ledger{}, func(connectors.Receipt) error { return nil })
		return errors.Join(err, wr.Abort(ctx))
	}
	slow := writer(load)
	other := load
	other.ID, other.Pipeline = "other", "another pipeline of the same documents"
	third := writer(other)
	load.ID = "fast"
	if err := commit(writer(load)); err != nil {
		t.Fatal(err)
	}
	if err := commit(slow); !errors.Is(err, connectors.ErrFenced) {
		t.Errorf("the load that was overtaken commits: %v", err)
	}
	if err := commit(third); !errors.Is(err, delivery.ErrOvertaken) {
		t.Errorf("another pipeline sends the same document: %v", err)
	}
	if len(w.service.papers) != 1 {
		t.Errorf("%d documents are there", len(w.service.papers))
	}
}

// Nothing leaves for a service elsewhere unless somebody said so, neither new
// documents nor those a crash left.
func TestRealServicesAreGuarded(t *testing.T) {
	w := scene(t, "upsert", kinds()["keys"])
	w.set(map[int]string{0: "1", 1: "2"})
	w.service.fault = func(where string) string {
		if where == "send" && w.service.sent == 2 {
			return "down"
		}
		return ""
	}
	if run := w.run(); run.Status != runner.Unknown || w.service.sent != 2 {
		t.Fatalf("%s: %v", run.Status, run.Cause)
	}
	w.service.fault = func(string) string { return "" }
	w.service.traits.Real = true
	if run := w.run(); !errors.Is(run.Cause, connectors.ErrConfig) || run.ErrorCode != "sink.unprotected" || w.service.sent != 2 {
		t.Errorf("%s, %d sent: %v", run.Status, w.service.sent, run.Cause)
	}
}

// A key may be forgotten while a service is waited for: then it is looked
// before the document is sent again.
func TestAKeyIsForgottenWhileWaiting(t *testing.T) {
	w := scene(t, "upsert", kinds()["keys that are short-lived"])
	w.set(map[int]string{0: "1"})
	w.service.fault = func(where string) string {
		switch {
		case where == "send" && w.service.sent == 1:
			return "lost after"
		case where == "send" && w.service.sent == 2:
			return "later"
		}
		return ""
	}
	w.want(t, runner.Loaded, 1, 0, 0, 0)
	w.set(map[int]string{0: "1", 1: "2"})
	w.service.sent = 0
	w.service.fault = func(where string) string {
		switch {
		case where == "send" && w.service.sent == 1:
			return "lost after"
		case where == "ready" && w.service.sent == 1:
			w.now = w.now.Add(time.Minute) // as limits ask
		}
		return ""
	}
	w.want(t, runner.Loaded, 1, 0, 1, 0)
	if len(w.service.papers) != 2 {
		t.Errorf("%d documents were made", len(w.service.papers))
	}
}

// A document that the service cannot be asked about is kept, and the rest is
// sent.
func TestADocumentThatCannotBeLookedUp(t *testing.T) {
	k := kinds()["find, no numbers unique"]
	w := scene(t, "upsert", k)
	asked := 0
	w.service.fault = func(where string) string {
		if where != "find" {
			return ""
		}
		if asked++; asked == 1 {
			return "odd"
		}
		return ""
	}
	w.set(map[int]string{0: "1", 1: "2", 2: "3"})
	if run := w.run(); run.Status != runner.Loaded || run.Counts.Refused != 1 || len(w.service.papers) != 2 || !strings.Contains(run.Sample[0].Reasons[0].Message, "it cannot be looked up; link it") {
		t.Errorf("%s with %+v and %d documents: %v", run.Status, run.Counts, len(w.service.papers), run.Cause)
	}
}
