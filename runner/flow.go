package runner

import (
	"context"
	"errors"
	"io"
	"runtime"

	"golang.org/x/sync/errgroup"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/runner/gate"
	"github.com/tieout/tieout/schemas/record"
	"github.com/tieout/tieout/transforms"
)

// flow moves the batches of one run: one goroutine reads, some compute, the
// caller's delivers, and batches are delivered in the order they were read.
// A fixed number of lanes is all the memory there is: when the sink is slow
// the reader waits for a lane.
type flow struct {
	job      *Job
	deps     *Deps
	ch       *chain
	reader   connectors.Reader
	writer   connectors.Writer // nil in a dry run
	tracker  *tracker          // nil for a full read
	contract *contract         // nil when there is none to hold the source to
	// comparer is the reader, when it compares with the last read.
	comparer Comparer
	meters   gate.Meters
	held     *heldIndex // records held by earlier runs, nil in a dry run
	out      *outcome
	scope    *scope
	keeper   connectors.Keeper // nil when nothing is taken away
	// lostKeys counts held records whose key is not known, lostFirst says
	// where the first of them was read.
	lostKeys  int64
	lostFirst string

	loaded     *Keyer // of what reaches the sink
	seq        int64
	collectors []transforms.Collector
	shadows    *shadows
}

// lane is one batch on its way, with the scratch to compute on it.
type lane struct {
	entry    record.Batch
	bench    *bench
	keys     *Keyer
	result   *record.Batch
	repeated int64
	held     []Held
	met      []string // keys of records that earlier runs hold
	done     chan error
}

func (f *flow) workers() int {
	if f.deps.Workers > 0 {
		return f.deps.Workers
	}
	return max(1, min(4, runtime.GOMAXPROCS(0)-1))
}

// run moves everything and returns when the last batch was delivered.
func (f *flow) run(ctx context.Context) error {
	workers := f.workers()
	lanes := workers + 3
	free := make(chan *lane, lanes)
	for range lanes {
		free <- f.newLane()
	}
	f.startCollectors()
	defer f.closeCollectors()
	work, order := make(chan *lane, lanes), make(chan *lane, lanes)
	group, moving := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer close(work)
		defer close(order)
		return f.read(moving, free, work, order)
	})
	for range workers {
		group.Go(func() error {
			for l := range work {
				l.done <- f.compute(l)
			}
			return nil
		})
	}
	group.Go(func() error { return f.deliver(moving, free, order) })
	if err := group.Wait(); err != nil {
		return err
	}
	return f.drain(ctx, 0)
}

func (f *flow) newLane() *lane {
	return &lane{bench: f.ch.bench(0), keys: NewKeyer(f.ch.in, f.sourceKey(0)), done: make(chan error, 1)}
}

