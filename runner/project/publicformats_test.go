package project_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tieout/tieout/runner"
	"github.com/tieout/tieout/runner/project"
)

// publicProject makes a project over the public registers, whose loads go to
// files beside it.
func publicProject(t *testing.T, pipelines ...string) (*project.Project, string) {
	t.Helper()
	data, present := publicData()
	if !present {
		fmt.Println("data: absent")
		t.Skip("data: absent; set TIEOUT_PUBLIC_DATA to the folder of the registers")
	}
	dir := t.TempDir()
	files := map[string]string{"tieout.yaml": fmt.Sprintf("tieout: 1\nproject: formats\ntimezone: UTC\nconnections:\n  public: { connector: file, path: %q }\n  out: { connector: file, path: ./out }\n", data)}
	for i, p := range pipelines {
		files[fmt.Sprintf("p%d.yaml", i)] = p
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "out"), 0o755); err != nil {
		t.Fatal(err)
	}
	return openProject(t, dir, noEnv), filepath.Join(dir, "out")
}

func loaded(t *testing.T, p *project.Project, name string, read int64) runner.Run {
	t.Helper()
	run := runPipeline(t, p, name)
	if run.Status != runner.Loaded || run.Counts.Read != read || run.Counts.Held != 0 {
		t.Errorf("%s: %s, read %d of %d, held %d: %v", name, run.Status, run.Counts.Read, read, run.Counts.Held, run.Cause)
	}
	return run
}

func linesOf(t *testing.T, dir, name string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	slices.Sort(lines)
	return lines
}

// The budget as a workbook, with the control figures of its publisher, and
// the same records again by way of Parquet and a packed file.
func TestPublicWorkbook(t *testing.T) {
	const table = `
transforms:
  - summarize: { by: [year, kind], set: { total: "sum(lines, .amount)", rows: count(lines) } }
sink: { connection: out, stream: %s.csv, mode: replace }
`
	fields := `{ year: { column: Budget Year Name, type: text }, kind: { column: Account Type, type: text }, account: { column: "Account Description", type: text }, amount: { column: Amount, type: decimal } }`
	p, out := publicProject(t,
		"pipeline: book\nsource: { connection: public, stream: oakland-budget/mayor-proposed-13-15.xlsx, fields: "+fields+" }"+fmt.Sprintf(table, "book"),
		"pipeline: to_parquet\nsource: { connection: public, stream: oakland-budget/mayor-proposed-13-15.xlsx, fields: "+fields+" }\nsink: { connection: out, stream: budget.parquet, mode: replace }\n",
		"pipeline: parquet\nsource: { connection: out, stream: budget.parquet }"+fmt.Sprintf(table, "parquet"),
		"pipeline: to_gz\nsource: { connection: public, stream: oakland-budget/mayor-proposed-13-15.xlsx, fields: "+fields+" }\nsink: { connection: out, stream: budget.jsonl.gz, mode: replace }\n",
		"pipeline: gz\nsource: { connection: out, stream: budget.jsonl.gz, fields: { amount: decimal } }"+fmt.Sprintf(table, "gz"))
	for _, name := range []string{"book", "to_parquet", "parquet", "to_gz", "gz"} {
		loaded(t, p, name, 17579)
	}
	want := []string{"FY13-14,Expense,1039006929,8305", "FY13-14,Revenue,1052690555,511", "FY14-15,Expense,1060583969,8251", "FY14-15,Revenue,1071696861,512", "year,kind,total,rows"}
	for _, name := range []string{"book.csv", "parquet.csv", "gz.csv"} {
		if got := linesOf(t, out, name); !slices.Equal(got, want) {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// Every electronic invoice adds up: its lines to the line total, and that by
// way of tax and prepayment to what is payable.
func TestPublicInvoices(t *testing.T) {
	p, out := publicProject(t, `pipeline: invoices
source:
  connection: public
  stream: "ubl-invoices/*.[xX][mM][lL]"
  name: "{file}"
  fields:
    currency: { column: LegalMonetaryTotal.PayableAmount.@currencyID, type: text }
    line_total: { column: LegalMonetaryTotal.LineExtensionAmount, type: decimal }
    exclusive: { column: LegalMonetaryTotal.TaxExclusiveAmount, type: decimal }
    inclusive: { column: LegalMonetaryTotal.TaxInclusiveAmount, type: decimal }
    prepaid: { column: LegalMonetaryTotal.PrepaidAmount, type: decimal, optional: true }
    rounding: { column: LegalMonetaryTotal.PayableRoundingAmount, type: decimal, optional: true }
    payable: { column: LegalMonetaryTotal.PayableAmount, type: decimal }
    taxes: { column: TaxTotal, type: list, fields: { amount: { column: TaxAmount, type: decimal }, currency: { column: TaxAmount.@currencyID, type: text } } }
    lines: { column: [InvoiceLine, CreditNoteLine], type: list, fields: { amount: { column: LineExtensionAmount, type: decimal } } }
transforms:
  - set:
      number: count(lines)
      line_sum: sum(lines, .amount)
  - select: [file, currency, number, line_sum, line_total, exclusive, inclusive, prepaid, rounding, payable]
rules:
  - { name: lines add up, expect: line_sum == line_total }
  - { name: payable, expect: "payable == inclusive - (prepaid ?? 0) + (rounding ?? 0)" }
sink: { connection: out, stream: invoices.csv, mode: replace }
`)
	loaded(t, p, "invoices", 18)
	lines := linesOf(t, out, "invoices.csv")
	if len(lines) != 19 || !slices.ContainsFunc(lines, func(l string) bool {
		return strings.HasPrefix(l, "ubl-tc434-example10.xml,EUR,20,229.6,229.6,") && strings.HasSuffix(l, ",250.33")
	}) {
		t.Errorf("%d: %q", len(lines), lines)
	}
	for _, want := range []string{"BIS3_Invoice_negativ.XML,DKK,1,-625743.54,", "ubl-tc434-creditnote1.xml,EUR,1,100.11,", "issue116.xml,SEK,4,700,"} {
		if !slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, want) }) {
			t.Errorf("no line begins with %s: %q", want, lines)
		}
	}
}

