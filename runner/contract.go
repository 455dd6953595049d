package runner

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/pipelines"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
)

// contract holds a source to the fields that were declared.
type contract struct {
	extra    []int         // columns nobody declared, whose values hold their records
	required []int         // declared columns, whose absence does
	certain  []int         // declared columns, whose absence fails the run
	frozen   bool          // a value of another type fails the run
	shape    *record.Shape // as the source has it
	kept     *record.Shape // without the columns of extra; nil when all go on
	notes    []string
	unseen   map[int]bool // declared columns no record had yet, where that is allowed
	rows     int64
}

// newContract compares what a source has with what was declared. It is nil
// when there is nothing to watch. The error wraps connectors.ErrData.
func newContract(p *pipelines.Pipeline, shape *record.Shape) (*contract, error) {
	policy := p.Policy()
	c := &contract{unseen: make(map[int]bool), shape: shape, frozen: policy.Retyped == pipelines.Freeze}
	declared := p.Source.Types().Keys()
	var extra []string
	for i := range shape.Fields {
		name := shape.Fields[i].Name
		if name == pipelines.ChangeField && p.Source.Compares() || slices.Contains(declared, name) {
			continue
		}
		extra = append(extra, name)
		if policy.Extra == pipelines.Quarantine {
			c.extra = append(c.extra, i)
		}
	}
	for _, name := range declared {
		i := shape.Index(name)
		optional := optionalField(p, name)
		switch {
		case optional || i < 0: // one that had to be there would have failed the read
		case policy.Missing == pipelines.Quarantine:
			c.required = append(c.required, i)
		case policy.Missing == pipelines.Evolve:
			c.unseen[i] = true
		case p.LacksNone():
			c.certain = append(c.certain, i)
		}
	}
	if len(extra) > 0 && policy.Extra == pipelines.Freeze {
		return nil, fmt.Errorf("%w: %s: the source has %s that %s: declare them, or let the contract evolve", connectors.ErrData,
			document.CodeSourceDrift, list(extra), closedBy(p))
	}
	if len(extra) > 0 && policy.Extra != pipelines.Quarantine && (p.Contract != nil || p.Source.HasSchema()) {
		c.notes = append(c.notes, fmt.Sprintf("the source has %s that nobody declared; passed on", list(extra)))
	}
	if len(c.extra) > 0 {
		var fields []record.Field
		for i := range shape.Fields {
			if !slices.Contains(c.extra, i) {
				fields = append(fields, shape.Fields[i])
			}
		}
		c.kept = record.MustShape(fields...)
	}
	if len(c.extra)+len(c.required)+len(c.certain)+len(c.unseen)+len(c.notes) == 0 && !c.frozen {
		return nil, nil
	}
	return c, nil
}

func optionalField(p *pipelines.Pipeline, name string) bool {
	f, _ := p.Source.Types().Get(name)
	return f.Optional
}

func closedBy(p *pipelines.Pipeline) string {
	if p.Contract != nil && p.Contract.Extra == pipelines.Freeze {
		return "the pipeline does not declare"
	}
	return "the schema of the stream does not have"
}

// list names fields.
func list(names []string) string {
	const most = 10
	quoted := make([]string, 0, most+1)
	for _, n := range names[:min(most, len(names))] {
		quoted = append(quoted, fmt.Sprintf("%q", n))
	}
	if more := len(names) - most; more > 0 {
		quoted = append(quoted, fmt.Sprintf("%d more", more))
	}
	return strings.Join(quoted, ", ")
}

// screen holds the records of a batch that do not keep the contract.
func (c *contract) screen(b *record.Batch) error {
	if c.frozen {
		for i := range b.Held {
			if h := &b.Held[i]; h.Step == record.StepSource && h.Code == string(document.CodeSourceBadValue) {
				return fmt.Errorf("%w: %s: %s: %s: the contract lets no value of another type in", connectors.ErrData, document.CodeSourceDrift, b.Origin.Input, h.Message)
			}
		}
	}
	c.rows += int64(b.Rows)
	for i := range c.unseen {
		if slices.ContainsFunc(b.Columns[i].Presence[:b.Rows], func(p record.Presence) bool { return p != record.Absent }) {
			delete(c.unseen, i)
		}
	}
	for _, i := range c.certain {
		if at := slices.IndexFunc(b.Live, func(row int32) bool { return b.Columns[i].Presence[row] == record.Absent }); at >= 0 {
			return fmt.Errorf("%w: %s: %s: the field %q is not there, and the contract lets no record without it in", connectors.ErrData,
				document.CodeSourceDrift, placeOf(b, b.Live[at]), c.shape.Fields[i].Name)
		}
	}
	for _, row := range b.Live {
		for _, i := range c.extra {
			if b.Columns[i].Presence[row] != record.Absent {
				c.hold(b, row, i, "is not declared, and the contract holds records that have it")
			}
		}
		for _, i := range c.required {
			if b.Columns[i].Presence[row] == record.Absent {
				c.hold(b, row, i, "is not there, and the contract holds records without it")
			}
		}
	}
	return nil
}

// lacking words which declared fields no record had, once all were read.
func (c *contract) lacking() []string {
	var names []string
	for i := range c.shape.Fields {
		if c.unseen[i] && c.rows > 0 {
			names = append(names, c.shape.Fields[i].Name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	return []string{fmt.Sprintf("the source lacks %s", list(names))}
}

// passed is the shape of the records that go on.
func (c *contract) passed(shape *record.Shape) *record.Shape {
	if c == nil || c.kept == nil {
		return shape
	}
	return c.kept
}

// cut takes the columns nobody declared out of a batch. They change places
// with others, so that the reader finds as many again.
func (c *contract) cut(b *record.Batch) {
	if c.kept == nil {
		return
	}
	to := 0
	for i := range c.shape.Fields {
		if !slices.Contains(c.extra, i) {
			b.Columns[to], b.Columns[i] = b.Columns[i], b.Columns[to]
			to++
		}
	}
	b.Columns, b.Shape = b.Columns[:to], c.kept
}

func (c *contract) hold(b *record.Batch, row int32, column int, what string) {
	name := c.shape.Fields[column].Name
	b.Hold(record.Hold{Row: row, Step: record.StepSource, Code: string(document.CodeSourceDrift), Rule: "contract", Field: name, Record: record.AppendRowJSON(nil, b, int(row)),
		Message: fmt.Sprintf("the field %q %s", name, what)})
}
