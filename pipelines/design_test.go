package pipelines_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/tieout/tieout/pipelines"
	"github.com/tieout/tieout/schemas/decimal"
	"github.com/tieout/tieout/schemas/document"
	"github.com/tieout/tieout/schemas/record"
)

// A pipeline with every part there is.
const full = `pipeline: charges_to_ledger
description: New rent charges become one invoice for each tenant and month.
owner: finance-ops@example.com
notify: finance
timezone: America/Chicago
schedule: { cron: "15 6 * * 1-5" }                 # catch_up last, overlap skip
money: { amounts: [rent, amount, total], currency: USD, rounding: half_up }

source:
  connection: app
  stream: charges
  key: [Id]
  fields:
    Id: text
    TenantId: text
    GlAccount: text
    AmountDue: { type: decimal, minor_units: true }
    ChargedOn: { column: [ChargedOn, ChargeDate], type: date }
    MoveInOn: date
    MoveOutOn: { type: date, optional: true }

transforms:
  - rename: { charge_id: Id, customer: TenantId, gl_account: GlAccount, rent: AmountDue, charged_on: ChargedOn }
  - lookup:
      in: mappings/accounts.csv
      match: { gl_account: account }
      add: { item: item, class: class }
      missing: quarantine
  - set:
      period: month_of(charged_on)
      amount: prorate(rent, MoveInOn, MoveOutOn, period)
      memo: '"Rent " + format_date(period, "YYYY-MM")'
      # with a comma inside, an expression stands in block form
      fee: |
        if amount > 100 {
          round(amount * 0.05, 2)
        } else { 0 }
  - filter: amount != 0
  - group:
      by: [customer, period]
      set:
        invoice_key: customer + "/" + format_date(period, "YYYY-MM")
        invoice_date: month_start(period)
        total: sum(lines, .amount)
      lines: { amount: amount, item: item, class: class, description: memo }
  - allocate: { amount: total, of: lines, by: amount, set: share }

rules:
  - name: rent is not negative
    expect: all(lines, .amount >= 0)
  - { name: total is known, expect: total != nil, otherwise: warn }
gate:
  - balanced: { list: lines.amount, total: total }
  - totals: { of: total, equal: "sum(lines, .share)", by: [period] }
  - unique: [invoice_key]
  - quarantined: { max: 1%, allow: 5 }
  - change: { of: total, against: { runs: 5 }, within: 20% }
    otherwise: warn
  - fresh: { field: invoice_date, within: 40d }
  - open_period: { field: invoice_date, from: month_start(run.date) }

sink: { connection: erp, stream: invoices, key: [invoice_key], mode: upsert }
`

func TestFullPipeline(t *testing.T) {
	text := full
	w := load(pipelines.Options{Tables: tableOf("account", "item", "class")}, "tieout.yaml", project, "p.yaml", text)
	clean(t, w)
	p := w.Pipelines[0]
	var r document.Report
	compiled := p.Compile(p.SourceShape(), p.Context(pipelines.Values{}, tableOf("account", "item", "class"), &r))
	if compiled == nil {
		t.Fatal(r.Diagnostics())
	}
	if got := strings.Join(compiled.Out.Names(), " "); got != "customer period invoice_key invoice_date total lines" {
		t.Error(got)
	}
	if got := strings.Join(compiled.Names, " "); got != "rename lookup set filter group allocate" {
		t.Error(got)
	}
	if f, _ := p.Source.Fields.Get("AmountDue"); f.Digits() != 2 || !f.MinorUnits {
		t.Error("minor units are two digits")
	}
}

func tableOf(columns ...string) fixedTable { return fixedTable(columns) }

type fixedTable []string

func (c fixedTable) Shape(string) (*record.Shape, error) {
	var fields []record.Field
	for _, name := range c {
		fields = append(fields, record.NewField(name, record.Text))
	}
	return record.NewShape(fields...)
}

func (c fixedTable) Rows(string) (*record.Batch, error) { return nil, nil }