// read fills lanes. It alone touches the reader and the tracker.
func (f *flow) read(ctx context.Context, free, work, order chan *lane) error {
	for {
		var l *lane
		select {
		case l = <-free:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		err := f.reader.Next(ctx, &l.entry)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		l.repeated = 0
		if f.comparer != nil {
			l.repeated = f.comparer.Repeated()
		}
		if f.tracker != nil {
			f.tracker.meet()
			f.tracker.observe(&l.entry)
			l.repeated = f.tracker.screen(&l.entry)
			l.entry.DropHeld(0)
		}
		if f.contract != nil {
			if err := f.contract.screen(&l.entry); err != nil {
				return err
			}
			l.entry.DropHeld(0)
			f.contract.cut(&l.entry)
		}
		// Both channels have room for every lane, so neither send waits.
		work <- l
		order <- l
	}
}

// compute takes a lane's batch through the first segment.
func (f *flow) compute(l *lane) error {
	var err error
	if l.result, err = f.ch.survive(l, 0); err != nil {
		return err
	}
	l.held = l.bench.assemble(l.held[:0], &l.entry, l.keys)
	l.met = l.met[:0]
	if f.held != nil && len(f.held.keys) > 0 {
		l.meet(f.held, l.entry.Live)
		l.meet(f.held, l.entry.Stopped)
	}
	return nil
}

// meet takes note of the records that earlier runs hold and this one read
// again. Rows outside the read are not among them.
func (l *lane) meet(held *heldIndex, rows []int32) {
	var scratch [64]byte
	for _, row := range rows {
		if key, known := held.holds(&l.entry, int(row), l.keys, scratch[:]); known {
			l.met = append(l.met, string(key))
		}
	}
}

// deliver passes computed batches on in order and gives lanes back.
func (f *flow) deliver(ctx context.Context, free, order chan *lane) error {
	for l := range order {
		if err := <-l.done; err != nil {
			return err
		}
		f.out.read(l)
		if err := f.hand(ctx, 0, &l.entry, l.bench, l.result, l.held); err != nil {
			return err
		}
		if f.deps.Progress != nil {
			f.deps.Progress(f.out.counts.Read, f.out.counts.Written)
		}
		select {
		case free <- l:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// hand passes the result of segment i to what follows it: its gathering step,
// or the gate's meters and the sink.
func (f *flow) hand(ctx context.Context, i int, entry *record.Batch, bn *bench, b *record.Batch, held []Held) error {
	f.out.segment(bn)
	if err := f.stage(ctx, held); err != nil {
		return err
	}
	if err := f.keep(ctx, &bn.present); err != nil {
		return err
	}
	if !f.ch.last(i) {
		if err := f.collectors[i].Add(b); err != nil {
			return err
		}
		f.shadows.take(i, entry, bn.reasons)
		return nil
	}
	if len(b.Live) == 0 {
		return nil
	}
	if err := f.scope.check(b); err != nil {
		return err
	}
	f.unkeyed(b)
	if f.loaded == nil {
		f.loaded = NewKeyer(f.ch.out, f.job.Load.Key)
	}
	f.held.meet(len(f.ch.steps), b, f.loaded, f.out.met)
	if err := f.meters.Add(b); err != nil {
		return err
	}
	f.out.counts.Written += int64(len(b.Live))
	if f.writer == nil {
		return nil
	}
	b.Seq = f.seq
	f.seq++
	return f.writer.Write(ctx, b)
}

// drain lets each gathering step put out its records, in turn.
func (f *flow) drain(ctx context.Context, i int) error {
	if f.ch.last(i) {
		return nil
	}
	seg := &f.ch.segments[i]
	index := seg.first + len(seg.plans)
	bn := f.ch.bench(i + 1)
	keys := NewKeyer(f.ch.segments[i+1].in, f.sourceKey(i+1))
	var held []Held
	var t transforms.Tally
	err := f.collectors[i].Drain(func(b *record.Batch) error {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		f.held.meet(f.ch.segments[i+1].first, b, keys, f.out.met)
		stop := bn.gatheredHolds(b, index)
		t.Held += stop
		t.Out += int64(len(b.Live))
		result, err := bn.run(b)
		if err != nil {
			return err
		}
		held = bn.assemble(held[:0], b, keys)
		return f.hand(ctx, i+1, b, bn, result, held)
	}, &t)
	if err != nil {
		return err
	}
	f.out.gathered(index, t)
	return f.drain(ctx, i+1)
}

// stage makes held records durable, some hundred at a time.
func (f *flow) stage(ctx context.Context, held []Held) error {
	if len(held) == 0 {
		return nil
	}
	f.out.hold(held)
	if f.out.heldCount > f.out.heldLimit {
		return errTooManyHeld
	}
	if f.job.Sink == nil || f.out.toStage() < stageSize {
		return nil
	}
	return f.flush(ctx)
}

const stageSize = 500

// flush stages what has gathered since the last time.
func (f *flow) flush(ctx context.Context) error {
	if f.job.Sink == nil || len(f.out.staging) == 0 {
		return nil
	}
	err := f.deps.Journal.Stage(ctx, f.out.run, f.out.staging, nil)
	f.out.staging = f.out.staging[:0]
	return err
}

func (f *flow) sourceKey(segment int) []string {
	if segment == 0 {
		return f.job.Read.Key
	}
	return f.job.Load.Key
}

func (f *flow) startCollectors() {
	for i := range f.ch.segments {
		if g := f.ch.segments[i].gather; g != nil {
			f.collectors = append(f.collectors, g.Collect(f.deps.Spill))
		}
	}
	f.shadows = &shadows{ch: f.ch, collectors: f.collectors}
}

func (f *flow) closeCollectors() {
	for _, c := range f.collectors {
		c.Close()
	}
}