// The currencies in force in the list of 2024 as XML and in that of 2026 as CSV
// are the same but for those that came and went since.
func TestPublicCurrencies(t *testing.T) {
	const sink = "\nsink: { connection: out, stream: %s.csv, mode: replace }\n"
	p, out := publicProject(t,
		`pipeline: list
source:
  connection: public
  stream: currency-codes/table_a1.xml
  xml: { records: ISO_4217/CcyTbl/CcyNtry }
  fields: { entity: { column: CtryNm, type: text }, code: { column: Ccy, type: text }, number: { column: CcyNbr, type: text }, units: { column: CcyMnrUnts, type: text } }
transforms:
  - filter: code != nil
  - select: [entity, code, number, units]`+fmt.Sprintf(sink, "list"),
		`pipeline: table
source:
  connection: public
  stream: currency-codes/codes-all.csv
  fields: { entity: { column: Entity, type: text }, code: { column: AlphabeticCode, type: text }, number: { column: NumericCode, type: text }, units: { column: MinorUnit, type: text }, gone: { column: WithdrawalDate, type: text } }
transforms:
  - filter: gone == nil and code != nil
  - select: [entity, code, number, units]`+fmt.Sprintf(sink, "table"))
	loaded(t, p, "table", 449)
	if run := runPipeline(t, p, "list"); run.Status != runner.Loaded {
		t.Fatalf("%s: %v", run.Status, run.Cause)
	}
	only := func(a, b []string) string {
		a = slices.DeleteFunc(a, func(code string) bool { return slices.Contains(b, code) })
		return strings.Join(a, " ")
	}
	list, table := codesOf(linesOf(t, out, "list.csv")), codesOf(linesOf(t, out, "table.csv"))
	if len(list) < 170 || only(slices.Clone(list), table) != "ANG BGN CUC" || only(slices.Clone(table), list) != "XAD XCG" {
		t.Errorf("%d codes in the XML, %d in the CSV: %q %q", len(list), len(table), only(slices.Clone(list), table), only(slices.Clone(table), list))
	}
}

// codesOf lists the values of the last but two columns.
func codesOf(lines []string) (codes []string) {
	for _, l := range lines {
		parts := strings.Split(l, ",")
		if code := parts[len(parts)-3]; code != "code" {
			codes = append(codes, code)
		}
	}
	slices.Sort(codes)
	return slices.Compact(codes)
}
