package delivery_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/runner"
	"github.com/tieout/tieout/runner/state"
)

// kinds are services of every sort.
func kinds() map[string]kind {
	full := connectors.Traits{Create: true, Update: true}
	with := func(change func(*kind)) kind {
		k := kind{traits: full, versions: true}
		change(&k)
		return k
	}
	return map[string]kind{
		"keys":                      with(func(k *kind) { k.traits.KeyLife = time.Hour; k.unique = true }),
		"keys and find":             with(func(k *kind) { k.traits.KeyLife, k.traits.Find, k.unique = time.Hour, true, true }),
		"keys, find and marks":      with(func(k *kind) { k.traits.KeyLife, k.traits.Find, k.traits.Marks = time.Hour, true, true }),
		"find, no numbers unique":   with(func(k *kind) { k.traits.Find, k.versions = true, false }),
		"find, numbers unique":      with(func(k *kind) { k.traits.Find, k.unique = true, true }),
		"find and marks, delayed":   with(func(k *kind) { k.traits.Find, k.traits.Marks, k.traits.FindDelay = true, true, 5*time.Second }),
		"neither":                   with(func(*kind) {}),
		"neither, numbers unique":   with(func(k *kind) { k.unique = true }),
		"keys that are short-lived": with(func(k *kind) { k.traits.KeyLife, k.traits.Find, k.traits.Marks = 4*time.Second, true, true }),
		"no ids":                    with(func(k *kind) { k.traits.Find, k.unique, k.nameless, k.versions = true, true, true, false }),
	}
}

// Whatever goes wrong and whenever the program is killed: in the end the
// service has every document once, with the last amount it took, and what it
// refused is kept for a person.
func TestModel(t *testing.T) {
	all := stores(t)
	p := pipeline(t, "upsert")
	project := 0
	for name, store := range all {
		for _, k := range slices.Sorted(maps.Keys(kinds())) {
			t.Run(name+"/"+k, func(t *testing.T) {
				few := budget(name)
				rapid.Check(t, func(rt *rapid.T) {
					if few--; few < 0 {
						return
					}
					defer func() {
						if rt.Failed() {
							few = 1 << 20 // to make the scene smaller
						}
					}()
					project++
					m := &model{rt: rt, w: newWorld(store, p, fmt.Sprintf("p%d", project), kinds()[k]), current: map[int]string{}, strange: map[int]bool{}}
					m.play()
				})
			})
		}
	}
}

// budget is how many scenes are played: all that -rapid.checks says in a soak.
func budget(store string) int {
	switch {
	case os.Getenv("TIEOUT_SOAK") != "":
		return 1 << 20
	case store == "postgres":
		return 1
	}
	return 8
}

// model plays random faults against a world and knows what must come out.
type model struct {
	rt      *rapid.T
	w       *world
	current map[int]string // amounts in the source
	// strange are the numbers that somebody else used before.
	strange map[int]bool
	script  []int // of faults to come, 0 for none
}

var amounts = []string{"1", "20.5", "300", "7.13", "0.01"}

func (m *model) draw(name string, from ...string) string {
	return rapid.SampledFrom(from).Draw(m.rt, name)
}

// write makes a script: which of the steps to come go wrong, and how. Numbers
// that rapid draws are small ones too often for that.
func (m *model) write(seed uint64) {
	random := rand.New(rand.NewPCG(seed, 1))
	every := []int{5, 12, 30}[random.IntN(3)]
	m.script = make([]int, 100)
	for i := range m.script {
		if random.IntN(every) == 0 {
			m.script[i] = 1 + random.IntN(12) // 12 is divisible by the numbers of faults there are
		}
	}
}

// maybe takes the next fault of the script, most often none. It is called from
// several goroutines one after the other, where nothing may be drawn.
func (m *model) maybe(from ...string) string {
	if len(m.script) == 0 {
		return ""
	}
	n := m.script[0]
	if m.script = m.script[1:]; n == 0 {
		return ""
	}
	return from[n%len(from)]
}

