package pipelines

import (
	"time"

	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/transforms"
)

// Pipeline is one pipeline document: from where, through which steps, past
// which rules and gate, to where.
type Pipeline struct {
	Pipeline    document.Text     `yaml:"pipeline" required:"true" doc:"Name of the pipeline, unique in the project: letters, digits, - and _." example:"rent_roll"`
	Description string            `yaml:"description" doc:"What the pipeline is for, in a sentence."`
	Owner       string            `yaml:"owner" doc:"Who to ask." example:"finance-ops@example.com"`
	Notify      document.Text     `yaml:"notify" doc:"Name of the alert target under alerts in tieout.yaml."`
	Timezone    document.Text     `yaml:"timezone" doc:"IANA zone of zone-less stamps and of run.date; that of the source's connection or of the project when not given." example:"America/Chicago"`
	ForEach     *ForEach          `yaml:"for_each" doc:"One pipeline for each row of a table, named PIPELINE.ROW; state, schedule and alerts are its own."`
	Schedule    *Schedule         `yaml:"schedule" doc:"When the pipeline runs unattended."`
	Retry       *Retry            `yaml:"retry" doc:"How often a failed slot is tried again; three attempts, 30s and then 1m apart, when not given."`
	Timeout     document.Duration `yaml:"timeout" doc:"Longest time one run may take; no limit when not given." example:"2h"`
	FreshWithin document.Duration `yaml:"fresh_within" doc:"An alert is sent when no run succeeded for this long." example:"26h"`
	Money       *Money            `yaml:"money" doc:"Which fields are amounts, and how they are rounded."`
	Contract    *Contract         `yaml:"contract" doc:"What happens when the source's fields are not those declared."`
	Source      Source            `yaml:"source" required:"true" doc:"What to read."`
	Transforms  []transforms.Step `yaml:"transforms" doc:"Steps, applied in order."`
	Rules       []Rule            `yaml:"rules" doc:"Predicates every record must meet."`
	Gate        []Condition       `yaml:"gate" doc:"Conditions the whole run must meet before anything becomes visible."`
	Sink        Sink              `yaml:"sink" required:"true" doc:"Where to write."`

	File string         `yaml:"-"` // below the project's folder, with slashes
	Root *document.Node `yaml:"."`

	// Each is the row the pipeline stands for, nil without for_each.
	Each *Row `yaml:"-"`

	rows     []Row // of the for_each table
	after    []awaited
	zone     *time.Location
	sinkZone *time.Location // of the sink's zone-less columns
	spoilt   map[int]bool   // steps that could not be decoded, and are not planned
	vars     []string       // names of the project's variables, sorted
}

// Money says which fields are amounts.
type Money struct {
	Amounts  []document.Text `yaml:"amounts,one_or_list" doc:"Fields that hold amounts; they are summed at every step." example:"[rent, amount]"`
	Currency document.Text   `yaml:"currency" doc:"Currency of all amounts as an ISO 4217 code, or the name of the field that holds it." example:"USD"`
	Rounding string          `yaml:"rounding" enum:"half_up,half_even,half_down,up,down,ceiling,floor" default:"half_up" doc:"How amounts are rounded to the currency's minor unit."`
}

// FixedCurrency reports whether all amounts are of one currency: Currency is
// three capital letters then, and otherwise the name of a field or empty.
func (m *Money) FixedCurrency() bool {
	if m == nil || len(m.Currency.Value) != 3 {
		return false
	}
	for _, c := range []byte(m.Currency.Value) {
		if c < 'A' || c > 'Z' {
			return false
		}
	}
	return true
}

// Rule is a predicate on one record.
type Rule struct {
	Name      document.Text `yaml:"name" required:"true" doc:"Name shown with every record that fails." example:"rent is not negative"`
	Expect    document.Expr `yaml:"expect" required:"true" doc:"What must be true." example:"rent >= 0"`
	Otherwise string        `yaml:"otherwise" enum:"quarantine,warn,abort" default:"quarantine" doc:"What happens to a record that fails."`
}
