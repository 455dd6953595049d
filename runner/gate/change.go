package gate

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tieout/tieout/pipelines"
	"github.com/tieout/tieout/schemas/decimal"
	"github.com/tieout/tieout/schemas/record"
	"github.com/tieout/tieout/transforms"
)

// change compares the number of records, or the sum of an amount in each
// currency, with the mean of earlier runs.
type change struct {
	verdict
	counter
	spec     *pipelines.ChangeCondition
	column   int    // -1 for records
	currency int    // column, -1 when there is one currency for all
	label    string // key of the sum in the history of one currency
	sums     map[string]decimal.Decimal
}

func newChange(v verdict, spec *pipelines.ChangeCondition, shape *record.Shape, c *transforms.Context) *change {
	m := &change{verdict: v, spec: spec, column: -1, currency: -1, label: spec.Of.Value, sums: make(map[string]decimal.Decimal)}
	if spec.CountsRecords() {
		return m
	}
	m.column = shape.Index(spec.Of.Value)
	if spec.Currency != "" {
		m.currency = shape.Index(spec.Currency)
	}
	if c.Env.Money.Currency != "" {
		m.label += " " + c.Env.Money.Currency
	}
	return m
}

func (m *change) Add(b *record.Batch) error {
	if m.column >= 0 {
		c := &b.Columns[m.column]
		for _, row := range b.Live {
			if c.Presence[row] == record.Value {
				label := m.labelOf(b, row)
				m.sums[label] = m.sums[label].Add(number(c, int(row)))
			}
		}
	}
	return m.counter.Add(b)
}

// labelOf is the key under which the runner keeps the sum of a row's amount.
func (m *change) labelOf(b *record.Batch, row int32) string {
	if m.currency < 0 {
		return m.label
	}
	c := &b.Columns[m.currency]
	if c.Presence[row] != record.Value || c.Kind != record.Text {
		return m.spec.Of.Value + " -"
	}
	return m.spec.Of.Value + " " + string(c.Text(int(row)))
}

func (m *change) Judge(f Facts) (Finding, error) {
	runs := f.History[:min(len(f.History), m.spec.Against.Runs)]
	if m.column >= 0 {
		runs = slices.DeleteFunc(slices.Clone(runs), func(t Totals) bool { return !m.summed(t) })
	}
	limit := fmt.Sprintf("%s within %s of the mean of %s", m.spec.Of.Value, m.spec.Within, count(int64(m.spec.Against.Runs), "run"))
	switch {
	case len(runs) == 0:
		return m.passed(limit, m.actual(), "there is no earlier run to compare with"), nil
	case f.nothingNew() && m.n == 0:
		return m.passed(limit, "nothing", "nothing new was read"), nil
	}
	now, before := m.figures(runs)
	var off examples
	var differ int64
	for _, label := range slices.Sorted(maps.Keys(before)) {
		if text, far := m.compare(label, now[label], before[label], int64(len(runs))); far {
			differ++
			off.add(0, text)
		}
	}
	if differ == 0 {
		return m.passed(limit, m.actual(), fmt.Sprintf("compared with %s", count(int64(len(runs)), "run"))), nil
	}
	found := m.failed(limit, m.actual(), off.kept[0].text+"; if the change is real, widen within for this run")
	found.Count, found.Examples = differ, off.texts()
	return found, nil
}

// summed reports whether an earlier run kept a sum of the field.
func (m *change) summed(t Totals) bool {
	if m.currency < 0 {
		_, ok := t.Sums[m.label]
		return ok
	}
	for key := range t.Sums {
		if strings.HasPrefix(key, m.spec.Of.Value+" ") {
			return true
		}
	}
	return false
}

// figures gives this run's figures and the sums of the earlier ones.
func (m *change) figures(runs []Totals) (now, before map[string]decimal.Decimal) {
	before = make(map[string]decimal.Decimal)
	if m.column < 0 {
		for _, t := range runs {
			before[m.label] = before[m.label].Add(decimal.FromInt(t.Written))
		}
		return map[string]decimal.Decimal{m.label: decimal.FromInt(m.n)}, before
	}
	for label := range m.sums {
		before[label] = decimal.Decimal{}
	}
	for _, t := range runs {
		for key, sum := range t.Sums {
			if key == m.label || m.currency >= 0 && strings.HasPrefix(key, m.spec.Of.Value+" ") {
				before[key] = before[key].Add(sum)
			}
		}
	}
	return m.sums, before
}

// compare holds |n·now − before|·100 against within·|before|, so that nothing
// is divided or rounded.
func (m *change) compare(label string, now, before decimal.Decimal, runs int64) (string, bool) {
	n := decimal.FromInt(runs)
	distance := now.Mul(n).Sub(before).Abs().Mul(decimal.FromInt(100))
	if !m.spec.Within.Mul(before.Abs()).Less(distance) {
		return "", false
	}
	mean, err := decimal.QuoRound(before, n, 2, decimal.HalfUp)
	if err != nil {
		mean = before
	}
	if before.IsZero() {
		return fmt.Sprintf("%s is %s, and was 0 in %s before", label, amount(now), count(runs, "run")), true
	}
	percent, err := decimal.QuoRound(distance, before.Abs(), 1, decimal.HalfUp)
	if err != nil {
		return "", false
	}
	return fmt.Sprintf("%s is %s, %s%% from the mean %s of %s", label, amount(now), percent, amount(mean), count(runs, "run")), true
}

func (m *change) actual() string {
	if m.column < 0 {
		return count(m.n, "record")
	}
	var parts []string
	for _, label := range slices.Sorted(maps.Keys(m.sums)) {
		parts = append(parts, label+" "+amount(m.sums[label]))
	}
	if len(parts) == 0 {
		return "nothing"
	}
	return strings.Join(parts, ", ")
}
