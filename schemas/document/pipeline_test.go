package document

// A small pipeline-like struct tree that the tests decode into.

type testPipeline struct {
	Pipeline    Text           `yaml:"pipeline" required:"true" doc:"Name of the pipeline." example:"rent_roll"`
	Description string         `yaml:"description" doc:"One sentence for people."`
	Schedule    *testSchedule  `yaml:"schedule" doc:"When it runs."`
	Source      testSource     `yaml:"source" required:"true" doc:"Where records come from."`
	Transforms  []testStep     `yaml:"transforms" doc:"Steps in order."`
	Rules       []testRule     `yaml:"rules" doc:"Predicates on one record."`
	Gate        []testGate     `yaml:"gate" doc:"Conditions over the run."`
	Sink        *testSink      `yaml:"sink" doc:"Where records go."`
	Limits      testLimits     `yaml:"limits" doc:"Bounds."`
	Labels      map[string]int `yaml:"labels" doc:"Free numbers."`
}

type testSchedule struct {
	Cron    string `yaml:"cron" required:"true" doc:"Five fields." example:"15 6 * * 1-5"`
	CatchUp string `yaml:"catch_up" enum:"last,all,none" default:"last" doc:"Missed slots."`
	Paused  bool   `yaml:"paused" default:"false" doc:"Do not fire."`
}

type testSource struct {
	Connection string          `yaml:"connection" required:"true" doc:"A connection of tieout.yaml."`
	Stream     string          `yaml:"stream" doc:"A stream of it."`
	RateLimit  int             `yaml:"rate_limit" doc:"Requests per second."`
	Fields     Map[testType]   `yaml:"fields" doc:"Types of columns."`
	Cursor     *testCursor     `yaml:"cursor" doc:"Where to go on."`
	Settings   *testConnection `yaml:"settings" doc:"Settings."`
}

type testCursor struct {
	Start    Text     `yaml:"start" doc:"First value."`
	Lookback Duration `yaml:"lookback" default:"0s" doc:"Re-read."`
}

type testConnection struct {
	URL    string `yaml:"url" ref:"true" doc:"Address."`
	Port   int    `yaml:"port" ref:"true" default:"443" doc:"Port."`
	Secret Secret `yaml:"client_secret" doc:"Secret."`
}

// testType is written `decimal` or `{type: date, pattern: …}`.
type testType struct {
	Type    string
	Pattern string
}

type testTypeForm struct {
	Type    string `yaml:"type" enum:"text,decimal,date" required:"true" doc:"Type."`
	Pattern string `yaml:"pattern" doc:"Pattern."`
}

func (t *testType) DecodeDocument(n *Node, d *Decoder) {
	var long testTypeForm
	if n.Kind() == Mapping {
		d.Decode(n, &long)
	} else {
		d.DecodeField(n, &long.Type, `enum:"text,decimal,date"`)
	}
	t.Type, t.Pattern = long.Type, long.Pattern
}

func (t *testType) DocumentType() string { return "type, or a mapping of type and pattern" }

func (t *testType) DocumentSchema(sub func(any) any) any {
	return map[string]any{"anyOf": []any{map[string]any{"enum": []any{"text", "decimal", "date"}}, sub(testTypeForm{})}}
}

type testStep struct {
	Name  string
	Value any
	At    Position
}

func (s *testStep) Variants() []Variant {
	return []Variant{
		{Name: "set", Doc: "Compute fields.", New: func() any { return new(Map[Expr]) }},
		{Name: "filter", Doc: "Keep what is true.", New: func() any { return new(Expr) }},
		{Name: "rename", Doc: "Rename fields.", New: func() any { return new(Map[Text]) }},
		{Name: "lookup", Doc: "Add fields.", New: func() any { return new(testLookup) }},
	}
}

func (s *testStep) SetVariant(name string, value any, at Position) {
	s.Name, s.Value, s.At = name, value, at
}

func (s *testStep) UnknownVariant() (Code, string) { return CodeStepUnknown, "step" }

type testLookup struct {
	Node  *Node     `yaml:"."`
	In    Text      `yaml:"in" required:"true" doc:"Table."`
	Match Map[Text] `yaml:"match" required:"true" doc:"Fields."`
	By    []string  `yaml:"by,one_or_list" doc:"Keys."`
	Many  string    `yaml:"many" enum:"quarantine,list" default:"quarantine" doc:"Several rows."`
}

type testRule struct {
	Name   string `yaml:"name" required:"true" doc:"Name."`
	Expect Expr   `yaml:"expect" required:"true" doc:"Predicate."`
}

type testGate struct {
	Name   string
	Value  any
	Extras testGateExtras
}

type testGateExtras struct {
	Otherwise string `yaml:"otherwise" enum:"block,warn" default:"block" doc:"What then."`
}

type testRecords struct {
	Min int `yaml:"min" doc:"Least."`
	Max int `yaml:"max" default:"1000" doc:"Most."`
}

type testBalanced struct {
	List  Text `yaml:"list" required:"true" doc:"Lines."`
	Total Text `yaml:"total" required:"true" doc:"Total."`
}

func (g *testGate) Variants() []Variant {
	return []Variant{
		{Name: "records", Doc: "Counts.", New: func() any { return new(testRecords) }, Bare: true},
		{Name: "balanced", Doc: "Adds up.", New: func() any { return new(testBalanced) }},
	}
}

func (g *testGate) SetVariant(name string, value any, _ Position) { g.Name, g.Value = name, value }

func (g *testGate) Beside() any { return &g.Extras }

type testSink struct {
	testTarget
	Mode string   `yaml:"mode" enum:"append,upsert,replace,history" default:"upsert" doc:"How."`
	Key  []string `yaml:"key" doc:"Key fields."`
}

type testTarget struct {
	Connection string `yaml:"connection" required:"true" doc:"A connection."`
	Stream     string `yaml:"stream" doc:"A stream."`
}

type testLimits struct {
	Share  Percent `yaml:"share" default:"1%" doc:"Share."`
	Memory Size    `yaml:"memory" default:"64MiB" doc:"Memory."`
	Amount *Text   `yaml:"amount" doc:"Text of an amount."`
}

const samplePipeline = `# yaml-language-server: $schema=.tieout/schemas/pipeline.schema.json
pipeline: appfolio_charges
description: New rent charges become one invoice per tenant and month.
schedule: { cron: "15 6 * * 1-5" }
source:
  connection: appfolio
  stream: charges
  cursor: { start: 2026-01-01 }
  fields: { rent: decimal, due: { type: date, pattern: DD/MM/YYYY } }

transforms:
  - rename: { charge_id: Id, occupancy_id: OccupancyId, gl_account: GlAccountId, rent: AmountDue }
  - lookup:
      in: appfolio.tenants
      match: { occupancy_id: OccupancyId }
      by: tenant
  - lookup:
      in: mappings/gl_accounts.csv
      match: { property_id: property, gl_account: gl_account }
      by: [a, b]
      many: list
  - set:
      period: month_of(charged_on)
      amount: prorate(rent, move_in, move_out, period)
      memo: '"Rent " + format_date(period, "YYYY-MM")'
  - filter: amount != 0
  - set:
      invoice_key: customer + "/" + format_date(period, "YYYY-MM")
      invoice_date: month_start(period)
      total: >-
        sum(lines, .amount)
        + sum(lines, .tax)

rules:
  - name: rent is not negative
    expect: all(lines, .amount >= 0)
gate:
  - balanced: { list: lines.amount, total: total }
  - records
  - records: { min: 1 }
    otherwise: warn

sink: { connection: quickbooks, stream: invoices, key: [invoice_key], mode: upsert }
`
