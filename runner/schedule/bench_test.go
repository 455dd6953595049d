package schedule

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/tieout/tieout/pipelines/timetable"
)

// BenchmarkThousandDueAtOnce proposes, runs and ends a slot of each of 1,000
// pipelines that are due at one instant.
func BenchmarkThousandDueAtOnce(b *testing.B) { dueAtOnce(b, 1000, 0) }

// BenchmarkTenThousandOpen does so for one pipeline while 10,000 slots of
// others wait.
func BenchmarkTenThousandOpen(b *testing.B) { dueAtOnce(b, 1, 10_000) }

func dueAtOnce(b *testing.B, pipelines, waiting int) {
	table, err := timetable.New(timetable.Rule{Cron: "0 * * * *"})
	if err != nil {
		b.Fatal(err)
	}
	start := at("2026-03-10T00:30:00Z")
	r := &rig{mem: newMemory(), clock: clockwork.NewFakeClockAt(start), runs: map[id]int{}, late: map[string]bool{}}
	var plans []*Plan
	for i := range pipelines {
		plans = append(plans, &Plan{Pipeline: fmt.Sprintf("p%d", i), Table: table, CatchUp: CatchUpLast, Overlap: OverlapSkip, Attempts: 1})
	}
	for i := range waiting {
		p := &Plan{Pipeline: fmt.Sprintf("w%d", i), Broken: "line 3: unknown key"}
		plans = append(plans, p)
		r.mem.put(p.slot(start, ByTrigger, start))
	}
	r.engine = New(Config{NewID: r.mem.newID, Slots: r.mem, Register: r.mem, Past: r.mem, Runner: r, Observer: r, Clock: r.clock,
		Log: slog.New(slog.DiscardHandler), Concurrency: 4, Look: time.Second})
	r.engine.SetPlans(plans)
	if err := r.engine.begin(context.Background()); err != nil {
		b.Fatal(err)
	}
	look := func() {
		r.engine.step(context.Background())
		for len(r.engine.running) > 0 {
			r.engine.finish(context.Background(), <-r.engine.done)
			r.engine.step(context.Background())
		}
	}
	look()
	for b.Loop() {
		r.clock.Advance(time.Hour)
		look()
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*pipelines), "µs/slot")
}
