package serve

import (
	"fmt"
	"time"

	"github.com/tieout/tieout/pipelines"
	"github.com/tieout/tieout/runner/schedule"
)

// plan tells the engine what a pipeline's document says of its schedule.
func (b *book) plan(folders func(pattern string, settle time.Duration) *folder) *schedule.Plan {
	p := b.pipeline
	out := &schedule.Plan{Pipeline: p.Name(), Zone: p.Zone(), Broken: b.broken, FreshWithin: p.FreshWithin.Std(), Uses: b.uses()}
	if out.Zone == nil {
		out.Zone = time.UTC
	}
	out.Attempts, out.Backoff, out.MaxBackoff = p.Retries()
	s := p.Schedule
	if s == nil {
		return out
	}
	if table := p.Timetable(); table != nil {
		out.Table = table
		out.Rule = rule(s, table.Zone())
		out.Zone = table.Zone()
	}
	out.CatchUp, out.CatchUpMax, out.Overlap = schedule.CatchUp(s.CatchUp), s.CatchUpMax, schedule.Overlap(s.Overlap)
	out.Jitter = s.Jitter.Std()
	out.After = p.After()
	if s.On != nil && !s.On.Files.IsZero() {
		out.Files = folders(s.On.Files.Value, s.On.Settle.Std())
		out.Poll = s.On.Poll.Std()
	}
	return out
}

// rule identifies a timetable by what was written.
func rule(s *pipelines.Schedule, zone *time.Location) string {
	return fmt.Sprintf("%s|%s|%s|%s|%v|%s|%s|%s", s.Cron.Value, s.Every, s.Monthly.Value, s.BusinessDay.Value, s.At, s.Roll, s.Holidays.Value, zone)
}

// uses are the connections of a pipeline that take a limited number of runs.
func (b *book) uses() map[string]int {
	out := map[string]int{}
	for _, c := range []*pipelines.Connection{b.pipeline.Source.At, b.pipeline.Sink.At} {
		if c != nil && c.Concurrency > 0 {
			out[c.Name] = c.Concurrency
		}
	}
	return out
}
