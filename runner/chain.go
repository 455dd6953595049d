package runner

import (
	"fmt"

	"github.com/tieout/tieout/pipelines"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
	"github.com/tieout/tieout/transforms"
	"github.com/tieout/tieout/transforms/expression"
)

// chain is a pipeline's steps and rules, compiled for the shape of its
// source. It is immutable; lanes hold the scratch.
type chain struct {
	in, out  *record.Shape
	segments []segment
	rules    []pipelines.CompiledRule
	amounts  amounts
	steps    []string // names, for reports
	specs    []transforms.Step
	trail    *keyTrail // where the sink's key is found, nil when nobody asks
}

// segment is a run of rowwise steps, up to a gathering one.
type segment struct {
	in     *record.Shape
	first  int // index of its first step
	plans  []transforms.Rowwise
	gather transforms.Gathering // nil at the end of the chain
}

// planChain compiles a pipeline against the shape of its source. What is
// wrong is in c.Report, and then it returns nil.
func planChain(p *pipelines.Pipeline, in *record.Shape, c *transforms.Context) *chain {
	compiled := p.Compile(in, c)
	if compiled == nil {
		return nil
	}
	ch := &chain{in: in, out: compiled.Out, specs: p.Transforms, steps: compiled.Names, rules: compiled.Rules, amounts: planAmounts(p.Money)}
	seg := segment{in: in}
	for i, plan := range compiled.Plans {
		switch plan := plan.(type) {
		case transforms.Rowwise:
			seg.plans = append(seg.plans, plan)
		case transforms.Gathering:
			seg.gather = plan
			ch.segments = append(ch.segments, seg)
			seg = segment{in: plan.Shape(), first: i + 1}
		}
	}
	ch.segments = append(ch.segments, seg)
	return ch
}

// last reports whether segment i is the one that ends in the rules.
func (ch *chain) last(i int) bool { return i == len(ch.segments)-1 }

// bench is the scratch one lane needs to take batches through a segment.
type bench struct {
	ch    *chain
	seg   *segment
	end   bool
	works []transforms.Work
	tests []*expression.Evaluator
	work  record.Batch
	// What the last batch went through.
	tallies []transforms.Tally // one for each step of the segment, its gathering step's guard included, then the rules
	sums    []totals           // after the entry and after each step
	reasons []reasonAt
	warned  map[string]int64
	pending []record.Hold
	present present
}

// reasonAt is one reason and the row of the entry batch it stopped.
type reasonAt struct {
	entry  int32
	reason Reason
	record []byte
	echo   bool // only because another record of the document was stopped
}

func (ch *chain) bench(i int) *bench {
	bn := &bench{ch: ch, seg: &ch.segments[i], end: ch.last(i), warned: make(map[string]int64), present: present{trail: ch.trail}}
	for _, plan := range bn.seg.plans {
		bn.works = append(bn.works, plan.Start())
	}
	if bn.seg.gather != nil {
		bn.works = append(bn.works, bn.seg.gather.Guard())
	}
	if bn.end {
		for _, r := range ch.rules {
			bn.tests = append(bn.tests, r.Program.Evaluator())
		}
	}
	bn.tallies = make([]transforms.Tally, len(bn.works)+1)
	bn.sums = make([]totals, len(bn.works)+1)
	return bn
}

// run takes one batch through the segment. The result is good until the next
// call; entry is not changed.
func (bn *bench) run(entry *record.Batch) (*record.Batch, error) {
	bn.reasons = bn.reasons[:0]
	b := &bn.work
	entry.Derive(b)
	bn.present.takeEntry(b, bn.seg.first)
	bn.takeEntryReasons(b)
	bn.sums[0].reset()
	bn.ch.amounts.add(&bn.sums[0], b)
	for i, w := range bn.works {
		var err error
		if b, err = bn.step(i, w, b); err != nil {
			return nil, fmt.Errorf("step %d (%s): %w", bn.seg.first+i+1, bn.ch.steps[bn.seg.first+i], err)
		}
	}
	if bn.end {
		if err := bn.rules(b); err != nil {
			return nil, err
		}
	}
	return b, nil
}

