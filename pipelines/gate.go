package pipelines

import (
	"github.com/tieout/tieout/schemas/document"
)

// Condition is one entry of `gate:`, such as `- records: {min: 1}`.
// `otherwise` may stand beside the condition or among its keys.
type Condition struct {
	Name string
	At   document.Position
	Spec any // one of the *…Condition types below, nil when it could not be read

	beside Beside
}

// Beside are the keys beside a condition.
type Beside struct {
	Otherwise string `yaml:"otherwise" enum:"block,warn" doc:"What happens when the condition is not met; block when not given."`
}

// Beside receives the keys beside the condition.
func (c *Condition) Beside() any { return &c.beside }

// Warns reports whether the condition, when it is not met, is only worth a
// warning.
func (c *Condition) Warns() bool {
	spec, ok := c.Spec.(interface{ warns() bool })
	return c.beside.Otherwise == "warn" || ok && spec.warns()
}

// Variants lists the conditions an analyst may write.
func (c *Condition) Variants() []document.Variant {
	return []document.Variant{
		{Name: "records", Doc: "How many records may reach the sink.", New: func() any { return new(RecordsCondition) }},
		{Name: "quarantined", Doc: "How many records may be held or refused.", New: func() any { return new(QuarantinedCondition) }},
		{Name: "unique", Doc: "No two records agree in these fields.", New: func() any { return new(UniqueCondition) }},
		{Name: "not_null", Doc: "These fields always have a value.", New: func() any { return new(NotNullCondition) }},
		{Name: "references", Doc: "A field's values all occur in a table.", New: func() any { return new(ReferencesCondition) }},
		{Name: "fresh", Doc: "The newest record is not too old.", New: func() any { return new(FreshCondition) }},
		{Name: "totals", Doc: "Sums equal what they must.", New: func() any { return new(TotalsCondition) }},
		{Name: "balanced", Doc: "In each record the lines add up to the total.", New: func() any { return new(BalancedCondition) }},
		{Name: "change", Doc: "A sum or count does not stray from the runs before.", New: func() any { return new(ChangeCondition) }},
		{Name: "open_period", Doc: "Every date lies in an open period.", New: func() any { return new(OpenPeriodCondition) }},
	}
}

// SetVariant receives a decoded condition.
func (c *Condition) SetVariant(name string, value any, at document.Position) {
	c.Name, c.Spec, c.At = name, value, at
}

// Otherwise is what a condition does when it is not met.
type Otherwise struct {
	Otherwise string `yaml:"otherwise" enum:"block,warn" default:"block" doc:"What happens when the condition is not met."`
}

func (o *Otherwise) warns() bool { return o.Otherwise == "warn" }

// RecordsCondition bounds how many records reach the sink.
type RecordsCondition struct {
	Min *int64 `yaml:"min" doc:"At least this many."`
	Max *int64 `yaml:"max" doc:"At most this many."`
	Otherwise
}

// QuarantinedCondition bounds how many records are held or refused: it blocks
// above both the share and the number. What is not written counts as 0.
type QuarantinedCondition struct {
	Max   *document.Percent `yaml:"max" doc:"Largest share of the records read; 0% when not given." example:"1%"`
	Allow *int64            `yaml:"allow" doc:"Number that is always allowed; 0 when not given." example:"5"`
	Otherwise
}

// UniqueCondition wants no two records to agree in all the fields.
type UniqueCondition struct {
	Fields []document.Text `yaml:"fields,one_or_list" required:"true" doc:"The fields, together."`
	Otherwise
}

// NotNullCondition wants values.
type NotNullCondition struct {
	Fields []document.Text `yaml:"fields,one_or_list" required:"true" doc:"The fields, each."`
	Otherwise
}

// ReferencesCondition wants a field's values to occur in a table.
type ReferencesCondition struct {
	Field document.Text `yaml:"field" required:"true" doc:"Field of the record; nil values are not looked up."`
	In    document.Text `yaml:"in" required:"true" doc:"Mapping file or connection.stream." example:"mappings/properties.csv"`
	To    document.Text `yaml:"to" required:"true" doc:"Column of that table."`
	Otherwise
}

// FreshCondition wants a recent record.
type FreshCondition struct {
	Field  document.Text     `yaml:"field" required:"true" doc:"Date or timestamp field."`
	Within document.Duration `yaml:"within" required:"true" doc:"Largest age of the newest value, counted back from run.as_of." example:"26h"`
	Otherwise
}

// TotalsCondition wants a sum to equal another sum or a number.
type TotalsCondition struct {
	Of    document.Expr   `yaml:"of" required:"true" doc:"What is summed over all records that reach the sink." example:"debit"`
	By    []document.Text `yaml:"by,one_or_list" doc:"Sum for each value of these fields; over everything when not given."`
	Equal document.Expr   `yaml:"equal" required:"true" doc:"What is summed for comparison, or a constant control total." example:"credit"`
	Otherwise
}

// BalancedCondition wants lines to add up.
type BalancedCondition struct {
	List  document.Text `yaml:"list" required:"true" doc:"Amount of the lines, as list.field." example:"lines.amount"`
	Total document.Text `yaml:"total" doc:"Field with the total; zero when not given, as for a journal." example:"total"`
	Otherwise
}

// ChangeCondition compares with earlier runs.
type ChangeCondition struct {
	Of      document.Text    `yaml:"of" required:"true" doc:"An amount field to sum, or records." example:"records"`
	Against Against          `yaml:"against" doc:"Which runs to compare with."`
	Within  document.Percent `yaml:"within" required:"true" doc:"Largest distance from their mean." example:"20%"`
	Otherwise

	// Currency is the field that holds the currency of Of, "" when there is
	// one for all: amounts of different currencies are compared apart.
	Currency string `yaml:"-"`
}

// Against names the runs a change is measured against.
type Against struct {
	Runs int `yaml:"runs" default:"5" doc:"How many of the last successful runs."`
}

// OpenPeriodCondition wants dates in open periods. A record without a date
// does not meet it.
type OpenPeriodCondition struct {
	Field document.Text `yaml:"field" required:"true" doc:"Date or timestamp field."`
	From  document.Text `yaml:"from" required:"true" doc:"First open day: a date, or an expression over run.date." example:"2026-11-01"`
	To    document.Text `yaml:"to" doc:"Last open day, in the same form; open-ended when not given." example:"month_end(run.date)"`
	Otherwise
}
