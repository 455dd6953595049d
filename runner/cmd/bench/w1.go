package main

import (
	"fmt"
	"os"
	"path/filepath"
)

const w1Columns = `charge_id bigint, lease_id text, property_code text, unit_no text, tenant_name text, charge_type text,
	period_start date, period_end date, occupied_from date, gross_amount numeric(12,2), currency text, memo text`

// w1Answer computes the right answer in the server's own exact numbers.
const w1Answer = `INSERT INTO bench_exact SELECT r.*,
	round(gross_amount * (period_end - greatest(period_start, coalesce(occupied_from, period_start)) + 1) / (period_end - period_start + 1), 2),
	upper(property_code) || '-' || unit_no || '-' || to_char(period_start, 'YYYYMM')
	FROM bench_raw r WHERE charge_type <> 'VOID' AND gross_amount > 0 AND currency IN ('USD','CAD','GBP','EUR') AND period_end >= period_start`

// w1Wrong counts rows that are missing, too many, or different in any column
// that was computed.
const w1Wrong = `SELECT count(*) FILTER (WHERE t.charge_id IS NULL), count(*) FILTER (WHERE e.charge_id IS NULL),
	count(*) FILTER (WHERE t.prorated_amount <> e.prorated_amount OR t.gl_ref <> e.gl_ref OR t.memo IS DISTINCT FROM e.memo OR t.gross_amount <> e.gross_amount)
	FROM bench_exact e FULL JOIN %s t USING (charge_id)`

const benchProject = `tieout: 1
project: bench
connections:
  data: { connector: file, path: "${env:BENCH_DIR}" }
  db: { connector: postgres, url: "${env:BENCH_URL}" }
`

const w1Fields = `  fields:
    charge_id: { type: integer, column: Charge ID }
    lease_id: { type: text, column: Lease Ref }
    property_code: { type: text, column: Prop Code }
    gross_amount: { type: decimal, column: Amt, scale: 2 }
    period_start: date
    period_end: date
    occupied_from: date
`

const w1Steps = `transforms:
  - filter: charge_type != "VOID"
  - set:
      prorated_amount: prorate_over(gross_amount, occupied_from, nil, period_start, period_end)
      gl_ref: upper(property_code) + "-" + unit_no + "-" + format_date(period_start, "YYYYMM")
rules:
  - { name: amount is positive, expect: gross_amount > 0 }
  - { name: currency is known, expect: 'currency in ["USD", "CAD", "GBP", "EUR"]' }
  - { name: period does not end before it starts, expect: period_end >= period_start }
gate:
  - records: { min: 1 }
  - quarantined: { max: 1%, allow: 5 }
  - totals: { of: gross_amount, equal: gross_amount }
`

// w1 is CSV to PostgreSQL with a filter, exact proration, three rules and a
// gate, beside \copy of the same file without any of it.
func (b *bench) w1() error {
	sizes := []int{b.rows}
	if b.large {
		sizes = append(sizes, 5*b.rows)
	}
	for _, rows := range sizes {
		if err := b.w1Size(rows); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) w1Size(rows int) error {
	csv := filepath.Join(b.dir, "charges.csv")
	if b.csv != "" {
		if err := os.Symlink(b.csv, csv); err != nil {
			return err
		}
	} else if err := writeCharges(csv, rows, b.seed); err != nil {
		return err
	}
	defer os.Remove(csv)
	project := filepath.Join(b.dir, fmt.Sprintf("w1-%d", rows))
	if err := b.w1Project(project); err != nil {
		return err
	}
	if err := b.w1Tables(); err != nil {
		return err
	}
	pass := `SELECT count(*) FILTER (WHERE t.charge_id IS NULL), count(*) FILTER (WHERE e.charge_id IS NULL), 0 FROM bench_raw e FULL JOIN bench_pass t USING (charge_id)`
	copyIn := func(table string) []string {
		return []string{"psql", b.url, "-qX", "-v", "ON_ERROR_STOP=1", "-c", fmt.Sprintf("\\copy %s from '%s' csv header", table, csv)}
	}
	anchor := &contestant{name: "psql \\copy, unlogged, no transform (anchor)", before: "truncate bench_raw", command: copyIn("bench_raw")}
	list := []*contestant{
		anchor,
		{name: "tieout, full job, unlogged", before: "truncate bench_target", command: []string{b.tieout, "-C", project, "run", "full"}, check: b.exactly(fmt.Sprintf(w1Wrong, "bench_target"))},
		{name: "tieout, full job, logged", before: "truncate bench_logged", command: []string{b.tieout, "-C", project, "run", "logged"}, check: b.exactly(fmt.Sprintf(w1Wrong, "bench_logged"))},
		{name: "tieout, types only, unlogged", before: "truncate bench_pass", command: []string{b.tieout, "-C", project, "run", "pass"}, check: b.exactly(pass)},
		{name: "psql \\copy again (A/A)", before: "truncate bench_again", command: copyIn("bench_again")},
	}
	if _, err := b.time(anchor.command); err != nil {
		return err
	}
	if _, err := b.db.Exec(w1Answer); err != nil {
		return err
	}
	if _, err := b.db.Exec("create unique index on bench_exact (charge_id)"); err != nil {
		return err
	}
	if err := b.compare(b.runs, list); err != nil {
		return err
	}
	table(fmt.Sprintf("W1: CSV to PostgreSQL, %d rows", rows), rows, anchor, list)
	return nil
}

func (b *bench) w1Project(dir string) error {
	files := map[string]string{"tieout.yaml": benchProject}
	for name, target := range map[string]string{"full": "bench_target", "logged": "bench_logged"} {
		files[name+".yaml"] = "pipeline: " + name + "\nsource:\n  connection: data\n  stream: charges.csv\n" + w1Fields + w1Steps +
			"sink: { connection: db, stream: " + target + ", mode: append }\n"
	}
	files["pass.yaml"] = "pipeline: pass\nsource:\n  connection: data\n  stream: charges.csv\n" + w1Fields + "sink: { connection: db, stream: bench_pass, mode: append }\n"
	return writeFiles(dir, files)
}

func writeFiles(dir string, files map[string]string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) w1Tables() error {
	for _, q := range []string{
		"drop table if exists bench_raw, bench_again, bench_pass, bench_target, bench_logged, bench_exact",
		"create unlogged table bench_raw (" + w1Columns + ")", "create unlogged table bench_again (like bench_raw)", "create unlogged table bench_pass (like bench_raw)",
		"create unlogged table bench_target (" + w1Columns + ", prorated_amount numeric(12,2), gl_ref text)",
		"create table bench_logged (like bench_target)", "create unlogged table bench_exact (like bench_target)",
	} {
		if _, err := b.db.Exec(q); err != nil {
			return fmt.Errorf("%s: %w", q, err)
		}
	}
	return nil
}

// exactly wants nothing missing, nothing extra and nothing wrong.
func (b *bench) exactly(query string) func() error {
	return func() error {
		var missing, extra, wrong int64
		if err := b.db.QueryRow(query).Scan(&missing, &extra, &wrong); err != nil {
			return err
		}
		if missing+extra+wrong != 0 {
			return fmt.Errorf("%d rows missing, %d extra, %d wrong", missing, extra, wrong)
		}
		return nil
	}
}
