package gate

import (
	"fmt"

	"github.com/tieout/tieout/pipelines"
	"github.com/tieout/tieout/schemas/decimal"
	"github.com/tieout/tieout/schemas/record"
)

// balanced wants the lines of each record to add up to its total, or to zero.
type balanced struct {
	verdict
	limit    string
	list     int
	amount   int // of the list's child
	total    int // -1 for zero
	off      int64
	examples examples
}

func newBalanced(v verdict, spec *pipelines.BalancedCondition, shape *record.Shape) *balanced {
	list, amount, _ := spec.Parts()
	m := &balanced{verdict: v, list: shape.Index(list.Value), total: -1, limit: spec.List.Value + " adds up to "}
	m.amount = shape.Fields[m.list].Child.Index(amount.Value)
	if spec.Total.IsZero() {
		m.limit += "0"
	} else {
		m.total = shape.Index(spec.Total.Value)
		m.limit += spec.Total.Value
	}
	m.limit += " in every record"
	return m
}

func (m *balanced) Add(b *record.Batch) error {
	list := &b.Columns[m.list]
	for _, row := range b.Live {
		var sum, want decimal.Decimal
		if list.Presence[row] == record.Value {
			from, to := list.ListRange(int(row))
			sum = sumRange(&list.Child.Columns[m.amount], from, to)
		}
		missing := false
		if m.total >= 0 {
			c := &b.Columns[m.total]
			if missing = c.Presence[row] != record.Value; !missing {
				want = number(c, int(row))
			}
		}
		if missing || !sum.Equal(want) {
			m.note(b, row, sum, want, missing)
		}
	}
	return nil
}

func (m *balanced) note(b *record.Batch, row int32, sum, want decimal.Decimal, missing bool) {
	m.off++
	rank, text := place(b, row)
	if !m.examples.wants(rank) {
		return
	}
	if text != "" {
		text += ": "
	}
	if missing {
		m.examples.add(rank, fmt.Sprintf("%slines %s, no total", text, amount(sum)))
		return
	}
	m.examples.add(rank, fmt.Sprintf("%slines %s, total %s, difference %s", text, amount(sum), amount(want), amount(sum.Sub(want))))
}

// sumRange adds amounts, in an int64 as long as they fit. A line without an
// amount adds nothing.
func sumRange(c *record.Column, from, to int32) decimal.Decimal {
	var sum decimal.Decimal
	var part int64
	for row := from; row < to; row++ {
		if c.Presence[row] != record.Value {
			continue
		}
		if _, large := c.Over[row]; large {
			sum = sum.Add(number(c, int(row)))
			continue
		}
		v := c.Ints[row]
		next := part + v
		if (next > part) != (v > 0) && v != 0 {
			sum = sum.Add(decimal.New(part, c.Scale))
			next = v
		}
		part = next
	}
	return sum.Add(decimal.New(part, c.Scale))
}

func (m *balanced) Judge(Facts) (Finding, error) {
	if m.off == 0 {
		return m.passed(m.limit, "all balanced", "all balanced"), nil
	}
	found := m.failed(m.limit, fmt.Sprintf("%d not balanced", m.off),
		fmt.Sprintf("the lines of %s do not add up, such as %s; split amounts with an allocate step, so that the last cent is given to a line", count(m.off, "record"), m.examples.kept[0].text))
	found.Count, found.Examples = m.off, m.examples.texts()
	return found, nil
}
