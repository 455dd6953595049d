package gate

import (
	"fmt"
	"maps"
	"slices"

	"github.com/tieout/tieout/pipelines"
	"github.com/tieout/tieout/schemas/decimal"
	"github.com/tieout/tieout/schemas/record"
	"github.com/tieout/tieout/transforms"
	"github.com/tieout/tieout/transforms/expression"
)

// maxGroups bounds the groups of a totals condition.
const maxGroups = 1_000_000

// totals wants one sum to equal another, for each value of some fields, or a
// control total. A record without a value adds nothing.
type totals struct {
	verdict
	spec      *pipelines.TotalsCondition
	by        []int
	of, equal *expression.Evaluator
	control   *decimal.Decimal // a constant to compare with
	left      record.Column
	right     record.Column
	groups    map[string]*pair
	key       []byte
	broken    int64 // records for which a sum cannot be computed
	why       string
}

type pair struct {
	name        string
	left, right decimal.Decimal
}

func newTotals(v verdict, spec *pipelines.TotalsCondition, shape *record.Shape, c *transforms.Context) Meter {
	m := &totals{verdict: v, spec: spec, by: columnsOf(shape, spec.By), groups: make(map[string]*pair)}
	of, equal := spec.Compile(shape, c)
	if of == nil || equal == nil {
		return nil
	}
	if !of.Evaluable() || !equal.Evaluable() {
		c.Report.ErrorAt(spec.Of, v.code, "", "a total reads a value that is not known")
		return nil
	}
	m.of = of.Evaluator()
	if len(equal.Uses()) > 0 {
		m.equal = equal.Evaluator()
		return m
	}
	value, ok := constant(equal)
	if !ok {
		c.Report.ErrorAt(spec.Equal, v.code, "Write a number such as 1250.00.", "%q gives no control total", spec.Equal.Value)
		return nil
	}
	control := number(&value, 0)
	m.control = &control
	return m
}

// number reads an integer or decimal.
func number(c *record.Column, row int) decimal.Decimal {
	if c.Kind == record.Integer {
		return decimal.FromInt(c.Ints[row])
	}
	return c.Decimal(row)
}

func (m *totals) Add(b *record.Batch) error {
	fail := func(_ int32, f expression.Failure) {
		m.broken++
		if m.why == "" || f.Message < m.why {
			m.why = f.Message
		}
	}
	m.of.Eval(b, &m.left, fail)
	if m.equal != nil {
		m.equal.Eval(b, &m.right, fail)
	}
	for _, row := range b.Live {
		p, err := m.group(b, row)
		if err != nil {
			return err
		}
		if m.left.Presence[row] == record.Value {
			p.left = p.left.Add(number(&m.left, int(row)))
		}
		if m.equal != nil && m.right.Presence[row] == record.Value {
			p.right = p.right.Add(number(&m.right, int(row)))
		}
	}
	return nil
}

func (m *totals) group(b *record.Batch, row int32) (*pair, error) {
	m.key = appendKey(m.key[:0], b, m.by, row)
	if p := m.groups[string(m.key)]; p != nil {
		return p, nil
	}
	if len(m.groups) == maxGroups {
		return nil, &TooManyKeysError{Condition: "totals", Most: maxGroups}
	}
	p := &pair{name: describe(b, m.by, row)}
	m.groups[string(m.key)] = p
	return p, nil
}

func (m *totals) Judge(f Facts) (Finding, error) {
	limit := fmt.Sprintf("sum of %s equals %s", m.spec.Of.Value, m.spec.Equal.Value)
	if len(m.by) > 0 {
		limit += " for each " + joined(m.spec.By)
	}
	if m.broken > 0 {
		found := m.failed(limit, fmt.Sprintf("%d not computed", m.broken), fmt.Sprintf("the sums cannot be computed for %s: %s; hold such records with a rule", count(m.broken, "record"), m.why))
		found.Count = m.broken
		return found, nil
	}
	if m.control != nil && f.nothingNew() && len(m.groups) == 0 {
		return m.passed(limit, "nothing", "nothing new was read"), nil
	}
	return m.compare(limit), nil
}

func (m *totals) compare(limit string) Finding {
	groups := m.groups
	if len(groups) == 0 && len(m.by) == 0 {
		groups = map[string]*pair{"": {}} // a control total binds an empty load too
	}
	var off examples
	var differ int64
	var left, right decimal.Decimal
	for _, key := range slices.Sorted(maps.Keys(groups)) {
		p := groups[key]
		want := p.right
		if m.control != nil {
			want = *m.control
		}
		left, right = left.Add(p.left), right.Add(want)
		if p.left.Equal(want) {
			continue
		}
		differ++
		text := fmt.Sprintf("%s against %s, difference %s", amount(p.left), amount(want), amount(p.left.Sub(want)))
		if p.name != "" {
			text = p.name + ": " + text
		}
		off.add(0, text)
	}
	actual := fmt.Sprintf("%s against %s", amount(left), amount(right))
	if differ == 0 {
		return m.passed(limit, actual, actual)
	}
	what := "the totals differ: "
	if len(m.by) > 0 {
		what = fmt.Sprintf("the totals of %s differ, such as ", count(differ, "group"))
	}
	found := m.failed(limit, actual, what+off.kept[0].text+"; find the records on one side only with `tieout preview`, or correct the control total")
	found.Count, found.Examples = differ, off.texts()
	return found
}
