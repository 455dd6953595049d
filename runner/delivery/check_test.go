package delivery_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tieout/tieout/runner"
	"github.com/tieout/tieout/runner/state"
)

// check compares the service, the held records, the links and the reports of
// the runs with what must be.
func (m *model) check() {
	held := m.heldOnce()
	links := m.links()
	count := make(map[string]int)
	for _, p := range m.w.service.papers {
		if p.ours {
			count[p.number]++
		}
	}
	for id, amount := range m.current {
		key := fmt.Sprint(id)
		p := m.ours(key)
		switch {
		case count[key] > 1:
			m.rt.Fatalf("document %s was made %d times", key, count[key])
		case strings.HasSuffix(amount, ".13"), m.strange[id] && p == nil:
			if !held[key] {
				m.rt.Fatalf("document %s (%s) was refused and is not kept", key, amount)
			}
		case p == nil:
			m.rt.Fatalf("document %s is not there", key)
		case p.amount != amount:
			m.rt.Fatalf("document %s has the amount %s, want %s", key, p.amount, amount)
		case held[key]:
			m.rt.Fatalf("document %s is there and waits for a person as well", key)
		}
		if p != nil && !m.w.service.nameless {
			if got := links[key]; got.ID != p.id {
				m.rt.Fatalf("document %s is linked to %q, want %q", key, got.ID, p.id)
			}
		}
	}
	m.reports(len(slices.Collect(maps.Keys(count))))
}

// heldOnce gives the keys that wait, each of which waits once.
func (m *model) heldOnce() map[string]bool {
	out := make(map[string]bool)
	for _, h := range m.waiting() {
		if out[h.Key] {
			m.rt.Fatalf("record %s waits twice", h.Key)
		}
		if h.Stage != "sink" {
			m.rt.Fatalf("record %s was held at %s", h.Key, h.Stage)
		}
		out[h.Key] = true
	}
	return out
}

func (m *model) links() map[string]state.Link {
	out := make(map[string]state.Link)
	if err := m.w.store.Links(context.Background(), state.LinkScope{Project: m.w.project}, func(l state.Link) error {
		out[l.Key] = l
		return nil
	}); err != nil {
		m.rt.Fatal(err)
	}
	return out
}

// reports adds up what the runs say: each document was inserted by one of them.
func (m *model) reports(made int) {
	runs, err := m.w.store.Runs(context.Background(), state.RunFilter{Project: m.w.project, Limit: 1000})
	if err != nil {
		m.rt.Fatal(err)
	}
	var inserted int64
	for i := range runs {
		if c := runs[i].Counts; runs[i].Status == runner.Loaded {
			if inserted += c.Inserted; c.Written != c.Inserted+c.Changed+c.Unchanged+c.Refused {
				m.rt.Fatalf("the run does not add up: %+v", c)
			}
		}
	}
	if inserted != int64(made) {
		m.rt.Fatalf("the runs say that they made %d documents, and there are %d", inserted, made)
	}
}
