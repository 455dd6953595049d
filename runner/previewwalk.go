package runner

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
	"github.com/tieout/tieout/transforms"
	"github.com/tieout/tieout/transforms/expression"
)

// previewer walks the first records of a source.
type previewer struct {
	job   *Job
	deps  *Deps
	ch    *chain
	first record.Batch // the records as read
	keys  [2][]string  // of the source and of the target
	see   func(stage int, b *record.Batch, t transforms.Tally)
	show  Preview
}

func newPreviewer(ctx context.Context, job *Job, deps *Deps, limit int) (*previewer, error) {
	p := &previewer{job: job, deps: deps, keys: [2][]string{job.Read.Key, job.Load.Key}}
	read := job.Read
	if spec := job.Pipeline.Source.Cursor; spec != nil {
		read.Cursor = &connectors.Cursor{Field: spec.Field.Value, From: spec.Start.Value}
	}
	reader, err := job.Source.Open(ctx, read)
	if err != nil {
		return nil, fmt.Errorf("open source: %w", err)
	}
	defer reader.Close()
	c := job.Context
	if p.ch = planChain(job.Pipeline, reader.Shape(), &c); p.ch == nil {
		return nil, c.Report.Err()
	}
	p.first.Reset(reader.Shape(), 0)
	var b record.Batch
	for p.first.Rows < limit {
		err := reader.Next(ctx, &b)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		p.take(&b, limit-p.first.Rows)
	}
	return p, nil
}

// take copies the first rows of a batch with the holds that are on them.
func (p *previewer) take(b *record.Batch, most int) {
	rows := make([]int32, min(most, b.Rows))
	for i := range rows {
		rows[i] = int32(i)
	}
	at := int32(p.first.Rows)
	p.first.Append(b, rows)
	for _, h := range b.Held {
		if int(h.Row) < len(rows) {
			h.Row += at
			p.first.Held = append(p.first.Held, h)
		}
	}
}

func (p *previewer) compile(x document.Expr, shape *record.Shape, r *document.Report) *expression.Program {
	env := p.job.Context.Env
	env.Shape = shape
	return expression.Compile(x, &env, "", r)
}

// walk takes the records through every segment.
func (p *previewer) walk(ctx context.Context) error {
	b := &p.first
	held := append([]record.Hold(nil), b.Held...)
	read := transforms.Tally{In: int64(b.Rows)}
	b.DropHeld(0)
	b.Held = held
	read.Out = int64(len(b.Live))
	read.Held = read.In - read.Out
	p.see(0, b, read)
	return p.segment(ctx, 0, b)
}

func (p *previewer) segment(ctx context.Context, i int, entry *record.Batch) error {
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	bn := p.ch.bench(i)
	b := &bn.work
	entry.Derive(b)
	b.Held = append(b.Held[:0], entry.Held...)
	bn.takeEntryReasons(b)
	for k, w := range bn.works {
		var err error
		if b, err = bn.step(k, w, b); err != nil {
			return fmt.Errorf("step %d (%s): %w", bn.seg.first+k+1, p.ch.steps[bn.seg.first+k], err)
		}
		if bn.seg.gather == nil || k < len(bn.works)-1 {
			p.see(bn.seg.first+k+1, b, bn.tallies[k])
		}
	}
	if bn.end {
		if err := bn.rules(b); err != nil {
			return err
		}
		p.see(len(p.ch.steps)+1, b, bn.tallies[len(bn.works)])
	}
	p.note(bn, i, entry)
	if bn.end {
		return nil
	}
	return p.gather(ctx, bn, i, entry, b)
}

// gather lets a step that gathers put out its records.
func (p *previewer) gather(ctx context.Context, bn *bench, i int, entry, b *record.Batch) error {
	index := bn.seg.first + len(bn.seg.plans)
	c := bn.seg.gather.Collect(p.deps.Spill)
	defer c.Close()
	t := bn.tallies[len(bn.works)-1]
	t.Out = 0
	if err := c.Add(b); err != nil {
		return err
	}
	held := shadows{ch: p.ch}
	held.meet(c, i, entry, bn.reasons)
	next := p.ch.bench(i + 1)
	var drained transforms.Tally
	var seen record.Batch
	seen.Reset(p.ch.segments[i+1].in, 0)
	err := c.Drain(func(out *record.Batch) error {
		drained.Held += next.gatheredHolds(out, index)
		drained.Out += int64(len(out.Live))
		seen.Append(out, out.Live)
		return p.segment(ctx, i+1, out)
	}, &drained)
	t.Add(drained)
	p.see(index+1, &seen, t)
	return err
}

// note keeps the holds and rule results of a bench.
func (p *previewer) note(bn *bench, i int, entry *record.Batch) {
	if bn.end {
		p.countRules(bn)
	}
	keys := NewKeyer(p.ch.segments[i].in, p.keys[min(i, 1)])
	p.show.Held = bn.assemble(p.show.Held, entry, keys)
}

func (p *previewer) countRules(bn *bench) {
	in := bn.tallies[len(bn.works)].In
	for k := range p.show.Rules {
		r := &p.show.Rules[k]
		failed := bn.warned[r.Rule]
		for _, reason := range bn.reasons {
			if reason.reason.Step == AtRules && reason.reason.Rule == r.Rule && !reason.echo {
				failed++
			}
		}
		r.Passed, r.Failed = r.Passed+in-failed, r.Failed+failed
	}
}

// collect keeps the records as they leave a stage.
func (p *previewer) collect(stage int, b *record.Batch, t transforms.Tally) {
	s := &p.show.Stages[stage]
	s.Tally.Add(t)
	for _, row := range b.Live {
		s.Records = append(s.Records, record.AppendRowJSON(nil, b, int(row)))
	}
}
