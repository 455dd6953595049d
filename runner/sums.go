package runner

import (
	"github.com/tieout/tieout/pipelines"
	"github.com/tieout/tieout/schemas/decimal"
	"github.com/tieout/tieout/schemas/record"
)

// amounts says which fields are summed, and by which currency.
type amounts struct {
	fields   []string
	currency string // field that holds the currency, "" when there is one for all
	fixed    string // that one currency, "" when unknown
}

func planAmounts(m *pipelines.Money) amounts {
	var a amounts
	if m == nil {
		return a
	}
	for _, f := range m.Amounts {
		a.fields = append(a.fields, f.Value)
	}
	if m.FixedCurrency() {
		a.fixed = m.Currency.Value
	} else {
		a.currency = m.Currency.Value
	}
	return a
}

// totals are sums by "field" or "field currency".
type totals struct {
	sums map[string]decimal.Decimal
	seen map[string]bool // fields the batch had
}

func (t *totals) reset() {
	clear(t.sums)
	clear(t.seen)
}

// merge adds the sums of o.
func (t *totals) merge(o *totals) {
	for name := range o.seen {
		t.see(name)
	}
	for key, sum := range o.sums {
		t.put(key, sum)
	}
}

func (t *totals) see(name string) {
	if t.seen == nil {
		t.seen = make(map[string]bool)
	}
	t.seen[name] = true
}

func (t *totals) put(key string, sum decimal.Decimal) {
	if t.sums == nil {
		t.sums = make(map[string]decimal.Decimal)
	}
	t.sums[key] = t.sums[key].Add(sum)
}

// text gives the sums as plain decimal text, for reports.
func (t *totals) text() map[string]string {
	if len(t.sums) == 0 {
		return nil
	}
	out := make(map[string]string, len(t.sums))
	for key, sum := range t.sums {
		out[key] = sum.String()
	}
	return out
}

// add sums the live rows of a batch. Values that are nil count as nothing;
// whether they may be nil is for rules to say.
func (a *amounts) add(t *totals, b *record.Batch) {
	if len(a.fields) == 0 {
		return
	}
	var currency *record.Column
	if a.currency != "" {
		currency = b.Column(a.currency)
	}
	for _, name := range a.fields {
		c := b.Column(name)
		if c == nil || c.Kind != record.Decimal && c.Kind != record.Integer {
			continue
		}
		t.see(name)
		if currency == nil {
			t.put(a.label(name), sumColumn(c, b.Live))
			continue
		}
		for _, row := range b.Live {
			if c.Presence[row] == record.Value {
				t.put(name+" "+currencyOf(currency, row), valueOf(c, row))
			}
		}
	}
}

func (a *amounts) label(name string) string {
	if a.fixed == "" {
		return name
	}
	return name + " " + a.fixed
}

func currencyOf(c *record.Column, row int32) string {
	if c.Presence[row] != record.Value || c.Kind != record.Text {
		return "-"
	}
	return string(c.Text(int(row)))
}

func valueOf(c *record.Column, row int32) decimal.Decimal {
	if c.Kind == record.Integer {
		return decimal.FromInt(c.Ints[row])
	}
	return c.Decimal(int(row))
}

// sumColumn adds coefficients in an int64 as long as they fit, and in
// decimals beyond.
func sumColumn(c *record.Column, live []int32) decimal.Decimal {
	var sum decimal.Decimal
	var part int64
	for _, row := range live {
		if c.Presence[row] != record.Value {
			continue
		}
		if c.Over != nil {
			if d, ok := c.Over[row]; ok {
				sum = sum.Add(d)
				continue
			}
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