func (bn *bench) step(i int, w transforms.Work, b *record.Batch) (*record.Batch, error) {
	t := &bn.tallies[i]
	*t = transforms.Tally{In: int64(len(b.Live))}
	out, err := w.Apply(b, t)
	if err != nil {
		return nil, err
	}
	before, stopped := len(out.Live), len(out.Stopped)
	out.DropHeld(0)
	t.Out = int64(len(out.Live))
	t.Held = int64(before) - t.Out
	bn.present.take(out, out.Stopped[stopped:], bn.after(i))
	bn.takeReasons(out, bn.seg.first+i)
	bn.sums[i+1].reset()
	bn.ch.amounts.add(&bn.sums[i+1], out)
	return out, nil
}

// after is the place behind the i-th work of the segment. The guard of a
// gathering step leaves records as they are.
func (bn *bench) after(i int) int {
	if i == len(bn.seg.plans) {
		return bn.seg.first + i
	}
	return bn.seg.first + i + 1
}

// takeEntryReasons moves the holds a batch came with, from its source or from
// the gathering step before.
func (bn *bench) takeEntryReasons(b *record.Batch) {
	for i := range b.Held {
		step := b.Held[i].Step
		if step == record.StepSource {
			step = AtSource
		}
		bn.takeReason(b, &b.Held[i], step)
	}
	b.Held = b.Held[:0]
}

// takeReasons moves the holds of a batch to the bench.
func (bn *bench) takeReasons(b *record.Batch, step int) {
	for i := range b.Held {
		bn.takeReason(b, &b.Held[i], step)
	}
	b.Held = b.Held[:0]
}

func (bn *bench) takeReason(b *record.Batch, h *record.Hold, step int) {
	bn.reasons = append(bn.reasons, reasonAt{
		entry:  b.Entry(h.Row),
		reason: Reason{Code: h.Code, Step: step, Rule: h.Rule, Field: h.Field, Message: h.Message},
		record: h.Record,
		echo:   h.Echo,
	})
}

// rules tests every rule on every live row, so that all failing ones are
// known, and then stops the rows that failed one.
func (bn *bench) rules(b *record.Batch) error {
	t := &bn.tallies[len(bn.works)]
	*t = transforms.Tally{In: int64(len(b.Live))}
	for i := range bn.ch.rules {
		if err := bn.rule(&bn.ch.rules[i], bn.tests[i], b); err != nil {
			return err
		}
	}
	before, stopped := len(b.Live), len(b.Stopped)
	b.DropHeld(0)
	t.Out = int64(len(b.Live))
	t.Held = int64(before) - t.Out
	bn.present.take(b, b.Stopped[stopped:], len(bn.ch.specs))
	bn.takeReasons(b, AtRules)
	return nil
}

func (bn *bench) rule(r *pipelines.CompiledRule, ev *expression.Evaluator, b *record.Batch) error {
	var abort error
	stop := func(row int32, code, field, message string) {
		switch r.Otherwise {
		case "warn":
			bn.warned[r.Name]++
		case "abort":
			if abort == nil {
				abort = &RuleError{Rule: r.Name, Input: b.Origin.Input, Line: lineOf(b, row), Message: message}
			}
		default:
			b.Hold(record.Hold{Row: row, Code: code, Rule: r.Name, Field: field, Message: message})
		}
	}
	ev.Test(b, func(row int32, truth expression.Truth) {
		switch truth {
		case expression.False:
			stop(row, string(document.CodeRuleFailed), "", fmt.Sprintf("rule %q is not met", r.Name))
		case expression.Nil:
			field := ev.NilField()
			stop(row, string(document.CodeRuleNil), field, fmt.Sprintf("rule %q cannot be decided: %q has no value", r.Name, field))
		}
	}, func(row int32, f expression.Failure) {
		stop(row, string(f.Code), f.Field, fmt.Sprintf("rule %q: %s", r.Name, f.Message))
	})
	return abort
}

func lineOf(b *record.Batch, row int32) int64 {
	entry := b.Entry(row)
	if int(entry) < len(b.Origin.Line) {
		return b.Origin.Line[entry]
	}
	return 0
}

// placeOf names where a row was read: "charges.csv line 7".
func placeOf(b *record.Batch, row int32) string {
	return fmt.Sprintf("%s line %d", b.Origin.Input, lineOf(b, row))
}

// RuleError is a rule whose failure ends the run.
type RuleError struct {
	Rule, Input, Message string
	Line                 int64
}

// Error names the rule and the record.
func (e *RuleError) Error() string {
	return fmt.Sprintf("rule %q ended the run at %s line %d: %s", e.Rule, e.Input, e.Line, e.Message)
}
