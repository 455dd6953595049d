package alert_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tieout/tieout/runner/alert"
)

// canary is a secret that may be stored, logged and shown nowhere.
const canary = "c4n4ry"

type bellTest struct {
	*alert.Bell
	store  *memory
	posted int
}

func options(now func() time.Time, destinations ...string) alert.BellOptions {
	return alert.BellOptions{
		Now:    now,
		Remind: func(string) time.Duration { return time.Hour },
		Destinations: func(target string) []string {
			if target == "unknown" {
				return nil
			}
			return destinations
		},
		Redact: func(s string) string { return strings.ReplaceAll(s, canary, "‹secret›") },
	}
}

func newBell(destinations ...string) *bellTest {
	b := &bellTest{store: newMemory(nil)}
	o := options(func() time.Time { return start }, destinations...)
	o.Posted = func() { b.posted++ }
	b.Bell = alert.NewBell(b.store, o)
	return b
}

func failed(minutes int, code string) alert.Event {
	return alert.Event{Kind: alert.Failed, Pipeline: "rent_roll", Target: "finance", Code: code, Message: "It failed.",
		At: start.Add(time.Duration(minutes) * time.Minute)}
}

func ring(t *testing.T, b *alert.Bell, events ...alert.Event) {
	t.Helper()
	for _, e := range events {
		if err := b.Ring(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
}

func wellAgain(t *testing.T, b *alert.Bell, minutes int, kinds ...alert.Kind) {
	t.Helper()
	if err := b.Clear(t.Context(), "rent_roll", kinds, "run-9", start.Add(time.Duration(minutes)*time.Minute)); err != nil {
		t.Fatal(err)
	}
}

// told lists the letters in short: target, kind, code, repeats.
func told(letters []alert.Letter) string {
	var list []string
	for _, l := range letters {
		list = append(list, fmt.Sprintf("%s %s %s %d", l.Target, l.Event.Kind, l.Event.Code, l.Repeats))
	}
	return strings.Join(list, "; ")
}

func wantTold(t *testing.T, m *memory, want string) {
	t.Helper()
	if got := told(m.all()); got != want {
		t.Errorf("told\n%s\nwant\n%s", got, want)
	}
}

func TestBellHoldsRepeatsBack(t *testing.T) {
	b := newBell(alert.ToSlack)
	ring(t, b.Bell, failed(0, "net.down"), failed(10, "net.down"), failed(20, "net.down"))
	wantTold(t, b.store, "finance/slack failed net.down 0")
	ring(t, b.Bell, failed(60, "net.down"))
	wantTold(t, b.store, "finance/slack failed net.down 0; finance/slack failed net.down 3")
	ring(t, b.Bell, failed(61, "net.down"), failed(62, "sink.write"))
	wantTold(t, b.store, "finance/slack failed net.down 0; finance/slack failed net.down 3; finance/slack failed sink.write 2")
	wellAgain(t, b.Bell, 135)
	letters := b.store.all()
	last := letters[len(letters)-1]
	if last.Event.Kind != alert.Resolved || last.Event.RunID != "run-9" || !last.Since.Equal(start) || last.Event.Message != "It lasted 2h 15m: failed (sink.write)." {
		t.Errorf("the last letter is %+v", last)
	}
	wellAgain(t, b.Bell, 140)
	if n := len(b.store.all()); n != 4 || len(b.store.incidents) != 0 || b.posted != 4 {
		t.Errorf("%d letters, %d incidents, posted %d", n, len(b.store.incidents), b.posted)
	}
	ring(t, b.Bell, failed(141, "sink.write"))
	if n := len(b.store.all()); n != 5 {
		t.Errorf("a new incident tells: %d letters", n)
	}
}

func TestBellTellsEachDestination(t *testing.T) {
	b := newBell(alert.ToSlack, alert.ToWebhook)
	ring(t, b.Bell, failed(0, "a.b"), failed(1, "a.b"))
	wellAgain(t, b.Bell, 2)
	wantTold(t, b.store, "finance/slack failed a.b 0; finance/webhook failed a.b 0; finance/slack resolved  1; finance/webhook resolved  1")
}

func TestBellClearsKinds(t *testing.T) {
	b := newBell(alert.ToSlack)
	late := alert.Event{Kind: alert.Late, Pipeline: "rent_roll", Target: "finance", At: start.Add(-time.Hour)}
	other := failed(0, "x.y")
	other.Pipeline = "other"
	ring(t, b.Bell, failed(0, "x.y"), late, other)
	wellAgain(t, b.Bell, 1, alert.Blocked)
	if n := len(b.store.all()); n != 3 {
		t.Fatalf("%d letters after nothing was cleared", n)
	}
	wellAgain(t, b.Bell, 60, alert.Failed, alert.Blocked, alert.Late)
	letters := b.store.all()
	if len(letters) != 4 || letters[3].Event.Message != "It lasted 2h 0m: late, failed (x.y)." {
		t.Errorf("one letter ends both: %s, %q", told(letters), letters[len(letters)-1].Event.Message)
	}
	if len(b.store.incidents) != 1 || b.store.incidents[0].Pipeline != "other" {
		t.Errorf("open: %v", b.store.incidents)
	}
}

func TestBellOfNobody(t *testing.T) {
	b := newBell(alert.ToSlack)
	quiet, lost := failed(0, "a.b"), failed(0, "a.b")
	quiet.Target, lost.Target, lost.Kind = "", "unknown", alert.Blocked
	ring(t, b.Bell, quiet, quiet, lost)
	if len(b.store.incidents) != 2 {
		t.Errorf("incidents are kept all the same: %v", b.store.incidents)
	}
	wellAgain(t, b.Bell, 1)
	if n := len(b.store.all()); n != 0 {
		t.Errorf("%d letters to nobody", n)
	}
	ring(t, b.Bell, quiet, failed(5, "a.b"))
	wantTold(t, b.store, "finance/slack failed a.b 1") // as soon as there is somebody
}

func TestBellCleansMessages(t *testing.T) {
	b := newBell(alert.ToSlack)
	e := failed(0, "a.b")
	e.Message = "open https://x/" + canary + "\r\n\x1b[31m\u202ered " + strings.Repeat("é", 600)
	e.Hint, e.Owner = "try "+canary, canary+"@x"
	ring(t, b.Bell, e)
	got := b.store.all()[0].Event
	if strings.Contains(fmt.Sprint(b.store.all(), b.store.incidents), canary) {
		t.Error("a secret was stored")
	}
	if n := len([]rune(got.Message)); n != 500 || strings.ContainsAny(got.Message, "\r\n\x1b\u202e") || !strings.HasSuffix(got.Message, "é…") {
		t.Errorf("%d characters: %q", n, got.Message)
	}
	if err := b.Ring(t.Context(), alert.Event{Kind: alert.Resolved, Pipeline: "p"}); err == nil {
		t.Error("a resolution can be rung")
	}
}

func TestBellAfterWrongClock(t *testing.T) {
	b := newBell(alert.ToSlack)
	ring(t, b.Bell, failed(60*24*365*70, "a.b")) // the clock said 2096
	ring(t, b.Bell, failed(5, "a.b"), failed(6, "a.b"))
	wantTold(t, b.store, "finance/slack failed a.b 0; finance/slack failed a.b 1")
}

// A process that ends between the letters of two destinations leaves an
// incident that the next one tells again.
func TestBellTellsWhatACrashLeftOut(t *testing.T) {
	for after := range 2 {
		store := newMemory(nil)
		o := options(func() time.Time { return start }, alert.ToSlack, alert.ToWebhook)
		b := alert.NewBell(store, o)
		if err := b.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		store.fail["Record"] = 0
		crash := &crashing{memory: store, left: after}
		_ = alert.NewBell(crash, o).Ring(t.Context(), failed(0, "a.b"))
		if after == 0 { // nothing was written, and the caller was told
			ring(t, b, failed(0, "a.b"))
		}
		if err := alert.NewBell(store, o).Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, kind := range []string{"finance/slack", "finance/webhook"} {
			if !strings.Contains(told(store.all()), kind) {
				t.Errorf("after %d writes %s was not told: %s", after, kind, told(store.all()))
			}
		}
		if n := len(store.all()); n > 3 {
			t.Errorf("after %d writes: %d letters", after, n)
		}
	}
}

func TestBellIsSafeForConcurrentUse(t *testing.T) {
	b := newBell(alert.ToSlack)
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			if err := b.Ring(t.Context(), failed(i%3, "a.b")); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if letters, repeats := b.store.all(), b.store.incidents[0].Repeats; len(letters) != 1 || repeats != 49 {
		t.Errorf("%d letters, %d repeats", len(letters), repeats)
	}
}

// The property: told against a model, over random events, failures of the
// store and restarts.
func TestBellProperty(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		now := start
		store := newMemory(nil)
		o := options(func() time.Time { return now }, alert.ToSlack)
		bell := alert.NewBell(store, o)
		type model struct {
			since, toldAt time.Time
			code          string
			repeats       int
		}
		open := map[string]*model{}
		letters := 0
		for range rapid.IntRange(1, 60).Draw(rt, "events") {
			now = now.Add(time.Duration(rapid.IntRange(0, 70).Draw(rt, "minutes")) * time.Minute)
			pipeline := rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "pipeline")
			kind := rapid.SampledFrom([]alert.Kind{alert.Failed, alert.Blocked, alert.Late}).Draw(rt, "kind")
			code := rapid.SampledFrom([]string{"x.1", "x.2"}).Draw(rt, "code")
			key := pipeline + string(kind)
			switch rapid.SampledFrom([]string{"ring", "ring", "ring", "clear", "restart", "fault"}).Draw(rt, "do") {
			case "restart":
				bell = alert.NewBell(store, o)
			case "fault":
				store.fail["Record"] = 1
				if err := bell.Ring(t.Context(), alert.Event{Kind: kind, Pipeline: pipeline, Target: "t", Code: code, At: now}); err == nil {
					rt.Fatal("a failure of the store is not told")
				}
			case "clear":
				if err := bell.Clear(t.Context(), pipeline, []alert.Kind{kind}, "r", now); err != nil {
					rt.Fatal(err)
				}
				if open[key] != nil {
					letters++
					delete(open, key)
				}
			case "ring":
				if err := bell.Ring(t.Context(), alert.Event{Kind: kind, Pipeline: pipeline, Target: "t", Code: code, At: now}); err != nil {
					rt.Fatal(err)
				}
				m := open[key]
				switch {
				case m == nil:
					open[key] = &model{now, now, code, 0}
					letters++
				case m.code != code || now.Sub(m.toldAt) >= time.Hour:
					m.toldAt, m.code, m.repeats = now, code, 0
					letters++
				default:
					m.repeats++
				}
			}
			if got := len(store.all()); got != letters {
				rt.Fatalf("%d letters, want %d", got, letters)
			}
			if len(store.incidents) != len(open) {
				rt.Fatalf("%d incidents, want %d", len(store.incidents), len(open))
			}
			for _, i := range store.incidents {
				if m := open[i.Pipeline+string(i.Kind)]; m == nil || !i.Since.Equal(m.since) || i.Repeats != m.repeats || !i.ToldAt.Equal(m.toldAt) {
					rt.Fatalf("incident %+v, want %+v", i, m)
				}
			}
		}
	})
}