// What the language will have, and this version does not run, is said in
// plain words and not taken for a slip of the pen.
func TestLater(t *testing.T) {
	tests := []struct{ name, projectText, text, want string }{
		{"vendors", strings.Replace(project, "connector: feed", "connector: appfolio", 1), rentRoll, `tieout.yaml:8:21 yaml.bad_choice this version has no connector "appfolio"`},
		{"sync", project, "sync: invoices\nleft: a\n", `p.yaml:1:1 yaml.unknown_key this version of tieout does not run documents of the kind "sync" yet`},
		{"reconcile", project, "reconcile: books\n", `p.yaml:1:1 yaml.unknown_key this version of tieout does not run documents of the kind "reconcile" yet`},
		{"connector", project, "connector: appfolio\n", `p.yaml:1:1 yaml.unknown_key this version of tieout does not run documents of the kind "connector" yet`},
		{"test", project, "test: rent_roll\n", `p.yaml:1:1 yaml.unknown_key this version of tieout does not run documents of the kind "test" yet`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := load(pipelines.Options{}, "tieout.yaml", tt.projectText, "p.yaml", tt.text)
			found := w.Report.Diagnostics()
			if !slices.ContainsFunc(found, func(d document.Diagnostic) bool { return d.String() == tt.want }) {
				t.Errorf("want %s\ngot %v", tt.want, found)
			}
		})
	}
}

// A binary float that becomes an amount without a rounding is found once the
// source has told what its columns are.
func TestFloatAmount(t *testing.T) {
	const text = `pipeline: p
money: { amounts: [amount, net], currency: USD }
source: { connection: warehouse, stream: charges, fields: { id: text } }
transforms:
  - set: { net: "round(amount, 2)" }
sink: { connection: books, stream: charges, key: [id] }
`
	w := load(pipelines.Options{}, "tieout.yaml", project, "p.yaml", text)
	if err := w.Report.Err(); err != nil {
		t.Fatal(err)
	}
	p := w.Pipelines[0]
	inexact := record.NewField("amount", record.Decimal)
	inexact.Inexact = true
	for want, field := range map[string]record.Field{
		"p.yaml:2:20 source.float_amount \"amount\" comes from a binary float, which is not exact": inexact,
		"": record.NewField("amount", record.Decimal),
	} {
		var r document.Report
		compiled := p.Compile(record.MustShape(record.NewField("id", record.Text), field), p.Context(pipelines.Values{}, nil, &r))
		var got string
		for _, d := range r.Diagnostics() {
			got = d.String()
		}
		if got != want || (compiled == nil) == (want == "") {
			t.Errorf("want %q, got %q %v", want, got, r.Diagnostics())
		}
	}
}

func TestMoney(t *testing.T) {
	for currency, fixed := range map[string]bool{"USD": true, "usd": false, "currency": false, "": false, "US1": false, "EURO": false} {
		m := pipelines.Money{Currency: document.TextAt(currency, document.Position{})}
		if m.FixedCurrency() != fixed {
			t.Errorf("%q", currency)
		}
	}
	var none *pipelines.Money
	if none.FixedCurrency() {
		t.Error("no money has no currency")
	}
	for currency, places := range map[string]int32{"USD": 2, "JPY": 0, "KWD": 3, "rent_currency": 2} {
		text := strings.Replace(rentRoll, "source:", "money: { amounts: rent, currency: "+currency+", rounding: half_even }\nsource:", 1)
		w := load(pipelines.Options{}, "tieout.yaml", project, "p.yaml", text)
		if env := w.Pipelines[0].Env(pipelines.Values{}); env.Money.Places != places || env.Money.Mode != decimal.HalfEven {
			t.Errorf("%s: %+v", currency, env.Money)
		}
	}
}

func TestCron(t *testing.T) {
	good := []string{"15 6 * * 1-5", "*/15 * * * *", "0 0 1,15 * *", "0 0 29 2 *", "0 22 * JAN-MAR mon", "0-30/10 8-18 * * 0,7", "0 0 30 2 1", "59 23 31 12 *", "0\t6  * * *"}
	bad := []string{"", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * 32 * *", "* * * 13 *", "* * * * 8", "5-1 * * * *", "*/0 * * * *", "*/60 * * * *", "5/10 * * * *",
		"a * * * *", "-1 * * * *", "+1 * * * *", "1, * * * *", "* * * ANU *", "0 0 30 2 *", "0 0 31 APR *", "@daily", "* * * * MONDAY"}
	for _, text := range append(slices.Clone(good), bad...) {
		w := load(pipelines.Options{}, "tieout.yaml", project, "p.yaml", strings.Replace(rentRoll, "source:", "schedule: { cron: '"+text+"' }\nsource:", 1))
		if got, want := w.Report.Err() == nil, slices.Contains(good, text); got != want {
			t.Errorf("%q: fine %v, want %v: %v", text, got, want, w.Report.Diagnostics())
		}
	}
}
