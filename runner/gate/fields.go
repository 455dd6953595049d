package gate

import (
	"fmt"
	"strings"

	"github.com/tieout/tieout/pipelines"
	"github.com/tieout/tieout/schemas/decimal"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
	"github.com/tieout/tieout/transforms"
)

// notNull wants values in each of some fields.
type notNull struct {
	verdict
	columns  []int
	names    []document.Text
	missing  []int64
	examples examples
}

func newNotNull(v verdict, spec *pipelines.NotNullCondition, shape *record.Shape) *notNull {
	return &notNull{verdict: v, columns: columnsOf(shape, spec.Fields), names: spec.Fields, missing: make([]int64, len(spec.Fields))}
}

func (m *notNull) Add(b *record.Batch) error {
	for n, i := range m.columns {
		presence := b.Columns[i].Presence
		for _, row := range b.Live {
			if presence[row] == record.Value {
				continue
			}
			m.missing[n]++
			if rank, text := place(b, row); text != "" {
				m.examples.add(rank, text+": "+m.names[n].Value)
			}
		}
	}
	return nil
}

func (m *notNull) Judge(Facts) (Finding, error) {
	limit := "always a value in " + joined(m.names)
	var total int64
	var parts []string
	for n, missing := range m.missing {
		if total += missing; missing > 0 {
			parts = append(parts, fmt.Sprintf("%s in %s", m.names[n].Value, count(missing, "record")))
		}
	}
	if total == 0 {
		return m.passed(limit, "none missing", "none missing"), nil
	}
	found := m.failed(limit, strings.Join(parts, ", "), "no value for "+strings.Join(parts, ", ")+"; correct the source, or hold such records with a rule: field != nil")
	found.Count, found.Examples = total, m.examples.texts()
	return found, nil
}

// references wants each value to occur in a table.
type references struct {
	verdict
	spec     *pipelines.ReferencesCondition
	column   int
	known    map[string]struct{}
	key      []byte
	unknown  int64
	examples examples
}

// newReferences reads the table's column; values are compared as numbers
// where the record holds numbers, and as text otherwise.
func newReferences(v verdict, spec *pipelines.ReferencesCondition, shape *record.Shape, c *transforms.Context) Meter {
	m := &references{verdict: v, spec: spec, column: shape.Index(spec.Field.Value), known: make(map[string]struct{})}
	if c.Tables == nil {
		c.Report.ErrorAt(spec.In, v.code, "", "%s: no tables can be read here", spec.In.Value)
		return nil
	}
	rows, err := c.Tables.Rows(spec.In.Value)
	if err != nil {
		c.Report.ErrorAt(spec.In, v.code, "Check the table, then run again.", "%s: %v", spec.In.Value, err)
		return nil
	}
	to := rows.Column(spec.To.Value)
	if to == nil {
		c.Report.ErrorAt(spec.To, v.code, document.Suggest(spec.To.Value, rows.Shape.Names()).Hint, "%s has no column %q", spec.In.Value, spec.To.Value)
		return nil
	}
	kind := shape.Fields[m.column].Kind
	number := (kind == record.Integer || kind == record.Decimal) && to.Kind == record.Text
	f := record.Field{Kind: to.Kind, Scale: record.NoScale}
	for _, row := range rows.Live {
		if to.Presence[row] != record.Value {
			continue
		}
		m.key = record.AppendValue(m.key[:0], &f, to, int(row))
		if number {
			if d, err := decimal.ParseBytes(m.key); err == nil {
				m.key = d.AppendCanonical(m.key[:0])
			}
		}
		m.known[string(m.key)] = struct{}{}
	}
	return m
}

func (m *references) Add(b *record.Batch) error {
	c := &b.Columns[m.column]
	f := record.Field{Kind: c.Kind, Scale: record.NoScale}
	for _, row := range b.Live {
		if c.Presence[row] != record.Value {
			continue
		}
		m.key = record.AppendValue(m.key[:0], &f, c, int(row))
		if _, ok := m.known[string(m.key)]; !ok {
			m.unknown++
			m.examples.add(0, string(appendValue(nil, b, m.column, row)))
		}
	}
	return nil
}

func (m *references) Judge(Facts) (Finding, error) {
	limit := fmt.Sprintf("every %s is in %s of %s", m.spec.Field.Value, m.spec.To.Value, m.spec.In.Value)
	if m.unknown == 0 {
		return m.passed(limit, "all found", "all found"), nil
	}
	found := m.failed(limit, fmt.Sprintf("%d not found", m.unknown), fmt.Sprintf("%s not in %s of %s, such as %q; add the value there or correct the records",
		have(m.unknown, "a "+m.spec.Field.Value), m.spec.To.Value, m.spec.In.Value, m.examples.kept[0].text))
	found.Count, found.Examples = m.unknown, m.examples.texts()
	return found, nil
}

func have(n int64, what string) string {
	if n == 1 {
		return "1 record has " + what
	}
	return fmt.Sprintf("%d records have %s", n, what)
}