func (m *model) play() {
	m.w.fault = func(where string) string {
		return m.maybe("kill before", "kill after", "fail", "lose the answer")
	}
	m.w.service.fault = func(where string) string {
		if where == "send" {
			return m.maybe("down", "lost before", "lost after", "500 before", "500 after", "later")
		}
		return m.maybe("down")
	}
	for id := range rapid.IntRange(1, 4).Draw(m.rt, "records") {
		m.current[id] = m.draw("amount", amounts...)
		if rapid.IntRange(0, 5).Draw(m.rt, "strange") == 0 {
			m.stranger(id)
		}
	}
	for range rapid.IntRange(1, 3).Draw(m.rt, "rounds") {
		m.change()
		m.write(rapid.Uint64().Draw(m.rt, "script"))
		for range rapid.IntRange(1, 3).Draw(m.rt, "runs") {
			m.w.run()
			m.w.now = m.w.now.Add(time.Duration(rapid.SampledFrom([]int{0, 1, 70, 100_000}).Draw(m.rt, "minutes")) * time.Minute)
		}
		m.script = nil
		m.settle()
		m.check()
	}
}

// stranger makes a document by other hands.
func (m *model) stranger(id int) {
	m.strange[id] = true
	m.w.service.papers = append(m.w.service.papers, &paper{id: fmt.Sprintf("s%d", id), number: fmt.Sprint(id), amount: "stranger", version: 1})
}

// change is what happens between runs: other amounts, new records, and hands
// on the documents.
func (m *model) change() {
	for id := range len(m.current) {
		if rapid.IntRange(0, 2).Draw(m.rt, "change") == 0 {
			m.current[id] = m.draw("amount", amounts...)
		}
	}
	if rapid.Bool().Draw(m.rt, "one more") {
		m.current[len(m.current)] = m.draw("amount", amounts...)
	}
	for _, p := range m.w.service.papers {
		if p.ours && rapid.IntRange(0, 5).Draw(m.rt, "touch") == 0 {
			p.version++
		}
	}
	m.w.set(m.current)
}

// settle lets the program run undisturbed. Where it cannot find out what became
// of a document it must say so, and a person looks.
func (m *model) settle() {
	for range 3 {
		run := m.w.run()
		if run.Status == runner.Loaded {
			m.quiet()
			return
		}
		if run.Status != runner.Unknown && run.Status != runner.Failed {
			m.rt.Fatalf("the run ended as %s: %v", run.Status, run.Cause)
		}
		m.person(run)
	}
	m.rt.Fatal("the pipeline does not get over it")
}

// person settles what only looking can tell.
func (m *model) person(run runner.Run) {
	d := m.w.store.Deliveries()
	open, err := d.Unsettled(context.Background(), m.w.project, "", 100)
	if err != nil || len(open) == 0 {
		m.rt.Fatalf("the run ended as %s with %d open documents: %v, %v", run.Status, len(open), run.Cause, err)
	}
	t := m.w.service.traits
	if t.Find && !m.w.service.nameless && (t.Marks || m.w.service.unique) {
		m.rt.Fatalf("the service can be asked, and yet: %v", run.Cause)
	}
	for i := range open {
		one := &open[i]
		p := m.ours(one.Key)
		taken := p != nil && (one.Operation == connectors.Create || p.amount == amountOf(one.Record))
		reply := connectors.Delivery{}
		if taken {
			reply = m.w.service.reply(p)
		} else if p != nil {
			one.Version = fmt.Sprint(p.version)
		}
		one.Resolve(reply, taken, "said by a person", m.w.now)
		if err := d.Mark(context.Background(), one); err != nil {
			m.rt.Fatal(err)
		}
	}
}

func amountOf(record string) string {
	_, rest, _ := strings.Cut(record, `"amount":`)
	return strings.Trim(rest, `"}`)
}

func (m *model) ours(number string) *paper {
	for _, p := range m.w.service.papers {
		if p.number == number && p.ours {
			return p
		}
	}
	return nil
}

// quiet checks that a run without news sends nothing but what was refused.
func (m *model) quiet() {
	before, refused := m.w.service.sent, len(m.waiting())
	run := m.w.run()
	if run.Status != runner.Loaded || run.Counts.Inserted+run.Counts.Changed != 0 || run.Counts.Refused != int64(refused) {
		m.rt.Fatalf("a run without news is %s, %+v, with %d refused before: %v", run.Status, run.Counts, refused, run.Cause)
	}
	if sent := m.w.service.sent - before; sent > 2*refused {
		m.rt.Fatalf("a run without news sent %d documents, and %d were refused", sent, refused)
	}
}

func (m *model) waiting() []state.HeldEntry {
	held, err := m.w.store.Held(context.Background(), state.HeldFilter{Project: m.w.project, Pipeline: "bills", Status: state.Waiting})
	if err != nil {
		m.rt.Fatal(err)
	}
	return held
}
