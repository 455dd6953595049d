package schedule

import (
	"context"
	"fmt"
	"hash/fnv"
	"time"
)

// CatchUp says what happens to slots that passed while nothing could start
// them.
type CatchUp string

// The ways to catch up.
const (
	CatchUpNone CatchUp = "none" // they are missed
	CatchUpLast CatchUp = "last" // the newest runs and stands for the others
	CatchUpAll  CatchUp = "all"  // each runs, oldest first, up to a number
)

// Overlap says what happens to a slot that is due while an earlier one of its
// pipeline has not ended.
type Overlap string

// The ways to deal with overlap.
const (
	OverlapSkip  Overlap = "skip"
	OverlapQueue Overlap = "queue"
)

// Timetable gives the nominal instants of a pipeline, in UTC.
type Timetable interface {
	// Next is the first instant after another; false when there is none.
	Next(after time.Time) (time.Time, bool)
	// Previous is the last instant before another.
	Previous(before time.Time) (time.Time, bool)
	// Between are the newest instants of (after, upto], ascending.
	Between(after, upto time.Time, most int) []time.Time
}

// Files finds the files that a pipeline waits for.
type Files interface {
	// List gives the fingerprint of each file there is, by path, of those that
	// nobody is writing to any more.
	List(ctx context.Context, now time.Time) (map[string]string, error)
}

// Plan is what the engine knows of one pipeline. It is not changed once the
// engine has it.
type Plan struct {
	Pipeline string
	// Table is nil for a pipeline that only follows others or files.
	Table Timetable
	// Rule identifies the timetable: another text is another timetable.
	Rule string
	Zone *time.Location

	CatchUp    CatchUp
	CatchUpMax int
	Overlap    Overlap
	// Jitter is the largest delay of a start; each slot has one of its own.
	Jitter time.Duration

	// After are pipelines whose success it follows, or waits for when it has
	// a timetable.
	After []string
	// Files is nil without a file trigger.
	Files Files
	Poll  time.Duration // how often Files are listed

	// Attempts counts all attempts at a slot; between two of them lie Backoff,
	// doubled each time up to MaxBackoff.
	Attempts            int
	Backoff, MaxBackoff time.Duration
	// FreshWithin is the longest a success may be ago; 0 promises nothing.
	FreshWithin time.Duration
	// Uses are the connections a run occupies, with how many runs each takes
	// at once; 0 is no limit.
	Uses map[string]int
	// Broken, when not "", is why the pipeline cannot run at all: its slots
	// are written down as skipped.
	Broken string
}

// jitter is the delay of one slot: spread over the pipelines and the same
// after a restart.
func (p *Plan) jitter(nominal time.Time) time.Duration {
	if p.Jitter <= 0 {
		return 0
	}
	h := fnv.New64a()
	fmt.Fprint(h, p.Pipeline, nominal.UnixMicro())
	return time.Duration(h.Sum64() % uint64(p.Jitter))
}

// backoff is the wait after a number of failed attempts.
func (p *Plan) backoff(attempts int) time.Duration {
	wait := p.Backoff
	for i := 1; i < attempts && wait < p.MaxBackoff; i++ {
		wait *= 2
	}
	if p.MaxBackoff > 0 {
		wait = min(wait, p.MaxBackoff)
	}
	return wait
}

// start is when the next attempt at a slot may start. A wait that is longer
// than any the plan makes is left over from a clock that was ahead, and over.
func (p *Plan) start(s *Slot, now time.Time) time.Time {
	first := now
	if s.Origin == ByTime {
		first = later(now, s.Nominal)
	}
	switch longest := max(p.Jitter, p.Backoff, p.MaxBackoff, busyWait); {
	case s.NotBefore.Sub(first) > longest:
		s.NotBefore = first
	case s.Origin == ByTime && s.NotBefore.Before(s.Nominal):
		s.NotBefore = s.Nominal // taken over when the clock was behind again
	}
	return s.NotBefore
}

// slot makes a slot of the plan at an instant.
func (p *Plan) slot(nominal time.Time, origin Origin, now time.Time) Slot {
	zone := p.Zone
	if zone == nil {
		zone = time.UTC
	}
	return NewSlot(p.Pipeline, nominal, zone, origin, now)
}
