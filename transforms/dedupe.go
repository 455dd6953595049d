package transforms

import (
	"bytes"

	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
	"github.com/tieout/tieout/transforms/expression"
)

// Dedupe keeps one record of those that agree in some fields.
type Dedupe struct {
	By    []document.Text `yaml:"by,one_or_list" required:"true" doc:"Fields that make records the same." example:"[charge_id]"`
	Keep  string          `yaml:"keep" enum:"first,last" default:"last" doc:"Which to keep, in the order of order, else of arrival."`
	Order document.Expr   `yaml:"order" doc:"What records are ordered by; of equal ones the order of arrival decides." example:"updated_at"`
}

type dedupePlan struct {
	spec  *Dedupe
	shape *record.Shape
	by    []int
	order *expression.Program
}

// Plan checks the fields and what records are ordered by.
func (s *Dedupe) Plan(in *record.Shape, c *Context) Plan {
	before := c.Report.Errors()
	p := &dedupePlan{spec: s, shape: in}
	p.by, _ = keyFields(in, s.By, c)
	if s.Order.Value != "" {
		p.order = expression.Compile(s.Order, c.envFor(in), s.Order.Path(), c.Report)
		if p.order != nil && p.order.Field().Kind.Nested() {
			c.Report.ErrorAt(s.Order, document.CodeStepType, "name a number, text or date", "records cannot be ordered by %s", p.order.Field().Kind)
		}
	}
	if c.Report.Errors() > before {
		return nil
	}
	return p
}

func (p *dedupePlan) Shape() *record.Shape { return p.shape }

func (p *dedupePlan) Guard() Work { return &keyGuard{step: "dedupe", columns: p.by} }

func (p *dedupePlan) Collect(spill Spill) Collector {
	d := &dedupeCollector{plan: p, buffer: newBuffer(p.shape, spill)}
	if p.order != nil {
		d.order = p.order.Evaluator()
	}
	return d
}

type dedupeCollector struct {
	plan   *dedupePlan
	buffer *buffer
	order  *expression.Evaluator
	key    []byte
}

func (d *dedupeCollector) Add(b *record.Batch) error {
	for _, row := range b.Live {
		d.key, _ = appendKey(d.key[:0], b, d.plan.by, int(row))
		if err := d.buffer.add(b, row, d.key); err != nil {
			return err
		}
	}
	return nil
}

// Wait does nothing: a record that is held is not the one to keep.
func (d *dedupeCollector) Wait(*record.Batch, func(row int32)) {}

func (d *dedupeCollector) Close() error { return d.buffer.Close() }

// Drain puts out one record of each group, in the order of arrival of the
// groups.
func (d *dedupeCollector) Drain(emit func(*record.Batch) error, t *Tally) error {
	return d.buffer.each(func(rows *record.Batch, keys []string) error {
		var by record.Column
		failed := make(map[int32]expression.Failure)
		if d.order != nil {
			d.order.Eval(rows, &by, func(row int32, f expression.Failure) { failed[row] = f })
		}
		all := groups(keys)
		kept := make([]int32, 0, len(all))
		for _, members := range all {
			kept = append(kept, d.choose(members, &by))
			t.Dropped += int64(len(members) - 1)
		}
		return emitRows(rows, kept, failed, emit)
	})
}

// emitRows emits the given rows in batches; rows whose order could not be
// computed are held.
func emitRows(rows *record.Batch, kept []int32, failed map[int32]expression.Failure, emit func(*record.Batch) error) error {
	for from := 0; from < len(kept); from += record.BatchRows {
		part := kept[from:min(len(kept), from+record.BatchRows)]
		out := new(record.Batch)
		rows.Pick(out, part)
		for i, row := range part {
			if f, bad := failed[row]; bad {
				holdFailure(out, int32(i), "dedupe", "order", f)
			}
		}
		if err := emit(out); err != nil {
			return err
		}
	}
	return nil
}

// choose picks the record to keep. A record without an order comes before
// all others.
func (d *dedupeCollector) choose(members []int32, by *record.Column) int32 {
	best := members[0]
	for _, row := range members[1:] {
		c := 0
		if d.order != nil {
			c = compareCells(by, int(row), int(best))
		}
		if d.plan.spec.Keep == "last" && c >= 0 || d.plan.spec.Keep == "first" && c < 0 {
			best = row
		}
	}
	return best
}

func compareCells(c *record.Column, a, b int) int {
	hasA, hasB := c.Presence[a] == record.Value, c.Presence[b] == record.Value
	switch {
	case !hasA && !hasB:
		return 0
	case !hasA:
		return -1
	case !hasB:
		return 1
	case c.Kind == record.Text:
		return bytes.Compare(c.Text(a), c.Text(b))
	case c.Kind == record.Decimal:
		return c.Decimal(a).Cmp(c.Decimal(b))
	case c.Ints[a] < c.Ints[b]:
		return -1
	case c.Ints[a] > c.Ints[b]:
		return 1
	}
	return 0
}
