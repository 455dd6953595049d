package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
)

const w4Pipeline = `pipeline: invoices
source:
  connection: data
  stream: invoices.jsonl
  fields: { Amt: decimal, days_in_period: integer, days_occupied: integer, ChargeID: integer }
transforms:
  - filter: Type != "VOID"
  - set:
      charge_id: ChargeID
      lease_id: LeaseRef
      property_code: Prop.code
      unit: Prop.address.unit
      city: Prop.address.city
      prorated_amount: round(Amt * days_occupied / days_in_period, 2)
      gl_ref: upper(Prop.code) + "-" + Prop.address.unit + "-" + period
  - select: [charge_id, lease_id, property_code, unit, city, currency, memo, prorated_amount, gl_ref]
sink: { connection: data, stream: invoices-out.jsonl, mode: replace }
`

// w4 is JSON lines to JSON lines.
func (b *bench) w4() error {
	rows := b.rows / 2
	in, out := filepath.Join(b.dir, "invoices.jsonl"), filepath.Join(b.dir, "invoices-out.jsonl")
	if err := writeInvoices(in, rows, b.seed); err != nil {
		return err
	}
	project := filepath.Join(b.dir, "w4")
	if err := writeFiles(project, map[string]string{"tieout.yaml": benchProject, "invoices.yaml": w4Pipeline}); err != nil {
		return err
	}
	c := &contestant{name: "tieout", command: []string{b.tieout, "-C", project, "run", "invoices", "--full-refresh"}, check: func() error { return checkInvoices(in, out) }}
	for range b.runs {
		os.Remove(out)
		if err := b.compare(1, []*contestant{c}); err != nil {
			return err
		}
	}
	table(fmt.Sprintf("W4: JSON lines to JSON lines, %d rows", rows), rows, c, []*contestant{c})
	return nil
}

type invoiceIn struct {
	ChargeID int64
	Type     string
	Amt      string
	In       int64 `json:"days_in_period"`
	Occupied int64 `json:"days_occupied"`
}

type invoiceOut struct {
	ID       int64  `json:"charge_id"`
	Prorated string `json:"prorated_amount"`
}

// checkInvoices computes every amount again with rationals.
func checkInvoices(in, out string) error {
	want := make(map[int64]string)
	err := eachLine(in, func(line []byte) error {
		var r invoiceIn
		if err := json.Unmarshal(line, &r); err != nil || r.Type == "VOID" {
			return err
		}
		amount, ok := new(big.Rat).SetString(r.Amt)
		if !ok {
			return fmt.Errorf("amount %q", r.Amt)
		}
		// All amounts of this job are positive, where FloatString rounds half up.
		want[r.ChargeID] = amount.Mul(amount, big.NewRat(r.Occupied, r.In)).FloatString(2)
		return nil
	})
	if err != nil {
		return err
	}
	wrong := 0
	err = eachLine(out, func(line []byte) error {
		var r invoiceOut
		if err := json.Unmarshal(line, &r); err != nil {
			return err
		}
		if want[r.ID] != r.Prorated {
			wrong++
		}
		delete(want, r.ID)
		return nil
	})
	if err == nil && (wrong > 0 || len(want) > 0) {
		err = fmt.Errorf("%d amounts wrong, %d records missing", wrong, len(want))
	}
	return err
}

func eachLine(path string, fn func([]byte) error) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	s := bufio.NewScanner(f)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		if err := fn(s.Bytes()); err != nil {
			return err
		}
	}
	return s.Err()
}

const w5Pipeline = `pipeline: small_%d
source:
  connection: data
  stream: small.csv
  fields: { id: integer, rent: decimal, move_in: date, charged_on: date }
transforms:
  - filter: rent != 0
  - set:
      due: prorate(rent, move_in, nil, month_of(charged_on))
      label: upper(text(id)) + "-" + format_date(charged_on, "YYYY-MM")
      half: round(rent / 2, 2)
rules:
  - { name: rent is not negative, expect: rent >= 0 }
  - { name: due is not more than the rent, expect: due <= rent }
sink: { connection: data, stream: small-out.csv, key: [id], mode: upsert }
`

// w5 is start-up: the version, an empty pipeline, a thousand files checked.
func (b *bench) w5() error {
	one, many := filepath.Join(b.dir, "w5"), filepath.Join(b.dir, "w5-1000")
	files := map[string]string{"tieout.yaml": benchProject}
	for i := range 1000 {
		files[fmt.Sprintf("p%04d.yaml", i)] = fmt.Sprintf(w5Pipeline, i)
	}
	if err := writeFiles(many, files); err != nil {
		return err
	}
	if err := writeFiles(one, map[string]string{"tieout.yaml": benchProject, "p.yaml": fmt.Sprintf(w5Pipeline, 1)}); err != nil {
		return err
	}
	if err := writeFiles(b.dir, map[string]string{"small.csv": "id,rent,move_in,charged_on\n1,100.00,2026-01-15,2026-01-01\n"}); err != nil {
		return err
	}
	list := []*contestant{
		{name: "version", command: []string{b.tieout, "version"}},
		{name: "a pipeline of one record", command: []string{b.tieout, "-C", one, "run", "small_1"}},
		{name: "validate 1,000 files", command: []string{b.tieout, "-C", many, "validate"}},
	}
	if err := b.compare(b.runs, list); err != nil {
		return err
	}
	info, err := os.Stat(b.tieout)
	if err != nil {
		return err
	}
	table(fmt.Sprintf("W5: start-up; the binary has %d MB", info.Size()>>20), 1, list[0], list)
	return nil
}
