package sql

import (
	"context"
	"math"
	"slices"
	"strings"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/record"
)

// ledger finds or creates the two tables.
func (d *sqliteDB) ledger(ctx context.Context, s *session, create bool) (*ledger, error) {
	l, err := ledgerIn(s, &d.words, "main")
	if err != nil {
		return nil, err
	}
	var there bool
	err = s.get(ctx, "SELECT count(*) = 2 FROM main.sqlite_schema WHERE type = 'table' AND name IN ('tieout_loads', 'tieout_positions')", nil, &there)
	switch {
	case err != nil:
		return nil, s.wrap(err, "look for the ledger tables")
	case there:
		return l, nil
	case !create:
		return nil, nil
	}
	statements := append([]string{"BEGIN IMMEDIATE"}, l.ddl(&d.words)...)
	for _, statement := range append(statements, "COMMIT") {
		if err := s.exec(ctx, "create the ledger tables", statement); err != nil {
			return nil, err
		}
	}
	return l, nil
}

// script gives the statements that create the tables.
func (d *sqliteDB) script() ([]string, error) {
	l, err := ledgerIn(nil, &d.words, "")
	if err != nil {
		return nil, err
	}
	return l.ddl(&d.words), nil
}

// locked takes the one write lock of the file.
func (d *sqliteDB) locked(ctx context.Context, s *session) error {
	return s.exec(ctx, "begin", "BEGIN IMMEDIATE")
}

// begin checks the target and makes the staging table, which is in a
// temporary file of its own: the target is not locked while rows come in.
func (d *sqliteDB) begin(ctx context.Context, s *session, load connectors.Load, r *refusals) (loader, error) {
	plan, err := d.target(ctx, s, load)
	if err != nil {
		return nil, err
	}
	if err := plan.finish(&load); err != nil {
		return nil, err
	}
	plan.stage = "temp.tieout_stage"
	if len(plan.keys) > 0 {
		plan.sought = "CREATE INDEX temp.tieout_key ON tieout_stage (" + plan.keyList() + ")"
	}
	if err := s.exec(ctx, "create the staging table", liteStage(plan, plan.keys)); err != nil {
		return nil, err
	}
	if err := s.exec(ctx, "begin staging", "BEGIN DEFERRED"); err != nil {
		return nil, err
	}
	return newStager(ctx, s, plan, r)
}

// liteStage writes the CREATE of a temporary table. Its columns without a type
// keep every value as it was bound; those of the key have the target's
// affinity, as an index on others would not be used to compare them.
func liteStage(p *plan, keys []int) string {
	text := "CREATE TEMP TABLE " + strings.TrimPrefix(p.stage, "temp.") + " (" + rowColumn + " INTEGER PRIMARY KEY"
	for i := range p.columns {
		text += ", " + p.columns[i].quoted
		if slices.Contains(keys, i) && p.columns[i].affinity != "BLOB" {
			text += " " + p.columns[i].affinity
		}
	}
	return text + ")"
}

// present brings keys into a temporary table.
func (d *sqliteDB) present(ctx context.Context, s *session, keys, load *plan, k *kept) (string, error) {
	var all []int
	for i := range keys.columns {
		all = append(all, i)
	}
	if err := s.exec(ctx, "create the table of keys", liteStage(keys, all)); err != nil {
		return "", err
	}
	t, err := newStager(ctx, s, keys, &refusals{most: math.MaxInt})
	if err != nil {
		return "", err
	}
	if err := k.batches(func(b *record.Batch) error { return t.write(ctx, b) }); err != nil {
		return "", err
	}
	return keys.stage, t.close()
}
