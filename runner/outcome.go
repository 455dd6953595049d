package runner

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/transforms"
)

// errTooManyHeld stops a run that the gate is sure to block.
var errTooManyHeld = errors.New("too many records held")

// outcome gathers what happened to the records of one run.
type outcome struct {
	run    Run
	counts connectors.Counts
	ch     *chain

	source  transforms.Tally
	steps   []transforms.Tally // one for each step, then one for the rules
	sums    []totals           // as read, after each step
	warned  map[string]int64
	staging []Held
	sample  []Held
	// prior are the keys earlier runs hold; met those of them that were read
	// again, heldKeys those that are held again.
	prior     map[string]struct{}
	heldKeys  map[string]struct{}
	met       map[string]struct{}
	heldCount int64
	heldLimit int64
	inputs    map[string]struct{} // that records came from
}

// sampleSize is how many held records a run's own report carries.
const sampleSize = 20

func newOutcome(run Run, ch *chain, heldLimit int64) *outcome {
	n := len(ch.steps)
	return &outcome{run: run, ch: ch, heldLimit: heldLimit,
		steps: make([]transforms.Tally, n+1), sums: make([]totals, n+1),
		warned: make(map[string]int64), heldKeys: make(map[string]struct{}), met: make(map[string]struct{}), inputs: make(map[string]struct{})}
}

// read counts a lane's batch as it came from the source.
func (o *outcome) read(l *lane) {
	rows := int64(l.entry.Rows)
	o.counts.Read += rows
	o.counts.Repeated += l.repeated
	o.source.In += rows
	o.source.Dropped += l.repeated
	o.source.Out += int64(len(l.entry.Live))
	o.source.Held += int64(len(l.entry.Stopped))
	o.inputs[l.entry.Origin.Input] = struct{}{}
	for _, key := range l.met {
		o.met[key] = struct{}{}
	}
}

// segment adds what a bench's last batch went through.
func (o *outcome) segment(bn *bench) {
	first := bn.seg.first
	for k := range bn.works {
		t := bn.tallies[k]
		if bn.seg.gather != nil && k == len(bn.works)-1 {
			t.Out = 0 // what passes the guard is gathered; Drain puts it out
		}
		o.steps[first+k].Add(t)
	}
	if bn.end {
		o.steps[len(o.steps)-1].Add(bn.tallies[len(bn.works)])
	}
	for k := range bn.sums {
		if k == len(bn.works) && bn.seg.gather != nil {
			break // the next segment counts what the gathering step puts out
		}
		o.sums[first+k].merge(&bn.sums[k])
	}
	for name, n := range bn.warned {
		o.warned[name] += n
	}
	clear(bn.warned)
}

// gathered adds what a gathering step did.
func (o *outcome) gathered(step int, t transforms.Tally) { o.steps[step].Add(t) }

// hold takes held records for staging and for the sample.
func (o *outcome) hold(held []Held) {
	for i := range held {
		if len(o.sample) < sampleSize {
			o.sample = append(o.sample, held[i])
		}
		if _, before := o.prior[held[i].Key]; before {
			o.heldKeys[held[i].Key] = struct{}{}
		}
	}
	o.staging = append(o.staging, held...)
	o.heldCount += int64(len(held))
}

func (o *outcome) toStage() int { return len(o.staging) }

// resolved lists the earlier holds that were read again and not held again.
func (o *outcome) resolved() []string {
	var keys []string
	for key := range o.met {
		if _, again := o.heldKeys[key]; !again {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// gone lists the earlier holds that a whole read of their source did not meet:
// it has no such record any more. A hold with a key is among them where keyed
// says so, when the pipeline takes what is not read for deleted; one that is
// known only by what it holds always is. What was read from a file that is not
// among those of this run stays.
func (o *outcome) gone(waiting []waitingRecord, keyed bool) []string {
	stays := make(map[string]bool)
	for _, h := range waiting {
		_, met := o.met[h.key]
		_, again := o.heldKeys[h.key]
		_, read := o.inputs[h.input]
		stays[h.key] = stays[h.key] || met || again || h.input != "" && !read || !keyed && !hashed(h.key)
	}
	var keys []string
	for key, stay := range stays {
		if !stay {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// finish sums up the fates.
func (o *outcome) finish() {
	for i := range o.steps {
		o.counts.Filtered += o.steps[i].Filtered
		o.counts.Held += o.steps[i].Held
	}
	o.counts.Held += o.source.Held
	for _, name := range slices.Sorted(maps.Keys(o.warned)) {
		o.run.Warnings = append(o.run.Warnings, fmt.Sprintf("rule %q is not met by %d records", name, o.warned[name]))
	}
	o.run.Counts, o.run.Sample = o.counts, o.sample
	o.run.Steps = o.reports()
	o.run.Sums = o.sums[len(o.sums)-1].text()
}

func (o *outcome) reports() []StepReport {
	out := []StepReport{{Step: "source", Tally: o.source, Sums: o.sums[0].text()}}
	for i, name := range o.ch.steps {
		out = append(out, StepReport{Step: name, Tally: o.steps[i], Sums: o.sums[i+1].text()})
	}
	return append(out, StepReport{Step: "rules", Tally: o.steps[len(o.steps)-1]})
}
